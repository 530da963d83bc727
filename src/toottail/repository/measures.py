"""Figures about all that is stored, for the operator's monitoring."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from toottail.repository.database import Connection

_MEMBERS = """
SELECT CASE WHEN paused_why IS NULL THEN 'working' ELSE 'paused_' || paused_why END AS state,
    count(*)
FROM members WHERE served GROUP BY 1
"""

_HOMES = "SELECT count(DISTINCT home) FROM members WHERE served"

_DELIVERIES = """
SELECT state, count(*) FROM deliveries
WHERE changed_at > now() - interval '1 hour' GROUP BY state
"""

_LANES = """
WITH due AS (
    SELECT key, min(at) AS at FROM (
        SELECT sources.home AS key, collect_at AS at
        FROM sources JOIN members ON members.id = member_id
        WHERE collect_at <= now() AND active_until > now()
      UNION ALL
        SELECT home, next_at FROM watches WHERE next_at <= now()
      UNION ALL
        SELECT home, next_at FROM deliveries WHERE next_at <= now()
      UNION ALL
        SELECT host, next_at FROM looks WHERE state = 'due' AND next_at <= now()
      UNION ALL
        SELECT home, next_at FROM feed_watches WHERE next_at <= now()
      UNION ALL
        SELECT host, next_at FROM feeds WHERE state = 'due' AND next_at <= now()
    ) AS work GROUP BY key
)
SELECT count(*) AS due, count(*) FILTER (WHERE at < now() - interval '1 minute') AS late,
    coalesce(extract(epoch FROM now() - min(at)), 0)::float8 AS oldest
FROM due
"""


@dataclass(frozen=True, slots=True)
class Measures:
    """``members`` by what they are, ``deliveries`` of the last hour by state; times in seconds.

    Lanes are those with something due: ``lanes_late`` of them wait for over a minute.
    """

    members: Mapping[str, int]
    homes: int
    deliveries: Mapping[str, int]
    lanes_due: int
    lanes_late: int
    oldest_due: float


async def read(conn: Connection) -> Measures:
    """The figures as they are now."""
    (lanes,) = await conn.fetch(_LANES)
    return Measures(
        members={row["state"]: row["count"] for row in await conn.fetch(_MEMBERS)},
        homes=await conn.fetchval(_HOMES),
        deliveries={row["state"]: row["count"] for row in await conn.fetch(_DELIVERIES)},
        lanes_due=lanes["due"],
        lanes_late=lanes["late"],
        oldest_due=lanes["oldest"],
    )
