"""Runs what goes on until it is told to stop, and ends it in order."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from contextlib import suppress
from typing import Any

import uvloop

from toottail.cli.interrupts import Interrupted, signals

STOP_WITHIN = 9.0
"""Seconds that the work gets to end by itself; service managers often give ten."""

Work = Callable[[asyncio.Event], Coroutine[Any, Any, None]]


def run(work: Work) -> int:
    """Runs ``work`` until it ends, or a signal comes and sets the event that it gets; exit code 0.

    Ctrl-C and SIGTERM are how such a command ends, so they are no failure. A second one ends the
    process at once. Raises what ``work`` raises.
    """
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(_guarded(work))
    return 0


async def _guarded(work: Work) -> None:
    loop = asyncio.get_running_loop()
    stop = asyncio.Event()

    def on_signal() -> None:
        loop.call_soon_threadsafe(stop.set)

    signals.on_first(on_signal)
    working = asyncio.create_task(work(stop), name="work")
    waiting = asyncio.create_task(stop.wait(), name="stop")
    try:
        await asyncio.wait((working, waiting), return_when=asyncio.FIRST_COMPLETED)
        if not working.done():
            _, late = await asyncio.wait((working,), timeout=STOP_WITHIN)
            for task in late:
                task.cancel()
        await asyncio.gather(working, return_exceptions=True)
    finally:
        waiting.cancel()
        with suppress(Interrupted):
            signals.on_first(None)
    if not working.cancelled():
        working.result()
