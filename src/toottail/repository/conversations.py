"""Conversations and the statuses in them: storing what a look found, climbing, merging."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from toottail.repository.database import Connection
from toottail.types.hosts import host_of
from toottail.types.statuses import FoundStatus

MOST_STATUSES = 5_000
"""So many statuses of one conversation are kept; what a host lists beyond them is not believed."""
MOST_PER_HOST = 2_000
"""So many statuses of one host may another host's listing name in one conversation."""

WATCHED_FOR = timedelta(days=7)
"""A watch ends so long after a member saw the conversation, or a reply arrived in it."""
AT_REST = timedelta(seconds=60)
"""So long a conversation is left alone after a look, whatever is heard of it."""

_STORE_TRIES = 3
"""What others put into conversations of their own at the same moment is looked at so often."""

_LOCK = "SELECT id, root_uri, host, requests FROM conversations WHERE id = $1 FOR UPDATE"

_HOLD_RIPE = """
SELECT FROM conversations WHERE id = ANY($1::bigint[]) AND next_look_at <= now()
ORDER BY id FOR UPDATE
"""

_HOLD = """
SELECT id FROM conversations WHERE id = ANY($1::bigint[]) ORDER BY id FOR KEY SHARE
"""

_ELSEWHERE = """
SELECT statuses.uri, conversation_id, root_uri, EXISTS (
        SELECT FROM looks WHERE looks.conversation_id = conversations.id
            AND looks.uri = root_uri AND looks.state = 'done') AS looked
FROM statuses JOIN conversations ON conversations.id = conversation_id
WHERE uri = ANY($1) AND conversation_id <> $2
"""

# Hosts say when something was posted; that it was not later than we found it is all we can check.
_ACTIVITY = """
SELECT least(c.created_at, min(s.found_at)), count(*) FILTER (WHERE s.uri <> c.root_uri),
    max(least(s.created_at, s.found_at)) FILTER (WHERE s.uri <> c.root_uri)
FROM conversations AS c LEFT JOIN statuses AS s ON s.conversation_id = c.id
WHERE c.id = $1 GROUP BY c.id
"""

_KNOWN = "SELECT uri FROM statuses WHERE conversation_id = $1 AND uri = ANY($2)"

_COUNTS = "SELECT host, count(*) AS n FROM statuses WHERE conversation_id = $1 GROUP BY host"

_STORE = """
INSERT INTO statuses (uri, conversation_id, host, url, parent_uri, placed, listed_by, created_at,
                      opted_out, replies_count)
SELECT uri, $1, host, url, parent_uri, placed, $2, created_at, opted_out, replies_count
FROM unnest($3::text[], $4::text[], $5::text[], $6::text[], $7::boolean[], $8::timestamptz[],
            $9::boolean[], $10::integer[])
    AS t (uri, host, url, parent_uri, placed, created_at, opted_out, replies_count)
ON CONFLICT (uri) DO UPDATE
SET parent_uri = CASE WHEN EXCLUDED.listed_by = statuses.host
        THEN coalesce(EXCLUDED.parent_uri, statuses.parent_uri)
        ELSE coalesce(statuses.parent_uri, EXCLUDED.parent_uri) END,
    placed = statuses.placed OR EXCLUDED.placed,
    url = coalesce(statuses.url, EXCLUDED.url),
    created_at = coalesce(statuses.created_at, EXCLUDED.created_at),
    opted_out = statuses.opted_out OR EXCLUDED.opted_out,
    replies_count = greatest(statuses.replies_count, EXCLUDED.replies_count),
    listed_by = CASE WHEN EXCLUDED.listed_by = statuses.host THEN EXCLUDED.listed_by
                ELSE statuses.listed_by END
WHERE statuses.conversation_id = EXCLUDED.conversation_id
RETURNING uri, (xmax = 0) AS fresh
"""

_TOP = """
WITH RECURSIVE up (uri, parent_uri, depth) AS (
    SELECT uri, parent_uri, 0 FROM statuses WHERE uri = $2 AND conversation_id = $1
  UNION ALL
    SELECT s.uri, s.parent_uri, depth + 1 FROM up JOIN statuses s ON s.uri = up.parent_uri
    WHERE s.conversation_id = $1 AND depth < 5000
)
SELECT uri, parent_uri FROM up ORDER BY depth DESC LIMIT 1
"""

_NAMED_PARENT = """
INSERT INTO statuses (uri, conversation_id, host, placed, listed_by) VALUES ($1, $2, $3, true, $4)
ON CONFLICT (uri) DO NOTHING
"""

