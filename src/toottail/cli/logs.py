"""The log: on standard error, warnings only unless asked for more, and never with a secret in it.

Our own lines (structlog) and those of libraries (logging) take the same way out. A traceback is
shown where details were asked for; otherwise one line says what failed. With
``TOOTTAIL_LOG_FORMAT=json`` each line is a JSON object, for programs that collect logs.
"""

from __future__ import annotations

import json
import logging
import os
import sys
from typing import TextIO

import structlog
from structlog.typing import EventDict, Processor, WrappedLogger

from toottail.errors import SettingsError

LEVELS = ("debug", "info", "warning", "error")
FORMATS = ("text", "json")
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
            # In JSON it may stand with signs escaped.
            for written in (secret, json.dumps(secret)[1:-1]):
                text = text.replace(written, "***")
        return text


def configure(level: str, *, verbose: bool) -> None:
    """Sets up the log at ``level``, one of `LEVELS`; ``verbose`` means at least "info".

    ``TOOTTAIL_LOG_FORMAT`` names one of `FORMATS`. Raises `SettingsError` for another level or
    format.
    """
    global _detailed
    written_as = (os.environ.get("TOOTTAIL_LOG_FORMAT") or "text").lower()
    for name, value, known in (
        ("TOOTTAIL_LOG", level.lower(), LEVELS),
        ("TOOTTAIL_LOG_FORMAT", written_as, FORMATS),
    ):
        if value not in known:
            raise SettingsError(f"{name} is {value!r}; it may be one of {', '.join(known)}")
    number = getattr(logging, level.upper())
    if verbose:
        number = min(number, logging.INFO)
    _detailed = number < logging.WARNING
    shared = _shared(written_as)
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
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            processors=[
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                _all_of_it if _detailed else _in_one_line,
                *_rendering(written_as),
            ],
            foreign_pre_chain=shared,
        )
    )
    logging.basicConfig(handlers=[handler], level=number, force=True)


def _shared(written_as: str) -> list[Processor]:
    """What is added to each line, ours or a library's."""
    added: list[Processor] = [structlog.stdlib.add_log_level]
    if written_as == "json":
        stamp = structlog.processors.TimeStamper(fmt="iso", utc=True)
        return [*added, structlog.stdlib.add_logger_name, stamp]
    return [*added, structlog.processors.TimeStamper(fmt="%H:%M:%S", utc=False)]


def _rendering(written_as: str) -> list[Processor]:
    """How a line is written. Rich tracebacks would show local variables, tokens among them."""
    if written_as == "json":
        renderer = structlog.processors.JSONRenderer(default=str, ensure_ascii=False)
        return [structlog.processors.format_exc_info, renderer]
    return [
        structlog.dev.ConsoleRenderer(
            colors=sys.stderr.isatty(), exception_formatter=structlog.dev.plain_traceback
        )
    ]


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
