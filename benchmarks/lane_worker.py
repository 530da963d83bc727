"""A worker that does next to nothing in many lanes, for `benchmarks.dispatch`: ``lane_worker WAY``.

A visit is what every visit is at least: the lane is taken, one fenced transaction stores that its
work is done, the lane is given back. What differs is how a worker learns of work:

- ``pgqueuer``: the engine as it is, its jobs, doorbells and tick.
- ``notified``: written by hand: due rows are locked past those of others and their lanes taken in
  one statement; a NOTIFY of whoever made the work wakes the worker, else it looks every 0.5 s.
- ``polled``: the same without the NOTIFY.

It says ``ready``, works until its standard input closes, and then says what processor time it took.
"""

from __future__ import annotations

import asyncio
import json
import resource
import sys
from contextlib import suppress
from datetime import timedelta
from uuid import uuid4

from pgqueuer.models import Job

from toottail.repository import lanes
from toottail.repository.database import Connection, Database, open_database
from toottail.repository.sealing import open_sealer
from toottail.servers.door import Door
from toottail.settings import Settings, load
from toottail.worker.engine import TICK, Engine

CHANNEL = "lanes_due"
_BATCH = 10
_AT_ONCE = 64
_DONE = "UPDATE hosts SET probe_at = NULL WHERE host = $1"

_TAKE_SOME = """
WITH wanted AS (
    SELECT host FROM hosts LEFT JOIN lanes ON lanes.key = hosts.host
    WHERE probe_at <= clock_timestamp()
        AND (lease_until IS NULL OR lease_until < clock_timestamp())
    ORDER BY probe_at LIMIT $1
    FOR UPDATE OF hosts SKIP LOCKED
), taken AS (
    INSERT INTO lanes (key, epoch, holder, lease_until)
    SELECT host, 1, $2, clock_timestamp() + $3 FROM wanted
    ON CONFLICT (key) DO UPDATE
    SET epoch = lanes.epoch + 1, holder = $2, poked = false, lease_until = excluded.lease_until
    WHERE lanes.lease_until IS NULL OR lanes.lease_until < clock_timestamp()
    RETURNING key, epoch
)
INSERT INTO visits (key, epoch, worker) SELECT key, epoch, $2 FROM taken RETURNING key, epoch
"""


class Ringing(Engine):
    """The engine, with visits that do next to nothing."""

    async def _serve(self, job: Job) -> None:
        key = (job.payload or b"").decode()
        lease = timedelta(seconds=self.settings.lease)
        async with self.database.connection() as conn:
            taken = await lanes.take(conn, key, self.worker.queue_manager_id, lease)
        if taken is not None:
            await _finish(self.database, key, taken.epoch)


class Polling:
    """The rows alone: what is due is taken in batches, as long as there is room."""

    def __init__(self, settings: Settings, database: Database) -> None:
        self._database = database
        self._lease = timedelta(seconds=settings.lease)
        self._worker = uuid4()
        self._rung = asyncio.Event()
        self._visits: set[asyncio.Task[None]] = set()

    def ring(self, *_: object) -> None:
        """There may be work."""
        self._rung.set()

    async def run(self) -> None:
        """Serves lanes until cancelled."""
        while True:
            self._rung.clear()
            room = min(_BATCH, _AT_ONCE - len(self._visits))
            async with self._database.connection() as conn:
                taken = await conn.fetch(_TAKE_SOME, room, self._worker, self._lease)
            for row in taken:
                visit = asyncio.create_task(_finish(self._database, row["key"], row["epoch"]))
                self._visits.add(visit)
                visit.add_done_callback(self._visits.discard)
            if not taken:
                with suppress(TimeoutError):
                    await asyncio.wait_for(self._rung.wait(), TICK)
            elif len(self._visits) >= _AT_ONCE:
                await asyncio.wait(self._visits, return_when=asyncio.FIRST_COMPLETED)


async def _finish(database: Database, key: str, epoch: int) -> None:
    async with database.transaction() as conn:
        await lanes.hold(conn, key, epoch)
        await conn.execute(_DONE, key)
    async with database.connection() as conn:
        await lanes.release(conn, key, epoch, {}, 0)


async def _work(way: str) -> None:
    settings = load()
    async with open_database(settings) as database:
        if way == "pgqueuer":
            async with Door(settings) as door:
                engine = Ringing(settings, database, door, open_sealer(settings))
                async with engine.running():
                    await _until_told()
            return
        polling = Polling(settings, database)
        async with database.connection() as listening:
            if way == "notified":
                await listening.add_listener(CHANNEL, polling.ring)
            serving = asyncio.create_task(polling.run())
            await _until_told()
            serving.cancel()
            await asyncio.gather(serving, return_exceptions=True)
            if way == "notified":
                await listening.remove_listener(CHANNEL, polling.ring)


async def _until_told() -> None:
    before = _processor_seconds()
    print("ready", flush=True)
    await asyncio.to_thread(sys.stdin.read)
    print(json.dumps({"cpu": _processor_seconds() - before}), flush=True)


def _processor_seconds() -> float:
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


async def notify(conn: Connection) -> None:
    """Wakes workers of the way ``notified`` when the transaction of ``conn`` is through."""
    await conn.execute("SELECT pg_notify($1, '')", CHANNEL)


if __name__ == "__main__":
    asyncio.run(_work(sys.argv[1]))
