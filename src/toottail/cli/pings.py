"""Telling monitors that a run begins, went well or failed (``--on-start``, ``--on-done``, …).

A monitor that cannot be told is a line in the log, and never the run's business.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING
from uuid import uuid4

import structlog
from pydantic import SecretStr

from toottail.cli import logs
from toottail.cli.interrupts import Interrupted, signals
from toottail.errors import (
    RemoteError,
    ServerFault,
    SettingsError,
    TootTailError,
    Unreachable,
    UsageError,
)
from toottail.settings import Settings, load

if TYPE_CHECKING:
    from toottail.servers.monitors import Monitor

MOMENTS = ("on_start", "on_done", "on_fail")
"""Names of the settings, and of the options, that hold a monitor's URL."""
_LONGEST_MESSAGE = 200
# Shorter ones are words like "/ping", which hiding would only tear out of other lines.
_SHORTEST_SECRET = 8


def pinged(run: Callable[[], int], config: Path | None, options: Mapping[str, str | None]) -> int:
    """Runs ``run`` and returns its exit code; the monitors are told before and after.

    ``options`` are the URLs given at the shell, by their moment; they win over the settings, which
    are read with ``config``. Raises `UsageError` for one that cannot be a monitor's, and whatever
    ``run`` raises.
    """
    try:
        settings = load(config)
    except SettingsError:
        return run()  # which says so in the way it was asked to
    watch = _Watch(settings, _monitors(settings, options))
    try:
        watch.tell("on_start", {})
        code = run()
    except BaseException as error:
        watch.failed(_exit_code(error), _words(error))
        raise
    if code == 0:
        watch.tell("on_done", watch.end("finished"))
    else:
        watch.failed(code, "not finished, or with --strict servers told nothing")
    return code


def _monitors(settings: Settings, options: Mapping[str, str | None]) -> dict[str, Monitor]:
    given = {moment: options.get(moment) or getattr(settings, moment) for moment in MOMENTS}
    urls = {
        moment: url.get_secret_value() if isinstance(url, SecretStr) else str(url)
        for moment, url in given.items()
        if url
    }
    if not urls:
        return {}
    # Needs the HTTP library, which takes its time to load.
    from toottail.servers.monitors import parse_monitor

    found = {}
    for moment, url in urls.items():
        try:
            found[moment] = parse_monitor(url, settings.lan_monitors)
        except UsageError as wrong:
            option, variable = f"--{moment.replace('_', '-')}", f"TOOTTAIL_{moment.upper()}"
            raise UsageError(f"{option} (or {variable}) {wrong}") from None
        _hide(url)
    return found


def _hide(url: str) -> None:
    logs.hide(url)
    path = "/" + url.partition("://")[2].partition("/")[2]
    if len(path) >= _SHORTEST_SECRET:
        logs.hide(path)


@dataclass
class _Watch:
    """One run, as its monitors see it."""

    settings: Settings
    monitors: Mapping[str, Monitor]
    run_id: str = field(default_factory=lambda: str(uuid4()))
    began: float = field(default_factory=time.monotonic)

    def end(self, message: str) -> dict[str, str]:
        """The parameters that tell how a run ended: its duration in milliseconds, and a message."""
        took = int((time.monotonic() - self.began) * 1000)
        return {"ping": str(took), "msg": message[:_LONGEST_MESSAGE]}

    def failed(self, code: int, why: str) -> None:
        """Tells that the run ended with the exit code ``code``."""
        self.tell("on_fail", self.end(f"exit code {code}: {why}") | {"exit_code": str(code)})

    def tell(self, moment: str, told: Mapping[str, str]) -> None:
        """Pings the monitor of that moment, if there is one; twice if the first one got lost."""
        monitor = self.monitors.get(moment)
        if monitor is None:
            return
        from toottail.servers.monitors import ping

        # Who stops a service gives it ten seconds or so: then there is time for one ping.
        last = signals.received is not None
        while True:
            try:
                asyncio.run(ping(self.settings, monitor, {"rid": self.run_id, **told}))
            except RemoteError as error:
                if not last and isinstance(error, Unreachable | ServerFault):
                    last = True
                    continue
                log = structlog.get_logger("toottail")
                log.warning("a monitor was not told", moment=moment, error=str(error))
            return


def _exit_code(error: BaseException) -> int:
    if isinstance(error, Interrupted):
        return error.exit_code
    return 2 if isinstance(error, UsageError) else 1


def _words(error: BaseException) -> str:
    if isinstance(error, TootTailError | Interrupted):
        return str(error).partition("\n")[0]
    if isinstance(error, OSError) and error.strerror:
        return error.strerror
    return f"a fault in TootTail itself ({type(error).__name__})"
