"""What a member's page shows: totals, days, hosts that told nothing, the first run."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from uuid import UUID

from toottail.repository.database import Connection
from toottail.types.service import RefusingHost, Totals

_TOTALS = """
SELECT count(*) AS conversations, count(*) FILTER (WHERE whole) AS whole,
    coalesce(sum(total), 0)::bigint AS replies, coalesce(sum(were_here), 0)::bigint AS were_here,
    coalesce(sum(here - were_here), 0)::bigint AS delivered,
    coalesce(sum(not_obtained), 0)::bigint AS not_obtained
FROM watchers JOIN members ON members.id = member_id,
    LATERAL completeness(conversation_id, home)
WHERE member_id = $1
"""

# OFFSET 0: conversation by conversation, never all that was brought to anybody in these days.
_DAYS = """
SELECT (changed_at AT TIME ZONE 'UTC')::date AS day, count(*) AS delivered
FROM watchers JOIN members ON members.id = member_id CROSS JOIN LATERAL (
    SELECT changed_at FROM deliveries AS d
    WHERE d.conversation_id = watchers.conversation_id AND d.home = members.home
        AND d.state IN ('delivered', 'resolved') AND d.changed_at >= $2
    OFFSET 0) AS brought
WHERE member_id = $1 GROUP BY 1
"""

# What its lane knows of failures in a row, [how many, until when], is in the lane's budget.
_HOSTS = """
WITH silent AS (
    SELECT looks.host, max(looks.problem) FILTER (WHERE looks.problem <> 'it is gone') AS problem,
        count(DISTINCT looks.conversation_id) AS conversations,
        min(looks.next_at) FILTER (WHERE looks.state = 'due') AS next_at
    FROM watchers JOIN members ON members.id = member_id JOIN looks USING (conversation_id)
    WHERE member_id = $1 AND looks.host <> members.home
    GROUP BY looks.host
    HAVING count(*) FILTER (WHERE looks.state = 'done') = 0
        AND count(*) FILTER (WHERE looks.problem <> 'it is gone') > 0
)
SELECT silent.host, coalesce(hosts.refused, silent.problem) AS problem, silent.conversations,
    greatest(silent.next_at, hosts.refused_until, CASE
        WHEN (lanes.budget #>> '{circuit,0}')::int > 1
        THEN to_timestamp((lanes.budget #>> '{circuit,1}')::float8) END) AS again_at
FROM silent LEFT JOIN hosts ON hosts.host = silent.host LEFT JOIN lanes ON lanes.key = silent.host
ORDER BY conversations DESC, silent.host LIMIT 200
"""

_RUN = """
SELECT id, started_at, ended_at FROM runs WHERE member_id = $1 ORDER BY started_at DESC LIMIT 1
"""

_SOURCES = """
SELECT kind, name, enabled, entries, told, read_at, off_until FROM sources
WHERE member_id = $1 ORDER BY kind, name
"""


@dataclass(frozen=True, slots=True)
class RunRow:
    """A run and its time."""

    id: UUID
    started_at: datetime
    ended_at: datetime | None


@dataclass(frozen=True, slots=True)
class SourceRow:
    """A source of a member as stored; ``told`` says why it was not read."""

    kind: str
    name: str
    enabled: bool
    entries: int
    told: str | None
    read_at: datetime | None
    off_until: datetime | None


async def totals(conn: Connection, member_id: int) -> Totals:
    """Counts over all that a member watches."""
    (row,) = await conn.fetch(_TOTALS, member_id)
    return Totals(**row)


async def days(conn: Connection, member_id: int, since: datetime) -> dict[date, int]:
    """Replies brought home to what a member watches, by day (UTC); days without are left out."""
    rows = await conn.fetch(_DAYS, member_id, since)
    return {row["day"]: row["delivered"] for row in rows}


async def hosts(conn: Connection, member_id: int, now: datetime) -> list[RefusingHost]:
    """The hosts that told nothing of a member's conversations, those of most of them first."""
    rows = [RefusingHost(**row) for row in await conn.fetch(_HOSTS, member_id)]
    return [
        host
        if host.again_at is None or host.again_at > now
        else RefusingHost(host.host, host.problem, host.conversations)
        for host in rows
    ]


async def newest_run(conn: Connection, member_id: int) -> RunRow | None:
    """The run that began with the member's last sign-in, None where there is none."""
    row = await conn.fetchrow(_RUN, member_id)
    return RunRow(**row) if row else None


async def sources(conn: Connection, member_id: int) -> Sequence[SourceRow]:
    """All sources of a member that are stored, those switched off among them."""
    return [SourceRow(**row) for row in await conn.fetch(_SOURCES, member_id)]
