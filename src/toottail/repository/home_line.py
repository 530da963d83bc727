"""The line at a home: which steps and resolves are due, who goes first, and all put off."""

from __future__ import annotations

from datetime import datetime

from toottail.repository.database import Connection
from toottail.repository.deliveries import DueDelivery, DueWatch

_CONSIDERED = 4
"""Of so many times more pieces of work than are wanted, from both ends of the line, these are."""

# Of much that is due, what waits longest is compared with what just became due: a conversation goes
# before others by a day where it was written in just now, by half a day an hour later, and so on.
# (Not joined, but as an array: else the table is read, for a few rows of it. And OFFSET 0, so that
# who watches is asked for row after row: else all that the home's members watch is read.)
_DUE_WATCHES = """
WITH oldest AS MATERIALIZED (
    SELECT conversation_id FROM watches
    WHERE home = $1 AND next_at <= $2 AND EXISTS (
        SELECT FROM watchers JOIN members ON members.id = member_id
        WHERE watchers.conversation_id = watches.conversation_id AND members.home = $1
            AND active_until > $2 OFFSET 0)
    ORDER BY next_at LIMIT $4
), newest AS (
    SELECT conversation_id FROM watches
    WHERE (SELECT count(*) FROM oldest) = $4 AND home = $1 AND next_at <= $2 AND EXISTS (
        SELECT FROM watchers JOIN members ON members.id = member_id
        WHERE watchers.conversation_id = watches.conversation_id AND members.home = $1
            AND active_until > $2 OFFSET 0)
    ORDER BY next_at DESC LIMIT $4
)
SELECT home, conversation_id, anchor_uri, anchor_id, anchor_parent, root_id, shown, alone, stage,
    verifies, unproven, tries, root_uri, c.host AS root_host, c.created_at,
    w.problem, coalesce(since, next_at) AS due_at,
    ARRAY(SELECT member_id FROM watchers JOIN members ON members.id = member_id
          WHERE watchers.conversation_id = w.conversation_id AND members.home = $1
              AND active_until > $2 ORDER BY watchers.seen_at DESC LIMIT 50) AS members
FROM watches AS w JOIN conversations AS c ON c.id = conversation_id
WHERE home = $1 AND next_at <= $2 AND conversation_id = ANY(ARRAY(
    SELECT conversation_id FROM oldest UNION ALL SELECT conversation_id FROM newest))
ORDER BY next_at - head_start($2, c.created_at, c.lively_at), conversation_id LIMIT $3
"""

# Where ancestors are to come along the home needs a while afterwards, which others can fill.
_DUE_DELIVERIES = """
WITH oldest AS MATERIALIZED (
    SELECT uri FROM deliveries
    WHERE home = $1 AND next_at <= $2 AND EXISTS (
        SELECT FROM watchers JOIN members ON members.id = member_id
        WHERE watchers.conversation_id = deliveries.conversation_id AND members.home = $1
            AND active_until > $2 OFFSET 0)
    ORDER BY next_at LIMIT $4
), newest AS (
    SELECT uri FROM deliveries
    WHERE (SELECT count(*) FROM oldest) = $4 AND home = $1 AND next_at <= $2 AND EXISTS (
        SELECT FROM watchers JOIN members ON members.id = member_id
        WHERE watchers.conversation_id = deliveries.conversation_id AND members.home = $1
            AND active_until > $2 OFFSET 0)
    ORDER BY next_at DESC LIMIT $4
), chosen AS (
    SELECT d.*, row_number() OVER (
        ORDER BY next_at - head_start($2, c.created_at, c.lively_at) - CASE WHEN EXISTS (
                SELECT FROM deliveries AS along
                WHERE along.conversation_id = d.conversation_id AND along.home = $1
                    AND along.state = 'expected')
            THEN interval '20 s' ELSE interval '0' END, conversation_id, uri) AS place
    FROM deliveries AS d JOIN conversations AS c ON c.id = conversation_id
    WHERE home = $1 AND next_at <= $2
        AND uri = ANY(ARRAY(SELECT uri FROM oldest UNION ALL SELECT uri FROM newest))
    ORDER BY place LIMIT $3
)
SELECT uri, conversation_id, tries,
    CASE WHEN state = 'pending' THEN least(changed_at, next_at) ELSE next_at END AS due_at,
    EXISTS (SELECT FROM watches WHERE watches.home = chosen.home AND alone
        AND watches.conversation_id = chosen.conversation_id) AS alone,
    (SELECT s.gone OR s.opted_out OR n.barred IS NOT NULL OR n.shut_out
     FROM statuses AS s, standing(ARRAY[s.host], $1) AS n
     WHERE s.uri = chosen.uri) AS withheld,
    ARRAY(SELECT member_id FROM watchers JOIN members ON members.id = member_id
          WHERE watchers.conversation_id = chosen.conversation_id AND members.home = $1
              AND active_until > $2 ORDER BY watchers.seen_at DESC LIMIT 50) AS members
FROM chosen ORDER BY place
"""

# Looks wake the watches of one conversation at many homes, this puts off those of one home in many
# conversations: where all hosts failed at once, as when our line is cut, each waited for others.
_POSTPONE_WATCHES = """
UPDATE watches SET next_at = $2, since = coalesce(since, next_at)
WHERE home = $1 AND conversation_id = ANY(ARRAY(
    SELECT conversation_id FROM watches WHERE home = $1 AND next_at < $2
    FOR NO KEY UPDATE SKIP LOCKED))
"""
_POSTPONE_DELIVERIES = """
UPDATE deliveries SET next_at = $2
WHERE home = $1 AND uri = ANY(ARRAY(
    SELECT uri FROM deliveries WHERE home = $1 AND next_at < $2
    FOR NO KEY UPDATE SKIP LOCKED))
"""


async def due_watches(conn: Connection, home: str, now: datetime, most: int) -> list[DueWatch]:
    """The watches of ``home`` with a step due, those of lively conversations first.

    None waits for ever: what is a day late goes before all that falls due now.
    """
    rows = await conn.fetch(_DUE_WATCHES, home, now, most, _CONSIDERED * most)
    return [DueWatch(**row) for row in rows]


async def due_deliveries(
    conn: Connection, home: str, now: datetime, most: int
) -> list[DueDelivery]:
    """The statuses to resolve at ``home`` now, in the order of `due_watches`."""
    rows = await conn.fetch(_DUE_DELIVERIES, home, now, most, _CONSIDERED * most)
    return [DueDelivery(**row) for row in rows]


async def postpone(conn: Connection, home: str, until: datetime) -> None:
    """Leaves all work with a home's API due, but not before its budget allows.

    What somebody else is just writing is left out, and finds out by itself.
    """
    await conn.execute(_POSTPONE_WATCHES, home, until)
    await conn.execute(_POSTPONE_DELIVERIES, home, until)
