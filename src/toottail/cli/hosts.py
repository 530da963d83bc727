"""``toottail hosts``: what we know of other servers, and whom we leave alone."""

from __future__ import annotations

from dataclasses import asdict
from datetime import datetime
from pathlib import Path
from typing import Any

from toottail.cli import loop
from toottail.cli.host_reports import HostReports, gather
from toottail.cli.hosts_table import print_host, print_hosts
from toottail.cli.outcome import print_json
from toottail.errors import UsageError
from toottail.repository import blocks
from toottail.repository.database import open_database
from toottail.settings import Settings, load
from toottail.types.hosts import parse_host


def show(name: str | None, *, only_problems: bool, as_json: bool, config: Path | None) -> int:
    """Prints it, and returns the exit code. Raises `TootTailError` or `Interrupted`."""
    host = _host(name) if name is not None else None
    found = loop.run(_gather(load(config), host, only_problems))
    if as_json:
        print_json(to_json(found))
    elif host is not None and found.hosts:
        print_host(found.hosts[0])
    else:
        print_hosts(found)
    return 0


def block(name: str, why: str | None, config: Path | None) -> int:
    """From now on the host and its subdomains are neither asked nor named to a home."""
    host = _host(name)
    loop.run(_block(load(config), host, why))
    print(f"{host}, and what is below it, is left alone from now on")
    return 0


def unblock(name: str, config: Path | None) -> int:
    """Takes back `block`; says where something else goes on to count."""
    host = _host(name)
    was, still = loop.run(_unblock(load(config), host))
    print(f"{host} is no longer blocked by hand" if was else f"{host} was not blocked by hand")
    if still is not None:
        print(f"it is left alone all the same: {still}")
    return 0 if was else 1


def _host(name: str) -> str:
    if "@" in name:
        raise UsageError(f"{name} is an account; whole servers are blocked: give the server's name")
    return parse_host(name)


async def _gather(settings: Settings, host: str | None, only_problems: bool) -> HostReports:
    async with open_database(settings) as database, database.connection() as conn:
        return await gather(conn, host, only_problems=only_problems)


async def _block(settings: Settings, host: str, why: str | None) -> None:
    async with open_database(settings) as database, database.connection() as conn:
        await blocks.block(conn, host, why)


async def _unblock(settings: Settings, host: str) -> tuple[bool, str | None]:
    async with open_database(settings) as database, database.connection() as conn:
        return await blocks.unblock(conn, host), await blocks.barred(conn, host)


def to_json(found: HostReports) -> dict[str, Any]:
    """The object that ``hosts --json`` prints; times are ISO 8601, UTC."""
    return {
        "hosts": [_plain(asdict(host)) for host in found.hosts],
        "lists": [_plain(asdict(known)) for known in found.lists],
    }


def _plain(values: dict[str, Any]) -> dict[str, Any]:
    return {
        key: value.isoformat(timespec="seconds") if isinstance(value, datetime) else value
        for key, value in values.items()
    }
