"""Figures about all that is stored, for the operator's monitoring."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from toottail.repository import operations
from toottail.repository.database import Connection
from toottail.repository.operations import LaneFigures
from toottail.types.delays import BOUNDS

STUCK_AFTER = timedelta(minutes=30)
"""A first run that brought nothing for so long is stuck; after an hour it is ended."""
_SLOTS = timedelta(minutes=30)
_LANES_WITHIN = 4.0
"""Seconds; with a hundred thousand pieces of work due it may be more."""

_MEMBERS = """
SELECT coalesce('paused_' || paused_why, 'working') AS state, count(*)
FROM members WHERE served GROUP BY 1
"""

_COUNTS = """
SELECT (SELECT count(DISTINCT home) FROM members WHERE served) AS homes,
    (SELECT count(*) FROM streams WHERE up_since IS NOT NULL) AS streams,
    (SELECT count(*) FROM opt_outs WHERE state = 'open') AS opt_outs
"""

_RUNS = """
SELECT CASE WHEN moved_at < $1::timestamptz THEN 'stuck' ELSE 'going' END AS state, count(*)
FROM runs JOIN members ON members.id = member_id WHERE ended_at IS NULL AND served GROUP BY 1
"""

_WORKERS = """
SELECT CASE WHEN seen_at <= $1::timestamptz - $2::interval THEN 'silent'
    WHEN over_limit THEN 'full' ELSE 'working' END AS state, count(*)
FROM workers GROUP BY 1
"""

_HOSTS = """
SELECT CASE WHEN refused_until > $1 THEN 'refusing' ELSE 'failing' END AS state, count(*)
FROM hosts WHERE refused_until > $1 OR problem IS NOT NULL GROUP BY 1
"""

# In two halves, for which there is an index each. What is `resolved` is on its way to one of these.
_DELIVERIES = """
SELECT state, count(*) FROM deliveries
WHERE state = 'delivered' AND changed_at > $1 AND changed_at <= $2
GROUP BY state
UNION ALL
SELECT state, count(*) FROM deliveries
WHERE state IN ('unattached', 'not_obtained', 'given_up')
    AND changed_at > $1 AND changed_at <= $2
GROUP BY state
"""

# New replies are those that were posted after the home began to watch, as in `delays`.
_REPLIES = """
SELECT width_bucket(seconds, $3::float8[]) AS class, count(*) AS n, sum(seconds) AS total
FROM (
    SELECT extract(epoch FROM d.changed_at - s.created_at)::float8 AS seconds
    FROM deliveries AS d JOIN statuses AS s ON s.uri = d.uri
        JOIN watches AS w ON w.home = d.home AND w.conversation_id = d.conversation_id
    WHERE d.state = 'delivered' AND d.changed_at > $1 AND d.changed_at <= $2
        AND s.created_at > w.began_at AND s.created_at <= d.changed_at
) AS one GROUP BY 1
"""

_WORK = "SELECT at, work, up_to, n FROM delays WHERE at > $1"

_DATABASE = """
SELECT pg_database_size(datname) AS bytes, numbackends AS connections,
    current_setting('max_connections')::int AS most_connections,
    xact_commit AS commits, xact_rollback AS rollbacks, deadlocks
FROM pg_stat_database WHERE datname = current_database()
"""


@dataclass(frozen=True, slots=True)
class DatabaseFigures:
    """The database as it sees itself; ``bytes`` on its disk, the last three since it began."""

    bytes: int
    connections: int
    most_connections: int
    commits: int
    rollbacks: int
    deadlocks: int


@dataclass(frozen=True, slots=True)
class Measures:
    """What is now, by state; and what came to an end between two moments.

    ``deliveries`` by outcome; ``replies``: (class of `BOUNDS`, how many, their seconds together).
    ``work``: how many of a kind were at most so late, by the ten minutes they were done in: the
    counts of the last of these still grow. ``lanes``: None where so much is due that to count it
    took too long.
    """

    members: Mapping[str, int]
    homes: int
    streams: int
    opt_outs: int
    runs: Mapping[str, int]
    workers: Mapping[str, int]
    hosts: Mapping[str, int]
    lanes: LaneFigures | None
    database: DatabaseFigures
    deliveries: Mapping[str, int]
    replies: Sequence[tuple[int, int, float]]
    work: Mapping[tuple[datetime, str, float], int]


async def clock(conn: Connection) -> datetime:
    """The time by the database's clock."""
    at: datetime = await conn.fetchval("SELECT clock_timestamp()")
    return at


async def read(conn: Connection, now: datetime, since: datetime, until: datetime) -> Measures:
    """The figures as they are ``now``; what ended, ended after ``since`` and up to ``until``.

    These two are by the database's `clock`.
    """
    (counts,) = await conn.fetch(_COUNTS)
    (database,) = await conn.fetch(_DATABASE)
    replies = await conn.fetch(_REPLIES, since, until, list(BOUNDS))
    return Measures(
        members=await _by_state(conn, _MEMBERS),
        homes=counts["homes"],
        streams=counts["streams"],
        opt_outs=counts["opt_outs"],
        runs=await _by_state(conn, _RUNS, now - STUCK_AFTER),
        workers=await _by_state(conn, _WORKERS, now, operations.SILENT_FOR),
        hosts=await _by_state(conn, _HOSTS, now),
        lanes=await _lanes(conn, now),
        database=DatabaseFigures(**database),
        deliveries=await _by_state(conn, _DELIVERIES, since, until),
        replies=[(row["class"], row["n"], row["total"]) for row in replies],
        work={
            (row["at"], row["work"], row["up_to"]): row["n"]
            for row in await conn.fetch(_WORK, now - _SLOTS)
        },
    )


async def _lanes(conn: Connection, now: datetime) -> LaneFigures | None:
    """Those of the lanes: the one question that takes the longer the more is due."""
    try:
        return await operations.lane_figures(conn, now, within=_LANES_WITHIN)
    except TimeoutError:
        return None


async def _by_state(conn: Connection, query: str, *values: object) -> dict[str, int]:
    return {row["state"]: row["count"] for row in await conn.fetch(query, *values)}
