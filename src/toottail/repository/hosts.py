"""What is known of hosts: software, robots.txt, whether they answer."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from toottail.repository.database import Connection


@dataclass(frozen=True, slots=True)
class HostRow:
    """A host as stored; times are None while nothing is known."""

    host: str
    software: str | None = None
    version: str | None = None
    identified_at: datetime | None = None
    robots: str | None = None
    robots_at: datetime | None = None
    answered_at: datetime | None = None
    problem: str | None = None
    problem_at: datetime | None = None
    probe_at: datetime | None = None
    api_off: bool = False
    fetches_ancestors: bool | None = None


async def get(conn: Connection, host: str) -> HostRow:
    """What is known of ``host``; an empty row for a new one."""
    row = await conn.fetchrow("SELECT * FROM hosts WHERE host = $1", host)
    return HostRow(**row) if row else HostRow(host)


async def store_software(
    conn: Connection, host: str, software: str, version: str, now: datetime
) -> None:
    """Notes what runs at a host."""
    await conn.execute(
        "INSERT INTO hosts (host, software, version, identified_at) VALUES ($1, $2, $3, $4)"
        " ON CONFLICT (host) DO UPDATE SET software = $2, version = $3, identified_at = $4",
        host,
        software,
        version,
        now,
    )


async def store_robots(conn: Connection, host: str, text: str | None, now: datetime) -> None:
    """Notes a host's robots.txt; None when it has none."""
    await conn.execute(
        "INSERT INTO hosts (host, robots, robots_at) VALUES ($1, $2, $3)"
        " ON CONFLICT (host) DO UPDATE SET robots = $2, robots_at = $3",
        host,
        text,
        now,
    )


async def note_answer(conn: Connection, host: str, now: datetime) -> None:
    """Notes that a host answered; stored at most once a minute."""
    await conn.execute(
        "INSERT INTO hosts (host, answered_at) VALUES ($1, $2)"
        " ON CONFLICT (host) DO UPDATE SET answered_at = $2, problem = NULL, problem_at = NULL,"
        " probe_at = NULL WHERE hosts.answered_at IS NULL OR hosts.problem_at IS NOT NULL"
        " OR hosts.probe_at IS NOT NULL OR hosts.answered_at < $2 - interval '1 minute'",
        host,
        now,
    )


async def note_problem(conn: Connection, host: str, problem: str, now: datetime) -> None:
    """Notes that a host does not answer as it should."""
    await conn.execute(
        "INSERT INTO hosts (host, problem, problem_at) VALUES ($1, $2, $3)"
        " ON CONFLICT (host) DO UPDATE SET problem = $2, problem_at = $3, answered_at = NULL,"
        " probe_at = NULL",
        host,
        problem,
        now,
    )


async def want_probes(conn: Connection, wanted: Sequence[str], now: datetime) -> None:
    """Makes the question due whether these hosts answer."""
    await conn.execute(
        "INSERT INTO hosts (host, probe_at) SELECT unnest($1::text[]), $2"
        " ON CONFLICT (host) DO UPDATE SET probe_at = coalesce(hosts.probe_at, $2)",
        sorted(wanted),
        now,
    )


async def postpone_probe(conn: Connection, host: str, until: datetime) -> None:
    """Leaves a probe due, but not before the host's budget allows."""
    await conn.execute(
        "UPDATE hosts SET probe_at = $2 WHERE host = $1 AND probe_at < $2", host, until
    )


async def note_api_off(conn: Connection, host: str) -> None:
    """Notes that a host's API is closed to anonymous readers."""
    await conn.execute("UPDATE hosts SET api_off = true WHERE host = $1", host)


async def learn_climbing(conn: Connection, host: str, climbs: bool) -> None:
    """Notes whether a home was seen to fetch the ancestors of what it resolves."""
    await conn.execute(
        "UPDATE hosts SET fetches_ancestors = $2"
        " WHERE host = $1 AND fetches_ancestors IS DISTINCT FROM $2",
        host,
        climbs,
    )


async def of_author(conn: Connection, uri: str) -> HostRow:
    """What is known of the host of a status' author."""
    row = await conn.fetchrow(
        "SELECT hosts.* FROM hosts JOIN statuses USING (host) WHERE uri = $1", uri
    )
    return HostRow(**row) if row else HostRow("")
