"""Feeds: the posts of an account or with a hashtag, as their hosts list them, wanted at homes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from toottail.repository.database import Connection
from toottail.types.statuses import FoundStatus

FRESH = timedelta(hours=1)
"""What was read for one home within this time serves the others."""
FAILED_AGAIN = timedelta(days=1)
"""What could not be read is tried again after this, if the member's own time is not over before."""
HASHTAG_AGAIN = timedelta(minutes=10)
"""A hashtag is not read again before this is over."""

_KNOW = """
INSERT INTO feeds (host, kind, name, uri, state)
SELECT host, $1, name, uri, 'known' FROM unnest($2::text[], $3::text[], $4::text[])
    AS t (host, name, uri)
ORDER BY host, name
ON CONFLICT (host, kind, name) DO UPDATE SET uri = coalesce(feeds.uri, EXCLUDED.uri)
RETURNING id, host, name
"""

# Whom another member of this home, or an earlier run, asked for lately is not asked for again.
_WANT = """
INSERT INTO feed_watches (home, feed_id, member_id, local_id, again_at, posts)
SELECT $1, feed_id, $2, local_id, $5::timestamptz + $6::interval, $7
FROM unnest($3::bigint[], $4::text[]) AS t (feed_id, local_id)
ON CONFLICT (home, feed_id) DO UPDATE
SET stage = 'read', member_id = EXCLUDED.member_id, again_at = EXCLUDED.again_at, tries = 0,
    posts = EXCLUDED.posts,
    local_id = coalesce(EXCLUDED.local_id, feed_watches.local_id)
WHERE feed_watches.stage IN ('done', 'failed') AND feed_watches.again_at <= $5
"""

_FOR_RUNS = """
INSERT INTO run_feeds (run_id, feed_id)
SELECT run_id, feed_id FROM unnest($3::uuid[]) AS r (run_id), feed_watches
WHERE home = $1 AND feed_id = ANY($2::bigint[]) AND stage IN ('read', 'bring')
ON CONFLICT DO NOTHING
"""

_READ_LATELY = """
UPDATE feed_watches AS fw SET stage = CASE WHEN state = 'done' THEN 'bring' ELSE 'done' END,
    next_at = CASE WHEN state = 'done' THEN now() END
FROM feeds WHERE feeds.id = feed_id AND home = $1 AND feed_id = ANY($2::bigint[])
    AND stage = 'read' AND state IN ('done', 'opted_out') AND read_at > $3
"""

_MAKE_DUE = """
UPDATE feeds SET state = 'due', next_at = $3, tries = 0, problem = NULL
WHERE id = ANY($2::bigint[]) AND state <> 'due' AND EXISTS (
    SELECT FROM feed_watches WHERE home = $1 AND feed_id = feeds.id AND stage = 'read')
RETURNING host
"""

_LEFT = """
SELECT feed_id FROM feed_watches WHERE member_id = $1 AND stage IN ('read', 'bring')
"""

_WAKE_LEFT = """
UPDATE feed_watches SET next_at = now()
WHERE member_id = $1 AND stage = 'bring' AND next_at IS NULL
"""

_DUE = """
SELECT id, kind, name, uri, tries FROM feeds
WHERE host = $1 AND state = 'due' AND next_at <= $2 AND EXISTS (
    SELECT FROM feed_watches JOIN members ON members.id = member_id
    WHERE feed_id = feeds.id AND active_until > $2)
ORDER BY next_at, id LIMIT $3
"""

_DUE_WATCHES = """
SELECT fw.feed_id, feeds.kind, feeds.name, feeds.host, fw.member_id, fw.local_id, fw.tries,
    coalesce(fw.posts, profile_posts) AS posts, with_conversations AS whole
FROM feed_watches AS fw JOIN feeds ON feeds.id = feed_id JOIN members ON members.id = fw.member_id
WHERE fw.home = $1 AND fw.stage = 'bring' AND fw.next_at <= $2 AND active_until > $2
ORDER BY fw.next_at, feed_id LIMIT $3
"""

_POSTS = """
INSERT INTO feed_posts (feed_id, ord, uri, host, url, parent_uri, is_reply, created_at)
SELECT $1, ord, uri, host, url, parent_uri, is_reply, created_at
FROM unnest($2::integer[], $3::text[], $4::text[], $5::text[], $6::text[], $7::boolean[],
            $8::timestamptz[]) AS t (ord, uri, host, url, parent_uri, is_reply, created_at)
ON CONFLICT DO NOTHING
"""

