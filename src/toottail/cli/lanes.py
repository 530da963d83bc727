"""``toottail lanes``: who serves what, and how late."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table
from rich.text import Text

from toottail.cli import loop
from toottail.cli.outcome import print_json
from toottail.repository import delays, operations
from toottail.repository.database import open_database
from toottail.settings import Settings, load
from toottail.types.delays import DelayRow
from toottail.types.service import LaneRow, WorkerRow

MOST_LANES = 1_000
_PIPED_WIDTH = 4_000
_MIB = 1 << 20


def show(*, as_json: bool, config: Path | None) -> int:
    """Prints workers, lanes and delays, and returns the exit code. Raises `TootTailError`."""
    found = loop.run(_gather(load(config)))
    if as_json:
        print_json(to_json(found))
    else:
        _print(found)
    return 0


@dataclass(frozen=True, slots=True)
class Found:
    """What is shown."""

    workers: list[WorkerRow]
    lanes: list[LaneRow]
    delays: list[DelayRow]


def to_json(found: Found) -> dict[str, Any]:
    """All of it as JSON; times in ISO 8601, ``late`` and ``median`` in seconds, memory in bytes."""
    return {
        "workers": [_plain(asdict(worker)) for worker in found.workers],
        "lanes": [_plain(asdict(lane)) for lane in found.lanes],
        "delays": [asdict(delay) for delay in found.delays],
    }


def _plain(row: dict[str, Any]) -> dict[str, Any]:
    return {k: v.isoformat() if isinstance(v, datetime) else v for k, v in row.items()}


async def _gather(settings: Settings) -> Found:
    now = datetime.now(UTC)
    async with open_database(settings) as database, database.connection() as conn:
        return Found(
            await operations.workers(conn, now),
            await operations.lanes(conn, now, MOST_LANES),
            await delays.read(conn, now),
        )


def _print(found: Found) -> None:
    console = Console(highlight=False, soft_wrap=True)
    if not console.is_terminal:
        console.width = _PIPED_WIDTH
    _print_workers(console, found.workers)
    _print_lanes(console, found.lanes)
    if found.delays:
        _print_delays(console, found.delays)


def _print_workers(console: Console, workers: list[WorkerRow]) -> None:
    if workers:
        table = _table("WORKER", "SINCE", "EGRESS", "LANES", "STREAMS", "MIB", "STATE")
        for one in workers:
            memory = str(one.memory // _MIB) if one.memory else "?"
            streams = "-" if one.streams is None else str(one.streams)
            who = (one.id, _at(one.started_at), one.egress or "-")
            table.add_row(*map(Text, (*who, str(one.lanes), streams, memory, _state(one))))
        console.print(table)
    else:
        console.print("no workers")


def _print_lanes(console: Console, lanes: list[LaneRow]) -> None:
    if lanes:
        table = _table("LANE", "WORKER", "SINCE", "DUE", "LATE", "MEMBERS")
        for lane in lanes:
            since = _at(lane.since) if lane.since else "-"
            late = f"{lane.late:.0f} s" if lane.due else "-"
            members = "-" if lane.members is None else str(lane.members)
            words = (lane.key, lane.worker or "-", since, str(lane.due), late)
            table.add_row(*map(Text, words), members)
        console.print(table)
    else:
        console.print("no lanes with work")


def _print_delays(console: Console, delays: list[DelayRow]) -> None:
    table = _table("DELAY OF", "WITHIN", "DONE", "MEDIAN", "95 %")
    for one in delays:
        times = (f"{one.median:.1f} s", f"{one.late:.1f} s")
        table.add_row(*map(Text, (one.kind, f"{one.hours} h", str(one.done), *times)))
    console.print(table)


def _state(worker: WorkerRow) -> str:
    if not worker.alive:
        return f"not alive, last seen {_at(worker.seen_at)}"
    return "over its memory limit, takes no new lanes" if worker.over_limit else "alive"


def _at(moment: datetime) -> str:
    return f"{moment.astimezone():%Y-%m-%d %H:%M:%S}"


def _table(*titles: str) -> Table:
    table = Table(box=None, pad_edge=False, header_style="bold", padding=(0, 2, 0, 0))
    for title in titles:
        table.add_column(title)
    return table
