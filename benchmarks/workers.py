"""What one worker more brings: ``python -m benchmarks.workers``, about four minutes.

    python -m benchmarks.workers --workers 1 2 --seconds 20

A town whose every server takes ``--latency`` seconds to answer, so that waiting is what takes the
time, and workers that may visit only a few lanes at once: neither processors nor lanes are what
there is too little of. For each number of workers there is a fresh database and the same world, and
what is done in some seconds is counted from when all of them serve.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import subprocess
import sys
import time
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from statistics import mean
from typing import Any

from benchmarks.common import ROOT, clean_environment, data_dir, say, table
from benchmarks.fleet import Fleet, serve_members, to_cores
from toottail.repository import lanes
from toottail.repository.database import Database, open_database
from toottail.settings import Settings
from toottail.simulator.process import SimulatorProcess

_USUAL_LATENCY = 0.06
_START_WITHIN = 60.0
_SAMPLE_EVERY = 0.5
_HEADS = (
    *(
        "workers",
        "requests/s",
        "× one",
        "replies/s",
        "lanes at once",
        "lanes served twice",
        "requests over a limit",
    ),
    *("visits by worker", "members of slices, % off"),
)
_SERVING = "SELECT count(*) FROM workers WHERE seen_at > clock_timestamp() - interval '5 s'"
_HELD = "SELECT count(*) FROM lanes WHERE lease_until >= clock_timestamp()"
_VISITS = "SELECT count(*) AS n FROM visits GROUP BY worker ORDER BY n"


@dataclass(slots=True)
class Figures:
    """What so many workers did in ``seconds``; ``off``: see `balance`."""

    workers: int
    seconds: float = 0.0
    requests: int = 0
    recovered: int = 0
    served_twice: list[tuple[str, int, int]] = field(default_factory=list)
    over_limit: dict[str, Any] = field(default_factory=dict)
    visits: list[int] = field(default_factory=list)
    held: list[int] = field(default_factory=list)
    """Lanes held by any worker, every half second."""
    off: float | None = None
    done: bool = False
    """Whether there was nothing left to do at the end: then the figures say nothing."""

    @property
    def rate(self) -> float:
        """Requests answered in a second."""
        return self.requests / self.seconds


def main() -> None:
    """Measures each number of workers and prints one table."""
    given = _arguments()
    found = []
    for count in given.workers:
        with data_dir() as folder:
            found.append(asyncio.run(measure(count, given, folder)))
        say(json.dumps(asdict(found[-1])))
    say(table(_HEADS, [_row(one, found[0]) for one in found]))
    if given.json is not None:
        given.json.write_text(json.dumps([asdict(one) for one in found], indent=1) + "\n")


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.workers")
    parser.add_argument("--workers", type=int, nargs="+", default=[1, 2, 3, 4])
    parser.add_argument("--concurrency", type=int, default=4, help="lanes at once, of each worker")
    parser.add_argument("--latency", type=float, default=0.3, help="seconds until an answer")
    parser.add_argument("--warm-up", type=float, default=15.0, help="seconds before it counts")
    parser.add_argument("--seconds", type=float, default=30.0)
    parser.add_argument("--homes", type=int, default=40)
    parser.add_argument("--members", type=int, default=160)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--json", type=Path, help="a file for the figures")
    return parser.parse_args()


async def measure(count: int, given: argparse.Namespace, folder: Path) -> Figures:
    """One number of workers, in the new folder ``folder``."""
    world = [f"--{name}={getattr(given, name)}" for name in ("homes", "members", "seed")]
    scale = given.latency / _USUAL_LATENCY
    # A resolve takes as long as any other answer.
    speed = (f"--latency-scale={scale}", f"--resolve={_USUAL_LATENCY}", "--job=0.01", "--late=0.1")
    theirs = {
        "data_dir": str(folder),
        "worker_concurrency": str(given.concurrency),
        "home_in_flight": "1",
        "host_in_flight": "1",
    }
    settings = Settings(data_dir=folder)
    with SimulatorProcess("--world", "town", *world, *speed) as simulator:
        # What can be brought home is found out before it counts.
        simulator.report()
        async with open_database(settings) as database:
            await serve_members(settings, simulator.members())
            with Fleet(count, simulator, folder, theirs) as fleet:
                to_cores(simulator, fleet)
                await _until_serving(database, count)
                await asyncio.sleep(given.warm_up)
                figures = await _count(Figures(count), simulator, database, given.seconds)
                figures.off = balance(await asyncio.to_thread(_lanes, folder))
            if fleet.died:
                raise RuntimeError(f"workers ended by themselves: {fleet.died}")
    return figures


async def _until_serving(database: Database, count: int) -> None:
    deadline = time.monotonic() + _START_WITHIN
    while await _value(database, _SERVING) < count:
        if time.monotonic() > deadline:
            raise RuntimeError("not all workers came to serve")
        await asyncio.sleep(0.1)


async def _count(
    figures: Figures, simulator: SimulatorProcess, database: Database, seconds: float
) -> Figures:
    before = await asyncio.to_thread(simulator.report)
    began = time.monotonic()
    while time.monotonic() - began < seconds:
        figures.held.append(await _value(database, _HELD))
        await asyncio.sleep(_SAMPLE_EVERY)
    after = await asyncio.to_thread(simulator.report)
    figures.seconds = time.monotonic() - began
    figures.requests = _requests(after) - _requests(before)
    figures.recovered = after["recovered"] - before["recovered"]
    figures.done = after["recovered"] == after["reachable"]
    figures.over_limit = after["over_limit"]
    async with database.connection() as conn:
        figures.served_twice = await lanes.served_twice(conn)
        figures.visits = [row["n"] for row in await conn.fetch(_VISITS)]
    return figures


async def _value(database: Database, statement: str) -> int:
    async with database.connection() as conn:
        return int(await conn.fetchval(statement))


def _requests(report: dict[str, Any]) -> int:
    return int(report["requests_home"]) + int(report["requests_remote"])


def _lanes(folder: Path) -> list[dict[str, Any]]:
    told = subprocess.run(
        [sys.executable, "-m", "toottail", "lanes", "--json"],
        env={**clean_environment(), "TOOTTAIL_DATA_DIR": str(folder)},
        cwd=ROOT,
        capture_output=True,
        check=True,
    )
    found: list[dict[str, Any]] = json.loads(told.stdout)["lanes"]
    return found


def balance(told: Sequence[dict[str, Any]]) -> float | None:
    """How far a slice is off the mean of its home's slices at most, in % of that mean.

    None where no home has its members in several slices. ``told`` are lanes as ``toottail lanes
    --json`` has them, ``members`` being those of a slice.
    """
    slices: defaultdict[str, list[int]] = defaultdict(list)
    for lane in told:
        if lane.get("members"):
            slices[lane["key"].partition("#")[0]].append(lane["members"])
    off = [
        100 * max(abs(count - sum(counts) / len(counts)) for count in counts) * len(counts)
        / sum(counts)
        for counts in slices.values()
        if len(counts) > 1
    ]  # fmt: skip
    return max(off, default=None)


def _row(one: Figures, first: Figures) -> tuple[object, ...]:
    per_worker = first.rate / first.workers
    return (
        one.workers,
        f"{one.rate:.1f}" + (" (nothing left to do)" if one.done else ""),
        f"{one.rate / per_worker:.2f}",
        f"{one.recovered / one.seconds:.1f}",
        f"{mean(one.held):.1f}",
        len(one.served_twice),
        sum(sum(rules.values()) for rules in one.over_limit.values()),
        ", ".join(map(str, one.visits)),
        "-" if one.off is None else f"{one.off:.1f}",
    )


if __name__ == "__main__":
    main()