_READY = """
UPDATE feed_watches SET stage = 'bring', next_at = now()
WHERE feed_id = $1 AND stage = 'read' RETURNING home
"""

_ENDED = "UPDATE feed_watches SET stage = 'done' WHERE feed_id = $1 AND stage = 'read'"

_FAILED = """
UPDATE feed_watches SET stage = 'failed', again_at = least(again_at, now() + $2::interval)
WHERE feed_id = $1 AND stage = 'read'
"""

_CLOSE = """
UPDATE feeds SET state = $2, problem = $3, read_at = $4, tries = tries + 1 WHERE id = $1
"""

_GIVE_UP_HOST = """
UPDATE feeds SET state = 'failed', problem = $2 WHERE host = $1 AND state = 'due' RETURNING id
"""

_ALL_FAILED = """
UPDATE feed_watches SET stage = 'failed', again_at = least(again_at, now() + $2::interval)
WHERE feed_id = ANY($1::bigint[]) AND stage = 'read'
"""

_SPEND = """
INSERT INTO spending (run_id, home, remote)
SELECT runs.id, CASE WHEN members.home = $2 THEN $3::integer ELSE 0 END,
    CASE WHEN members.home = $2 THEN 0 ELSE $3::integer END
FROM runs JOIN members ON members.id = runs.member_id JOIN run_feeds ON run_feeds.run_id = runs.id
WHERE NOT served AND ended_at IS NULL AND feed_id = $1
"""

# What the home has, was asked for, or is about to get is not brought again.
_LACKING = """
SELECT uri, host, url, parent_uri, is_reply, created_at FROM feed_posts AS p
WHERE feed_id = $2 AND ord < $3 AND host <> $1
    AND NOT EXISTS (SELECT FROM deliveries AS d WHERE d.home = $1 AND d.uri = p.uri)
ORDER BY ord
"""


@dataclass(frozen=True, slots=True)
class WantedFeed:
    """A feed as it is asked for; ``local_id`` is the home's own id of the account."""

    host: str
    name: str
    uri: str | None = None
    local_id: str | None = None


@dataclass(frozen=True, slots=True)
class DueFeed:
    """A feed that is to be read at its host now."""

    id: int
    kind: str
    name: str
    uri: str | None
    tries: int


@dataclass(frozen=True, slots=True)
class DueFeedWatch:
    """A feed whose newest ``posts`` are to be brought; ``whole``: with their conversations."""

    feed_id: int
    kind: str
    name: str
    host: str
    member_id: int
    local_id: str | None
    tries: int
    posts: int
    whole: bool


async def want(
    conn: Connection,
    home: str,
    member_id: int,
    run_ids: Sequence[UUID],
    kind: str,
    wanted: Sequence[WantedFeed],
    now: datetime,
    again: timedelta | None = None,
    posts: int | None = None,
) -> set[str]:
    """Lets a member want these feeds of one ``kind``; returns the hosts that have one due.

    What was wanted less than ``again`` ago (a member's own `profile_again` where it is None) is
    left alone. The newest ``posts`` of each are brought (`profile_posts` where it is None).
    """
    unique = {(feed.host, feed.name): feed for feed in wanted}
    if not unique:
        return set()
    feeds = [unique[key] for key in sorted(unique)]
    if again is None:
        again = await conn.fetchval("SELECT profile_again FROM members WHERE id = $1", member_id)
    rows = await conn.fetch(
        _KNOW, kind, [f.host for f in feeds], [f.name for f in feeds], [f.uri for f in feeds]
    )
    ids = [row["id"] for row in rows]
    local_ids = [unique[row["host"], row["name"]].local_id for row in rows]
    await conn.execute(_WANT, home, member_id, ids, local_ids, now, again, posts)
    await conn.execute(_FOR_RUNS, home, ids, list(run_ids))
    return await _go_on(conn, home, ids, now, min(FRESH, again))


async def _go_on(
    conn: Connection, home: str, ids: Sequence[int], now: datetime, fresh: timedelta = FRESH
) -> set[str]:
    await conn.execute(_READ_LATELY, home, list(ids), now - fresh)
    return {row["host"] for row in await conn.fetch(_MAKE_DUE, home, list(ids), now)}


