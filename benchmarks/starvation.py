"""Whether one very large home makes the others wait: ``python -m benchmarks.starvation``.

    python -m benchmarks.starvation --large 500 --minutes 3

The same city twice, and one worker. Ten small homes are served, and their first runs are over; then
the members of the large home join all at once, or, in the run without it, nobody. From there on it
is counted how long new replies take to the small homes, and how late their timelines are read. Both
runs have the same hosts, threads and pace: what differs is the work for the large home.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import time
from collections.abc import Collection, Sequence
from dataclasses import asdict, dataclass, field
from datetime import datetime
from pathlib import Path
from statistics import median
from typing import Any

from benchmarks.common import data_dir, say, table
from benchmarks.fleet import Fleet, serve_members, to_cores
from toottail.repository.database import Database, open_database
from toottail.settings import Settings
from toottail.simulator.life import percentile
from toottail.simulator.process import SimulatorProcess

_EVERY = 0.5
_RUNS_LEFT = "SELECT count(*) FROM runs WHERE ended_at IS NULL"
_READINGS = """
SELECT member_id, kind, name, collect_at FROM sources
WHERE home = ANY($1) AND collect_at IS NOT NULL
"""
_HEADS = (
    *("", "members", "delay of new replies s, median", "95 %", "new replies wanted"),
    *("timelines read late by s, median", "95 %", "readings", "requests to the large home"),
)


@dataclass(slots=True)
class Figures:
    """One run: seconds of delay of each new reply, and of lateness of each reading."""

    name: str
    members: int
    settled: bool = False
    delays: list[float] = field(default_factory=list)
    late: list[float] = field(default_factory=list)
    requests: int = 0
    """To the large home."""
    over_limit: dict[str, Any] = field(default_factory=dict)


class Readings:
    """Learns from the rows how late timelines are read, to within half a second."""

    def __init__(self, database: Database, homes: Collection[str]) -> None:
        self.late: list[float] = []
        self._database = database
        self._homes = sorted(homes)
        self._due: dict[tuple[object, ...], datetime] = {}

    async def look(self) -> None:
        """Once: whatever has another time than before was read meanwhile."""
        async with self._database.connection() as conn:
            rows = await conn.fetch(_READINGS, self._homes)
        now = time.time()
        for row in rows:
            key, due = (row["member_id"], row["kind"], row["name"]), row["collect_at"]
            before = self._due.get(key)
            if before is not None and due > before:
                self.late.append(max(0.0, now - before.timestamp()))
            self._due[key] = due

    def still_waiting(self) -> list[float]:
        """How late those are that are due and not read yet."""
        now = time.time()
        return [now - due.timestamp() for due in self._due.values() if due.timestamp() < now]


def main() -> None:
    """Both runs, and one table."""
    given = _arguments()
    found = []
    for name, with_large in (("without the large home", False), ("with it", True)):
        with data_dir() as folder:
            found.append(asyncio.run(measure(name, with_large, given, folder)))
        say(table(_HEADS, [_row(found[-1])]))
    say()
    say(table(_HEADS, [_row(one) for one in found]))
    if given.json is not None:
        given.json.write_text(json.dumps([asdict(one) for one in found], indent=1) + "\n")


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.starvation")
    parser.add_argument("--homes", type=int, default=10, help="small ones")
    parser.add_argument("--members", type=int, default=5, help="of each small home")
    parser.add_argument("--large", type=int, default=500, help="members of the large home")
    parser.add_argument("--minutes", type=float, default=3.0)
    parser.add_argument("--warm-up", type=float, default=5.0, help="minutes at most")
    parser.add_argument("--pace", type=float, default=2.0, help="new replies a second")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--json", type=Path, help="a file for the figures")
    return parser.parse_args()


async def measure(name: str, with_large: bool, given: argparse.Namespace, folder: Path) -> Figures:
    """One of the runs, in the new folder ``folder``."""
    sizes = [str(given.members)] * given.homes + [str(given.large)]
    world = ("--world", "city", "--seed", str(given.seed), "--sizes", *sizes)
    settings = Settings(data_dir=folder)
    with SimulatorProcess(*world) as simulator:
        members = simulator.members()
        large = members[-1]["home"]
        few = [one for one in members if one["home"] != large]
        many = [one for one in members if one["home"] == large] if with_large else []
        figures = Figures(name, len(few) + len(many))
        async with open_database(settings) as database:
            await serve_members(settings, few)
            with Fleet(1, simulator, folder, {"data_dir": str(folder)}) as fleet:
                to_cores(simulator, fleet)
                figures.settled = await _settle(database, given.warm_up * 60)
                simulator.scene(pace=given.pace)
                simulator.reset_counters()
                await serve_members(settings, many)
                homes = {one["home"] for one in few}
                await _count(figures, simulator, database, homes, given.minutes * 60)
            if fleet.died:
                raise RuntimeError("the worker ended by itself")
        figures.requests = sum(simulator.traffic()["requests"].get(large, {}).values())
    return figures


async def _settle(database: Database, most: float) -> bool:
    """Until all first runs are over; whether they were within so many seconds."""
    deadline = time.monotonic() + most
    while time.monotonic() < deadline:
        async with database.connection() as conn:
            if not await conn.fetchval(_RUNS_LEFT):
                return True
        await asyncio.sleep(1)
    return False


async def _count(
    figures: Figures,
    simulator: SimulatorProcess,
    database: Database,
    homes: Collection[str],
    seconds: float,
) -> None:
    readings = Readings(database, homes)
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        await readings.look()
        await asyncio.sleep(_EVERY)
    waits = await asyncio.to_thread(simulator.waits)
    figures.delays = [wait for home in homes for wait in waits.get(home, [])]
    figures.late = readings.late + readings.still_waiting()
    figures.over_limit = (await asyncio.to_thread(simulator.traffic))["over_limit"]


def _row(one: Figures) -> tuple[object, ...]:
    name = one.name + ("" if one.settled else " (first runs not over before)")
    return (name, one.members, *_spread(one.delays), *_spread(one.late), one.requests)


def _spread(seconds: Sequence[float]) -> tuple[object, ...]:
    if not seconds:
        return ("-", "-", 0)
    return (f"{median(seconds):.1f}", f"{percentile(seconds, 0.95):.1f}", len(seconds))


if __name__ == "__main__":
    main()
