"""What a member's timeline shows becomes conversations, watches and first looks."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from toottail.errors import StorageConflict
from toottail.repository import conversations, deliveries
from toottail.repository.conversations import WATCHED_FOR
from toottail.repository.database import Connection
from toottail.types.statuses import FoundStatus

KNOWN = "SELECT uri, conversation_id FROM statuses WHERE uri = ANY($1)"

_PARENTS = """
SELECT local_id, conversation_id FROM deliveries WHERE home = $1 AND local_id = ANY($2)
"""

NEW_CONVERSATIONS = """
WITH seen AS (
    SELECT * FROM unnest($1::text[], $2::text[], $3::timestamptz[], $4::timestamptz[])
        AS t (uri, host, created_at, turn)
)
INSERT INTO conversations (root_uri, host, created_at, turn)
SELECT uri, host, created_at, coalesce(turn, now()) FROM seen
ON CONFLICT (root_uri) DO UPDATE SET host = conversations.host
RETURNING root_uri, id
"""

_NEW_STATUSES = """
INSERT INTO statuses (uri, conversation_id, host, url, placed, listed_by, created_at, opted_out)
SELECT uri, conversation_id, host, url, placed, $8, created_at, opted_out
FROM unnest($1::text[], $2::bigint[], $3::text[], $4::text[], $5::boolean[], $6::timestamptz[],
            $7::boolean[])
    AS t (uri, conversation_id, host, url, placed, created_at, opted_out)
ON CONFLICT (uri) DO NOTHING
RETURNING conversation_id
"""

# A timeline that counts more replies than last time, and than are known, has one that is not known.
_RISEN = """
SELECT t.conversation_id
FROM unnest($2::text[], $3::bigint[], $4::integer[]) AS t (uri, conversation_id, replies)
    LEFT JOIN deliveries AS d ON d.home = $1 AND d.uri = t.uri
WHERE t.replies > coalesce(d.replies, 0) AND t.replies > (
    SELECT count(*) FROM statuses WHERE parent_uri = t.uri)
"""

_SHOWN = """
INSERT INTO deliveries (home, uri, conversation_id, state, local_id, replies)
SELECT $1, uri, conversation_id, 'already_there', local_id, replies
FROM unnest($2::text[], $3::bigint[], $4::text[], $5::integer[])
    AS t (uri, conversation_id, local_id, replies)
ON CONFLICT (home, uri) DO UPDATE
SET local_id = EXCLUDED.local_id,
    replies = greatest(deliveries.replies, EXCLUDED.replies),
    next_at = NULL,
    state = CASE WHEN deliveries.state IN ('delivered', 'resolved', 'unattached')
            THEN deliveries.state ELSE 'already_there' END
"""

# What a member's timeline showed before, and what nothing has become of since: most of a page that
# is read every few minutes. Each row of it left unwritten is one that need not be vacuumed.
_KNOWN_AS_SHOWN = """
SELECT t.uri FROM unnest($3::text[], $4::text[], $5::integer[]) AS t (uri, local_id, shown)
    JOIN deliveries AS d ON d.home = $1 AND d.uri = t.uri AND d.local_id = t.local_id
    JOIN watches AS w ON w.home = $1 AND w.conversation_id = d.conversation_id
    JOIN watchers AS by ON by.member_id = $2 AND by.conversation_id = d.conversation_id
    JOIN conversations AS c ON c.id = d.conversation_id
WHERE d.next_at IS NULL AND d.state IN ('already_there', 'delivered')
    AND NOT w.alone AND w.stage <> 'look'
    AND (w.next_at IS NOT NULL OR w.stage IN ('resolve', 'done', 'failed'))
    AND w.ends_at > now() + 0.9 * $6::interval
    AND (t.shown IS NULL OR t.shown <= d.replies)
    AND (w.root_id IS DISTINCT FROM t.local_id OR w.shown IS NOT DISTINCT FROM t.shown)
    AND by.seen_at > now() - interval '12 hours'
    AND (c.next_look_at IS NULL OR (c.next_look_at > now() AND c.wake_at IS NOT NULL))
    AND NOT EXISTS (SELECT FROM runs WHERE runs.member_id = $2 AND ended_at IS NULL)
"""

# Replies that were found while a watch was over were for others: its home is told of them now.
_WATCH = """
INSERT INTO watches (home, conversation_id, anchor_uri, anchor_id, anchor_parent, root_id, shown,
                     ends_at)
