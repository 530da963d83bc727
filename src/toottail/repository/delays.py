"""How late work was done, by kind: a few rows for each ten minutes, whatever there is to do."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta

from toottail.repository.database import Connection
from toottail.types.delays import WORK, DelayRow, quantile

HOURS = (1, 24)
"""What is told: of the last hour, and of the last day."""
_SLOT = timedelta(minutes=10)

# In one order, so that two workers at a time do not wait for each other.
_ADD = """
INSERT INTO delays (at, work, up_to, n)
SELECT date_bin($1, $2, 'epoch'), work, up_to, n
FROM unnest($3::text[], $4::float8[], $5::bigint[]) AS t (work, up_to, n) ORDER BY work, up_to
ON CONFLICT (at, work, up_to) DO UPDATE SET n = delays.n + EXCLUDED.n
"""

_READ = """
SELECT work, up_to, sum(n)::bigint AS n FROM delays WHERE at > $1 GROUP BY work, up_to
"""

# As `figures.delay`: of the last 10,000.
_REPLIES = """
SELECT count(*) AS done, percentile_cont(0.5) WITHIN GROUP (ORDER BY seconds) AS median,
    percentile_cont(0.95) WITHIN GROUP (ORDER BY seconds) AS late
FROM (
    SELECT extract(epoch FROM d.changed_at - s.created_at)::float8 AS seconds
    FROM deliveries AS d JOIN statuses AS s ON s.uri = d.uri
        JOIN watches AS w ON w.home = d.home AND w.conversation_id = d.conversation_id
    WHERE d.state IN ('delivered', 'resolved') AND d.changed_at > $1
        AND s.created_at > w.began_at AND s.created_at <= d.changed_at
    ORDER BY d.changed_at DESC LIMIT 10000
) AS one
"""


async def add(conn: Connection, now: datetime, counts: Mapping[tuple[str, float], int]) -> None:
    """Counts work done by ``now``: so many of a kind were at most so many seconds late."""
    await conn.execute(
        _ADD,
        _SLOT,
        now,
        [work for work, _ in counts],
        [up_to for _, up_to in counts],
        list(counts.values()),
    )


async def read(conn: Connection, now: datetime, hours: Sequence[int] = HOURS) -> list[DelayRow]:
    """How late each kind of work was, and replies came, in the last so many ``hours``.

    The time of work is told in tens of minutes: the hour may be ten minutes longer. What was not
    done is left out.
    """
    found = []
    for span in hours:
        since = now - timedelta(hours=span)
        counts: dict[str, dict[float, int]] = defaultdict(dict)
        for row in await conn.fetch(_READ, since - _SLOT):
            counts[row["work"]][row["up_to"]] = row["n"]
        for work in WORK:
            if of := counts[work]:
                done = sum(of.values())
                late = (quantile(of, 0.5), quantile(of, 0.95))
                found.append(DelayRow(work, span, done, *late))
        (replies,) = await conn.fetch(_REPLIES, since)
        if replies["done"]:
            found.append(DelayRow("reply", span, *replies))
    return found
