"""How many members a worker serves, and what one costs, on a city that goes on living.

    python -m benchmarks.capacity --members 200 2000 10000 --homes 200 --minutes 3
    python -m benchmarks.capacity --members 200 --json figures.json

For each size: a fresh simulator and database, all members taken in at once, one worker process.
When the first runs are over, or ``--warm-up`` minutes have passed, counting begins. With several
cores the simulator has the first and the worker the second to itself; PostgreSQL may use all.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from pydantic import SecretStr
from rich.console import Console
from rich.table import Table

from benchmarks.common import ROOT, clean_environment, data_dir, say
from toottail.repository.database import Database, open_database
from toottail.repository.embedded import EmbeddedPostgres
from toottail.repository.sealing import open_sealer
from toottail.service.roster import NewMember, take_in
from toottail.settings import Settings
from toottail.simulator.process import SimulatorProcess
from toottail.types.sources import parse_sources

_TICKS = os.sysconf("SC_CLK_TCK")
_SAMPLE_EVERY = 5.0
_BLOCK = 20
# A worker that is to keep up at peak hours is not planned to be busier than this.
_PLANNED_LOAD = 0.6

_LEFT = "SELECT count(*) FROM runs WHERE ended_at IS NULL"
_ROWS = "SELECT sum(n_live_tup)::bigint FROM pg_stat_user_tables"
_SIZE = "SELECT pg_database_size(current_database())"
_IN_TIME = """
SELECT avg((collect_at > now() - interval '60 s')::int)::float FROM sources
WHERE kind = 'home' AND collect_at IS NOT NULL
"""
_LATEST = """
SELECT extract(epoch FROM max(now() - collect_at))::float FROM sources WHERE collect_at < now()
"""
_COUNTING = {"shared_preload_libraries": "pg_stat_statements"}
_STATEMENTS = """
SELECT round((100 * total_exec_time / sum(total_exec_time) OVER ())::numeric, 1),
    round(total_exec_time::numeric / 1000, 2), calls,
    round(mean_exec_time::numeric, 3), rows, left(regexp_replace(query, '\\s+', ' ', 'g'), 120)
FROM pg_stat_statements ORDER BY total_exec_time DESC LIMIT $1
"""


@dataclass(slots=True)
class Figures:
    """One size. Times are in seconds, ``rss`` in MiB every few seconds, ``cents`` a month.

    ``in_time``: the part of the members who at the end waited no longer than a minute for a reading
    that was due; ``latest``: the longest wait. ``settled``: whether all first runs were over before
    counting began. ``delays`` are those of `simulator.life`.
    """

    members: int
    homes: int
    settled: bool = False
    warm_up: float = 0.0
    seconds: float = 0.0
    worker_cpu: float = 0.0
    database_cpu: float = 0.0
    requests: int = 0
    kinds: dict[str, Any] = field(default_factory=dict)
    in_time: float = 0.0
    latest: float = 0.0
    rows: int = 0
    size: int = 0
    over_limit: int = 0
    rss: list[float] = field(default_factory=list)
    delays: dict[str, Any] = field(default_factory=dict)

    @property
    def per_core(self) -> int:
        """Members that a core's time in the worker is enough for."""
        return round(self.members * self.seconds / max(self.worker_cpu, 0.01))

    @property
    def per_hour(self) -> float:
        """Requests for each member in an hour, to whomever."""
        return self.requests / self.members / self.seconds * 3600

    def cents(self, core_price: float) -> float:
        """What a member costs a month, at so many dollars for a core."""
        cores = (self.worker_cpu + self.database_cpu) / self.seconds / _PLANNED_LOAD
        return 100 * core_price * cores / self.members