SELECT $1, conversation_id, uri, local_id, parent_id,
       CASE WHEN parent_id IS NULL THEN local_id END,
       CASE WHEN parent_id IS NULL THEN shown END, now() + $7::interval
FROM unnest($2::bigint[], $3::text[], $4::text[], $5::text[], $6::integer[])
    AS t (conversation_id, uri, local_id, parent_id, shown)
ON CONFLICT (home, conversation_id) DO UPDATE
SET ends_at = EXCLUDED.ends_at,
    shown = CASE WHEN watches.root_id = EXCLUDED.root_id THEN EXCLUDED.shown
            ELSE watches.shown END,
    anchor_uri = CASE WHEN watches.anchor_id IS NULL THEN EXCLUDED.anchor_uri
                 ELSE watches.anchor_uri END,
    anchor_parent = CASE WHEN watches.anchor_id IS NULL THEN EXCLUDED.anchor_parent
                    ELSE watches.anchor_parent END,
    anchor_id = coalesce(watches.anchor_id, EXCLUDED.anchor_id),
    alone = false,
    ended = CASE WHEN NOT (watches.alone OR (watches.ends_at <= now() AND EXISTS (
            SELECT FROM statuses AS s WHERE s.conversation_id = watches.conversation_id
                AND s.found_at > watches.ends_at))) THEN watches.ended END,
    stage = CASE WHEN watches.alone AND watches.stage IN ('done', 'failed', 'plan') THEN 'look'
            WHEN watches.stage IN ('done', 'failed') AND watches.ends_at <= now() AND EXISTS (
                SELECT FROM statuses AS s WHERE s.conversation_id = watches.conversation_id
                    AND s.found_at > watches.ends_at) THEN 'look'
            ELSE watches.stage END,
    next_at = CASE WHEN watches.alone AND watches.stage = 'plan' THEN NULL
              ELSE watches.next_at END
"""

_FIRST_LOOKS = """
INSERT INTO looks (conversation_id, host, uri, named_by, first, turn)
SELECT c.id, t.host, t.uri, $4, true, c.turn
FROM unnest($1::bigint[], $2::text[], $3::text[]) AS t (conversation_id, host, uri)
    JOIN conversations AS c ON c.id = t.conversation_id
ON CONFLICT DO NOTHING
RETURNING host
"""

_WATCHERS_EACH = """
INSERT INTO watchers (member_id, conversation_id)
SELECT DISTINCT * FROM unnest($1::bigint[], $2::bigint[]) ORDER BY 1, 2
ON CONFLICT (member_id, conversation_id) DO UPDATE SET seen_at = now()
"""

WATCHERS = """
INSERT INTO watchers (member_id, conversation_id) SELECT $1, unnest($2::bigint[])
ON CONFLICT (member_id, conversation_id) DO UPDATE SET seen_at = now()
"""

RUN_CONVERSATIONS = """
INSERT INTO run_conversations (run_id, conversation_id)
SELECT runs.id, c.id FROM runs, conversations AS c
WHERE runs.member_id = $1 AND runs.ended_at IS NULL AND c.id = ANY($2::bigint[])
ON CONFLICT DO NOTHING
"""

_LOCAL_ROOTS = """
UPDATE watches SET stage = 'done' WHERE home = $1 AND conversation_id = ANY($2::bigint[])
    AND stage = 'look' AND NOT EXISTS (
        SELECT FROM looks WHERE looks.conversation_id = watches.conversation_id)
"""

_JOIN_LOOKED = """
UPDATE watches SET stage = 'compare', next_at = now()
WHERE home = $1 AND conversation_id = ANY($2::bigint[]) AND stage = 'look' AND NOT EXISTS (
    SELECT FROM looks WHERE looks.conversation_id = watches.conversation_id AND state = 'due')
