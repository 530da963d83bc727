"""``toottail rebalance``: evens out the slices of large homes while everything goes on."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path

from rich.console import Console
from rich.table import Table
from rich.text import Text

from toottail.cli import loop
from toottail.cli.outcome import print_json
from toottail.repository.database import open_database
from toottail.service.sharing_out import SharedOut, share_out
from toottail.settings import Settings, load

_PIPED_WIDTH = 4_000


def rebalance(*, dry: bool, as_json: bool, config: Path | None) -> int:
    """Shares out, prints how, and returns the exit code. Raises `TootTailError`."""
    settings = load(config)
    shared = loop.run(_share_out(settings, dry))
    if as_json:
        print_json({"homes": [asdict(one) for one in shared], "dry_run": dry})
    else:
        _print(shared, settings.slice_members)
    return 0


async def _share_out(settings: Settings, dry: bool) -> list[SharedOut]:
    async with open_database(settings) as database, database.transaction() as conn:
        return await share_out(conn, settings, dry=dry)


def _print(shared: list[SharedOut], bound: int) -> None:
    if not shared:
        print(f"no server has more than {bound} members")
        return
    console = Console(highlight=False, soft_wrap=True)
    if not console.is_terminal:
        console.width = _PIPED_WIDTH
    table = Table(box=None, pad_edge=False, header_style="bold", padding=(0, 2, 0, 0))
    for title in ("HOME", "MEMBERS", "BEFORE", "AFTER", "MOVED"):
        table.add_column(title)
    for one in shared:
        words = (one.home, str(one.members), _sizes(one.before), _sizes(one.after), str(one.moved))
        table.add_row(*map(Text, words))
    console.print(table)


def _sizes(members: dict[int, int]) -> str:
    """``3 slices: 67 67 66``, in the order of their numbers."""
    in_main = members.get(0, 0)
    sizes = [str(size) for number, size in sorted(members.items()) if number]
    if not sizes:
        return "not sliced"
    one = "slice" if len(sizes) == 1 else "slices"
    rest = f", and {in_main} in none" if in_main else ""
    return f"{len(sizes)} {one}: {' '.join(sizes)}{rest}"
