"""Leaving: every row that is there because of one member goes, in one transaction.

What others see as well stays, without a word of who else saw it. With the last member of a home
all that is about the home goes too, its lane included.
"""

from __future__ import annotations

from toottail.errors import StorageConflict
from toottail.repository.database import Connection, Database, unhurried
from toottail.repository.purging import unwatch

_MOST_TRIES = 5
_BATCH = 200

# First of all, so that every step under way at the home is over, and no later one counts. The lease
# goes on: its holder finds out at its next renewal, and nobody else asks the home before that.
_SHUT_OUT = """
UPDATE lanes SET epoch = epoch + 1, budget = CASE WHEN budget ? 'allowances' THEN
    budget || jsonb_build_object(
        'allowances', (budget -> 'allowances') - $2::text[],
        'waits', coalesce(budget -> 'waits', '{}') - $2::text[])
    ELSE budget END
WHERE key = $1
"""

_LANES = """
SELECT DISTINCT lane_of(home, part) AS lane FROM members, unnest(ARRAY[slice, slice_to]) AS part
WHERE id = $1 AND part > 0
"""

_SEEN = """
SELECT conversation_id FROM watchers WHERE member_id = $1 ORDER BY conversation_id
"""

_FEEDS = "SELECT feed_id FROM feed_watches WHERE member_id = $1"

_FORGET_FEEDS = """
DELETE FROM feeds WHERE id = ANY($1::bigint[])
    AND NOT EXISTS (SELECT FROM feed_watches WHERE feed_id = feeds.id)
"""

_IS_LAST = "SELECT NOT EXISTS (SELECT FROM members WHERE home = $1)"

# What the home told of conversations that others watch stays, but not that it was this home.
_NOT_BY_NAME = (
    "UPDATE statuses SET listed_by = '' WHERE listed_by = $1 AND listed_by <> host",
    """UPDATE looks SET named_by = '',
           problem = CASE WHEN strpos(problem, $1) > 0 THEN 'not believed' ELSE problem END
       WHERE named_by = $1 AND host <> $1""",
)

_FORGET_ALLOWANCES = "DELETE FROM allowances WHERE split_part(key, ':', 2) = $1"

# Somebody who is just signing in there still needs the registration; later it is swept up.
_FORGET_HOME = (
    "DELETE FROM deliveries WHERE home = $1",
    "DELETE FROM watches WHERE home = $1",
    "DELETE FROM feed_watches WHERE home = $1",
    """DELETE FROM registrations WHERE home = $1
       AND NOT EXISTS (SELECT FROM sign_ins WHERE home = $1 AND expires_at > now())""",
    "DELETE FROM domain_lists WHERE kind = 'home' AND name = $1",
    _FORGET_ALLOWANCES,
    # A slice may have been rung for that nobody has ever taken.
    "DELETE FROM pgqueuer WHERE split_part(convert_from(payload, 'UTF8'), '#', 1) = $1",
    "DELETE FROM home_circuits WHERE home = $1",
    """WITH slices AS (
           DELETE FROM lanes WHERE strpos(key, '#') > 0 AND split_part(key, '#', 1) = $1
           RETURNING key
       ) DELETE FROM visits USING slices WHERE visits.key = slices.key""",
)

_IS_ORIGIN = """
SELECT EXISTS (SELECT FROM statuses WHERE host = $1) OR EXISTS (SELECT FROM looks WHERE host = $1)
    OR EXISTS (SELECT FROM feeds WHERE host = $1)
"""

_FORGET_HOST = (
    "DELETE FROM visits WHERE key = $1",
    "DELETE FROM lanes WHERE key = $1",
    "DELETE FROM hosts WHERE host = $1 OR server = $1",
)


async def remove(database: Database, member_id: int) -> list[str]:
    """`leave` in a transaction of its own, begun again where others were in its way."""
    for tries in range(_MOST_TRIES):
        try:
            async with database.transaction() as conn:
                return await leave(conn, member_id)
        except StorageConflict:
            if tries + 1 == _MOST_TRIES:
                raise
    raise AssertionError("not reached")


async def leave(conn: Connection, member_id: int) -> list[str]:
    """Deletes a member and what only they caused, in the caller's transaction.

    What is under way for them stores nothing any more. Returns the homes that are forgotten with
    their last member. Raises `StorageConflict` where the transaction must be begun again.
    """
    # A long history takes its time; nobody but the lane of this home waits for it.
    await unhurried(conn)
    home = await conn.fetchval("SELECT home FROM members WHERE id = $1", member_id)
    if home is None:
        return []
    await _shut_out(conn, home, member_id)
    seen = [row["conversation_id"] for row in await conn.fetch(_SEEN, member_id)]
    feeds = [row["feed_id"] for row in await conn.fetch(_FEEDS, member_id)]
    await conn.execute("DELETE FROM members WHERE id = $1", member_id)
    await conn.execute(_FORGET_ALLOWANCES, str(member_id))
    for start in range(0, len(seen), _BATCH):
        await unwatch(conn, home, seen[start : start + _BATCH])
    await conn.execute(_FORGET_FEEDS, feeds)
    if not await conn.fetchval(_IS_LAST, home):
        return []
    await _forget_home(conn, home)
    return [home]


async def _shut_out(conn: Connection, home: str, member_id: int) -> None:
    """Breaks off what is under way at the home's main lane and in the member's slice."""
    names = [f"{kind}:{member_id}" for kind in ("token", "user", "user-paging")]
    await conn.execute(_SHUT_OUT, home, names)
    shut: set[str] = set()
    # The member may have moved until their lane stood still.
    while lanes := {row["lane"] for row in await conn.fetch(_LANES, member_id)} - shut:
        for lane in sorted(lanes):
            await conn.execute(_SHUT_OUT, lane, names)
        shut |= lanes


async def _forget_home(conn: Connection, home: str) -> None:
    for statement in (*_NOT_BY_NAME, *_FORGET_HOME):
        await conn.execute(statement, home)
    # Its own people's posts may be part of what others watch: then it goes on as their origin.
    if not await conn.fetchval(_IS_ORIGIN, home):
        for statement in _FORGET_HOST:
            await conn.execute(statement, home)