def main() -> None:
    """Measure each size and print one table."""
    given = _arguments()
    found = []
    for members in given.members:
        homes = min(given.homes, max(1, members // 10))
        figures = asyncio.run(_measure(members, homes, given))
        found.append(figures)
        say(json.dumps(asdict(figures)))
    core_price = given.price / given.cores
    Console(width=140).print(_table(found, core_price))
    say(f"A VM with {given.cores} cores for ${given.price:.2f} a month, planned to be 60 % busy.")
    if given.json is not None:
        whole = [asdict(one) | {"cents": one.cents(core_price)} for one in found]
        given.json.write_text(json.dumps(whole, indent=1) + "\n")


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.capacity")
    parser.add_argument("--members", type=int, nargs="+", default=[200, 2_000, 10_000])
    parser.add_argument("--homes", type=int, default=200)
    parser.add_argument("--minutes", type=float, default=3.0)
    parser.add_argument("--warm-up", type=float, default=15.0, help="minutes at most")
    parser.add_argument(
        "--settled", action="store_true", help="the homes lack nothing at the start"
    )
    parser.add_argument("--pace", type=float, default=1.0, help="new replies a second")
    parser.add_argument("--price", type=float, default=5.0, help="of a VM, dollars a month")
    parser.add_argument("--cores", type=int, default=2, help="of that VM")
    parser.add_argument("--json", type=Path, help="a file for the figures")
    parser.add_argument("--statements", type=int, default=0, help="print so many of the costliest")
    return parser.parse_args()


async def _measure(members: int, homes: int, given: argparse.Namespace) -> Figures:
    figures = Figures(members, homes)
    world = ("--world", "city", "--homes", str(homes), "--members", str(members))
    world += ("--pace", str(given.pace), *(("--settled",) if given.settled else ()))
    with data_dir() as folder, SimulatorProcess(*world) as simulator:
        settings = Settings(data_dir=folder)
        server = EmbeddedPostgres(folder, _COUNTING if given.statements else {})
        async with server, open_database(settings) as database:
            empty = await number(database, _SIZE)
            await take_in_all(database, settings, simulator)
            postmaster = int((folder / _pid_file(folder)).read_text().split()[0])
            with worker(simulator, folder) as process:
                began = time.monotonic()
                figures.settled = await settle(database, given.warm_up * 60)
                figures.warm_up = time.monotonic() - began
                if given.statements:
                    await _forget_statements(database)
                await _count(figures, simulator, process, postmaster, given.minutes * 60)
                if given.statements:
                    await _tell_statements(database, given.statements)
                figures.in_time = await number(database, _IN_TIME)
                figures.latest = await number(database, _LATEST)
            async with database.connection() as conn:
                await conn.execute("ANALYZE")
            figures.rows = int(await number(database, _ROWS))
            figures.size = int(await number(database, _SIZE) - empty)
    return figures


async def _forget_statements(database: Database) -> None:
    async with database.connection() as conn:
        await conn.execute("CREATE EXTENSION IF NOT EXISTS pg_stat_statements")
        await conn.execute("SELECT pg_stat_statements_reset()")


async def _tell_statements(database: Database, most: int) -> None:
    async with database.connection() as conn:
        rows = await conn.fetch(_STATEMENTS, most)
    table = Table("% of time", "s", "calls", "ms each", "rows", "statement", title="Statements")
    for row in rows:
        table.add_row(*map(str, row.values()))
    Console(width=200).print(table)


def _pid_file(folder: Path) -> Path:
    return next(folder.rglob("postmaster.pid"))


async def number(database: Database, statement: str) -> float:
    """What a statement says that gives one number, 0 for none."""
    async with database.connection() as conn:
        return float(await conn.fetchval(statement) or 0)


async def take_in_all(database: Database, settings: Settings, simulator: SimulatorProcess) -> None:
    """Serves all members of all homes from now on."""
    sealer = open_sealer(settings)
    found = simulator.members()
    for first in range(0, len(found), _BLOCK):
        async with database.transaction() as conn:
            for one in found[first : first + _BLOCK]:
                new = NewMember(
                    one["home"],
                    one["account"],
                    SecretStr(one["token"]),
                    parse_sources(("home",)),
                    account_id=one["account_id"],
                )
                await take_in(conn, sealer, new)


@contextmanager
def worker(simulator: SimulatorProcess, folder: Path, **more: str) -> Iterator[int]:
    """A worker beside ``simulator``, with ``more`` variables; its process' number."""
    variables = {**clean_environment(), **simulator.env, "TOOTTAIL_DATA_DIR": str(folder), **more}
    process = subprocess.Popen(
        [sys.executable, "-m", "toottail", "worker"],
        env=variables,
        cwd=ROOT,
        stdout=subprocess.DEVNULL,
    )
    try:
        if (os.cpu_count() or 1) > 1:
            os.sched_setaffinity(simulator.pid, {0})
            os.sched_setaffinity(process.pid, {1})
        yield process.pid
        if process.poll() is not None:
            raise RuntimeError("the worker stopped by itself")
    finally:
        process.terminate()
        with suppress(subprocess.TimeoutExpired):
            process.wait(15)
        process.kill()
        process.wait()


async def settle(database: Database, most: float) -> bool:
    """Until all first runs are over; whether they were within so many seconds."""
    deadline = time.monotonic() + most
    while time.monotonic() < deadline:
        if not await number(database, _LEFT):
            return True
        await asyncio.sleep(1)
    return False


async def _count(
    figures: Figures, simulator: SimulatorProcess, worker: int, postmaster: int, seconds: float
) -> None:
    simulator.reset_counters()
    before = _cpu(worker), _family_cpu(postmaster)
    began = time.monotonic()
    while time.monotonic() - began < seconds:
        await asyncio.sleep(_SAMPLE_EVERY)
        figures.rss.append(round(_rss(worker), 1))
    figures.seconds = time.monotonic() - began
    figures.worker_cpu = _cpu(worker) - before[0]
    figures.database_cpu = _family_cpu(postmaster) - before[1]
    traffic = simulator.traffic()
    figures.requests = traffic["requests_home"] + traffic["requests_remote"]
    figures.kinds, figures.delays = traffic["kinds"], traffic["delays"]
    figures.over_limit = sum(sum(rules.values()) for rules in traffic["over_limit"].values())


def _fields(pid: int) -> list[str]:
    return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()


def _cpu(pid: int) -> float:
    fields = _fields(pid)
    return (int(fields[11]) + int(fields[12])) / _TICKS


def _family_cpu(postmaster: int) -> float:
    """Processor seconds of PostgreSQL and its processes, those that ended included."""
    own = _fields(postmaster)
    total = sum(int(own[n]) for n in (11, 12, 13, 14)) / _TICKS
    children = Path(f"/proc/{postmaster}/task/{postmaster}/children").read_text().split()
    for child in children:
        with suppress(OSError):
            total += _cpu(int(child))
    return total


def _rss(pid: int) -> float:
    pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / (1 << 20)


def _table(found: Sequence[Figures], core_price: float) -> Table:
    table = Table("", *(f"{one.members} members" for one in found), title="Capacity")
    rows: list[tuple[str, list[object]]] = [
        ("homes", [one.homes for one in found]),
        ("first runs over before counting", ["yes" if one.settled else "no" for one in found]),
        ("seconds until then", [round(one.warm_up) for one in found]),
        ("members per worker core", [one.per_core for one in found]),
        ("read in time, %", [round(100 * one.in_time, 1) for one in found]),
        ("longest overdue, s", [round(one.latest) for one in found]),
        ("requests per member and hour", [round(one.per_hour, 1) for one in found]),
        ("requests per second", [round(one.requests / one.seconds, 1) for one in found]),
        ("worker CPU, % of a core", [_percent(one.worker_cpu, one) for one in found]),
        ("database CPU, % of a core", [_percent(one.database_cpu, one) for one in found]),
        ("worker RSS, MiB, first to last", [f"{one.rss[0]} to {one.rss[-1]}" for one in found]),
        ("worker RSS, MiB, most", [max(one.rss) for one in found]),
        ("rows per member", [round(one.rows / one.members, 1) for one in found]),
        ("KiB in the database per member", [one.size // one.members // 1024 for one in found]),
        ("delay of new replies, s, median", [one.delays["median"] for one in found]),
        ("delay of new replies, s, 95 %", [one.delays["p95"] for one in found]),
        ("new replies wanted / came", [_came(one) for one in found]),
        ("requests over a limit", [one.over_limit for one in found]),
        ("¢ per member and month", [f"{one.cents(core_price):.3f}" for one in found]),
    ]
    for name, cells in rows:
        table.add_row(name, *map(str, cells))
    return table


def _percent(cpu: float, one: Figures) -> float:
    return round(100 * cpu / one.seconds, 1)


def _came(one: Figures) -> str:
    return f"{one.delays['wanted']} / {one.delays['came']}"


if __name__ == "__main__":
    main()
