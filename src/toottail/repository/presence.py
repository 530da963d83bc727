"""Which members are there: when they last read, and what changes when they go or come back."""

from __future__ import annotations

from datetime import datetime, timedelta

from toottail.repository import members
from toottail.repository.database import Connection

_MARKERS = """
UPDATE members SET markers_at = $2::timestamptz, marked = $3,
    read_at = greatest(read_at, least($4::timestamptz, $2))
WHERE id = $1
"""

_READ = "UPDATE members SET read_at = greatest(read_at, least($2::timestamptz, $3)) WHERE id = $1"

# A pause that somebody wanted, or that the token or the home made, stays what it is.
_STOP = """
UPDATE members SET paused_why = 'idle', paused_at = $2, active_until = NULL
WHERE id = $1 AND served AND paused_why IS NULL AND greatest(read_at, seen_at) <= $3
RETURNING true
"""

_THERE = """
SELECT paused_why IS NOT DISTINCT FROM 'idle' AS stopped,
    greatest(read_at, seen_at) <= $2 AS away
FROM members WHERE id = $1
"""

_READ_SOON = """
UPDATE sources SET collect_at = $2
WHERE member_id = $1 AND collect_at > $2 AND tries = 0 AND off_until IS NULL
"""

_READERS = """
SELECT CASE WHEN streamed THEN 'streamed' ELSE kind END AS kind, count(*) AS n
FROM sources JOIN members ON members.id = member_id
WHERE sources.home = $1 AND collect_at IS NOT NULL AND served AND active_until > $2
    AND greatest(members.read_at, seen_at) > $3
GROUP BY 1
"""


async def note_markers(
    conn: Connection, member_id: int, now: datetime, *, marked: bool, moved_at: datetime | None
) -> None:
    """Notes what a home told of a member's markers; a time to come is taken for ``now``."""
    await conn.execute(_MARKERS, member_id, now, marked, moved_at)


async def note_reading(conn: Connection, member_id: int, at: datetime, now: datetime) -> None:
    """Notes that a member was there ``at`` that time; one to come is taken for ``now``."""
    await conn.execute(_READ, member_id, at, now)


async def stop(conn: Connection, member_id: int, now: datetime, away_since: datetime) -> bool:
    """Stops working for a member who has not been seen since then; whether that was so.

    What is known of them stays. Signing in, a visit or the operator makes it go on.
    """
    return bool(await conn.fetchval(_STOP, member_id, now, away_since))


async def welcome(conn: Connection, member_id: int, now: datetime, away_after: timedelta) -> None:
    """A member opens a page of ours: goes on where it had stopped, reads at once where it was slow.

    Before the visit is noted.
    """
    row = await conn.fetchrow(_THERE, member_id, now - away_after)
    if row is None:
        return
    if row["stopped"]:
        await members.resume(conn, member_id, now)
    elif row["away"]:
        await conn.execute(_READ_SOON, member_id, now)


async def readers(
    conn: Connection, home: str, now: datetime, away_since: datetime
) -> dict[str, int]:
    """How many sources of each kind are read at a home for members who were there since then.

    Timelines that a stream shows count as a kind of their own, ``streamed``.
    """
    return {row["kind"]: row["n"] for row in await conn.fetch(_READERS, home, now, away_since)}