"""

# What a host counted at an earlier look says nothing of what was replied since.
_REARM = """
WITH ripe AS (
    SELECT id, root_uri, host, turn FROM conversations
    WHERE id = ANY($1::bigint[]) AND next_look_at <= now()
    FOR UPDATE
), forgotten AS (
    DELETE FROM looks USING ripe WHERE looks.conversation_id = ripe.id
        AND NOT (looks.uri = ripe.root_uri AND looks.how = '' AND looks.host = ripe.host)
), again AS (
    UPDATE looks SET state = 'due', next_at = now(), since = NULL, turn = ripe.turn, tries = 0,
        problem = NULL
    FROM ripe WHERE looks.conversation_id = ripe.id
        AND looks.uri = ripe.root_uri AND looks.how = '' AND looks.host = ripe.host
    RETURNING looks.conversation_id
), opened AS (
    INSERT INTO looks (conversation_id, host, uri, named_by, first, turn)
    SELECT id, host, root_uri, host, true, turn FROM ripe
    WHERE id NOT IN (SELECT conversation_id FROM again)
), uncounted AS (
    UPDATE statuses SET replies_count = NULL
    FROM ripe WHERE statuses.conversation_id = ripe.id AND replies_count IS NOT NULL
), asleep AS (
    UPDATE conversations SET next_look_at = NULL, wake_at = NULL, quiet = true, requests = 0,
        listed_whole = false
    FROM ripe WHERE conversations.id = ripe.id
), watched AS (
    UPDATE watches SET stage = 'look', next_at = NULL, verifies = 0, tries = 0, problem = NULL,
        compared_at = NULL, ended = stage
    FROM ripe WHERE watches.conversation_id = ripe.id AND stage IN ('done', 'failed')
        AND ends_at > now()
)
SELECT host FROM ripe
"""

# Of many that are due, those at both ends of the line are compared: who waits longest, and who just
# became due. (As an array, and with LIMIT 1: else whole tables are read, for a few rows of them.)
_AWAKE = """
WITH oldest AS MATERIALIZED (
    SELECT id FROM conversations WHERE wake_at <= $1 ORDER BY wake_at LIMIT $2
), newest AS (
    SELECT id FROM conversations WHERE wake_at <= $1 AND (SELECT count(*) FROM oldest) = $2
    ORDER BY wake_at DESC LIMIT $2
)
SELECT id, wake_at, coalesce((
        SELECT true FROM watches JOIN watchers USING (conversation_id)
            JOIN members ON members.id = watchers.member_id AND members.home = watches.home
        WHERE watches.conversation_id = conversations.id AND ends_at > $1 AND NOT alone
            AND served AND active_until > $1 LIMIT 1), false) AS watched
FROM conversations WHERE wake_at <= $1
    AND id = ANY(ARRAY(SELECT id FROM oldest UNION ALL SELECT id FROM newest))
ORDER BY turn, id LIMIT $2 FOR UPDATE SKIP LOCKED
"""

_STAY_AWAKE = """
UPDATE conversations SET wake_at = next_look_at
WHERE wake_at IS NULL AND next_look_at IS NOT NULL AND id IN (
    SELECT id FROM conversations
    WHERE id = ANY($1::bigint[]) AND wake_at IS NULL AND next_look_at IS NOT NULL
    ORDER BY id FOR NO KEY UPDATE)
"""

_UNFINISHED = """
SELECT watchers.conversation_id
FROM watchers JOIN members ON members.id = watchers.member_id
    JOIN watches ON watches.conversation_id = watchers.conversation_id
        AND watches.home = members.home
    JOIN conversations ON conversations.id = watchers.conversation_id
WHERE watchers.member_id = $1
    AND (stage NOT IN ('done', 'failed') OR (next_look_at <= now() AND ends_at > now()))
"""

# A run that only wanted to see the plan leaves it, and its watch with no time.
WAKE = """
UPDATE watches SET next_at = now()
WHERE home = $1 AND conversation_id = ANY($2::bigint[]) AND next_at IS NULL
    AND stage IN ('climb', 'compare', 'refresh', 'plan', 'verify')
