"""The frontier: when anything is due next, over all tables that carry work."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from toottail.repository.database import Connection
from toottail.types.lanes import host_of_lane, slice_of_lane

# Each by its index, in order of time: the first that somebody is served by is the next one.
_NEXT_DUE = """
SELECT min(at) FROM (
    (SELECT collect_at AS at FROM sources WHERE home = $1 AND collect_at IS NOT NULL AND EXISTS (
        SELECT FROM members WHERE id = member_id AND slice = 0 AND active_until > now())
    ORDER BY collect_at LIMIT 1)
  UNION ALL
    (SELECT next_at FROM feed_watches WHERE home = $1 AND next_at IS NOT NULL AND EXISTS (
        SELECT FROM members WHERE id = member_id AND active_until > now())
    ORDER BY next_at LIMIT 1)
  UNION ALL
    (SELECT next_at FROM feeds WHERE host = $1 AND state = 'due' AND EXISTS (
        SELECT FROM feed_watches JOIN members ON members.id = member_id
        WHERE feed_id = feeds.id AND active_until > now())
    ORDER BY next_at LIMIT 1)
  UNION ALL
    (SELECT next_at FROM looks WHERE host = $1 AND state = 'due' AND EXISTS (
        SELECT FROM watchers JOIN members ON members.id = member_id
        WHERE watchers.conversation_id = looks.conversation_id AND active_until > now())
    ORDER BY next_at LIMIT 1)
  UNION ALL
    (SELECT next_at FROM watches WHERE home = $1 AND next_at IS NOT NULL AND EXISTS (
        SELECT FROM watchers JOIN members ON members.id = member_id
        WHERE watchers.conversation_id = watches.conversation_id AND members.home = $1
            AND active_until > now())
    ORDER BY next_at LIMIT 1)
  UNION ALL
    (SELECT next_at FROM deliveries WHERE home = $1 AND next_at IS NOT NULL AND EXISTS (
        SELECT FROM watchers JOIN members ON members.id = member_id
        WHERE watchers.conversation_id = deliveries.conversation_id AND members.home = $1
            AND active_until > now())
    ORDER BY next_at LIMIT 1)
  UNION ALL
    (SELECT probe_at FROM hosts WHERE host = $1)
) AS t
"""


_NEXT_OF_SLICE = """
SELECT min(collect_at) FROM members JOIN sources ON member_id = id
WHERE members.home = $1 AND slice = $2 AND active_until > now()
"""


# Whether anybody is still served by it is left to those who read the rows themselves.
_KINDS = """
SELECT
    EXISTS (SELECT FROM sources WHERE home = $1 AND collect_at <= $2) AS sources,
    EXISTS (SELECT FROM feed_watches WHERE home = $1 AND next_at <= $2) AS feed_watches,
    EXISTS (SELECT FROM watches WHERE home = $1 AND next_at <= $2) AS watches,
    EXISTS (SELECT FROM deliveries WHERE home = $1 AND next_at <= $2) AS deliveries,
    EXISTS (SELECT FROM looks WHERE host = $1 AND state = 'due' AND next_at <= $2) AS looks,
    EXISTS (SELECT FROM feeds WHERE host = $1 AND state = 'due' AND next_at <= $2) AS feeds,
    EXISTS (SELECT FROM members WHERE home = $1 AND slice = $3
            AND (slice_to IS NOT NULL OR carried IS NOT NULL)) AS moving,
    EXISTS (SELECT FROM hosts WHERE host = $1 AND probe_at <= $2) AS probe
"""


async def kinds_due(conn: Connection, host: str, part: int, now: datetime) -> set[str]:
    """The tables that may have something due in a lane of a host; the others need not be read.

    ``moving`` are members who come to the lane, or are to leave it. ``probe``: somebody wants to
    know whether the host answers.
    """
    (row,) = await conn.fetch(_KINDS, host, now, part)
    return {kind for kind, due in row.items() if due}


async def next_due(conn: Connection, lane: str) -> datetime | None:
    """When anything is due next in a lane, None when nothing is."""
    part = slice_of_lane(lane)
    of = (_NEXT_OF_SLICE, host_of_lane(lane), part) if part else (_NEXT_DUE, lane)
    at: datetime | None = await conn.fetchval(*of)
    return at


_RUN_NEXT_DUE = """
WITH mine AS (SELECT conversation_id FROM run_conversations WHERE run_id = $1),
whose AS (SELECT home, member_id FROM runs JOIN members ON members.id = member_id
          WHERE runs.id = $1)
SELECT min(at) FROM (
    SELECT min(collect_at) AS at FROM sources JOIN whose USING (member_id)
        JOIN run_sources AS rs USING (kind, name) WHERE rs.run_id = $1 AND NOT rs.collected
  UNION ALL
    SELECT min(feeds.next_at) FROM feeds JOIN run_feeds ON feed_id = id
    WHERE run_id = $1 AND state = 'due'
  UNION ALL
    SELECT min(fw.next_at) FROM feed_watches AS fw JOIN run_feeds USING (feed_id)
        JOIN whose USING (home) WHERE run_id = $1
  UNION ALL
    SELECT min(looks.next_at) FROM looks JOIN mine USING (conversation_id) WHERE state = 'due'
  UNION ALL
    SELECT min(watches.next_at) FROM watches JOIN mine USING (conversation_id)
        JOIN whose USING (home)
  UNION ALL
    SELECT min(deliveries.next_at) FROM deliveries JOIN mine USING (conversation_id)
        JOIN whose USING (home) JOIN watches USING (home, conversation_id)
    WHERE stage = 'resolve'
        AND (state = 'pending' OR deliveries.next_at < now() + interval '2 minutes')
) AS t
"""


async def run_next_due(conn: Connection, run_id: UUID) -> datetime | None:
    """When anything is due next that a run waits for, None when nothing is."""
    at: datetime | None = await conn.fetchval(_RUN_NEXT_DUE, run_id)
    return at
