"""The log: on standard error, warnings only unless asked for more, and never with a secret in it.

Our own lines (structlog) and those of libraries (logging) take the same way out. A traceback is
shown where details were asked for; otherwise one line says what failed.
"""

from __future__ import annotations

import logging
import sys
from typing import TextIO

import structlog
from structlog.typing import EventDict, WrappedLogger

from toottail.errors import SettingsError

LEVELS = ("debug", "info", "warning", "error")
_secrets: list[str] = []
_detailed = False


class _StandardError(logging.StreamHandler[TextIO]):
    """Writes to whatever ``sys.stderr`` is now: a live display puts itself in its place."""

    def emit(self, record: logging.LogRecord) -> None:
        self.stream = sys.stderr
        super().emit(record)

    def format(self, record: logging.LogRecord) -> str:
        text = super().format(record)
        for secret in _secrets:
            text = text.replace(secret, "***")
        return text


def configure(level: str, *, verbose: bool) -> None:
    """Sets up the log at ``level``, one of `LEVELS`; ``verbose`` means at least "info".

    Raises `SettingsError` for another level.
    """
    global _detailed
    if level.lower() not in LEVELS:
        raise SettingsError(f"TOOTTAIL_LOG is {level!r}; it may be one of {', '.join(LEVELS)}")
    number = getattr(logging, level.upper())
    if verbose:
        number = min(number, logging.INFO)
    _detailed = number < logging.WARNING
    shared: list[structlog.typing.Processor] = [
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt="%H:%M:%S", utc=False),
    ]
    structlog.configure(
        processors=[
            structlog.stdlib.filter_by_level,
            *shared,
            structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
        ],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=True,
    )
    handler = _StandardError()
    # Rich tracebacks would show local variables, tokens among them.
    renderer = structlog.dev.ConsoleRenderer(
        colors=sys.stderr.isatty(), exception_formatter=structlog.dev.plain_traceback
    )
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            processors=[
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                _all_of_it if _detailed else _in_one_line,
                renderer,
            ],
            foreign_pre_chain=shared,
        )
    )
    logging.basicConfig(handlers=[handler], level=number, force=True)


def hide(secret: str) -> None:
    """From now on ``secret`` is shown as ``***``, wherever it should get into the log."""
    _secrets.append(secret)


def tell_fault(error: Exception) -> None:
    """Says that ``error`` is a mistake in TootTail itself, and how to see more of it."""
    log = structlog.get_logger("toottail")
    log.error("this is a fault in TootTail itself, sorry", exc_info=error)
    if not _detailed:
        log.error("to report it, run the same with --verbose and send what it shows")


def _all_of_it(_logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
    return event


def _in_one_line(_logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
    error = event.pop("exc_info", None)
    if error is True:
        error = sys.exc_info()
    if isinstance(error, tuple):
        error = error[1]
    if isinstance(error, BaseException):
        event["error"] = f"{type(error).__name__}: {error}".splitlines()[0]
    return event