# Both conversations' watches stay, and who was done goes on with what the other half brings. Where
# a home watches both, the survivor's row begins anew.
_MERGE = (
    """UPDATE watches SET stage = 'look', next_at = NULL
       WHERE conversation_id IN ($1, $2) AND stage IN ('done', 'failed')""",
    """UPDATE watches AS w SET stage = 'look', next_at = NULL,
           ends_at = greatest(w.ends_at, o.ends_at), alone = w.alone AND o.alone,
           anchor_uri = CASE WHEN w.anchor_id IS NULL THEN o.anchor_uri ELSE w.anchor_uri END,
           anchor_parent = CASE WHEN w.anchor_id IS NULL THEN o.anchor_parent
                           ELSE w.anchor_parent END,
           anchor_id = coalesce(w.anchor_id, o.anchor_id)
       FROM watches AS o WHERE w.conversation_id = $2 AND o.conversation_id = $1
           AND o.home = w.home""",
    """DELETE FROM watches AS o USING watches AS w
       WHERE o.conversation_id = $1 AND w.conversation_id = $2 AND o.home = w.home""",
    "UPDATE watches SET conversation_id = $2, root_id = NULL WHERE conversation_id = $1",
    """INSERT INTO watchers (member_id, conversation_id, seen_at)
       SELECT member_id, $2, seen_at FROM watchers WHERE conversation_id = $1
       ON CONFLICT DO NOTHING""",
    """INSERT INTO run_conversations (run_id, conversation_id)
       SELECT run_id, $2 FROM run_conversations WHERE conversation_id = $1
       ON CONFLICT DO NOTHING""",
    "UPDATE statuses SET conversation_id = $2 WHERE conversation_id = $1",
    "UPDATE deliveries SET conversation_id = $2 WHERE conversation_id = $1",
    # Of two that ask the same the one that was answered, else the older one: it may be on its way.
    """DELETE FROM looks AS o USING looks AS l
       WHERE o.conversation_id IN ($1, $2) AND l.conversation_id IN ($1, $2)
           AND o.conversation_id <> l.conversation_id
           AND (o.host, o.uri, o.how) = (l.host, l.uri, l.how)
           AND (o.how = '' OR o.hint = l.hint)
           AND (o.state <> 'done', o.state <> 'due', o.id)
               > (l.state <> 'done', l.state <> 'due', l.id)""",
    "UPDATE looks SET conversation_id = $2 WHERE conversation_id = $1",
    """UPDATE conversations AS c SET requests = c.requests + o.requests, quiet = false
       FROM conversations AS o WHERE c.id = $2 AND o.id = $1""",
    "DELETE FROM conversations WHERE id = $1",
)

_REROOT = """
UPDATE conversations SET root_uri = $2, host = $3, looked_at = NULL, quiet = false,
    created_at = (SELECT created_at FROM statuses WHERE uri = $2)
WHERE id = $1
"""

_FORGET_ROOT_IDS = """
UPDATE watches SET shown = NULL, root_id = (
    SELECT local_id FROM deliveries AS d WHERE d.home = watches.home AND d.uri = $2)
WHERE conversation_id = $1
"""

_OPEN_ROOT = """
INSERT INTO looks (conversation_id, host, uri, named_by, first, turn)
SELECT id, $2, $3, $4, true, turn FROM conversations WHERE id = $1
ON CONFLICT DO NOTHING
"""

_FINISH_LOOK = """
UPDATE conversations
SET looked_at = $2, next_look_at = $3, wake_at = $3, turn = $4, lively_at = coalesce($5, lively_at)
WHERE id = $1
"""


# In one order: two homes may hear of the same ones at once.
_HOLD_HEARD = """
SELECT FROM conversations WHERE id = ANY($1::bigint[]) ORDER BY id FOR NO KEY UPDATE
"""

# Nobody who was through with them was told of it yet; those of a first look all will be.
_HEARD = """
UPDATE conversations SET arrived_at = $2, quiet = false, untold = true
WHERE id = ANY($1::bigint[]) AND looked_at IS NOT NULL
"""

_STIR = """
WITH stirred AS (
    SELECT id, greatest($2, looked_at + $3) AS at FROM conversations
    WHERE id = ANY($1::bigint[]) AND looked_at IS NOT NULL AND next_look_at IS NOT NULL
    ORDER BY id FOR NO KEY UPDATE
)
UPDATE conversations SET next_look_at = least(next_look_at, at), wake_at = least(next_look_at, at)
FROM stirred WHERE conversations.id = stirred.id
"""


@dataclass(frozen=True, slots=True)
class Locked:
    """A conversation whose row this transaction holds."""

    id: int
    root_uri: str
    host: str
    requests: int


