"""Looks: the questions to hosts that are due, and what becomes of them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from toottail.repository.conversations import WATCHED_FOR
from toottail.repository.database import Connection
from toottail.types.statuses import LookTarget

MOST_REQUESTS = 3_000
"""So many questions may one look at a conversation ask, all hosts together."""
OTHER_VIEWS = 5
"""So many hosts that took part are asked for their view where those that should know are silent."""
_LONGEST = 2_500
"""Bytes of a question: longer ones have no place in the index that tells them apart."""
FIRST_TRUST = 10
"""So many questions that one host leads to at another are asked before any was worth it."""

_DUE = """
SELECT looks.id, conversation_id, uri, how, hint, named_by, tries, root_uri,
    coalesce(looks.since, next_at) AS due_at, (
        SELECT count(*) FROM looks AS beside
        WHERE beside.conversation_id = looks.conversation_id AND beside.host = $1
            AND beside.state = 'due' AND beside.how = '') AS crowd
FROM looks JOIN conversations ON conversations.id = conversation_id
WHERE looks.host = $1 AND state = 'due' AND next_at <= $2 AND looks.id <> ALL($4)
  AND EXISTS (
    SELECT FROM watchers JOIN members ON members.id = member_id
    WHERE watchers.conversation_id = looks.conversation_id AND active_until > $2)
  AND NOT EXISTS (
    SELECT FROM looks AS before WHERE before.conversation_id = looks.conversation_id
        AND before.state = 'due' AND before.next_at <= $2 + interval '10 s'
        AND (before.rank < looks.rank
            OR (looks.rank = 3 AND before.rank = 3 AND before.host = $1 AND before.id < looks.id)))
ORDER BY looks.turn, looks.rank, looks.id
LIMIT $3
"""

_ASKABLE = """
SELECT DISTINCT host FROM looks
WHERE conversation_id = $1 AND state = 'due' AND next_at <= $2 AND rank = (
    SELECT min(rank) FROM looks AS before WHERE before.conversation_id = $1
        AND before.state = 'due' AND before.next_at <= $2 + interval '10 s')
"""

_TAKE = """
SELECT conversation_id FROM looks WHERE id = $1 AND state = 'due'
"""

_CLOSE = "UPDATE looks SET state = $2, problem = $3, tries = tries + 1 WHERE id = $1"

_RETRY = """
UPDATE looks SET next_at = $2, since = NULL, problem = $3, tries = tries + 1 WHERE id = $1
"""

_POSTPONE = """
UPDATE looks SET next_at = $2, since = coalesce(since, next_at)
WHERE host = $1 AND state = 'due' AND next_at < $2
"""

_AT_HOST = """
SELECT DISTINCT conversation_id FROM looks WHERE host = $1 AND state IN ('due', 'held')
ORDER BY conversation_id
"""

_GIVE_UP_HOST = """
UPDATE looks SET state = 'failed', problem = $3
WHERE conversation_id = $1 AND host = $2 AND state IN ('due', 'held')
"""

_TRUST = """
SELECT host, count(*) FILTER (WHERE state = 'done') AS confirmed,
    count(*) FILTER (WHERE state = 'failed') AS refuted,
    count(*) FILTER (WHERE state = 'due') AS open
FROM looks WHERE named_by = $1 AND host = ANY($2) AND host <> named_by GROUP BY host
"""

# A conversation that took many questions lets others go before its next ones.
_ADD = """
INSERT INTO looks (conversation_id, host, uri, how, hint, named_by, state, turn)
SELECT c.id, t.host, t.uri, t.how, t.hint, $2, t.state, c.turn + c.requests * interval '2 s'
FROM conversations AS c, unnest($3::text[], $4::text[], $5::text[], $6::text[], $7::text[])
    AS t (host, uri, how, hint, state)
WHERE c.id = $1
ON CONFLICT DO NOTHING
RETURNING host, state
"""

_RELEASE = """
UPDATE looks SET state = 'due', next_at = $3
WHERE id IN (SELECT id FROM looks WHERE named_by = $1 AND host = $2 AND state = 'held'
             ORDER BY id LIMIT $4 FOR UPDATE SKIP LOCKED)
