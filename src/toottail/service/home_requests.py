"""Requests to homes for sign-ins: outside of any lane, counted over all processes together."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from typing import Literal

from toottail.errors import RedirectedAway
from toottail.repository import hosts
from toottail.repository.hosts import HostRow
from toottail.servers.asker import Asker
from toottail.servers.budgets import HostBudget, standard_limits
from toottail.servers.domains import Server, find_server
from toottail.servers.nodeinfo import Software, identify
from toottail.servers.permit import Permit
from toottail.service import allowances
from toottail.service.allowances import Rate
from toottail.service.context import Service

_FRESH = timedelta(days=1)
_UNKNOWN = Software("unknown", "")
_ACCOUNT = re.compile(r"@?([\w.-]{1,64})@[^@/\s]+")


Purpose = Literal["home", "token", "revoke"]

_RATES: dict[Purpose, Rate] = {
    "home": allowances.HOME_REQUESTS,
    "token": allowances.HOME_TOKENS,
}


def busy(host: str) -> str:
    """What to say to whom one home's allowance turns away."""
    return f"Many people are signing in with {host} just now. Try again in a few minutes."


def asker(service: Service, host: str, purpose: Purpose = "home") -> Asker:
    """Asks a home for a sign-in; each request first takes one of the allowance for its purpose.

    To ``revoke`` a token has none: it must be done whatever it costs.
    """

    async def count() -> None:
        if (rate := _RATES.get(purpose)) is not None:
            await allowances.use(service, purpose, host, rate, busy(host))

    budget = HostBudget(host, defaults=standard_limits())
    permit = Permit(host, budget, in_flight=1, before_send=count)
    return Asker(service.door, permit, home=host)


async def find(service: Service, name: str, typed: str = "") -> tuple[str, Software]:
    """The host that serves ``name``, and its software; asked once a day.

    ``typed`` is what the visitor wrote, which may hold the name of an account. Raises what keeps a
    request from being answered.
    """
    now = datetime.now(UTC)
    row = await _known(service, name)
    if row.server is not None and row.server_at is not None and now - row.server_at < _FRESH:
        return row.server, await _software_of(service, row.server, now)
    if (software := _fresh(row, now)) is not None:
        return name, software
    account = _ACCOUNT.fullmatch(typed.strip())
    found = await find_server(
        asker(service, name), account=f"{account[1]}@{name}" if account else None, robots=False
    )
    await _store(service, name, found, now)
    if found.host == name:
        return name, found.software or _UNKNOWN
    return found.host, await _software_of(service, found.host, now)


async def _software_of(service: Service, host: str, now: datetime) -> Software:
    known = _fresh(await _known(service, host), now)
    if known is not None:
        return known
    try:
        software = await identify(asker(service, host), robots=False)
    except RedirectedAway:
        software = _UNKNOWN  # one step is followed, never a chain
    await _store(service, host, Server(host, software), now)
    return software


async def _known(service: Service, host: str) -> HostRow:
    async with service.database.connection() as conn:
        return await hosts.get(conn, host)


def _fresh(row: HostRow, now: datetime) -> Software | None:
    if row.identified_at is None or now - row.identified_at >= _FRESH:
        return None
    return Software(row.software or "unknown", row.version or "")


async def _store(service: Service, name: str, found: Server, now: datetime) -> None:
    async with service.database.transaction() as conn:
        if found.host != name:
            await hosts.store_server(conn, name, found.host, now)
        elif found.software is not None:
            software = found.software
            await hosts.store_software(conn, name, software.name, software.version, now)