async def resume(
    conn: Connection, home: str, member_id: int, run_ids: Sequence[UUID], now: datetime
) -> set[str]:
    """Lets these runs wait for what earlier ones left; returns the hosts with something due."""
    ids = [row["feed_id"] for row in await conn.fetch(_LEFT, member_id)]
    await conn.execute(_WAKE_LEFT, member_id)
    await conn.execute(_FOR_RUNS, home, ids, list(run_ids))
    return await _go_on(conn, home, ids, now)


async def due(conn: Connection, host: str, now: datetime, most: int) -> list[DueFeed]:
    """The feeds due at ``host`` for active members, the longest due first."""
    return [DueFeed(**row) for row in await conn.fetch(_DUE, host, now, most)]


async def due_watches(conn: Connection, home: str, now: datetime, most: int) -> list[DueFeedWatch]:
    """The feeds whose posts are to be brought to ``home`` now."""
    return [DueFeedWatch(**row) for row in await conn.fetch(_DUE_WATCHES, home, now, most)]


async def store_posts(
    conn: Connection, feed_id: int, posts: Sequence[FoundStatus], now: datetime
) -> list[str]:
    """Stores what a feed lists, the newest first, in place of what it listed before.

    Returns the homes that may go on.
    """
    await conn.execute("DELETE FROM feed_posts WHERE feed_id = $1", feed_id)
    await conn.execute(
        _POSTS,
        feed_id,
        list(range(len(posts))),
        [p.uri for p in posts],
        [p.host for p in posts],
        [p.url for p in posts],
        [p.parent_uri for p in posts],
        [p.is_reply for p in posts],
        [p.created_at for p in posts],
    )
    await conn.execute(_CLOSE, feed_id, "done", None, now)
    return [row["home"] for row in await conn.fetch(_READY, feed_id)]


async def end(
    conn: Connection, feed_id: int, state: str, problem: str | None, now: datetime
) -> None:
    """Ends the reading of a feed that brings nothing: ``failed`` or ``opted_out``."""
    await conn.execute("DELETE FROM feed_posts WHERE feed_id = $1", feed_id)
    await conn.execute(_CLOSE, feed_id, state, problem, now)
    if state == "failed":
        await conn.execute(_FAILED, feed_id, FAILED_AGAIN)
    else:
        await conn.execute(_ENDED, feed_id)


async def retry(conn: Connection, feed_id: int, at: datetime, problem: str) -> None:
    """Leaves a feed due, but not before ``at``."""
    await conn.execute(
        "UPDATE feeds SET next_at = $2, problem = $3, tries = tries + 1 WHERE id = $1",
        feed_id,
        at,
        problem,
    )


async def postpone(conn: Connection, host: str, until: datetime) -> None:
    """Leaves all feeds at a host due, but not before its budget allows."""
    await conn.execute(
        "UPDATE feeds SET next_at = $2 WHERE host = $1 AND state = 'due' AND next_at < $2",
        host,
        until,
    )


async def postpone_home(conn: Connection, home: str, until: datetime) -> None:
    """Leaves all that is to be brought to a home due, but not before its budget allows."""
    await conn.execute(
        "UPDATE feed_watches SET next_at = $2 WHERE home = $1 AND next_at < $2", home, until
    )


async def give_up_host(conn: Connection, host: str, problem: str) -> None:
    """Ends all feeds at a host that does not answer; later runs try it again."""
    ended = [row["id"] for row in await conn.fetch(_GIVE_UP_HOST, host, problem)]
    # A statement of its own, to see who came to want them until the first one had them.
    await conn.execute(_ALL_FAILED, ended, FAILED_AGAIN)


async def lacking(conn: Connection, home: str, feed_id: int, most: int) -> list[FoundStatus]:
    """The newest ``most`` posts of a feed without those that the home is known to have."""
    return [FoundStatus(**row) for row in await conn.fetch(_LACKING, home, feed_id, most)]


async def finish(conn: Connection, home: str, feed_id: int, stage: str = "done") -> None:
    """Ends a home's interest in a feed until it is wanted again."""
    await conn.execute(
        "UPDATE feed_watches SET stage = $3, next_at = NULL WHERE home = $1 AND feed_id = $2",
        home,
        feed_id,
        stage,
    )


async def spend(conn: Connection, feed_id: int, host: str, requests: int) -> None:
    """Counts requests to ``host`` for all running runs that want this feed."""
    if requests:
        await conn.execute(_SPEND, feed_id, host, requests)
