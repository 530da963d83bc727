"""What is known of hosts: software, robots.txt, whether they answer."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from toottail.repository.database import Connection, Row

_SIGNATURE_FRESH = timedelta(days=1)
_REFUSED_FOR = timedelta(hours=1)
"""So long a host that refused our signature is left alone: the fault may be ours, and be mended."""


@dataclass(frozen=True, slots=True)
class HostRow:
    """A host as stored; times are None while nothing is known. ``notes`` are words of dialects."""

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
    fetches_ancestors: bool | None = None
    signature: str | None = None
    signature_at: datetime | None = None
    refused: str | None = None
    refused_until: datetime | None = None
    refused_times: int = 0
    server: str | None = None
    server_at: datetime | None = None
    notes: frozenset[str] = frozenset()

    def known_signature(self, now: datetime) -> str | None:
        """What signature the host wants; None while that is unknown, or was learnt long ago."""
        if self.signature is None or self.signature_at is None:
            return None
        believed = _REFUSED_FOR if self.signature == "refused" else _SIGNATURE_FRESH
        return self.signature if now - self.signature_at < believed else None


async def get(conn: Connection, host: str) -> HostRow:
    """What is known of ``host``; an empty row for a new one."""
    row = await conn.fetchrow("SELECT * FROM hosts WHERE host = $1", host)
    return _read(row, host)


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


async def store_server(conn: Connection, host: str, server: str, now: datetime) -> None:
    """Notes which other host is behind the name ``host``."""
    await conn.execute(
        "INSERT INTO hosts (host, server, server_at) VALUES ($1, $2, $3)"
        " ON CONFLICT (host) DO UPDATE SET server = $2, server_at = $3",
        host,
        server,
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
        # Looked up before it is written: a conflict would lock the row, news or not, and let the
        # other steps at this host wait.
        "INSERT INTO hosts (host, answered_at) SELECT $1, $2 WHERE NOT EXISTS ("
        " SELECT FROM hosts WHERE host = $1 AND problem_at IS NULL"
        " AND answered_at >= $2::timestamptz - interval '1 minute' AND probe_at IS NULL)"
        " ON CONFLICT (host) DO UPDATE SET answered_at = $2, problem = NULL, problem_at = NULL,"
        " probe_at = NULL",
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


async def note_refusal(conn: Connection, host: str, what: str, until: datetime) -> None:
    """Notes that a host refuses us, once more, and until when it is left alone."""
    await conn.execute(
        "INSERT INTO hosts (host, refused, refused_until, refused_times) VALUES ($1, $2, $3, 1)"
        " ON CONFLICT (host) DO UPDATE SET refused = $2, refused_until = $3,"
        " refused_times = hosts.refused_times + 1",
        host,
        what,
        until,
    )


async def note_welcome(conn: Connection, host: str) -> None:
    """Notes that a host that refused us before has let us read something."""
    await conn.execute(
        "UPDATE hosts SET refused = NULL, refused_until = NULL, refused_times = 0"
        " WHERE host = $1 AND refused_times > 0",
        host,
    )


async def drop_probe(conn: Connection, host: str) -> None:
    """Nobody is to find out whether a host answers."""
    await conn.execute("UPDATE hosts SET probe_at = NULL WHERE host = $1", host)


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


async def remember(conn: Connection, host: str, notes: Iterable[str]) -> HostRow:
    """Adds to what dialects want remembered of a host; returns all that is known of it."""
    row = await conn.fetchrow(
        "UPDATE hosts SET notes = ARRAY(SELECT DISTINCT unnest(notes || $2::text[]) ORDER BY 1)"
        " WHERE host = $1 RETURNING *",
        host,
        sorted(notes),
    )
    return _read(row, host)


async def note_signature(conn: Connection, host: str, signature: str, now: datetime) -> None:
    """Notes what signature a host wants: `cavage`, `rfc9421`, `wanted` or `refused`."""
    await conn.execute(
        "UPDATE hosts SET signature = $2, signature_at = $3 WHERE host = $1 AND"
        " (signature IS DISTINCT FROM $2 OR signature_at < $3::timestamptz - interval '1 hour')",
        host,
        signature,
        now,
    )


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
    return _read(row, "")


def _read(row: Row | None, host: str) -> HostRow:
    if row is None:
        return HostRow(host)
    known = dict(row.items())
    return HostRow(**{**known, "notes": frozenset(known["notes"])})
