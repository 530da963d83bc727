"""What it costs to hand lanes to workers: ``python -m benchmarks.dispatch``, about a minute.

Two worker processes on the embedded database, by each of the ways in `benchmarks.lane_worker`.
First many lanes come due at once, then one every few milliseconds.
"""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from statistics import median, quantiles

from benchmarks.common import ROOT, clean_environment, data_dir, middle, say, table
from benchmarks.lane_worker import notify
from toottail.repository.database import Connection, Database, open_database
from toottail.repository.sealing import open_sealer
from toottail.servers.door import Door
from toottail.settings import Settings
from toottail.worker.engine import Engine

_WAYS = ("pgqueuer", "notified", "polled")
_ROUNDS = 3
_WORKERS = 2
_AT_ONCE = 1000
_ONE_BY_ONE = 150
_EVERY = 0.01
_PATIENCE = 60.0

_EMPTY = "TRUNCATE hosts, lanes, visits, pgqueuer"
_CREATE = "INSERT INTO lanes (key) SELECT unnest($1::text[])"
_MAKE_DUE = """
INSERT INTO hosts (host, probe_at) SELECT unnest($1::text[]), clock_timestamp()
ON CONFLICT (host) DO UPDATE SET probe_at = excluded.probe_at
"""
_LEFT = "SELECT count(*) FROM hosts WHERE probe_at IS NOT NULL"
_VISITS = "SELECT key, started_at, ended_at FROM visits WHERE key = ANY($1)"
_NOW = "SELECT clock_timestamp()"


@dataclass(slots=True)
class Found:
    """Figures of one way, one value a round: per second, ms per visit, ms until a visit began."""

    rates: list[float] = field(default_factory=list)
    visits: list[int] = field(default_factory=list)
    cpu: list[float] = field(default_factory=list)
    typical: list[float] = field(default_factory=list)
    late: list[float] = field(default_factory=list)


class Bench:
    """Makes lanes due and reads off the database when they were visited."""

    def __init__(self, database: Database, engine: Engine, folder: Path) -> None:
        self._database = database
        self._engine = engine
        self._folder = folder

    async def round(self, way: str, into: Found) -> None:
        """Both loads, with workers of their own."""
        many = [f"lane{n}.example" for n in range(_AT_ONCE)]
        few = [f"single{n}.example" for n in range(_ONE_BY_ONE)]
        async with self._database.connection() as conn:
            await conn.execute(_EMPTY)
            await conn.execute(_CREATE, [*many, *few])
        with _workers(way, self._folder) as workers:
            into.rates.append(await self._burst(way, many))
            waits = await self._trickle(way, few)
            used = [_end(worker) for worker in workers]
        into.typical.append(median(waits))
        into.late.append(quantiles(waits, n=20)[-1])
        async with self._database.connection() as conn:
            count = int(await conn.fetchval("SELECT count(*) FROM visits"))
        into.visits.append(count)
        into.cpu.append(1000 * sum(used) / count)

    async def _burst(self, way: str, keys: Sequence[str]) -> float:
        """Lanes served per second when all come due together; making them due counts."""
        async with self._database.connection() as conn:
            began: datetime = await conn.fetchval(_NOW)
        await self._make_due(way, keys)
        await self._until_done()
        async with self._database.connection() as conn:
            visits = await conn.fetch(_VISITS, list(keys))
        ended: datetime = max(row["ended_at"] for row in visits)
        return len(keys) / (ended - began).total_seconds()

    async def _trickle(self, way: str, keys: Sequence[str]) -> list[float]:
        """For each lane the ms from its coming due to the beginning of its visit."""
        due: dict[str, datetime] = {}
        for key in keys:
            async with self._database.connection() as conn:
                due[key] = await conn.fetchval(_NOW)
            await self._make_due(way, [key])
            await asyncio.sleep(_EVERY)
        await self._until_done()
        async with self._database.connection() as conn:
            visits = await conn.fetch(_VISITS, list(keys))
        first: dict[str, datetime] = {}
        for row in visits:
            first[row["key"]] = min(first.get(row["key"], row["started_at"]), row["started_at"])
        return [1000 * (first[key] - due[key]).total_seconds() for key in keys]

    async def _make_due(self, way: str, keys: Sequence[str]) -> None:
        async with self._database.transaction() as conn:
            await conn.execute(_MAKE_DUE, list(keys))
            await self._ring(conn, way, keys)

    async def _ring(self, conn: Connection, way: str, keys: Sequence[str]) -> None:
        if way == "pgqueuer":
            await self._engine.enqueue(conn, keys)
        elif way == "notified":
            await notify(conn)

    async def _until_done(self) -> None:
        async with asyncio.timeout(_PATIENCE):
            while True:
                async with self._database.connection() as conn:
                    if not await conn.fetchval(_LEFT):
                        break
                await asyncio.sleep(0.02)
        # The last visits have stored their work and are just giving their lanes back.
        await asyncio.sleep(0.2)


@contextmanager
def _workers(way: str, folder: Path) -> Iterator[list[subprocess.Popen[str]]]:
    started = [
        subprocess.Popen(
            [sys.executable, "-m", "benchmarks.lane_worker", way],
            cwd=ROOT,
            env={**clean_environment(), "TOOTTAIL_DATA_DIR": str(folder)},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        for _ in range(_WORKERS)
    ]
    try:
        for worker in started:
            assert worker.stdout is not None
            if worker.stdout.readline().strip() != "ready":
                raise RuntimeError("a worker did not start; its message is on standard error")
        yield started
    finally:
        for worker in started:
            if worker.poll() is None:
                worker.kill()
            worker.communicate()


def _end(worker: subprocess.Popen[str]) -> float:
    """Lets a worker end; gives the processor seconds it took while it served."""
    told, _ = worker.communicate()
    return float(json.loads(told)["cpu"])


async def _measure(folder: Path) -> dict[str, Found]:
    settings = Settings(data_dir=folder)
    found = {way: Found() for way in _WAYS}
    async with open_database(settings) as database, Door(settings) as door:
        bench = Bench(database, Engine(settings, database, door, open_sealer(settings)), folder)
        for _ in range(_ROUNDS):
            for way in _WAYS:
                await bench.round(way, found[way])
    return found


def main() -> None:
    """Runs it and prints a table in Markdown."""
    with data_dir() as folder:
        found = asyncio.run(_measure(folder))
    heads = (
        "way",
        "lanes/s",
        "ms per lane",
        "visits",
        "worker CPU, ms per visit",
        "ms until visit",
        "95th percentile",
    )
    rows = [
        (
            way,
            middle(figures.rates, 0),
            f"{1000 / median(figures.rates):.2f}",
            middle(figures.visits, 0),
            middle(figures.cpu, 2),
            middle(figures.typical),
            middle(figures.late),
        )
        for way, figures in found.items()
    ]
    say(table(heads, rows))


if __name__ == "__main__":
    main()
