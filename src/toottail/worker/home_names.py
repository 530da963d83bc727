"""The server behind the name that somebody gave for their home.

Asked before the run, outside of any lane: at most four requests, once a day for a name. Nodeinfo,
which a run needs anyway, is among them, so a home whose name is its server's costs nothing more.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import structlog

from toottail.errors import RemoteError
from toottail.repository import hosts
from toottail.repository.database import Database
from toottail.servers.asker import Asker
from toottail.servers.budgets import HostBudget, standard_limits
from toottail.servers.domains import Server, find_server
from toottail.servers.door import Door
from toottail.servers.permit import Permit, utc_now

log = structlog.get_logger(__name__)

_FRESH = timedelta(days=1)


async def find_home(
    database: Database, door: Door, name: str, account: str | None = None
) -> tuple[str, int]:
    """The host that serves ``name``, and how many requests to it that took.

    ``account`` is whom the home is asked for, where that is known. Where ``name`` does not answer
    it is taken for its own server: who asks next says what is wrong.
    """
    async with database.connection() as conn:
        row = await hosts.get(conn, name)
    now = datetime.now(UTC)
    if row.server is not None and row.server_at is not None and now - row.server_at < _FRESH:
        return row.server, 0
    if row.identified_at is not None and now - row.identified_at < _FRESH:
        return name, 0
    budget = HostBudget(name, defaults=standard_limits())
    permit = Permit(name, budget, in_flight=1, clock=utc_now)
    ask = Asker(door, permit, home=name)
    full = f"{account.removeprefix('@').partition('@')[0]}@{name}" if account else None
    try:
        found = await find_server(ask, account=full, robots=False)
    except RemoteError as error:
        log.info("home was not asked for its server", home=name, problem=error.what)
        return name, permit.sent
    await _store(database, name, found, now)
    if found.host != name:
        log.info("home is served by another host", home=name, server=found.host)
    return found.host, permit.sent


async def _store(database: Database, name: str, found: Server, now: datetime) -> None:
    async with database.transaction() as conn:
        if found.host != name:
            await hosts.store_server(conn, name, found.host, now)
        elif found.software is not None:
            software = found.software
            await hosts.store_software(conn, name, software.name, software.version, now)
