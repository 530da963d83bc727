"""``toottail members``: who is served, and what the operator may do about it."""

from __future__ import annotations

import json
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import datetime
from pathlib import Path
from typing import Any, TypeVar

from rich.console import Console
from rich.table import Table
from rich.text import Text

from toottail.cli import loop
from toottail.cli.accounts import named_in
from toottail.cli.outcome import print_json
from toottail.errors import ServiceRefused, UsageError
from toottail.repository import roster
from toottail.repository.database import open_database
from toottail.repository.people import PersonRow
from toottail.repository.roster import Enlisted
from toottail.service import account, operating
from toottail.service.context import Service
from toottail.service.opening import open_service
from toottail.service.people import shown
from toottail.settings import Settings, load
from toottail.types.hosts import parse_host
from toottail.types.service import MemberView, Overview

_Result = TypeVar("_Result")
_STATES = {
    "working": ("served", ""),
    "paused": ("paused", "dim"),
    "token_refused": ("token refused", "yellow"),
    "home_fails": ("home fails", "yellow"),
    "asleep": ("asleep", "dim"),
}


def show_all(home: str | None, *, as_json: bool, config: Path | None) -> int:
    """Lists the members; the exit code. Raises `TootTailError` or `Interrupted`."""
    wanted = parse_host(home) if home else None
    found = loop.run(_listed(load(config), wanted))
    if as_json:
        print_json({"members": [_as_json(one, view) for one, view in found]})
        return 0
    table = Table.grid(padding=(0, 2))
    for one, view in found:
        words, style = _STATES[view.state]
        table.add_row(
            str(one.id),
            Text(view.handle),
            Text(words, style=style),
            _day(one.created_at),
            Text(" ".join(one.sources), style="dim"),
        )
    console = Console(soft_wrap=True, highlight=False)
    console.print(table if found else "There is no member yet.")
    return 0


async def _listed(settings: Settings, home: str | None) -> list[tuple[Enlisted, MemberView]]:
    async with open_database(settings) as database, database.connection() as conn:
        return [
            (one, _view(one))
            async for page in roster.pages(conn)
            for one in page
            if home in (None, one.home)
        ]


def show_one(who: str, *, as_json: bool, config: Path | None) -> int:
    """Tells of one member; the exit code. Raises `TootTailError` or `Interrupted`."""
    one, overview = loop.run(_with(load(config), who, account.overview))
    if as_json:
        print_json(_as_json(one, overview.member) | _progress(overview))
        return 0
    console = Console(soft_wrap=True, highlight=False)
    words, style = _STATES[overview.member.state]
    console.print(Text.assemble((overview.member.handle, "bold"), " ", (words, style)))
    table = Table.grid(padding=(0, 2))
    table.add_row("number", str(one.id))
    table.add_row("since", _day(one.created_at))
    table.add_row("last seen here", _day(one.seen_at) if one.seen_at else "never")
    table.add_row("last read at home", _day(one.read_at))
    if overview.member.told:
        table.add_row("problem", Text(overview.member.told, style="yellow"))
    if one.delete_at:
        table.add_row("removed after", _day(one.delete_at))
    table.add_row("scopes", one.scopes or "not told")
    for source in overview.sources:
        if source.enabled:
            table.add_row("reads", Text(f"{source.spec}  {source.told or ''}".rstrip()))
    totals = overview.totals
    table.add_row("conversations", f"{totals.conversations}, {totals.whole} of them whole")
    table.add_row("replies", f"{totals.delivered} brought home, {totals.not_obtained} not obtained")
    console.print(table)
    return 0


def data(who: str, config: Path | None) -> int:
    """Prints all that is stored about a member, without secrets; the exit code.

    Raises `TootTailError` or `Interrupted`.
    """
    _, found = loop.run(_with(load(config), who, account.export))
    print(json.dumps(found, indent=2, ensure_ascii=False))
    return 0


def pause(who: str, config: Path | None) -> int:
    """Pauses a member; the exit code. Raises `TootTailError` or `Interrupted`."""

    async def do(service: Service, member_id: int) -> None:
        await account.pause(service, member_id, by_operator=True)

    one, _ = loop.run(_with(load(config), who, do))
    print(f"{one.handle} is paused; toottail members resume goes on")
    return 0


