"""The operator's block and allow lists, read when work begins and again each day."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path

import structlog

from toottail.errors import RemoteError, SettingsError, StorageError
from toottail.repository import blocks
from toottail.repository.blocks import DomainList, ListKind
from toottail.repository.database import Database
from toottail.servers import blocklists
from toottail.servers.door import Door
from toottail.settings import Settings
from toottail.types.domains import DomainRule, shown_list

log = structlog.get_logger(__name__)

FRESH = timedelta(days=1)
RETRY = timedelta(hours=1)
"""After so long a list that could not be read is tried again."""


async def refresh(settings: Settings, database: Database, door: Door, now: datetime) -> None:
    """Reads the lists that are due. Of one that cannot be read the last copy goes on to count.

    Raises `SettingsError` where there is no copy: to go on without a list that was asked for would
    be to ask whom the operator wants left alone.
    """
    wanted: list[tuple[ListKind, str]] = [("block", name) for name in settings.blocklists]
    wanted += [("allow", name) for name in settings.allowlist]
    for kind, name in wanted:
        async with database.connection() as conn:
            known = await blocks.kept(conn, kind, name)
        if _is_due(known, name, now):
            await _read(database, door, kind, name, now)
    async with database.connection() as conn:
        await blocks.forget_others(conn, wanted)


def _is_due(known: DomainList | None, name: str, now: datetime) -> bool:
    if known is None or known.read_at is None or known.tried_at is None:
        return True
    if not _is_url(name):
        return True  # a file costs nobody a request
    return now - known.tried_at > (RETRY if known.problem else FRESH)


def _is_url(name: str) -> bool:
    return name.startswith("https://")


async def _read(database: Database, door: Door, kind: ListKind, name: str, now: datetime) -> None:
    try:
        rules = await _rules(door, name)
    except (ValueError, RemoteError) as error:
        async with database.connection() as conn:
            kept = await blocks.note_unread(conn, kind, name, str(error), now)
        if not kept:
            raise SettingsError(
                f"the {kind} list {shown_list(name)}: {error}; no server is asked without it"
            ) from None
        log.warning("list not read, its last copy counts", list=shown_list(name), why=str(error))
        return
    async with database.transaction() as conn:
        await blocks.store(conn, kind, name, rules, now)


async def _rules(door: Door, name: str) -> tuple[DomainRule, ...]:
    if _is_url(name):
        return await blocklists.fetch_list(door, name)
    return await asyncio.to_thread(blocklists.read_file, Path(name))


async def keep(settings: Settings, database: Database, door: Door) -> None:
    """Reads lists again when they are due, for as long as it runs."""
    while True:
        await asyncio.sleep(RETRY.total_seconds())
        # A database that is away for a moment is told by those who do the work.
        with suppress(StorageError):
            await refresh(settings, database, door, datetime.now(UTC))
