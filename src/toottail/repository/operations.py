"""What the operator sees: lanes with work, homes, hosts with errors, what all of it costs."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from toottail.repository.database import Connection
from toottail.types.service import HomeRow, LaneRow, RefusingHost, WorkerRow

SILENT_FOR = timedelta(seconds=15)
"""A worker that gave no sign of life for so long is not alive."""

# As `lanes.due` finds them, with how much is due and since when (whatever put it off), and lanes
# that are held.
_LANES = """
WITH due AS (
    SELECT lane_of(sources.home, slice) AS key, coalesce(since, collect_at) AS at
    FROM sources JOIN members ON members.id = member_id
    WHERE collect_at <= $1 AND active_until > $1
  UNION ALL
    SELECT feed_watches.home, next_at FROM feed_watches JOIN members ON members.id = member_id
    WHERE next_at <= $1 AND active_until > $1
  UNION ALL
    SELECT host, next_at FROM feeds
    WHERE state = 'due' AND next_at <= $1 AND EXISTS (
        SELECT FROM feed_watches JOIN members ON members.id = member_id
        WHERE feed_id = feeds.id AND active_until > $1)
  UNION ALL
    SELECT host, coalesce(since, next_at) FROM looks
    WHERE state = 'due' AND next_at <= $1 AND EXISTS (
        SELECT FROM watchers JOIN members ON members.id = member_id
        WHERE watchers.conversation_id = looks.conversation_id AND active_until > $1)
  UNION ALL
    SELECT watches.home, coalesce(since, next_at) FROM watches
    WHERE next_at <= $1 AND EXISTS (
        SELECT FROM watchers JOIN members ON members.id = member_id
        WHERE watchers.conversation_id = watches.conversation_id
            AND members.home = watches.home AND active_until > $1)
  UNION ALL
    SELECT deliveries.home,
        CASE WHEN state = 'pending' THEN least(changed_at, next_at) ELSE next_at END
    FROM deliveries
    WHERE next_at <= $1 AND EXISTS (
        SELECT FROM watchers JOIN members ON members.id = member_id
        WHERE watchers.conversation_id = deliveries.conversation_id
            AND members.home = deliveries.home AND active_until > $1)
  UNION ALL
    SELECT host, probe_at FROM hosts WHERE probe_at <= $1
), waiting AS (
    SELECT key, count(*) AS due, min(at) AS oldest FROM due GROUP BY key
), held AS (
    SELECT lanes.key, holder, visits.started_at FROM lanes
        LEFT JOIN visits ON visits.key = lanes.key AND visits.epoch = lanes.epoch
    WHERE holder IS NOT NULL AND lease_until >= $1
)
SELECT key, held.holder::text AS worker, held.started_at AS since, coalesce(due, 0) AS due,
    coalesce(extract(epoch FROM $1 - oldest), 0)::float8 AS late,
    CASE WHEN strpos(key, '#') > 0 THEN (
        SELECT count(*) FROM members
        WHERE home = split_part(key, '#', 1) AND slice = split_part(key, '#', 2)::smallint)
    END AS members
FROM waiting FULL JOIN held USING (key)
ORDER BY late DESC, due DESC, key LIMIT $2
"""

# The same in a few numbers, however many lanes there are.
_LANE_FIGURES = f"""
SELECT count(*) FILTER (WHERE due > 0) AS due, count(*) FILTER (WHERE worker IS NOT NULL) AS held,
    count(*) FILTER (WHERE late > 60) AS late_minute,
    count(*) FILTER (WHERE late > 900) AS late_quarter,
    count(*) FILTER (WHERE late > 3600) AS late_hour, coalesce(max(late), 0)::float8 AS oldest
FROM ({_LANES}) AS lanes
"""  # noqa: S608

_WORKERS = """
SELECT id::text, started_at, seen_at, seen_at > $1::timestamptz - $2::interval AS alive, egress,
    lanes, memory, memory_limit, over_limit, streams
FROM workers ORDER BY started_at, id
"""

_HOMES = """
WITH brought AS (
    SELECT home, count(*) AS delivered FROM deliveries
    WHERE state IN ('delivered', 'resolved') AND changed_at > now() - interval '1 day'
    GROUP BY home
)
SELECT members.home, trim(coalesce(max(software), 'unknown') || ' ' || coalesce(max(version), ''))
        AS software,
    count(*) AS members, count(*) FILTER (WHERE paused_why IS NOT NULL) AS paused,
    coalesce(max(brought.delivered), 0) AS delivered_day,
    coalesce(max(hosts.problem), max(members.problem) FILTER (WHERE paused_why = 'home')) AS problem
FROM members LEFT JOIN hosts ON hosts.host = members.home
    LEFT JOIN brought ON brought.home = members.home
WHERE served GROUP BY members.home ORDER BY count(*) DESC, members.home LIMIT $1
"""

_ERRORS = """
SELECT hosts.host, coalesce(hosts.refused, hosts.problem) AS problem,
    (SELECT count(DISTINCT conversation_id) FROM looks
     WHERE looks.host = hosts.host AND state = 'due') AS conversations,
    nullif(greatest(
        CASE WHEN refused_until > now() THEN refused_until END,
        (SELECT min(next_at) FROM looks WHERE looks.host = hosts.host AND state = 'due'
            AND next_at > now())), NULL) AS again_at
FROM hosts WHERE refused IS NOT NULL OR problem IS NOT NULL
ORDER BY coalesce(problem_at, now()) DESC, hosts.host LIMIT $1
"""

_REQUESTS = """
SELECT coalesce(sum(requests), 0)::bigint FROM visits WHERE started_at > now() - interval '1 day'
"""


@dataclass(frozen=True, slots=True)
class LaneFigures:
    """How many lanes have something due, are held, and are late by more than a minute, a quarter of
    an hour, an hour; ``oldest`` is for how many seconds the longest waiting work waits."""

    due: int
    held: int
    late_minute: int
    late_quarter: int
    late_hour: int
    oldest: float


@dataclass(frozen=True, slots=True)
class Size:
    """Requests to other servers in the last day, and bytes of the database."""

    requests_day: int
    database_bytes: int


async def lanes(conn: Connection, now: datetime, most: int) -> list[LaneRow]:
    """Lanes that somebody serves or that have work for an active member, the latest first."""
    return [LaneRow(**row) for row in await conn.fetch(_LANES, now, most)]


async def lane_figures(conn: Connection, now: datetime, within: float) -> LaneFigures:
    """The same lanes as numbers. Raises TimeoutError where it takes more seconds than that."""
    (row,) = await conn.fetch(_LANE_FIGURES, now, None, timeout=within)
    return LaneFigures(**row)


async def workers(conn: Connection, now: datetime) -> list[WorkerRow]:
    """The workers as they last told of themselves, the oldest first."""
    return [WorkerRow(**row) for row in await conn.fetch(_WORKERS, now, SILENT_FOR)]


async def homes(conn: Connection, most: int) -> list[HomeRow]:
    """Homes of the service's members, those of most members first."""
    return [HomeRow(**row) for row in await conn.fetch(_HOMES, most)]


async def hosts_with_errors(conn: Connection, most: int) -> list[RefusingHost]:
    """Hosts that do not answer as they should or refuse us, and what waits for them."""
    return [RefusingHost(**row) for row in await conn.fetch(_ERRORS, most)]


async def size(conn: Connection) -> Size:
    """How much is asked, and how much is stored."""
    requests = await conn.fetchval(_REQUESTS)
    stored = await conn.fetchval("SELECT pg_database_size(current_database())")
    return Size(requests, stored)
