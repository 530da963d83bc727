"""Prepare: what must be known of a host before it is asked about conversations.

At most three requests a day for a host that is read (robots.txt, and two for nodeinfo), one for a
host of which only is to be known whether it answers, two for a home.
"""

from __future__ import annotations

from datetime import timedelta

from toottail.errors import RedirectedAway, RemoteError, TooManyRequests
from toottail.flow.visit import HOST_FAILS_AFTER, HOST_REFUSES_AFTER, Visit
from toottail.repository import hosts, members
from toottail.repository.hosts import HostRow
from toottail.servers.consent import leave_alone_until
from toottail.servers.nodeinfo import Software, identify
from toottail.servers.robots import Robots, RobotsRecord, fetch_robots
from toottail.types.hosts import host_of

FRESH = timedelta(days=1)
"""So long robots.txt and nodeinfo are believed."""


def needs_robots(row: HostRow, visit: Visit) -> bool:
    """Whether the host's robots.txt must be read before anything else is asked."""
    return row.robots_at is None or visit.now() - row.robots_at > FRESH


def needs_software(row: HostRow, visit: Visit) -> bool:
    """Whether it must be found out what runs there."""
    return row.identified_at is None or visit.now() - row.identified_at > FRESH


async def read_robots(visit: Visit) -> Robots:
    """Asks for robots.txt and stores it. Raises `RemoteError` where the host does not answer."""
    record = await fetch_robots(visit.ask(), visit.now())
    async with visit.fenced() as conn:
        await hosts.store_robots(conn, visit.host, record.text, record.fetched_at)
        await hosts.note_answer(conn, visit.host, visit.now())
        await members.spend_for_host(conn, visit.host, visit.sent())
    return Robots.from_record(record)


def stored_robots(row: HostRow) -> Robots | None:
    """The rules as stored; None while they were never read."""
    if row.robots_at is None:
        return None
    return Robots.from_record(RobotsRecord(row.robots, row.robots_at))


async def find_software(visit: Visit, *, robots: bool) -> Software:
    """Asks what runs at the host and stores it. Raises `RemoteError` where it does not answer."""
    try:
        software = await identify(visit.ask(), robots=robots)
    except RedirectedAway as away:
        software = await _software_of_server(visit, host_of(away.url))
    async with visit.fenced() as conn:
        await hosts.store_software(conn, visit.host, software.name, software.version, visit.now())
        await hosts.note_answer(conn, visit.host, visit.now())
        await members.spend_for_host(conn, visit.host, visit.sent())
    return software


async def _software_of_server(visit: Visit, server: str | None) -> Software:
    """What runs behind a name that another host serves, as far as that one is known."""
    if server is None:
        return Software("unknown", "")
    async with visit.fenced() as conn:
        await hosts.store_server(conn, visit.host, server, visit.now())
        known = await hosts.get(conn, server)
    return Software(known.software or "unknown", known.version or "")


async def note_failure(visit: Visit, error: RemoteError) -> bool:
    """Stores that the host did not answer; True when it failed too often to go on now."""
    hopeless = isinstance(error, TooManyRequests) and not error.told
    async with visit.fenced() as conn:
        await members.spend_for_host(conn, visit.host, visit.sent())
        if visit.failures() < HOST_FAILS_AFTER and not (
            hopeless and visit.refusals() >= HOST_REFUSES_AFTER
        ):
            await hosts.postpone_probe(conn, visit.host, visit.retry_at())
            return False
        if hopeless:
            until = leave_alone_until(visit.now(), "too many", visit.row.refused_times + 1)
            await hosts.note_refusal(conn, visit.host, error.what, until)
        await hosts.note_problem(conn, visit.host, error.what, visit.now())
    return True
