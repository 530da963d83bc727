"""Figures about all that is stored, for the operator's monitoring."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from toottail.repository.database import Connection

_MEMBERS = """
SELECT coalesce('paused_' || paused_why, 'working') AS state, count(*)
FROM members WHERE served GROUP BY 1
"""

_HOMES = "SELECT count(DISTINCT home) FROM members WHERE served"

_STREAMS = "SELECT count(*) FROM streams WHERE up_since IS NOT NULL"

# In two halves, for which there is an index each.
_DELIVERIES = """
SELECT state, count(*) FROM deliveries
WHERE state IN ('delivered', 'resolved') AND changed_at > now() - interval '1 hour'
GROUP BY state
UNION ALL
SELECT state, count(*) FROM deliveries
WHERE state IN ('unattached', 'not_obtained', 'given_up')
    AND changed_at > now() - interval '1 hour'
GROUP BY state
"""


@dataclass(frozen=True, slots=True)
class Measures:
    """``members`` by what they are; ``deliveries`` that came to an end in the last hour, by how.

    ``streams`` of members are open.
    """

    members: Mapping[str, int]
    homes: int
    streams: int
    deliveries: Mapping[str, int]


async def read(conn: Connection) -> Measures:
    """The figures as they are now."""
    return Measures(
        members={row["state"]: row["count"] for row in await conn.fetch(_MEMBERS)},
        homes=await conn.fetchval(_HOMES),
        streams=await conn.fetchval(_STREAMS),
        deliveries={row["state"]: row["count"] for row in await conn.fetch(_DELIVERIES)},
    )
