"""Presence: whether a member still reads, so that nobody's home is asked in vain.

Their home tells by its markers, at most once an hour. Posts of their own, which their timelines
show anyway, and visits of our pages tell it too; then that is all there is to go by where a home,
or the apps that they read with, have no markers.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta

from toottail.errors import AnswerRefused, ScopeLacking, ServerFault, StatusError
from toottail.flow import rhythm
from toottail.flow.visit import Visit
from toottail.repository import presence
from toottail.repository.database import Connection
from toottail.repository.sources import DueSource
from toottail.servers.home_markers import last_read
from toottail.servers.homes import HomeStatus

_WORTH_NOTING = timedelta(hours=1)
_MATTERS_FOR = timedelta(days=3)


async def learn(visit: Visit, due: DueSource) -> DueSource:
    """``due`` with what its member's markers tell, where they are worth a request now.

    No run waits for that, and who is not served is read for whenever they want.
    """
    now = visit.now()
    if not due.served or due.run_ids:
        return due
    if not rhythm.asks_markers(now, asked_at=due.markers_at, marked=due.marked):
        return due
    _, client = await visit.home([due.member_id])
    moved: datetime | None = None
    marked = True
    try:
        moved = await last_read(client)
        marked = moved is not None
    except ServerFault:
        marked = due.marked is not False  # it may tell another time
    except (ScopeLacking, AnswerRefused, StatusError):
        marked = False
    async with visit.fenced() as conn:
        await presence.note_markers(conn, due.member_id, now, marked=marked, moved_at=moved)
    seen = max(due.seen_at, min(moved, now)) if moved is not None else due.seen_at
    return replace(due, seen_at=seen, marked=marked)


async def note_posts(
    conn: Connection, visit: Visit, due: DueSource, page: Sequence[HomeStatus]
) -> DueSource:
    """``due`` with what a page of a timeline tells: who posts or boosts is there."""
    if not due.served or not due.account:
        return due
    name = due.account.removeprefix("@").partition("@")[0].casefold()
    own = [s.created_at for s in page if s.created_at and s.acct.casefold() == name]
    newest = max(own, default=None)
    if newest is None or newest < due.seen_at + _WORTH_NOTING:
        return due
    await presence.note_reading(conn, due.member_id, newest, visit.now())
    return replace(due, seen_at=min(newest, visit.now()))


async def again(conn: Connection, visit: Visit, due: DueSource) -> datetime | None:
    """When a source just read is due again; None: not by itself.

    Who has been away for too long is read for no more, and their page says so.
    """
    now = visit.now()
    allowed = await quickest(conn, visit) if due.served else rhythm.FASTEST
    at = rhythm.again(due, now, allowed)
    if at is None and due.served:
        await presence.stop(conn, due.member_id, now, now - rhythm.STOPS_AFTER)
        # Where a visit of theirs came in between, it goes on.
        at = rhythm.next_reading(now, kind=due.kind, member_id=due.member_id, at_least=allowed)
    return at


async def quickest(conn: Connection, visit: Visit) -> timedelta:
    """The shortest period at this home: where all members share one limit they share it out."""
    limit = visit.shared_limit()
    if limit is None:
        return rhythm.FASTEST
    now = visit.now()
    counts = await presence.readers(conn, visit.host, now, now - _MATTERS_FOR)
    return rhythm.quickest(counts, limit.requests, limit.seconds)