RETURNING true
"""

_DISBELIEVE = """
UPDATE looks SET state = 'failed', problem = $3
WHERE named_by = $1 AND host = $2 AND state = 'held'
"""

# A status whose own host, or the root's, counts no more replies than are known hides none (a reply
# that is gone is counted no more); and with a flat list of everything at hand only what is still
# unplaced is worth a question of its own.
_NEEDLESS = """
UPDATE looks SET state = 'needless'
FROM statuses AS s, conversations AS c
WHERE looks.conversation_id = $1 AND looks.state IN ('due', 'held') AND NOT looks.first
    AND s.uri = looks.uri AND c.id = $1 AND (
        (looks.how IN ('', 'ap', 'replies', 'ap:replies') AND s.replies_count <= (
            SELECT count(*) FROM statuses AS child
            WHERE child.parent_uri = s.uri AND child.conversation_id = $1 AND NOT child.gone))
        OR (looks.how = '' AND c.listed_whole AND s.placed))
"""

_ALL_NEEDLESS = """
UPDATE looks SET state = 'needless'
WHERE conversation_id = $1 AND state IN ('due', 'held')
    AND EXISTS (SELECT FROM conversations WHERE id = $1 AND listed_whole)
    AND NOT EXISTS (SELECT FROM statuses WHERE conversation_id = $1 AND NOT placed AND NOT gone)
"""

_UNPLACED = """
SELECT uri, host FROM statuses
WHERE conversation_id = $1 AND NOT placed AND NOT gone
  AND (SELECT listed_whole FROM conversations WHERE id = $1)
  AND NOT EXISTS (
    SELECT FROM looks WHERE looks.conversation_id = $1 AND looks.uri = statuses.uri
        AND looks.host = statuses.host AND how = '')
ORDER BY ord LIMIT $2
"""

_LISTED = """
INSERT INTO statuses (uri, conversation_id, host, placed, listed_by)
SELECT uri, $1, host, false, $2 FROM unnest($3::text[], $4::text[]) AS t (uri, host)
ON CONFLICT (uri) DO NOTHING RETURNING true
"""

# The view of those who took part, where the hosts that should know all cannot be read.
_OTHER_VIEWS = """
SELECT s.host, min(s.uri) AS uri FROM statuses AS s
    JOIN conversations AS c ON c.id = s.conversation_id
    LEFT JOIN hosts ON hosts.host = s.host
WHERE s.conversation_id = $1 AND s.host <> c.host AND NOT s.gone
    AND hosts.problem IS NULL AND NOT coalesce(hosts.notes && '{api-off}', false)
    AND hosts.signature IS DISTINCT FROM 'refused'
    AND ($3 OR (hosts.software IS DISTINCT FROM 'gotosocial' AND hosts.signature IS NULL))
    AND NOT EXISTS (SELECT FROM watches WHERE watches.home = s.host)
    AND NOT EXISTS (SELECT FROM looks WHERE looks.conversation_id = $1
        AND (looks.how = 'around' OR (looks.host = s.host AND looks.state = 'failed')))
GROUP BY s.host ORDER BY count(*) DESC, s.host LIMIT $2
"""

_OPEN = """
SELECT count(*) FILTER (WHERE state = 'due') AS due,
    count(*) FILTER (WHERE state = 'due' AND next_at <= $2) AS soon,
    count(*) FILTER (WHERE state = 'due' AND how IN ('thread', 'replies')) AS listing,
    count(*) FILTER (WHERE state = 'done') AS done,
    count(*) FILTER (WHERE state = 'failed' AND problem <> 'it is gone') AS failed,
    max(problem) FILTER (WHERE state = 'failed') AS problem
FROM looks WHERE conversation_id = $1
"""

# Who was through with it, and is told nothing new, has nothing to do.
_QUIET = """
UPDATE watches SET stage = 'done'
FROM conversations WHERE conversations.id = $1 AND conversation_id = $1
    AND quiet AND stage = 'look' AND ended IS NOT NULL
"""

_TELL = "UPDATE conversations SET untold = false WHERE id = $1 AND untold RETURNING true"

# Of all homes whose interest has not ended; twice a day is often enough to put off that end.
_WATCH_ON = """
UPDATE watches SET ends_at = now() + $2::interval
WHERE conversation_id = $1 AND ends_at > now()
    AND ends_at < now() + $2::interval - interval '12 hours'
"""

_READY = """
UPDATE watches SET stage = CASE WHEN stage = 'look' THEN 'compare' ELSE 'plan' END,
    next_at = now(), since = NULL, problem = NULL
WHERE conversation_id = $1
    AND (stage = 'look'
        OR ($2 AND (stage = 'verify' OR (stage IN ('done', 'failed') AND ends_at > now()))))
RETURNING home
"""

_NOTHING_DUE = """
UPDATE watches SET stage = 'compare', next_at = now()
WHERE conversation_id = $1 AND stage = 'look' AND NOT EXISTS (
    SELECT FROM looks WHERE looks.conversation_id = $1 AND state = 'due')
