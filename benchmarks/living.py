"""How soon new replies and new posts are noticed in a world that goes on living.

    python -m benchmarks.living
    python -m benchmarks.living --minutes 3 --workers 2 --streams --json figures.json

A city of members is taken in at once. When all first runs are over, people begin to post, and after
a while three minutes are measured. What was posted in them is then waited for a while longer, as
the world goes on without being counted, and what is still away counts as waiting. Prints each
promise beside what was seen.

Hosts' limits last a tenth of the time that they last in life, so that a small home's limit does not
decide what is measured.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import time
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from benchmarks.capacity import number, settle, take_in_all, worker
from benchmarks.common import data_dir, say, table
from toottail.repository.database import Database, open_database
from toottail.settings import Settings
from toottail.simulator.process import SimulatorProcess

RHYTHM = 300.0
"""Seconds between two looks of the fixed rhythm that ours is compared with."""
_LIMITS = ("--throttle-scale", "0.1")
_FIRST_LOOK = 10.0
_MEDIAN = 60.0

_WATCHED = """
SELECT count(*) FROM conversations AS c
WHERE EXISTS (SELECT FROM watches WHERE conversation_id = c.id AND ends_at > now() AND NOT alone)
"""


@dataclass(slots=True)
class Figures:
    """What was seen. Times are in seconds.

    ``delays`` and ``first_looks`` are those of `toottail.simulator.life`, ``looks`` those of its
    report, of the time measured alone. ``watched``: conversations at the end of it.
    """

    workers: int
    streams: bool
    settled: bool = False
    warm_up: float = 0.0
    seconds: float = 0.0
    watched: int = 0
    looks: dict[str, Any] = field(default_factory=dict)
    delays: dict[str, Any] = field(default_factory=dict)
    first_looks: dict[str, Any] = field(default_factory=dict)

    @property
    def fixed(self) -> int:
        """Looks of the fixed rhythm at the same conversations in the same time."""
        return round(self.watched * self.seconds / RHYTHM)


def main() -> None:
    """Measure once and print."""
    given = _arguments()
    if given.streams and "streams" not in Settings.model_fields:
        say("Streams are not there yet: TOOTTAIL_STREAMS is no setting. Nothing was measured.")
        return
    figures = asyncio.run(_measure(given))
    say(table(("promise", "seen", "kept"), _promises(figures)))
    say()
    say(table(("delays, s", "wanted", "came", "median", "95 %", "most"), _delays(figures)))
    if not figures.settled:
        say("\nThe first runs were not over when measuring began: these figures say little.")
    if given.json is not None:
        given.json.write_text(json.dumps(asdict(figures), indent=1) + "\n")


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.living")
    parser.add_argument("--minutes", type=float, default=3.0, help="that are measured")
    parser.add_argument("--before", type=float, default=4.0, help="minutes of life before them")
    parser.add_argument("--after", type=float, default=2.0, help="minutes that are waited longer")
    parser.add_argument(
        "--warm-up", type=float, default=10.0, help="minutes for first runs at most"
    )
    parser.add_argument("--workers", type=int, default=1)
    parser.add_argument("--members", type=int, default=200)
    parser.add_argument("--homes", type=int, default=10)
    parser.add_argument("--pace", type=float, default=1.0, help="new replies a second")
    parser.add_argument("--streams", action="store_true", help="with TOOTTAIL_STREAMS=on")
    parser.add_argument("--json", type=Path, help="a file for the figures")
    return parser.parse_args()


async def _measure(given: argparse.Namespace) -> Figures:
    figures = Figures(given.workers, given.streams)
    world = ("--world", "city", "--homes", str(given.homes), "--members", str(given.members))
    variables = {"TOOTTAIL_STREAMS": "on"} if given.streams else {}
    with data_dir() as folder, SimulatorProcess(*world, *_LIMITS) as simulator:
        settings = Settings(data_dir=folder)
        async with open_database(settings) as database:
            await take_in_all(database, settings, simulator)
            with ExitStack() as stack:
                for _ in range(given.workers):
                    stack.enter_context(worker(simulator, folder, **variables))
                began = time.monotonic()
                figures.settled = await settle(database, given.warm_up * 60)
                figures.warm_up = time.monotonic() - began
                await _watch(figures, simulator, database, given)
    return figures


async def _watch(
    figures: Figures, simulator: SimulatorProcess, database: Database, given: argparse.Namespace
) -> None:
    simulator.scene(pace=given.pace)
    await asyncio.sleep(given.before * 60)
    simulator.reset_counters()
    began = time.time()
    await asyncio.sleep(given.minutes * 60)
    until = time.time()
    figures.seconds = until - began
    figures.looks = simulator.traffic()["looks"]
    figures.watched = int(await number(database, _WATCHED))
    await asyncio.sleep(given.after * 60)
    traffic = simulator.traffic(until)
    figures.delays, figures.first_looks = traffic["delays"], traffic["first_looks"]


def _promises(figures: Figures) -> Sequence[Sequence[object]]:
    active = figures.delays["active"]
    looks = figures.looks["threads"]
    rows: list[tuple[str, object, bool]] = [
        (
            f"median delay in active threads at most {_MEDIAN:.0f} s",
            active["median"],
            active["median"] is not None and active["median"] <= _MEDIAN,
        ),
        (
            "conversations looked at twice within 60 s: 0",
            figures.looks["threads_again_within_60_s"],
            figures.looks["threads_again_within_60_s"] == 0,
        ),
        (
            f"fewer looks than every 5 minutes at {figures.watched} conversations",
            f"{looks} of {figures.fixed}",
            looks < figures.fixed,
        ),
    ]
    if figures.streams:
        most = figures.first_looks["most"]
        kept = most is not None and most <= _FIRST_LOOK
        rows.append((f"first look at a new post within {_FIRST_LOOK:.0f} s", most, kept))
    return [(what, seen, "yes" if kept else "no") for what, seen, kept in rows]


def _delays(figures: Figures) -> Sequence[Sequence[object]]:
    way = "by streams" if figures.streams else "by polling"
    return [
        (what, *(waits[key] for key in ("wanted", "came", "median", "p95", "most")))
        for what, waits in (
            ("new replies in active threads", figures.delays["active"]),
            ("new replies in all threads", figures.delays),
            (f"new posts until their first look, {way}", figures.first_looks),
        )
    ]


if __name__ == "__main__":
    main()
