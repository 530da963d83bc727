"""Workers killed and frozen, PostgreSQL killed, its line cut: ``python -m benchmarks.outages``.

    python -m benchmarks.outages --times 10
    python -m benchmarks.outages --times 1 --kinds kill network --homes 3 --members 12

A town that goes on living, three workers, and a PostgreSQL server that they reach by TCP. Members
join in blocks. At random moments and in random order there are so many outages of each kind:

- ``kill``: ``kill -9`` of one worker, which is started again a second later;
- ``freeze``: SIGSTOP of one worker for longer than its lease, then SIGCONT;
- ``postgres``: ``kill -9`` of the server and all its processes, started again 0 to 7 s later;
- ``network``: the line of all workers to the database is cut, or falls silent, for 2 to 15 s.

After each it is measured how long lanes that were held and had work due waited for their next
visit: from the outage on for one worker's, from its end on for the database's. At the end nothing
may be missing that can be brought home. The exit status is 1 where a promise was not kept.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import random
import signal
import sys
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from statistics import median
from typing import Any

from pydantic import SecretStr

from benchmarks import outage_rows as rows
from benchmarks.common import data_dir, say, table
from benchmarks.fleet import Fleet, serve_members, to_cores
from benchmarks.line import Line
from benchmarks.outage_bench import HOME_IN_FLIGHT, Bench, Outage
from benchmarks.own_postgres import OwnPostgres
from toottail.repository.database import migrate_database
from toottail.settings import Settings
from toottail.simulator.process import SimulatorProcess

KINDS = ("kill", "freeze", "postgres", "network")
WITHIN = 30.0
"""Seconds within which a lane must be taken over."""
_WORKERS = 3
_ENDS_WITHIN = 600.0
_ROUNDS = 3
_LATE = 5.0
_EXPLAINED = 5
# New posts push down what was in a timeline at the start; who joins late must see it all the same.
_SOURCE = "home=120"


@dataclass(slots=True)
class Figures:
    """All of a run. ``lost`` is what could have been brought home and was not."""

    outages: list[Outage] = field(default_factory=list)
    seconds: float = 0.0
    members: int = 0
    reachable: int = 0
    recovered: int = 0
    lost: list[dict[str, str]] = field(default_factory=list)
    served_twice: list[tuple[str, int, int]] = field(default_factory=list)
    over_limit: dict[str, Any] = field(default_factory=dict)
    repeated: int = 0
    died: list[str] = field(default_factory=list)

    @property
    def may_repeat(self) -> int:
        """Resolves that may have been in flight at all outages together."""
        return sum(one.may_repeat for one in self.outages)

    def broken(self) -> list[str]:
        """The promises that were not kept, in words."""
        late = [one for one in self.outages if one.took and max(one.took) > WITHIN]
        found = [f"{one.kind} ({one.what}): a lane waited {max(one.took):.1f} s" for one in late]
        for kind in dict.fromkeys(one.kind for one in self.outages):
            of_kind = [one for one in self.outages if one.kind == kind]
            repeated = sum(one.repeated for one in of_kind)
            if repeated > sum(one.may_repeat for one in of_kind):
                found.append(f"{kind}: {repeated} replies resolved twice, more than in flight")
        for wrong, words in (
            (self.repeated > self.may_repeat, f"{self.repeated} replies resolved twice"),
            (self.recovered < self.reachable, f"{len(self.lost)} replies lost: {self.lost[:3]}"),
            (not self.reachable, "there was nothing to bring home"),
            (self.served_twice, f"lanes served twice at once: {self.served_twice[:5]}"),
            (self.over_limit, f"limits exceeded: {self.over_limit}"),
            (self.died, f"workers that ended by themselves: {self.died}"),
        ):
            if wrong:
                found.append(words)
        return found


def main() -> int:
    """Runs it, prints what was seen, and says whether the promises were kept."""
    given = _arguments()
    # What was started is stopped too when a time limit ends this.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    with data_dir() as folder:
        figures = measure(given, folder)
    if given.json is not None:
        given.json.write_text(json.dumps(asdict(figures), indent=1) + "\n")
    tell(figures)
    return 1 if figures.broken() else 0


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.outages")
    parser.add_argument("--times", type=int, default=10, help="outages of each kind")
    parser.add_argument("--kinds", nargs="+", choices=KINDS, default=KINDS)
    parser.add_argument("--seed", type=int, default=1, help="of the world and of the moments")
    parser.add_argument("--homes", type=int, default=10)
    parser.add_argument("--members", type=int, default=200)
    parser.add_argument("--pace", type=float, default=2.0, help="new replies a second")
    parser.add_argument("--latency-scale", type=float, default=3.0, help="of all hosts")
    parser.add_argument("--lease", type=float, default=10.0, help="seconds, the workers' setting")
    parser.add_argument("--longest", type=float, default=15.0, help="seconds of a broken line")
    parser.add_argument("--json", type=Path, help="a file for the figures")
    parser.add_argument("--logs", type=Path, help="a folder for what the workers say")
    return parser.parse_args()


def measure(given: argparse.Namespace, folder: Path) -> Figures:
    """All of it, in the new folder ``folder``."""
    world = [f"--{name}={getattr(given, name)}" for name in ("homes", "members", "seed", "pace")]
    speed = (f"--latency-scale={given.latency_scale}", "--late=1", "--throttle-scale=0.1")
    with (
        SimulatorProcess("--world", "town", *world, *speed) as simulator,
        OwnPostgres(folder) as postgres,
        Line(postgres.port) as line,
    ):
        direct = Settings(data_dir=folder, database_url=SecretStr(postgres.url()))
        asyncio.run(migrate_database(direct))
        theirs = {
            "database_url": postgres.url(line.port),
            "data_dir": str(folder),
            "home_in_flight": str(HOME_IN_FLIGHT),
            "lease": str(given.lease),
        }
        logs = given.logs or folder
        logs.mkdir(parents=True, exist_ok=True)
        with Fleet(_WORKERS, simulator, logs, theirs) as fleet:
            to_cores(simulator, fleet)
            dice = random.Random(given.seed)
            times = {"lease": given.lease, "longest": given.longest}
            bench = Bench(simulator, postgres, line, fleet, dice, **times)
            order = [kind for kind in given.kinds for _ in range(given.times)]
            dice.shuffle(order)
            run = _Run(bench, simulator, postgres, fleet, direct)
            figures = asyncio.run(run.whole(order))
        figures.died = fleet.died
        return figures


class _Run:
    def __init__(
        self,
        bench: Bench,
        simulator: SimulatorProcess,
        postgres: OwnPostgres,
        fleet: Fleet,
        settings: Settings,
    ) -> None:
        self._bench = bench
        self._simulator = simulator
        self._postgres = postgres
        self._fleet = fleet
        self._settings = settings

    async def whole(self, order: Sequence[str]) -> Figures:
        began = time.monotonic()
        minding = asyncio.create_task(self._fleet.mind())
        figures = Figures()
        try:
            await self._go_through(order, figures)
            await self._bring_to_an_end(figures)
        finally:
            minding.cancel()
        figures.seconds = time.monotonic() - began
        return figures

    async def _go_through(self, order: Sequence[str], figures: Figures) -> None:
        blocks = _blocks(self._simulator.members(), len(order))
        for kind, block in zip(order, blocks, strict=True):
            await serve_members(self._settings, block, _SOURCE)
            figures.members += len(block)
            figures.outages.append(await self._bench.outage(kind))
            say(_line(figures.outages[-1]))

    async def _bring_to_an_end(self, figures: Figures) -> None:
        """Life stops, and everything is looked at once more, oftener only where that helps."""
        await asyncio.to_thread(self._simulator.scene, pace=0)
        await self._until_quiet()
        await rows.read_all_again(self._postgres)
        report: dict[str, Any] = {"recovered": -1, "reachable": 0}
        for _ in range(_ROUNDS):
            await self._until_quiet()
            await rows.look_again_at_all(self._postgres)
            await self._until_quiet()
            await asyncio.sleep(_LATE)
            before, report = report, await asyncio.to_thread(self._simulator.report)
            if report["recovered"] in (report["reachable"], before["recovered"]):
                break
        figures.reachable, figures.recovered = report["reachable"], report["recovered"]
        figures.lost, figures.over_limit = report["still_missing"], report["over_limit"]
        figures.repeated = report["repeated_resolves"]
        _blame(figures.outages, report["repeated_after"])
        for lost in figures.lost[:_EXPLAINED]:
            say(f"lost: {lost}; known of it: {await rows.known_of(self._postgres, lost)}")
        figures.served_twice = await rows.served_twice(self._postgres)

    async def _until_quiet(self) -> None:
        deadline = time.monotonic() + _ENDS_WITHIN
        while await rows.runs_left(self._postgres) or await rows.left(self._postgres):
            if time.monotonic() > deadline:
                return
            await asyncio.sleep(0.5)


def _blocks(members: Sequence[dict[str, str]], count: int) -> list[list[dict[str, str]]]:
    """Members of two homes come at a time, so that each block brings work."""
    homes = {one["home"]: [other for other in members if other["home"] == one["home"]]
             for one in members}  # fmt: skip
    names = list(homes)
    half = (len(names) + 1) // 2
    ordered: list[dict[str, str]] = []
    for first, second in zip(names[:half], [*names[half:], None], strict=False):
        here, there = homes[first], homes.get(second or "", [])
        for number in range(max(len(here), len(there))):
            ordered += here[number : number + 1] + there[number : number + 1]
    return [
        ordered[len(ordered) * n // count : len(ordered) * (n + 1) // count] for n in range(count)
    ]


def _blame(outages: Sequence[Outage], asked_at: Sequence[float]) -> None:
    """Counts each resolve that was repeated to the first outage that ended after it was sent."""
    for at in asked_at:
        for one in outages:
            if at <= one.ended_at:
                one.repeated += 1
                break


def _line(one: Outage) -> str:
    took = f"{median(one.took):.1f}, at most {max(one.took):.1f} s" if one.took else "none held"
    return (
        f"{one.kind} ({one.what}): {len(one.took)} lanes, {took}; "
        f"at most {one.may_repeat} resolves in flight; all serve after {one.whole_after:.1f} s"
    )


def tell(figures: Figures) -> None:
    """Prints one row for each kind, and then what is true of the whole run."""
    heads = (
        *("outage", "times", "lanes", "take-over s, median", "most"),
        *("resolved twice", "in flight"),
    )
    kinds = dict.fromkeys(one.kind for one in figures.outages)
    say(table(heads, [_row(kind, figures) for kind in kinds]))
    say(
        f"{figures.members} members, {figures.seconds:.0f} s: {figures.recovered} of "
        f"{figures.reachable} reachable replies at home, {len(figures.lost)} lost; "
        f"{figures.repeated} resolved twice of {figures.may_repeat} that may have been in flight; "
        f"{len(figures.served_twice)} lanes served twice at once; limits exceeded at "
        f"{len(figures.over_limit)} hosts; {len(figures.died)} workers ended by themselves"
    )
    for words in figures.broken():
        say(f"NOT KEPT: {words}")


def _row(kind: str, figures: Figures) -> tuple[object, ...]:
    of_kind = [one for one in figures.outages if one.kind == kind]
    took = [seconds for one in of_kind for seconds in one.took]
    return (
        kind,
        len(of_kind),
        len(took),
        f"{median(took):.1f}" if took else "-",
        f"{max(took):.1f}" if took else "-",
        sum(one.repeated for one in of_kind),
        sum(one.may_repeat for one in of_kind),
    )


if __name__ == "__main__":
    raise SystemExit(main())