RETURNING home
"""

_FAILED = """
UPDATE watches SET problem = $2,
    stage = coalesce(ended, CASE WHEN compared_at IS NULL THEN 'climb' ELSE 'failed' END),
    next_at = CASE WHEN ended IS NULL AND compared_at IS NULL THEN now() END
WHERE conversation_id = $1 AND stage = 'look'
RETURNING home
"""


@dataclass(frozen=True, slots=True)
class DueLook:
    """A question that is due at a host.

    ``due_at``: since when, whatever put it off. ``crowd``: so many that begin from a status of this
    conversation are due there, it included.
    """

    id: int
    conversation_id: int
    uri: str
    how: str
    hint: str
    named_by: str
    tries: int
    root_uri: str
    due_at: datetime
    crowd: int


@dataclass(frozen=True, slots=True)
class Open:
    """How far the look at a conversation is: questions due, due soon, listings among them, done,
    and failed for another reason than that the status is gone."""

    due: int
    soon: int
    listing: int
    done: int
    failed: int
    problem: str | None


async def due(
    conn: Connection, host: str, now: datetime, most: int, asked: Sequence[int] = ()
) -> list[DueLook]:
    """The questions due at ``host`` for active members, in their turn.

    ``asked`` are being asked already. Of several that one listing led to at the same host only one
    comes at a time: its answer mostly leads to one that tells all of them.
    """
    return [DueLook(**row) for row in await conn.fetch(_DUE, host, now, most, list(asked))]


async def conversation_of(conn: Connection, look_id: int) -> int | None:
    """The conversation a look belongs to now; None when it is no longer due."""
    number: int | None = await conn.fetchval(_TAKE, look_id)
    return number


async def close(conn: Connection, look_id: int, state: str, problem: str | None = None) -> None:
    """Ends a look: ``done``, ``failed`` or ``needless``."""
    await conn.execute(_CLOSE, look_id, state, problem)


async def retry(conn: Connection, look_id: int, at: datetime, problem: str) -> None:
    """Leaves a look due, but not before ``at``."""
    await conn.execute(_RETRY, look_id, at, problem)


async def postpone(conn: Connection, host: str, until: datetime) -> None:
    """Leaves all looks at a host due, but not before its budget allows."""
    await conn.execute(_POSTPONE, host, until)


async def conversations_at(conn: Connection, host: str) -> list[int]:
    """The conversations that have looks due or held at a host."""
    return [row["conversation_id"] for row in await conn.fetch(_AT_HOST, host)]


async def give_up_host(conn: Connection, conversation_id: int, host: str, problem: str) -> None:
    """Ends the looks of a conversation at a host that does not answer.

    The conversation is locked, as for all that ends looks: of two that end at once, one must see
    that none is left.
    """
    await conn.execute(_GIVE_UP_HOST, conversation_id, host, problem)


async def add(
    conn: Connection, conversation_id: int, named_by: str, targets: Sequence[LookTarget], room: int
) -> set[str]:
    """Opens further looks that ``named_by``'s answer led to; returns the hosts with work.

    At most ``room`` are opened. Of those at another host, a first few are asked; the others are
    held until one of them was worth it.
    """
    targets = [t for t in dict.fromkeys(targets) if _length(t) <= _LONGEST][: max(0, room)]
    if not targets:
        return set()
    open_to = await _allowances(conn, named_by, sorted({t.host for t in targets}))
    states = []
    for target in targets:
        open_to[target.host] -= 1
        states.append("due" if open_to[target.host] >= 0 else "held")
    rows = await conn.fetch(
        _ADD,
        conversation_id,
        named_by,
        [t.host for t in targets],
        [t.uri for t in targets],
        [t.how for t in targets],
        [t.hint for t in targets],
        states,
    )
    return {row["host"] for row in rows if row["state"] == "due"}


def _length(target: LookTarget) -> int:
    hint = target.hint if target.how else ""
    return len("".join((target.host, target.uri, target.how, hint)).encode())


async def _allowances(conn: Connection, named_by: str, hosts: Sequence[str]) -> dict[str, int]:
    allowed: dict[str, int] = defaultdict(lambda: FIRST_TRUST)
    allowed[named_by] = MOST_REQUESTS
    for row in await conn.fetch(_TRUST, named_by, list(hosts)):
        allowed[row["host"]] = FIRST_TRUST * (1 + row["confirmed"]) - row["refuted"] - row["open"]
    return allowed


async def settle_trust(conn: Connection, look: DueLook, host: str, now: datetime) -> None:
    """After a look at ``host`` that another host led to: lets more of its kind go, or none.

    In any conversation: nobody waits for what is held.
    """
    if look.named_by == host:
        return
    allowed = (await _allowances(conn, look.named_by, [host]))[host]
    if allowed > 0:
        await conn.fetch(_RELEASE, look.named_by, host, now, allowed)
        return
    still_open = await conn.fetchval(
        "SELECT EXISTS (SELECT FROM looks WHERE named_by = $1 AND host = $2 AND state = 'due')",
        look.named_by,
        host,
    )
    if not still_open:
        doubt = f"{look.named_by} named too many posts of {host} that are not to be had there"
        await conn.execute(_DISBELIEVE, look.named_by, host, doubt)


async def store_listed(
    conn: Connection, conversation_id: int, listed_by: str, listed: Sequence[tuple[str, str]]
) -> int:
    """Stores (uri, host) pairs of a flat listing; returns how many were not known."""
    rows = await conn.fetch(
        _LISTED, conversation_id, listed_by, [u for u, _ in listed], [h for _, h in listed]
    )
    return len(rows)


async def set_listed_whole(conn: Connection, conversation_id: int) -> None:
    """Notes that the origin's flat listing of a conversation was read to its end."""
    await conn.execute(
        "UPDATE conversations SET listed_whole = true WHERE id = $1", conversation_id
    )


