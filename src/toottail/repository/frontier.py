"""The frontier: when anything is due next, over all tables that carry work."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from toottail.repository.database import Connection
from toottail.types.lanes import host_of_lane, slice_of_lane

_NEXT_DUE = """
SELECT min(at) FROM (
    SELECT min(collect_at) AS at FROM sources JOIN members ON members.id = member_id
    WHERE sources.home = $1 AND members.home = $1 AND slice = 0 AND active_until > now()
  UNION ALL
    SELECT min(next_at) FROM feed_watches JOIN members ON members.id = member_id
    WHERE feed_watches.home = $1 AND active_until > now()
  UNION ALL
    SELECT min(next_at) FROM feeds WHERE host = $1 AND state = 'due' AND EXISTS (
        SELECT FROM feed_watches JOIN members ON members.id = member_id
        WHERE feed_id = feeds.id AND active_until > now())
  UNION ALL
    SELECT min(next_at) FROM looks WHERE host = $1 AND state = 'due' AND EXISTS (
        SELECT FROM watchers JOIN members ON members.id = member_id
        WHERE watchers.conversation_id = looks.conversation_id AND active_until > now())
  UNION ALL
    SELECT min(next_at) FROM watches WHERE home = $1 AND EXISTS (
        SELECT FROM watchers JOIN members ON members.id = member_id
        WHERE watchers.conversation_id = watches.conversation_id AND members.home = $1
            AND active_until > now())
  UNION ALL
    SELECT min(next_at) FROM deliveries WHERE home = $1 AND EXISTS (
        SELECT FROM watchers JOIN members ON members.id = member_id
        WHERE watchers.conversation_id = deliveries.conversation_id AND members.home = $1
            AND active_until > now())
  UNION ALL
    SELECT min(probe_at) FROM hosts WHERE host = $1
) AS t
"""


_NEXT_OF_SLICE = """
SELECT min(collect_at) FROM members JOIN sources ON member_id = id
WHERE members.home = $1 AND slice = $2 AND active_until > now()
"""


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
