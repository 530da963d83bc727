"""What is too old to be kept, in bounded batches: each call takes one, and says how much it was."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from datetime import datetime, timedelta

from toottail.repository.database import Connection

KEPT = timedelta(days=30)
"""What nobody has seen for so long is forgotten."""
VISITS_KEPT = timedelta(days=7)
LOGS_KEPT = timedelta(days=1)
DELAYS_KEPT = timedelta(days=2)
_UNUSED_AFTER = timedelta(days=1)

_UNSEEN = """
DELETE FROM watchers USING members
WHERE members.id = member_id AND (member_id, conversation_id) IN (
    SELECT member_id, conversation_id FROM watchers WHERE seen_at < $1 ORDER BY seen_at LIMIT $2)
RETURNING members.home, conversation_id
"""

_HOLD = "SELECT FROM conversations WHERE id = ANY($1::bigint[]) ORDER BY id FOR UPDATE"

_UNWATCH = (
    """DELETE FROM deliveries WHERE home = $1 AND conversation_id = ANY($2::bigint[])
       AND NOT EXISTS (
           SELECT FROM watchers JOIN members ON members.id = member_id
           WHERE watchers.conversation_id = deliveries.conversation_id AND members.home = $1)""",
    """DELETE FROM watches WHERE home = $1 AND conversation_id = ANY($2::bigint[])
       AND NOT EXISTS (
           SELECT FROM watchers JOIN members ON members.id = member_id
           WHERE watchers.conversation_id = watches.conversation_id AND members.home = $1)""",
)

_FORGET = """
DELETE FROM conversations WHERE id = ANY($1::bigint[])
    AND NOT EXISTS (SELECT FROM watchers WHERE conversation_id = conversations.id)
"""

_FEED_WATCHES = """
DELETE FROM feed_watches WHERE (home, feed_id) IN (
    SELECT home, feed_id FROM feed_watches
    WHERE stage IN ('done', 'failed') AND coalesce(again_at, '-infinity') < $1 LIMIT $2)
RETURNING feed_id
"""

_FEEDS = """
DELETE FROM feeds WHERE id = ANY($1::bigint[])
    AND NOT EXISTS (SELECT FROM feed_watches WHERE feed_id = feeds.id)
"""

_POSTS = """
DELETE FROM feed_posts WHERE (feed_id, uri) IN (
    SELECT feed_id, p.uri FROM feed_posts AS p JOIN feeds ON id = feed_id
    WHERE read_at < $1 LIMIT $2)
"""

# Each takes a time before which it is too old, and how many may go.
_AGED = {
    "visits": (
        VISITS_KEPT,
        """DELETE FROM visits WHERE (key, epoch) IN (
               SELECT key, epoch FROM visits WHERE started_at < $1 ORDER BY started_at LIMIT $2)""",
    ),
    "lanes": (
        VISITS_KEPT,
        """DELETE FROM lanes WHERE coalesce(lease_until, '-infinity') < $1 AND key IN (
               SELECT key FROM lanes WHERE NOT EXISTS (SELECT FROM visits WHERE key = lanes.key)
               LIMIT $2)""",
    ),
    "runs": (
        KEPT,
        """DELETE FROM runs WHERE id IN (
               SELECT id FROM runs WHERE ended_at < $1 LIMIT $2)""",
    ),
    "feed_posts": (KEPT, _POSTS),
    "pgqueuer_log": (
        LOGS_KEPT,
        """DELETE FROM pgqueuer_log WHERE id IN (
               SELECT id FROM pgqueuer_log WHERE created < $1 LIMIT $2)""",
    ),
    "delays": (
        DELAYS_KEPT,
        """DELETE FROM delays WHERE (at, work, up_to) IN (
               SELECT at, work, up_to FROM delays WHERE at < $1 ORDER BY at LIMIT $2)""",
    ),
    # Made for a sign-in that was never finished.
    "registrations": (
        _UNUSED_AFTER,
        """DELETE FROM registrations WHERE home IN (
               SELECT home FROM registrations AS r WHERE created_at < $1
                   AND NOT EXISTS (SELECT FROM members WHERE members.home = r.home)
                   AND NOT EXISTS (SELECT FROM sign_ins WHERE sign_ins.home = r.home) LIMIT $2)""",
    ),
}

_EXPIRED = (
    "DELETE FROM sign_ins WHERE expires_at < $1",
    "DELETE FROM sessions WHERE expires_at < $1",
    "DELETE FROM allowances WHERE used_up < $1",
    "DELETE FROM invites WHERE uses_left <= 0 OR expires_at < $1",
)

# What lanes told each other of a home that has one lane again, or no member.
_TOLD_NO_MORE = """
DELETE FROM home_circuits WHERE NOT EXISTS (
    SELECT FROM members WHERE members.home = home_circuits.home AND slice > 0)
"""


async def drop_expired(conn: Connection, now: datetime) -> None:
    """Drops sessions, sign-ins, allowances and invites whose time is over, and what lanes told."""
    for statement in _EXPIRED:
        await conn.execute(statement, now)
    await conn.execute(_TOLD_NO_MORE)


async def forget_unseen(conn: Connection, now: datetime, most: int) -> int:
    """Forgets who saw conversations long ago, and those that nobody else saw since.

    Returns how many were forgotten, at most ``most``.
    """
    rows = await conn.fetch(_UNSEEN, now - KEPT, most)
    by_home: dict[str, list[int]] = defaultdict(list)
    for row in rows:
        by_home[row["home"]].append(row["conversation_id"])
    for home, numbers in sorted(by_home.items()):
        await unwatch(conn, home, sorted(set(numbers)))
    return len(rows)


async def forget_feeds(conn: Connection, now: datetime, most: int) -> int:
    """Forgets profiles and hashtags that nobody has wanted for long; returns how many at most."""
    rows = await conn.fetch(_FEED_WATCHES, now - KEPT, most)
    await conn.execute(_FEEDS, [row["feed_id"] for row in rows])
    return len(rows)


async def forget_aged(what: str, conn: Connection, now: datetime, most: int) -> int:
    """Forgets the oldest rows of ``what``, a key of `AGED`; returns how many."""
    kept, statement = _AGED[what]
    done = await conn.execute(statement, now - kept, most)
    return int(done.rpartition(" ")[2])


AGED: Sequence[str] = tuple(_AGED)
"""Tables whose rows go by their age alone."""


async def unwatch(conn: Connection, home: str, conversation_ids: Sequence[int]) -> None:
    """Drops the home's watches that none of its members has any more, then what nobody watches."""
    await conn.execute(_HOLD, conversation_ids)
    for statement in _UNWATCH:
        await conn.execute(statement, home, conversation_ids)
    await conn.execute(_FORGET, conversation_ids)