async def drop_needless(conn: Connection, conversation_id: int) -> None:
    """Ends looks whose answers could tell nothing new, now that the listing is whole."""
    await conn.execute(_NEEDLESS, conversation_id)
    await conn.execute(_ALL_NEEDLESS, conversation_id)


async def unplaced(conn: Connection, conversation_id: int, most: int) -> list[LookTarget]:
    """Listed statuses whose place is unknown and that were not asked for, the newest first."""
    rows = await conn.fetch(_UNPLACED, conversation_id, most)
    return [LookTarget(row["uri"], row["host"]) for row in rows]


async def other_views(conn: Connection, conversation_id: int, signs: bool) -> list[LookTarget]:
    """Questions to hosts that took part in a conversation, for all they have of it.

    None when that was asked before. ``signs``: those that want a signature can be asked too.
    """
    rows = await conn.fetch(_OTHER_VIEWS, conversation_id, OTHER_VIEWS, signs)
    return [LookTarget(row["uri"], row["host"], "around") for row in rows]


async def spend(conn: Connection, conversation_id: int, requests: int) -> None:
    """Counts requests against the look at a conversation."""
    await conn.execute(
        "UPDATE conversations SET requests = requests + $2 WHERE id = $1",
        conversation_id,
        requests,
    )


async def progress(conn: Connection, conversation_id: int, soon: datetime) -> Open:
    """How far the look is; ``soon`` is until when a due question counts as soon."""
    (row,) = await conn.fetch(_OPEN, conversation_id, soon)
    return Open(**row)


async def ready(
    conn: Connection, conversation_id: int, *, news: bool, watch_for: timedelta = WATCHED_FOR
) -> list[str]:
    """Lets the homes that watch go on; after news also those that were done. Returns them.

    ``news``: the last look brought some. Earlier ones may have, and nobody was told. After news the
    homes watch on for ``watch_for``.
    """
    untold = await conn.fetchval(_TELL, conversation_id)
    told = news or bool(untold)
    if told:
        await conn.execute(_WATCH_ON, conversation_id, watch_for)
    else:
        await conn.execute(_QUIET, conversation_id)
    return [row["home"] for row in await conn.fetch(_READY, conversation_id, told)]


async def wait_for_none(conn: Connection, conversation_id: int) -> list[str]:
    """Lets watches go on that wait for a look where none is due; returns their homes.

    After a merge that no look made: it sets the watches of both back.
    """
    return [row["home"] for row in await conn.fetch(_NOTHING_DUE, conversation_id)]


async def fail(conn: Connection, conversation_id: int, problem: str) -> list[str]:
    """Ends the watches of a conversation of which nothing could be read; returns their homes.

    Each home is asked once for what it shows of the conversation itself.
    """
    return [row["home"] for row in await conn.fetch(_FAILED, conversation_id, problem)]


async def askable(conn: Connection, conversation_id: int, now: datetime) -> set[str]:
    """Hosts that may be asked next about a conversation."""
    return {row["host"] for row in await conn.fetch(_ASKABLE, conversation_id, now)}
