"""The service in numbers: for everybody, and whether its parts are there."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from toottail.repository import migrations
from toottail.repository.database import Connection
from toottail.repository.lanes import WORKER_LOCKS

# How many conversations there are is estimated where counting them would take long.
_COUNTS = """
SELECT
    (SELECT count(*) FROM members WHERE served) AS members,
    (SELECT count(DISTINCT home) FROM members WHERE served) AS homes,
    CASE WHEN c.reltuples < 200000 THEN (SELECT count(*) FROM conversations)
         ELSE c.reltuples::bigint END AS conversations,
    (SELECT count(*) FROM deliveries WHERE state IN ('delivered', 'resolved')
        AND changed_at > now() - interval '1 hour') AS delivered_hour,
    (SELECT count(*) FROM deliveries WHERE state IN ('delivered', 'resolved')
        AND changed_at > now() - interval '1 day') AS delivered_day
FROM pg_class AS c WHERE c.oid = 'conversations'::regclass
"""

_DELAY = """
SELECT percentile_cont(0.5) WITHIN GROUP (ORDER BY seconds) FROM (
    SELECT extract(epoch FROM d.changed_at - s.created_at)::float8 AS seconds
    FROM deliveries AS d JOIN statuses AS s ON s.uri = d.uri
        JOIN watches AS w ON w.home = d.home AND w.conversation_id = d.conversation_id
    WHERE d.state IN ('delivered', 'resolved') AND d.changed_at > now() - interval '1 day'
        AND s.created_at > w.began_at AND s.created_at <= d.changed_at
    ORDER BY d.changed_at DESC LIMIT 10000
) AS late
"""

# A worker that is gone has lost its database session, and its advisory lock with it.
_WORKERS = """
SELECT count(*) FROM workers WHERE EXISTS (
    SELECT FROM pg_locks
    WHERE locktype = 'advisory' AND database = (
            SELECT oid FROM pg_database WHERE datname = current_database())
        AND classid = $1::oid AND objid = workers.lock_key::oid AND granted)
"""

# The newest and the oldest of each kind: a key that was changed and not kept shows in the oldest.
_SEALED = """
(SELECT token_sealed AS sealed FROM members WHERE served ORDER BY id LIMIT 1)
UNION ALL
(SELECT token_sealed FROM members WHERE served ORDER BY id DESC LIMIT 1)
UNION ALL
(SELECT secret_sealed FROM registrations ORDER BY created_at LIMIT 1)
UNION ALL
SELECT sealed FROM service_secrets
"""


@dataclass(frozen=True, slots=True)
class Counts:
    """How much there is, and how many replies were brought home in the last hour and day."""

    members: int
    homes: int
    conversations: int
    delivered_hour: int
    delivered_day: int


async def counts(conn: Connection) -> Counts:
    """The figures of now."""
    (row,) = await conn.fetch(_COUNTS)
    return Counts(**row)


async def delay(conn: Connection) -> float | None:
    """How late replies come home: the median of the last day in seconds; None without any.

    From the moment at which a reply was posted to that at which it was at home. Only replies count
    that were posted after the home began to watch their conversation: what was there before is a
    backlog, and tells nothing about how soon a new reply is brought. Where there were more than
    10,000 the newest of them count.
    """
    seconds: float | None = await conn.fetchval(_DELAY)
    return seconds


async def workers(conn: Connection) -> int:
    """How many workers are alive."""
    alive: int = await conn.fetchval(_WORKERS, WORKER_LOCKS)
    return alive


async def sealed(conn: Connection) -> Sequence[bytes]:
    """Some of what is stored sealed, to try the keys on."""
    return [row["sealed"] for row in await conn.fetch(_SEALED)]


async def check_schema(conn: Connection) -> None:
    """Raises `SchemaMismatch` where the schema is not the one this version needs."""
    connection: Any = conn
    await migrations.check(connection)
