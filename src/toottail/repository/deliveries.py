"""Watches and deliveries: what a home has, what it is to get, and what came of it."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from toottail.repository.database import Connection
from toottail.types.trees import DeliveryState, Node

_NEWEST_OF_A_PAIR = 100
LATELY = timedelta(hours=1)
"""A host that answered within this time counts as answering."""

_NODES = """
SELECT s.uri, s.parent_uri, s.host, s.placed, d.local_id,
    CASE WHEN d.state IS NULL AND s.host = $1 THEN 'already_there' ELSE d.state END AS state,
    coalesce(d.tries, 0) AS tries,
    s.listed_by, s.opted_out, s.gone, d.observed, n.barred, n.shut_out,
    -- Nobody asks a barred host whether it answers; one that refuses us is well.
    CASE WHEN n.barred IS NOT NULL THEN false
         WHEN h.answered_at > $3 OR h.refused_until > now() THEN true
         WHEN h.problem_at > $3 THEN false END AS answers
FROM statuses AS s
    JOIN standing(ARRAY(SELECT DISTINCT host FROM statuses WHERE conversation_id = $2), $1) AS n
        ON n.host = s.host
    LEFT JOIN deliveries AS d ON d.home = $1 AND d.uri = s.uri
    LEFT JOIN hosts AS h ON h.host = s.host
WHERE s.conversation_id = $2
    -- Brought without its conversation, only what is wanted by itself counts.
    AND (d.state IS NOT NULL OR NOT EXISTS (
        SELECT FROM watches WHERE home = $1 AND conversation_id = $2 AND alone))
ORDER BY s.ord
"""

# What is known of a pair in this conversation at this home, and of the newest elsewhere: a host
# with many people names tens of thousands. (By the homes that watch: else all deliveries of a
# conversation are read for each of its statuses.)
_TRUST = """
WITH pairs AS (
    SELECT DISTINCT listed_by, host FROM statuses
    WHERE conversation_id = $2 AND listed_by <> host
), tried AS (
    SELECT listed_by, s.host, d.local_id, d.state, d.next_at, d.changed_at
    FROM statuses AS s JOIN deliveries AS d ON d.home = $1 AND d.uri = s.uri
    WHERE s.conversation_id = $2 AND listed_by <> s.host
  UNION ALL
    SELECT listed_by, host, newest.* FROM pairs CROSS JOIN LATERAL (
        SELECT d.local_id, d.state, d.next_at, d.changed_at
        FROM statuses AS s JOIN watches AS w ON w.conversation_id = s.conversation_id
            JOIN deliveries AS d ON d.home = w.home AND d.uri = s.uri
        WHERE s.listed_by <> s.host AND s.listed_by = pairs.listed_by AND s.host = pairs.host
            AND (s.conversation_id <> $2 OR w.home <> $1)
        ORDER BY s.ord DESC LIMIT $3) AS newest
)
SELECT listed_by, host,
    count(*) FILTER (WHERE local_id IS NOT NULL) AS confirmed,
    count(*) FILTER (WHERE state IN ('not_obtained', 'given_up')) AS refuted,
    count(*) FILTER (WHERE state = 'pending' AND next_at IS NOT NULL
        AND changed_at > clock_timestamp() - interval '2 minutes') AS open
FROM tried GROUP BY listed_by, host
"""

_SHOWN = """
INSERT INTO deliveries (home, uri, conversation_id, state, local_id)
SELECT $1, t.uri, $2, 'already_there', t.local_id
FROM unnest($3::text[], $4::text[]) AS t (uri, local_id)
WHERE EXISTS (SELECT FROM conversations WHERE id = $2)
ON CONFLICT (home, uri) DO UPDATE
SET local_id = EXCLUDED.local_id, next_at = NULL,
    changed_at = CASE WHEN deliveries.state IN ('already_there', 'delivered')
                 THEN deliveries.changed_at ELSE clock_timestamp() END,
    state = CASE WHEN deliveries.state IN ('pending', 'expected', 'resolved', 'unattached',
                                           'not_obtained', 'given_up')
            THEN 'delivered' ELSE deliveries.state END