"""


_PLACE_TRIES = 5
_CONSIDERED = 4
"""Of so many times more conversations than a tick may set going, those first in line go."""


class _Moved(Exception):
    """A status is in another conversation than it was to be stored in."""


@dataclass(frozen=True, slots=True)
class Seen:
    """One public or unlisted status as a home's timeline shows it.

    ``turn`` is the place in line of the first look at it; None: behind all that is due now.
    """

    uri: str
    host: str
    url: str | None
    local_id: str
    parent_id: str | None
    replies_count: int | None
    created_at: datetime | None
    opted_out: bool = False
    turn: datetime | None = None

    @property
    def is_reply(self) -> bool:
        """Whether it answers something that the home has."""
        return self.parent_id is not None


async def store_seen(
    conn: Connection,
    home: str,
    member_id: int,
    seen: Sequence[Seen],
    *,
    watch_for: timedelta = WATCHED_FOR,
) -> list[str]:
    """Watches the conversations of ``seen``, for so long; returns the hosts with a look due now.

    Those of which it shows a reply, or counts one, that is not known are looked at again soon.
    """
    if not seen:
        return []
    known = await conn.fetch(
        _KNOWN_AS_SHOWN,
        home,
        member_id,
        [s.uri for s in seen],
        [s.local_id for s in seen],
        [s.replies_count for s in seen],
        watch_for,
    )
    familiar = {row["uri"] for row in known}
    seen = [status for status in seen if status.uri not in familiar]
    if not seen:
        return []
    watched = await _watch(conn, home, seen, watch_for)
    await _join(conn, member_id, watched.first)
    return await _set_going(conn, home, watched)


async def store_seen_by(
    conn: Connection,
    home: str,
    seen_by: Mapping[int, Sequence[Seen]],
    *,
    watch_for: timedelta = WATCHED_FOR,
) -> list[str]:
    """The same for several members at once, by their numbers; no run of theirs waits for it."""
    seen = [status for statuses in seen_by.values() for status in statuses]
    if not seen:
        return []
    watched = await _watch(conn, home, seen, watch_for)
    placed = watched.conversation
    pairs = [(m, placed[s.uri]) for m, statuses in seen_by.items() for s in statuses]
    await conn.execute(_WATCHERS_EACH, [m for m, _ in pairs], [number for _, number in pairs])
    return await _set_going(conn, home, watched)


@dataclass(frozen=True, slots=True)
class _Watched:
    """What a home now watches: conversations by the URIs of statuses, and of each the first shown.

    ``heard`` of a status not known before, ``counted`` more replies than are known.
    """

    conversation: dict[str, int]
    first: dict[int, Seen]
    heard: set[int]
    counted: list[int]


async def _watch(
    conn: Connection, home: str, seen: Sequence[Seen], watch_for: timedelta
) -> _Watched:
    # In one order, as all below: streams of a home that several workers hold show the same at once.
    seen = sorted({status.uri: status for status in seen}.values(), key=lambda s: s.uri)
    heard: set[int] = set()

    async def place() -> dict[str, int]:
        heard.clear()  # of an attempt that did not hold
        placed = await _assign(conn, home, seen)
        if await conversations.hold(conn, placed.values()):
            new = await conn.fetch(
                _NEW_STATUSES,
                [s.uri for s in seen],
                [placed[s.uri] for s in seen],
                [s.host for s in seen],
                [s.url for s in seen],
                [s.parent_id is None for s in seen],
                [s.created_at for s in seen],
                [s.opted_out for s in seen],
                home,
            )
            heard.update(row["conversation_id"] for row in new)
        return placed

    conversation = await settled(conn, place)
    ids = [conversation[s.uri] for s in seen]
    uris, counts = [s.uri for s in seen], [s.replies_count for s in seen]
    risen = await conn.fetch(_RISEN, home, uris, ids, counts)
    await conn.execute(_SHOWN, home, uris, ids, [s.local_id for s in seen], counts)
    first: dict[int, Seen] = {}
    for status in sorted(seen, key=lambda s: (s.parent_id is not None, s.local_id)):
        first.setdefault(conversation[status.uri], status)
    first = dict(sorted(first.items()))
    await conn.execute(
        _WATCH,
        home,
        list(first),
        [s.uri for s in first.values()],
        [s.local_id for s in first.values()],
        [s.parent_id for s in first.values()],
        [s.replies_count for s in first.values()],
        watch_for,
    )
    # What the timeline shows need not be brought any more.
    await deliveries.end_rounds(conn, home, list(first))
    return _Watched(conversation, first, heard, [row["conversation_id"] for row in risen])


async def _set_going(conn: Connection, home: str, watched: _Watched) -> list[str]:
    hosts = await _arm(conn, home, watched.first)
    await conversations.note_heard(conn, watched.heard, watched.counted, datetime.now(UTC))
    return hosts


async def settled(
    conn: Connection, place: Callable[[], Awaitable[dict[str, int]]]
) -> dict[str, int]:
    """The conversation of each status by its URI, once ``place`` stored all where it says.

    A look may store the same statuses at the same moment, or merge a conversation away. Then
    nothing of the attempt stays, and it is made anew on what the other stored. What is returned
    holds while the transaction lasts. Raises `StorageConflict` when it never comes to rest.
    """
    for _ in range(_PLACE_TRIES):
        with suppress(_Moved):
            async with conn.transaction():
                placed = await place()
                rows = await conn.fetch(KNOWN, list(placed))
                if {row["uri"]: row["conversation_id"] for row in rows} != placed:
                    raise _Moved
                return placed
    raise StorageConflict("other steps were storing the same statuses")


async def _assign(conn: Connection, home: str, seen: Sequence[Seen]) -> dict[str, int]:
    """The conversation of each status, made where there is none yet."""
    known = {r["uri"]: r["conversation_id"] for r in await conn.fetch(KNOWN, [s.uri for s in seen])}
    parents = [s.parent_id for s in seen if s.parent_id]
    by_local = {
        r["local_id"]: r["conversation_id"] for r in await conn.fetch(_PARENTS, home, parents)
    }
    in_page = {s.local_id: s for s in seen}

    def topmost(status: Seen) -> Seen:
        met = {status.local_id}
        while status.parent_id in in_page and status.parent_id not in met:
            status = in_page[status.parent_id]
            met.add(status.local_id)
        return status

    tops = {s.uri: topmost(s) for s in seen}
    for top in tops.values():
        if top.uri not in known and top.parent_id in by_local:
            known[top.uri] = by_local[top.parent_id]
    fresh = dict(sorted((t.uri, t) for t in tops.values() if t.uri not in known))
    rows = await conn.fetch(
        NEW_CONVERSATIONS,
        list(fresh),
        [t.host for t in fresh.values()],
        [t.created_at for t in fresh.values()],
        [t.turn for t in fresh.values()],
    )
    known |= {row["root_uri"]: row["id"] for row in rows}
    return {s.uri: known.get(s.uri, known[tops[s.uri].uri]) for s in seen}


async def arm(
    conn: Connection, home: str, member_id: int, first: Mapping[int, Seen | FoundStatus]
) -> list[str]:
    """Lets a member watch conversations, each by its first status shown; returns hosts with a look.

    The running runs of the member wait for them. The conversations are held: `conversations.hold`.
    """
    await _join(conn, member_id, first)
    return await _arm(conn, home, first)


async def _join(conn: Connection, member_id: int, ids: Iterable[int]) -> None:
    numbers = list(ids)
    await conn.execute(WATCHERS, member_id, numbers)
    await conn.execute(RUN_CONVERSATIONS, member_id, numbers)


async def _arm(conn: Connection, home: str, first: Mapping[int, Seen | FoundStatus]) -> list[str]:
    ids = list(first)
    looks = {number: s for number, s in first.items() if s.host != home or s.is_reply}
    unlooked = await conn.fetch(
        "SELECT id FROM conversations WHERE id = ANY($1::bigint[]) AND looked_at IS NULL"
        " AND NOT EXISTS (SELECT FROM looks WHERE conversation_id = conversations.id)",
        list(looks),
    )
    new = sorted(row["id"] for row in unlooked)
    hosts = await conn.fetch(
        _FIRST_LOOKS, new, [looks[n].host for n in new], [looks[n].uri for n in new], home
    )
    again = await conn.fetch(_REARM, ids)
    await conn.execute(_STAY_AWAKE, ids)
    await conn.execute(_LOCAL_ROOTS, home, ids)
    await conn.execute(_JOIN_LOOKED, home, ids)
    await conn.execute(WAKE, home, ids)
    return sorted({row["host"] for row in [*hosts, *again]})


@dataclass(frozen=True, slots=True)
class Woken:
    """``hosts`` that have a look due, and how many seconds too late each look was set going."""

    hosts: Sequence[str]
    late: Sequence[float]


async def wake(conn: Connection, now: datetime, most: int) -> Woken:
    """Sets going at most ``most`` looks that are due again for served members, in their turn."""
    rows = await conn.fetch(_AWAKE, now, _CONSIDERED * most)
    if not rows:
        return Woken((), ())
    # What nobody sees who is served sleeps until somebody sees it again.
    asleep = [row["id"] for row in rows if not row["watched"]]
    await conn.execute("UPDATE conversations SET wake_at = NULL WHERE id = ANY($1)", asleep)
    watched = [row for row in rows if row["watched"]][:most]
    hosts = await conn.fetch(_REARM, [row["id"] for row in watched])
    late = [(now - row["wake_at"]).total_seconds() for row in watched]
    return Woken(sorted({row["host"] for row in hosts}), late)


async def resume(conn: Connection, home: str, member_id: int) -> list[str]:
    """Takes up what earlier runs of this member left unfinished, and looks that are due again.

    Returns the hosts that have a look due.
    """
    ids = [row["conversation_id"] for row in await conn.fetch(_UNFINISHED, member_id)]
    await conversations.hold(conn, ids)
    await conn.execute(RUN_CONVERSATIONS, member_id, ids)
    hosts = await conn.fetch(_REARM, ids)
    await conn.execute(WAKE, home, ids)
    return sorted({row["host"] for row in hosts})
