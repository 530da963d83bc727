"""What members' streams show becomes conversations to watch, as what `collect` reads does.

Nothing is asked of anybody here, so the lane of the home is not needed: its budget is untouched,
and every row is one that two steps may write at once (each is made where it is missing, and grows).
What the fence of a lane keeps out besides is a write for somebody who has just left. So the lane's
row is held as every step of a visit holds it: who leaves waits, or is gone before this begins.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import timedelta

from toottail.errors import StorageConflict
from toottail.repository import streams, timelines
from toottail.repository.conversations import WATCHED_FOR
from toottail.repository.database import Connection
from toottail.repository.timelines import Seen


async def store_shown(
    conn: Connection,
    home: str,
    shown: Mapping[int, Sequence[Seen]],
    watch_for: timedelta = WATCHED_FOR,
) -> list[str]:
    """Watches what a home showed some of its members, by their numbers, in one transaction.

    Who is paused or gone meanwhile is left out. Returns the hosts that now have a look due. Raises
    `StorageConflict` where it must be tried again: the lane just changes hands, or others stored
    the same statuses.
    """
    if not await streams.lock_out_leaving(conn, home):
        raise StorageConflict(f"the lane {home} cannot be held")
    served = await streams.still_served(conn, home, list(shown))
    return await timelines.store_seen_by(
        conn,
        home,
        {member: seen for member, seen in shown.items() if member in served},
        watch_for=watch_for,
    )
