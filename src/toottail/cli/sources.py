"""``toottail sources``: what each account reads, and why something is not read."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table
from rich.text import Text

from toottail.cli import loop
from toottail.cli.outcome import print_json
from toottail.repository import sources
from toottail.repository.database import open_database
from toottail.repository.sources import ListedSource
from toottail.settings import Settings, load
from toottail.types.sources import KINDS


def show_sources(*, everything: bool, as_json: bool, config: Path | None) -> int:
    """Tells it, and returns the exit code; with ``everything`` which kinds there are."""
    if everything:
        _show_kinds(as_json=as_json)
        return 0
    found = loop.run(_listed(load(config)))
    if as_json:
        print_json({"sources": [_as_json(one) for one in found]})
    else:
        _print(found)
    return 0


async def _listed(settings: Settings) -> list[ListedSource]:
    async with open_database(settings) as database, database.connection() as conn:
        return await sources.listed(conn)


def _as_json(one: ListedSource) -> dict[str, Any]:
    return {
        "home": one.home,
        "account": one.account,
        "source": _name(one),
        "entries": one.entries,
        "read_at": _time(one.read_at),
        "problem": one.told,
        "off": bool(one.off),
    }


def _name(one: ListedSource) -> str:
    return f"{one.kind}:{one.name}" if one.name else one.kind


def _time(at: datetime | None) -> str | None:
    return at.isoformat(timespec="seconds") if at is not None else None


def _print(found: list[ListedSource]) -> None:
    console = Console(soft_wrap=True, highlight=False)
    if not found:
        console.print("No account was read yet: toottail fetch HOME reads its home timeline.")
    table = Table.grid(padding=(0, 2))
    for one in found:
        account = f"{one.account}@{one.home}" if one.account else one.home
        read = one.read_at.astimezone().strftime("%Y-%m-%d %H:%M") if one.read_at else "not yet"
        table.add_row(account, _name(one), Text(one.told, style="yellow") if one.told else read)
    console.print(table)


def _show_kinds(*, as_json: bool) -> None:
    if as_json:
        print_json(
            {
                "kinds": [
                    {"source": k.word, "what": k.what, "gives": k.gives, "scopes": list(k.scopes)}
                    for k in KINDS.values()
                ]
            }
        )
        return
    console = Console(soft_wrap=True, highlight=False)
    for gives, title in (
        ("conversations", "Sources of conversations"),
        ("profiles", "Sources of profiles, whose newest posts are brought home"),
    ):
        table = Table.grid(padding=(0, 2))
        for kind in KINDS.values():
            if kind.gives == gives:
                word = f"{kind.word}:{kind.names.upper()}" if kind.needs_name else kind.word
                table.add_row(Text(f"  {word}", style="bold"), kind.what, " ".join(kind.scopes))
        console.print(Text(title, style="underline"), table)
    console.print(
        "\nWith =N the newest N entries are read: bookmarks=100. Beside its source's scopes"
    )
    console.print("a token needs read:statuses and read:search; read covers them all.")