RETURNING conversation_id
"""

_SCHEDULE = """
INSERT INTO deliveries (home, uri, conversation_id, state, next_at)
SELECT $1, t.uri, $2, t.state, CASE WHEN t.state = 'pending' THEN $5::timestamptz END
FROM unnest($3::text[], $4::text[]) AS t (uri, state)
ON CONFLICT (home, uri) DO UPDATE
SET state = EXCLUDED.state, next_at = EXCLUDED.next_at, changed_at = clock_timestamp(),
    conversation_id = EXCLUDED.conversation_id
WHERE deliveries.state IN ('pending', 'expected')
"""

_KEEP = """
SELECT FROM conversations AS c JOIN deliveries AS d ON d.conversation_id = c.id
WHERE d.home = $1 AND d.uri = $2 FOR KEY SHARE OF c
"""

# Two resolves that end at once must see each other's end, or neither would end the round.
_ALONE = """
SELECT conversation_id FROM watches JOIN deliveries USING (home, conversation_id)
WHERE deliveries.home = $1 AND deliveries.uri = $2 FOR UPDATE OF watches
"""

_OUTCOME = """
UPDATE deliveries SET state = $3, local_id = coalesce($4, local_id), next_at = $5,
    observed = $6, inferred = $7, tries = tries + 1, changed_at = clock_timestamp()
WHERE home = $1 AND uri = $2 RETURNING conversation_id
"""

# Never asked for, it is forgotten; else what was seen of it stays.
_WITHDRAW = (
    "DELETE FROM deliveries WHERE home = $1 AND uri = $2 AND tries = 0",
    "UPDATE deliveries SET state = 'given_up', next_at = NULL WHERE home = $1 AND uri = $2",
)

_ROUND_OVER = """
UPDATE watches SET stage = 'plan', next_at = $3
WHERE home = $1 AND conversation_id = $2 AND stage = 'resolve' AND NOT EXISTS (
    SELECT FROM deliveries WHERE deliveries.home = $1 AND deliveries.conversation_id = $2
        AND deliveries.next_at IS NOT NULL AND deliveries.state = 'pending')
RETURNING true
"""

_HOLD_WATCHES = """
SELECT FROM watches WHERE home = $1 AND conversation_id = ANY($2::bigint[])
ORDER BY conversation_id FOR UPDATE
"""

_ROUNDS_OVER = """
UPDATE watches SET stage = 'plan', next_at = now()
WHERE home = $1 AND conversation_id = ANY($2::bigint[]) AND stage = 'resolve' AND NOT EXISTS (
    SELECT FROM deliveries WHERE deliveries.home = $1
        AND deliveries.conversation_id = watches.conversation_id
        AND deliveries.next_at IS NOT NULL AND deliveries.state = 'pending')
"""

_STAGE = """
UPDATE watches SET stage = $3, next_at = $4, problem = $5, since = NULL
WHERE home = $1 AND conversation_id = $2
"""

_ABSENT = """
UPDATE deliveries SET state = 'pending', next_at = NULL
WHERE home = $1 AND conversation_id = $2 AND state = 'expected'
"""

_PARENT = """
SELECT s.parent_uri, s.placed, d.local_id, d.state FROM statuses AS s
    LEFT JOIN deliveries AS d ON d.home = $1 AND d.uri = s.parent_uri
WHERE s.uri = $2
"""

_UNATTACHED = """
UPDATE deliveries SET state = 'unattached', changed_at = clock_timestamp(),
    observed = 'the home has it, but its context does not show it below the root'
