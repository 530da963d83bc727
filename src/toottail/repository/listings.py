"""A member's conversations as a list, page by page, and finding one of them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from toottail.repository.database import Connection
from toottail.types.service import ConversationRow

# Counted one by one in the order of the list, so that a page costs no more than it shows.
_LISTED = """
WITH page AS (
    SELECT seen.*, n.* FROM (
        SELECT watchers.conversation_id, watchers.seen_at, members.home
        FROM watchers JOIN members ON members.id = member_id
        WHERE member_id = $1
            AND ($2::timestamptz IS NULL OR (watchers.seen_at, conversation_id) < ($2, $3::bigint))
        ORDER BY watchers.seen_at DESC, conversation_id DESC
    ) AS seen CROSS JOIN LATERAL completeness(seen.conversation_id, seen.home) AS n
    WHERE CASE $4::text WHEN 'working' THEN n.working
               WHEN 'gaps' THEN NOT n.working AND (n.here < n.total OR NOT n.whole)
               WHEN 'whole' THEN n.whole ELSE true END
    ORDER BY seen.seen_at DESC, seen.conversation_id DESC LIMIT $5
)
SELECT page.conversation_id AS id, c.host, coalesce(root.url, c.root_uri) AS url,
    coalesce(CASE WHEN c.host = page.home THEN root.url END, anchor.url) AS local_url,
    page.seen_at, page.total, page.were_here, page.here, page.waiting, page.not_obtained,
    page.out_of_reach, page.working, c.looked_at, c.next_look_at
FROM page JOIN conversations AS c ON c.id = page.conversation_id
    JOIN watches AS w ON w.conversation_id = page.conversation_id AND w.home = page.home
    LEFT JOIN statuses AS root ON root.uri = c.root_uri
    LEFT JOIN statuses AS anchor ON anchor.uri = w.anchor_uri AND anchor.host = page.home
ORDER BY page.seen_at DESC, page.conversation_id DESC
"""

_HOME = """
SELECT members.home FROM watchers JOIN members ON members.id = member_id
    JOIN watches ON watches.conversation_id = watchers.conversation_id
        AND watches.home = members.home
WHERE member_id = $1 AND watchers.conversation_id = $2
"""

# Pages are not indexed: they are looked for among what the member watches only.
_FIND = """
SELECT watchers.conversation_id FROM watchers JOIN members ON members.id = member_id
    JOIN watches ON watches.conversation_id = watchers.conversation_id
        AND watches.home = members.home
WHERE member_id = $1 AND (
    watchers.conversation_id IN (SELECT conversation_id FROM statuses WHERE uri = $2)
    OR watchers.conversation_id IN (
        SELECT conversation_id FROM deliveries WHERE home = members.home AND home = $3
            AND local_id = $4)
    OR EXISTS (SELECT FROM statuses WHERE conversation_id = watchers.conversation_id AND url = $2))
ORDER BY watchers.seen_at DESC LIMIT 1
"""

_PLACE = """
SELECT watches.home, coalesce(root_id, anchor_id) AS local_id, token_sealed, software, version
FROM watchers JOIN members ON members.id = member_id
    JOIN watches ON watches.conversation_id = watchers.conversation_id
        AND watches.home = members.home
    LEFT JOIN hosts ON hosts.host = members.home
WHERE member_id = $1 AND watchers.conversation_id = $2
"""


@dataclass(frozen=True, slots=True)
class Place:
    """Where a member's home shows a conversation, by its own id (None where it never did), and
    what it takes to read it there."""

    home: str
    local_id: str | None
    token_sealed: bytes
    software: str | None
    version: str | None


async def page(
    conn: Connection,
    member_id: int,
    which: str,
    after: tuple[datetime, int] | None,
    limit: int,
) -> list[ConversationRow]:
    """At most ``limit`` conversations that a member watches, the last seen first.

    ``after`` is (seen_at, id) of the one before. ``which`` of them: ``all``; ``working``, where
    something is still to be done; ``gaps``, where that is over and something lacks, or nothing
    could be learnt; ``whole``, where nothing lacks that can be had, so that where all that lacks is
    out of reach it is in the last two.
    """
    seen_at, number = after or (None, None)
    rows = await conn.fetch(_LISTED, member_id, seen_at, number, which, limit)
    return [ConversationRow(**row) for row in rows]


async def home_of(conn: Connection, member_id: int, conversation_id: int) -> str | None:
    """The home of a member who watches this conversation; None where they do not."""
    home: str | None = await conn.fetchval(_HOME, member_id, conversation_id)
    return home


async def find(
    conn: Connection, member_id: int, url: str, local: tuple[str, str] | None
) -> int | None:
    """The conversation with a status of this URI or page that the member watches, None if none.

    ``local`` is what the URL would mean as a page of the home: (host, the home's own id).
    """
    number: int | None = await conn.fetchval(_FIND, member_id, url, *(local or (None, None)))
    return number


async def place(conn: Connection, member_id: int, conversation_id: int) -> Place | None:
    """Where a member's home shows a conversation; None where the member does not watch it."""
    row = await conn.fetchrow(_PLACE, member_id, conversation_id)
    return Place(**row) if row else None