async def lock(conn: Connection, conversation_id: int) -> Locked | None:
    """Holds the conversation until the transaction ends; None when it was merged away."""
    row = await conn.fetchrow(_LOCK, conversation_id)
    return Locked(**row) if row else None


async def keep(conn: Connection, conversation_id: int) -> None:
    """Keeps a conversation from being merged away while the transaction lasts.

    First in each transaction that goes on to its watches or deliveries: a merge takes those in
    another order.
    """
    await conn.execute("SELECT FROM conversations WHERE id = $1 FOR KEY SHARE", conversation_id)


async def hold(conn: Connection, ids: Collection[int]) -> bool:
    """Keeps all these conversations while watches join them; False where one is gone.

    A look that ends meanwhile waits for this transaction, or this one for it, so that a watch is
    either there when the look lets watches go on, or sees that nothing is left to wait for. Those
    that are due for another look are held alone: two that held one together could not both begin
    that look.
    """
    await conn.execute(_HOLD_RIPE, list(ids))
    return len(await conn.fetch(_HOLD, list(ids))) == len(set(ids))


async def store_found(
    conn: Connection, conversation: Locked, found: Sequence[FoundStatus], listed_by: str
) -> int:
    """Stores statuses that ``listed_by`` lists in a conversation; returns how many are new.

    A status that belongs to another conversation stays there, unless it is that one's topmost
    and was not yet asked for at its own host: then both are one conversation and are merged.
    """
    found = list({s.uri: s for s in found if s.public}.values())
    news = 0
    for _ in range(_STORE_TRIES):
        found = await _without_strangers(conn, conversation, found)
        found = await _within_caps(conn, conversation, found, listed_by)
        stored = await _store(conn, conversation, found, listed_by)
        news += sum(stored.values())
        # What is in no other conversation and was not stored was put into one just now.
        found = [status for status in found if status.uri not in stored]
        if not found:
            break
    return news


async def _store(
    conn: Connection, conversation: Locked, found: Sequence[FoundStatus], listed_by: str
) -> dict[str, bool]:
    """Stores what is not in another conversation: whether it is new, by URI."""
    rows = await conn.fetch(
        _STORE,
        conversation.id,
        listed_by,
        [s.uri for s in found],
        [s.host for s in found],
        [s.url for s in found],
        [s.parent_uri for s in found],
        [s.parent_uri is not None or not s.is_reply for s in found],
        [s.created_at for s in found],
        [s.opted_out for s in found],
        [s.replies_count if listed_by in (s.host, conversation.host) else None for s in found],
    )
    return {row["uri"]: row["fresh"] for row in rows}


async def _without_strangers(
    conn: Connection, conversation: Locked, found: list[FoundStatus]
) -> list[FoundStatus]:
    elsewhere = await conn.fetch(_ELSEWHERE, [s.uri for s in found], conversation.id)
    stolen = set()
    for row in elsewhere:
        # A hostile host could list another thread's posts as its own replies; only a status that
        # nobody has placed yet lets itself be claimed.
        if row["uri"] == row["root_uri"] and not row["looked"]:
            await merge(conn, row["conversation_id"], conversation.id)
        else:
            stolen.add(row["uri"])
    return [s for s in found if s.uri not in stolen]


async def _within_caps(
    conn: Connection, conversation: Locked, found: list[FoundStatus], listed_by: str
) -> list[FoundStatus]:
    if not found:
        return []
    counts = {row["host"]: row["n"] for row in await conn.fetch(_COUNTS, conversation.id)}
    room = MOST_STATUSES - sum(counts.values())
    rows = await conn.fetch(_KNOWN, conversation.id, [s.uri for s in found])
    known = {row["uri"] for row in rows}
    kept = []
    for status in found:
        if status.uri in known:
            kept.append(status)
            continue
        full = status.host != listed_by and counts.get(status.host, 0) >= MOST_PER_HOST
        if room <= 0 or full:
            continue
        counts[status.host] = counts.get(status.host, 0) + 1
        room -= 1
        kept.append(status)
    return kept


async def climb(conn: Connection, conversation: Locked, by: str) -> Locked:
    """Moves a conversation up to the topmost status now known above its root, as ``by`` tells it.

    Opens the look at the new root's own host. Where that root has a conversation already, both
    become one. Returns the conversation that remains.
    """
    row = await conn.fetchrow(_TOP, conversation.id, conversation.root_uri)
    top = (row["parent_uri"] or row["uri"]) if row else conversation.root_uri
    host = host_of(top)
    if top == conversation.root_uri or host is None:
        return conversation
    other = await conn.fetchrow(
        "SELECT id FROM conversations WHERE root_uri = $1 AND id <> $2 FOR UPDATE",
        top,
        conversation.id,
    )
    if other:
        await merge(conn, conversation.id, other["id"])
        conversation = (await lock(conn, other["id"])) or conversation
    else:
        await conn.execute(_NAMED_PARENT, top, conversation.id, host, by)
        await conn.execute(_REROOT, conversation.id, top, host)
        conversation = Locked(conversation.id, top, host, conversation.requests)
    await conn.execute(_FORGET_ROOT_IDS, conversation.id, top)
    await conn.execute(_OPEN_ROOT, conversation.id, host, top, by)
    return conversation


