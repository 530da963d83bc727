"""Runs a command's coroutine in an event loop, and ends it in order when a signal comes."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any, TypeVar

import uvloop

from toottail.cli.interrupts import Interrupted, signals

_Result = TypeVar("_Result")


def run(work: Coroutine[Any, Any, _Result], on_stop: Callable[[], None] = lambda: None) -> _Result:
    """What ``work`` returns. ``on_stop`` is called when it is asked to stop.

    Raises `Interrupted` when a signal cancelled it, whatever error its clean-up ran into.
    """

    async def guarded() -> _Result:
        loop = asyncio.get_running_loop()
        task = asyncio.ensure_future(work)

        def stop() -> None:
            loop.call_soon_threadsafe(task.cancel)
            loop.call_soon_threadsafe(on_stop)

        signals.on_first(stop)
        try:
            return await task
        finally:
            signals.on_first(None)

    try:
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            return runner.run(guarded())
    except BaseException as error:
        if signals.received is not None and not isinstance(error, Interrupted):
            raise Interrupted(signals.received) from None
        raise
    finally:
        # Where the signal came before the work had begun.
        work.close()
