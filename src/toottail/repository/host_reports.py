"""What is stored about hosts, for a person who asks about them."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from toottail.repository.database import Connection

_STORED = """
WITH names AS (
    SELECT host FROM hosts UNION SELECT split_part(key, '#', 1) FROM lanes
    UNION SELECT home FROM members
), asked AS (
    SELECT split_part(key, '#', 1) AS host, sum(requests) AS total,
        sum(requests) FILTER (WHERE started_at > now() - interval '1 day') AS today
    FROM visits GROUP BY 1
)
SELECT n.host, s.barred,
    EXISTS (SELECT FROM members WHERE home = n.host) AS is_home,
    h.software, h.version, h.robots, h.robots_at, h.answered_at, h.problem, h.problem_at,
    coalesce('api-off' = ANY (h.notes), false) AS api_off,
    h.refused, h.refused_until, coalesce(h.refused_times, 0) AS refused_times,
    coalesce(asked.today, 0) AS today, coalesce(asked.total, 0) AS total,
    coalesce(lanes.budget, '{}') AS budget,
    least((SELECT min(next_at) FROM looks WHERE looks.host = n.host AND state = 'due'),
          (SELECT min(next_at) FROM feeds WHERE feeds.host = n.host AND state = 'due'),
          (SELECT min(collect_at) FROM sources WHERE home = n.host),
          (SELECT min(next_at) FROM watches WHERE home = n.host),
          (SELECT min(next_at) FROM deliveries WHERE home = n.host)) AS due_at
FROM names AS n
    JOIN standing(ARRAY(SELECT host FROM names), NULL) AS s ON s.host = n.host
    LEFT JOIN hosts AS h ON h.host = n.host
    LEFT JOIN asked ON asked.host = n.host
    LEFT JOIN lanes ON lanes.key = n.host
WHERE $1::text IS NULL OR n.host = $1
ORDER BY total DESC, n.host
"""

_SHUT_OUT_BY = """
SELECT name FROM domain_lists, standing(ARRAY[$1::text], name) AS s
WHERE kind = 'home' AND s.shut_out ORDER BY name
"""


@dataclass(frozen=True, slots=True)
class StoredHost:
    """A host as it is stored: ``today`` and ``total`` count requests, ``budget`` is its lane's
    (empty where it was never visited), ``due_at`` when the next question is due."""

    host: str
    barred: str | None
    is_home: bool
    software: str | None
    version: str | None
    robots: str | None
    robots_at: datetime | None
    answered_at: datetime | None
    problem: str | None
    problem_at: datetime | None
    api_off: bool
    refused: str | None
    refused_until: datetime | None
    refused_times: int
    today: int
    total: int
    budget: dict[str, Any]
    due_at: datetime | None


async def stored(conn: Connection, host: str | None = None) -> list[StoredHost]:
    """All hosts that something is known of, or just one; those asked most come first."""
    rows = [dict(row.items()) for row in await conn.fetch(_STORED, host)]
    return [StoredHost(**row | {"budget": json.loads(row["budget"])}) for row in rows]


async def shut_out_by(conn: Connection, host: str) -> Sequence[str]:
    """The homes that block a host."""
    return [row["name"] for row in await conn.fetch(_SHUT_OUT_BY, host)]