WHERE home = $1 AND conversation_id = $2 AND state = 'resolved'
"""


@dataclass(frozen=True, slots=True)
class DueWatch:
    """A watch whose next step is due; ``members`` may be asked with, in that order.

    ``anchor_id`` is None where no timeline of the home showed the status. ``alone``: only what was
    wanted by itself is brought home, not its conversation.
    """

    home: str
    conversation_id: int
    anchor_uri: str
    anchor_id: str | None
    anchor_parent: str | None
    root_id: str | None
    shown: int | None
    stage: str
    verifies: int
    unproven: bool
    tries: int
    root_uri: str
    root_host: str
    created_at: datetime | None
    problem: str | None
    members: Sequence[int]
    alone: bool = False
    due_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class DueDelivery:
    """A status that is to be resolved at a home now.

    ``withheld``: since that was planned it became known that it must not be. ``alone``: it is
    wanted by itself, wherever it hangs.
    """

    uri: str
    conversation_id: int
    tries: int
    withheld: bool
    alone: bool
    members: Sequence[int]
    due_at: datetime


async def nodes(conn: Connection, home: str, conversation_id: int, now: datetime) -> list[Node]:
    """A conversation as ``home`` sees it, in the order its statuses became known."""
    rows = await conn.fetch(_NODES, home, conversation_id, now - LATELY)
    return [Node(**row) for row in rows]


async def trust(
    conn: Connection, home: str, conversation_id: int
) -> dict[tuple[str, str], tuple[int, int, int]]:
    """(confirmed, refuted, open) deliveries, by (host that listed, author's host).

    Those of the pairs that are in the conversation; elsewhere the newest count.
    """
    rows = await conn.fetch(_TRUST, home, conversation_id, _NEWEST_OF_A_PAIR)
    return {(r["listed_by"], r["host"]): (r["confirmed"], r["refuted"], r["open"]) for r in rows}


async def store_shown(
    conn: Connection, home: str, conversation_id: int, shown: Mapping[str, str]
) -> None:
    """Notes statuses (uri: local id) that the home's own context shows below the root.

    It may show what another conversation was about to deliver, and end a round there.
    """
    rows = await conn.fetch(_SHOWN, home, conversation_id, list(shown), list(shown.values()))
    await end_rounds(conn, home, {r["conversation_id"] for r in rows} - {conversation_id})


async def look_again(
    conn: Connection, home: str, conversation_id: int, now: datetime, problem: str | None
) -> None:
    """Lets a watch wait for looks that are due, or go on with what was read; else it has failed."""
    states = await conn.fetchval(
        "SELECT array_agg(DISTINCT state) FROM looks WHERE conversation_id = $1", conversation_id
    )
    if "due" in (states or ()):
        await set_stage(conn, home, conversation_id, "look", None, problem)
    elif "done" in (states or ()):
        await set_stage(conn, home, conversation_id, "compare", now, problem)
    else:
        await set_stage(conn, home, conversation_id, "failed", None, problem)


async def store_root_id(conn: Connection, home: str, conversation_id: int, root_id: str) -> None:
    """Notes the home's own id of the root."""
    await conn.execute(
        "UPDATE watches SET root_id = $3 WHERE home = $1 AND conversation_id = $2",
        home,
        conversation_id,
        root_id,
    )


async def schedule(
    conn: Connection,
    home: str,
    conversation_id: int,
    resolve: Sequence[str],
    along: Sequence[str],
    now: datetime,
) -> None:
    """Makes a round of deliveries due, and what is expected to come along with it."""
    uris = [*resolve, *along]
    states = ["pending"] * len(resolve) + ["expected"] * len(along)
    await conn.execute(_SCHEDULE, home, conversation_id, uris, states, now)


async def keep(conn: Connection, home: str, uri: str) -> None:
    """Keeps a delivery's conversation from being merged away: see `conversations.keep`."""
    await conn.execute(_KEEP, home, uri)


async def hold_watch(conn: Connection, home: str, conversation_id: int) -> None:
    """Lets no resolve of this conversation end while the next round is decided."""
    await conn.execute(
        "SELECT FROM watches WHERE home = $1 AND conversation_id = $2 FOR UPDATE",
        home,
        conversation_id,
    )


async def store_outcome(
    conn: Connection,
    home: str,
    uri: str,
    state: DeliveryState,
    *,
    local_id: str | None = None,
    again_at: datetime | None = None,
    observed: str | None = None,
    inferred: str | None = None,
) -> int | None:
    """Stores what one resolve brought; returns the conversation, None when it is gone."""
    await conn.execute(_ALONE, home, uri)
    number: int | None = await conn.fetchval(
        _OUTCOME, home, uri, state, local_id, again_at, observed, inferred
    )
    return number


async def withdraw(conn: Connection, home: str, uri: str) -> int | None:
    """Takes back that a status is to be resolved; returns the conversation that waited for it."""
    number: int | None = await conn.fetchval(_ALONE, home, uri)
    for statement in _WITHDRAW:
        await conn.execute(statement, home, uri)
    return number


@dataclass(frozen=True, slots=True)
class Parent:
    """What a reply hangs below: nothing (``uri`` None) for a root, or when not ``placed``."""

    uri: str | None
    placed: bool
    local_id: str | None
    state: DeliveryState | None


async def parent_of(conn: Connection, home: str, uri: str) -> Parent | None:
    """The parent of a status, as ``home`` has it; None for a status that is not stored."""
    row = await conn.fetchrow(_PARENT, home, uri)
    return Parent(*row) if row else None


async def put_off(conn: Connection, home: str, uri: str, until: datetime, observed: str) -> None:
    """Leaves a resolve due for later without counting it: the home itself did not answer."""
    await conn.execute(
        "UPDATE deliveries SET next_at = $3, observed = $4"
        " WHERE home = $1 AND uri = $2 AND next_at IS NOT NULL",
        home,
        uri,
        until,
        observed,
    )


async def note_unproven(conn: Connection, home: str, conversation_id: int) -> None:
    """Notes that a reply was resolved whose place below the root is not proven yet."""
    await conn.execute(
        "UPDATE watches SET unproven = true WHERE home = $1 AND conversation_id = $2",
        home,
        conversation_id,
    )


async def end_round(conn: Connection, home: str, conversation_id: int, now: datetime) -> bool:
    """Plans the next round when no resolve of this one is left; whether that was so."""
    return bool(await conn.fetchval(_ROUND_OVER, home, conversation_id, now))


async def end_rounds(conn: Connection, home: str, conversation_ids: Collection[int]) -> None:
    """Plans the next round of these conversations where the home turned out to have the rest."""
    if conversation_ids:
        # A resolve that ends at the same moment must see this, or be seen.
        await conn.execute(_HOLD_WATCHES, home, list(conversation_ids))
        await conn.execute(_ROUNDS_OVER, home, list(conversation_ids))


async def set_stage(
    conn: Connection,
    home: str,
    conversation_id: int,
    stage: str,
    at: datetime | None,
    problem: str | None = None,
) -> None:
    """Moves a watch on to its next step, due at ``at`` (None: when something else wakes it)."""
    await conn.execute(_STAGE, home, conversation_id, stage, at, problem)


async def note_compared(conn: Connection, home: str, conversation_id: int) -> None:
    """Notes that the home's context was read."""
    await conn.execute(
        "UPDATE watches SET compared_at = now() WHERE home = $1 AND conversation_id = $2",
        home,
        conversation_id,
    )


async def note_verified(conn: Connection, home: str, conversation_id: int) -> None:
    """Notes that the home's context was read after deliveries; what was expected to come along
    and is not there is wanted again."""
    await conn.execute(
        "UPDATE watches SET verifies = verifies + 1, unproven = false"
        " WHERE home = $1 AND conversation_id = $2",
        home,
        conversation_id,
    )
    await conn.execute(_ABSENT, home, conversation_id)


async def note_try(conn: Connection, home: str, conversation_id: int, at: datetime) -> None:
    """Counts a step of a watch that failed, to be tried again at ``at``.

    A watch that was set back meanwhile waits for what it waits for.
    """
    await conn.execute(
        "UPDATE watches SET tries = tries + 1, next_at = $3, since = coalesce(since, next_at)"
        " WHERE home = $1 AND conversation_id = $2 AND next_at IS NOT NULL",
        home,
        conversation_id,
        at,
    )


async def mark_unattached(conn: Connection, home: str, conversation_id: int) -> None:
    """Ends deliveries that the home has but does not show below the root."""
    await conn.execute(_UNATTACHED, home, conversation_id)


async def next_retry(conn: Connection, home: str, conversation_id: int) -> datetime | None:
    """When the next resolve of this conversation at this home is due."""
    at: datetime | None = await conn.fetchval(
        "SELECT min(next_at) FROM deliveries WHERE home = $1 AND conversation_id = $2",
        home,
        conversation_id,
    )
    return at
