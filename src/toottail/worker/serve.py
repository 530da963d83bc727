"""The service's worker: the engine, for as long as it is wanted, over outages of the database."""

from __future__ import annotations

import asyncio
from contextlib import suppress

import structlog

from toottail.errors import StorageError
from toottail.repository.database import Database
from toottail.repository.sealing import Sealer
from toottail.repository.translation import means_lost
from toottail.servers.door import Door
from toottail.settings import Settings
from toottail.worker.engine import Engine
from toottail.worker.streams import listening

log = structlog.get_logger(__name__)

_FIRST_PAUSE = 1.0
_LONGEST_PAUSE = 8.0
"""No longer, so that work goes on soon after the longest outage."""


async def serve(
    settings: Settings, database: Database, door: Door, sealer: Sealer, stop: asyncio.Event
) -> None:
    """Serves lanes until ``stop``, then gives them back within ten seconds.

    While the database is away it is tried again and again, with longer and longer pauses. Any other
    failure of the engine is raised: who started this decides what becomes of it.
    """
    pause = _FIRST_PAUSE
    while not stop.is_set():
        engine = Engine(settings, database, door, sealer)
        failure = await _serve_once(engine, stop)
        if failure is None or stop.is_set():
            return
        if not means_lost(failure):
            raise failure
        if engine.served:
            pause = _FIRST_PAUSE
        log.warning("the database is away", why=str(failure), again_in=pause)
        with suppress(TimeoutError):
            await asyncio.wait_for(stop.wait(), pause)
        pause = min(2 * pause, _LONGEST_PAUSE)


async def _serve_once(engine: Engine, stop: asyncio.Event) -> BaseException | None:
    """Until ``stop``, or until the engine fails: then why."""
    try:
        # Streams and lanes are given back at the same time.
        async with listening(engine) as streams, engine.running():
            streams.start()
            log.info("serving", worker=str(engine.worker_id))
            waits = [asyncio.create_task(event.wait()) for event in (stop, engine.failed)]
            try:
                await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
            finally:
                streams.stop()
                for wait in waits:
                    wait.cancel()
    except StorageError as error:
        return error
    return engine.failure