async def climb_into(
    conn: Connection, conversation: Locked, ancestors: Sequence[str], asked: str
) -> Locked:
    """Joins the conversation that already holds an ancestor of ``asked``, where there is one.

    The asked status' own host names its ancestors, so its word is enough for this.
    """
    row = await conn.fetchrow(
        "SELECT conversation_id FROM statuses WHERE uri = ANY($1) AND conversation_id <> $2"
        " AND (SELECT conversation_id FROM statuses WHERE uri = $3) = $2 LIMIT 1",
        list(ancestors),
        conversation.id,
        asked,
    )
    if row is None:
        return conversation
    other = await lock(conn, row["conversation_id"])
    if other is None:
        return conversation
    await merge(conn, conversation.id, other.id)
    return (await lock(conn, other.id)) or other


async def merge(conn: Connection, gone: int, kept: int) -> None:
    """Makes two conversations one, in the caller's transaction; all watches stay."""
    # Whoever keeps one of them (`keep`) ends first; then nobody else is at their rows.
    await conn.execute(
        "SELECT FROM conversations WHERE id IN ($1, $2) ORDER BY id FOR UPDATE", gone, kept
    )
    for statement in _MERGE:
        if "$2" in statement:
            await conn.execute(statement, gone, kept)
        else:
            await conn.execute(statement, gone)


@dataclass(frozen=True, slots=True)
class Activity:
    """When a conversation began, how many replies are known, and when the newest was posted.

    ``created_at`` is None where nobody told, ``newest_at`` where there is no reply.
    """

    created_at: datetime | None
    replies: int
    newest_at: datetime | None

    @property
    def lively_at(self) -> datetime | None:
        """When it was last written in."""
        times = [at for at in (self.created_at, self.newest_at) if at is not None]
        return max(times, default=None)


async def activity(conn: Connection, conversation_id: int) -> Activity:
    """What decides about its next look."""
    row = await conn.fetchrow(_ACTIVITY, conversation_id)
    return Activity(*row) if row else Activity(None, 0, None)


async def finish_look(
    conn: Connection,
    conversation_id: int,
    now: datetime,
    next_look_at: datetime,
    *,
    turn: datetime,
    lively_at: datetime | None = None,
) -> None:
    """Notes that nothing is left to ask about a conversation for now.

    ``turn`` is the place of its next look among others, ``lively_at`` when it was last written in.
    """
    await conn.execute(_FINISH_LOOK, conversation_id, now, next_look_at, turn, lively_at)


async def note_arrivals(conn: Connection, conversation_id: int, now: datetime) -> None:
    """Notes that replies came that were not known before, and that nobody was told."""
    await conn.execute(
        "UPDATE conversations SET arrived_at = $2, quiet = false, untold = true WHERE id = $1",
        conversation_id,
        now,
    )


async def note_heard(
    conn: Connection, told: Collection[int], counted: Collection[int], now: datetime
) -> None:
    """Notes that a home's timeline showed replies in conversations that no look had brought.

    Of those in ``told`` they are stored, and the homes that were through with them are told at the
    end of the next look, whatever it brings; of those in ``counted`` only their number is known.
    The next look at all of them is due as `stir` says.
    """
    ids = {*told, *counted}
    if ids:
        await conn.execute(_HOLD_HEARD, sorted(ids))
        await conn.execute(_HEARD, sorted(told), now)
        await stir(conn, ids, now)


async def stir(conn: Connection, ids: Collection[int], now: datetime) -> None:
    """Makes the next look at conversations due now, also of those that sleep.

    Those looked at within `AT_REST` wait for the end of that; those being looked at stay.
    """
    await conn.execute(_STIR, sorted(ids), now, AT_REST)


async def mark_gone(conn: Connection, uri: str) -> None:
    """Notes that a status' own host says it is no longer there, and forgets all but its URI.

    That stays, so that no other host's listing brings it back.
    """
    await conn.execute(
        "UPDATE statuses SET gone = true, url = NULL, created_at = NULL, replies_count = NULL"
        " WHERE uri = $1",
        uri,
    )
