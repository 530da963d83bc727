"""Statuses that are wanted at a home though no timeline of it showed them."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta

from toottail.repository import conversations
from toottail.repository.conversations import WATCHED_FOR
from toottail.repository.database import Connection
from toottail.repository.timelines import (
    KNOWN,
    NEW_CONVERSATIONS,
    RUN_CONVERSATIONS,
    WAKE,
    WATCHERS,
    arm,
    settled,
)
from toottail.types.statuses import FoundStatus

# Where the home watches the conversation already, that goes on as it was, and is taken up again for
# what lacks now.
_WATCH_MISSING = """
INSERT INTO watches (home, conversation_id, anchor_uri, alone, stage, next_at, ends_at)
SELECT $1, conversation_id, uri, NOT $4, CASE WHEN $4 THEN 'look' ELSE 'plan' END,
       CASE WHEN $4 THEN NULL ELSE now() END, now() + $5::interval
FROM unnest($2::bigint[], $3::text[]) AS t (conversation_id, uri)
ON CONFLICT (home, conversation_id) DO UPDATE
SET ends_at = greatest(watches.ends_at, EXCLUDED.ends_at),
    alone = watches.alone AND EXCLUDED.alone,
    ended = CASE WHEN NOT watches.alone OR EXCLUDED.alone THEN watches.ended END,
    stage = CASE WHEN watches.stage NOT IN ('done', 'failed') THEN watches.stage
            WHEN watches.alone AND NOT EXCLUDED.alone THEN 'look' ELSE 'plan' END,
    next_at = CASE WHEN watches.stage NOT IN ('done', 'failed') THEN watches.next_at
              WHEN watches.alone AND NOT EXCLUDED.alone THEN NULL ELSE now() END
"""

_WANTED = """
INSERT INTO deliveries (home, uri, conversation_id, state)
SELECT $1, uri, conversation_id, 'pending' FROM unnest($2::text[], $3::bigint[])
    AS t (uri, conversation_id)
ON CONFLICT DO NOTHING
"""

_MISSING_STATUSES = """
INSERT INTO statuses (uri, conversation_id, host, url, parent_uri, placed, listed_by, created_at)
SELECT uri, conversation_id, host, url, parent_uri, placed, $1, created_at
FROM unnest($2::text[], $3::bigint[], $4::text[], $5::text[], $6::text[], $7::boolean[],
            $8::timestamptz[])
    AS t (uri, conversation_id, host, url, parent_uri, placed, created_at)
ON CONFLICT (uri) DO NOTHING
"""


async def store(
    conn: Connection,
    home: str,
    member_id: int,
    missing: Sequence[FoundStatus],
    listed_by: str,
    *,
    whole: bool,
    watch_for: timedelta = WATCHED_FOR,
) -> list[str]:
    """Wants statuses at ``home`` that no timeline of it showed, as ``listed_by`` names them.

    With ``whole`` their conversations are watched as well, for ``watch_for``; else each is brought
    by itself. Returns the hosts that now have a look due.
    """
    if not missing:
        return []
    missing = list({status.uri: status for status in missing}.values())

    async def place() -> dict[str, int]:
        placed = await _assign(conn, missing)
        if await conversations.hold(conn, placed.values()):
            await conn.execute(
                _MISSING_STATUSES,
                listed_by,
                [s.uri for s in missing],
                [placed[s.uri] for s in missing],
                [s.host for s in missing],
                [s.url for s in missing],
                [s.parent_uri for s in missing],
                [s.parent_uri is not None or not s.is_reply for s in missing],
                [s.created_at for s in missing],
            )
        return placed

    conversation = await settled(conn, place)
    ids = [conversation[s.uri] for s in missing]
    await conn.execute(_WANTED, home, [s.uri for s in missing], ids)
    first: dict[int, FoundStatus] = {}
    for status in sorted(missing, key=lambda s: s.is_reply):
        first.setdefault(conversation[status.uri], status)
    uris = [s.uri for s in first.values()]
    await conn.execute(_WATCH_MISSING, home, list(first), uris, whole, watch_for)
    if not whole:
        await conn.execute(WATCHERS, member_id, list(first))
        await conn.execute(RUN_CONVERSATIONS, member_id, list(first))
        await conn.execute(WAKE, home, list(first))
        return []
    return await arm(conn, home, member_id, first)


async def _assign(conn: Connection, missing: Sequence[FoundStatus]) -> dict[str, int]:
    """The conversation of each status: that of its parent, where it is known or among them."""
    by_uri = {status.uri: status for status in missing}
    wanted = [*by_uri, *(s.parent_uri for s in missing if s.parent_uri)]
    known = {r["uri"]: r["conversation_id"] for r in await conn.fetch(KNOWN, wanted)}

    def topmost(status: FoundStatus) -> FoundStatus:
        met = {status.uri}
        while status.parent_uri in by_uri and status.parent_uri not in met:
            status = by_uri[status.parent_uri]
            met.add(status.uri)
        return status

    tops = {status.uri: topmost(status) for status in missing}
    for top in tops.values():
        if top.uri not in known and top.parent_uri in known:
            known[top.uri] = known[top.parent_uri]
    fresh = {top.uri: top for top in tops.values() if top.uri not in known}
    rows = await conn.fetch(
        NEW_CONVERSATIONS,
        list(fresh),
        [top.host for top in fresh.values()],
        [top.created_at for top in fresh.values()],
        [None] * len(fresh),
    )
    known |= {row["root_uri"]: row["id"] for row in rows}
    return {status.uri: known.get(status.uri, known[tops[status.uri].uri]) for status in missing}