def resume(who: str, config: Path | None) -> int:
    """Goes on with a member; the exit code. Raises `TootTailError` or `Interrupted`."""

    async def do(service: Service, member_id: int) -> None:
        await account.resume(service, member_id, by_operator=True)

    one, _ = loop.run(_with(load(config), who, do))
    print(f"{one.handle} is served")
    return 0


def remove(who: str, config: Path | None, *, sure: bool) -> int:
    """Removes a member; the exit code. Raises `TootTailError` or `Interrupted`."""
    settings = load(config)
    if not sure:
        one, _ = loop.run(_with(settings, who, _nothing))
        if not sys.stdin.isatty():
            raise UsageError(f"{one.handle}: to remove them without being asked, say --yes")
        print(f"Remove {one.handle}, and all that is stored about them? [y/N] ", end="", flush=True)
        if sys.stdin.readline().strip().lower() not in ("y", "yes"):
            print("nothing was done")
            return 1
    one, ended = loop.run(_with(settings, who, account.leave))
    print(f"{one.handle}: all that was stored is deleted")
    if ended:
        print(f"{one.home} confirmed that the token is no more")
    else:
        print(
            f"{one.home} did not confirm that the token is no more; its owner can take it back "
            "there, in the settings of their account"
        )
    return 0


async def _nothing(_service: Service, _member_id: int) -> None:
    """Only finds the member."""


def invite(uses: int, days: int | None, note: str, config: Path | None) -> int:
    """Makes an invite code; the exit code. Raises `TootTailError` or `Interrupted`."""
    settings = load(config)

    async def make() -> str:
        async with _open(settings) as service:
            return await operating.invite(service, uses=uses, days=days, note=note)

    print(loop.run(make()))
    return 0


async def _with(
    settings: Settings, who: str, do: Callable[[Service, int], Awaitable[_Result]]
) -> tuple[Enlisted, _Result]:
    """The member that ``who`` names, and what ``do`` gives for them."""
    async with _open(settings) as service:
        one = await _find(service, who)
        try:
            return one, await do(service, one.id)
        except ServiceRefused as error:
            raise UsageError(f"{one.handle}: {error}") from None


@asynccontextmanager
async def _open(settings: Settings) -> AsyncIterator[Service]:
    async with open_database(settings) as database, open_service(settings, database) as service:
        yield service


async def _find(service: Service, who: str) -> Enlisted:
    async with service.database.connection() as conn:
        if who.isascii() and who.isdigit() and len(who) < 19:
            found = [one] if (one := await roster.get(conn, int(who))) is not None else []
        else:
            named = named_in(who)
            if named is None:
                raise UsageError(f"{who}: expected @me@example.social, or a number of the list")
            found = await roster.find(conn, parse_host(who), named)
    if not found:
        raise UsageError(f"{who}: there is no such member; toottail members list has them all")
    if len(found) > 1:
        numbers = ", ".join(str(one.id) for one in found)
        raise UsageError(f"{who}: there are several of that name; say which number: {numbers}")
    return found[0]


def _view(one: Enlisted) -> MemberView:
    return shown(
        PersonRow(
            id=one.id,
            home=one.home,
            account=one.account,
            scopes=one.scopes,
            tag_servers=(),
            paused_why=one.paused_why,
            problem=one.problem,
            created_at=one.created_at,
            delete_at=one.delete_at,
        )
    )


def _as_json(one: Enlisted, view: MemberView) -> dict[str, Any]:
    return {
        "id": one.id,
        "home": one.home,
        "account": view.handle,
        "state": view.state,
        "paused_by": one.paused_why,
        "problem": view.told,
        "created_at": _time(one.created_at),
        "seen_at": _time(one.seen_at),
        "read_at": _time(one.read_at),
        "delete_at": _time(one.delete_at),
        "scopes": one.scopes,
        "sources": list(one.sources),
    }


def _progress(overview: Overview) -> dict[str, Any]:
    totals = overview.totals
    return {
        "conversations": totals.conversations,
        "whole": totals.whole,
        "delivered": totals.delivered,
        "not_obtained": totals.not_obtained,
    }


def _time(at: datetime | None) -> str | None:
    return at.isoformat(timespec="seconds") if at is not None else None


def _day(at: datetime) -> str:
    return at.astimezone().strftime("%Y-%m-%d %H:%M")
