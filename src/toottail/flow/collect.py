"""Collect: a member's timeline becomes conversations to watch.

Ids follow the time of *posting*, so a post that arrives late sorts below what was read before. So
the newest page is read without paging parameters, and older pages only across a gap.
"""

from __future__ import annotations

from datetime import timedelta

from toottail.flow.visit import Visit
from toottail.repository import members, timelines
from toottail.repository.timelines import DueCollect, Seen
from toottail.servers.homes import HomeStatus, TimelinePage

PAGE = 40
"""Most statuses a home gives in one page."""
_FEED_REBUILT_IN = timedelta(seconds=5)


async def collect(visit: Visit, due: DueCollect) -> None:
    """Reads the timeline of one member and opens the looks that follow from it."""
    if due.account is None:
        await _introduce(visit, due)
    await _resume(visit, due)
    read = 0
    newest: str | None = None
    max_id: str | None = None
    while True:
        _, client = visit.home([due.member_id])
        page = await client.timeline(max_id=max_id, limit=min(PAGE, due.wanted - read))
        if page.rebuilding and not page.statuses:
            await _come_back(visit, due)
            return
        read += len(page.statuses)
        newest = newest or (page.statuses[0].local_id if page.statuses else None)
        max_id = page.next_max_id
        over = (
            max_id is None
            or read >= due.wanted
            or not page.statuses
            or _closes_gap(page, due, read)
        )
        await _store(visit, due, page, newest=newest if over else None, read=read, over=over)
        if over:
            return


async def _introduce(visit: Visit, due: DueCollect) -> None:
    """Once per token: whose it is, and whether its scopes suffice, before anybody is troubled."""
    _, client = visit.home([due.member_id])
    account = await client.verify()
    await client.check_scopes()
    async with visit.fenced() as conn:
        await members.set_account(conn, due.member_id, account.acct if account else "")
        await members.spend_for_member(conn, due.member_id, visit.sent())


def _closes_gap(page: TimelinePage, due: DueCollect, read: int) -> bool:
    """Whether what is below this page was read before, as deep as it is wanted now."""
    if due.newest_id is None or due.depth < due.wanted - read:
        return False
    return any(_key(status.local_id) <= _key(due.newest_id) for status in page.statuses)


def _key(local_id: str) -> tuple[int, str]:
    """Ids sort by length, then by letters: numbers do, and ULIDs among themselves."""
    return (len(local_id), local_id)


async def _resume(visit: Visit, due: DueCollect) -> None:
    async with visit.fenced() as conn:
        hosts = await timelines.resume(conn, visit.host, due.member_id)
        await visit.wake(conn, hosts)


async def _come_back(visit: Visit, due: DueCollect) -> None:
    async with visit.fenced() as conn:
        await members.ask_collect(conn, due.member_id, visit.now() + _FEED_REBUILT_IN)
        await members.spend_for_member(conn, due.member_id, visit.sent())


async def _store(
    visit: Visit, due: DueCollect, page: TimelinePage, *, newest: str | None, read: int, over: bool
) -> None:
    seen = [s for s in map(_seen, page.statuses) if s is not None]
    async with visit.fenced() as conn:
        hosts = await timelines.store_seen(conn, visit.host, due.member_id, seen)
        await timelines.count_read(conn, due.run_ids, len(page.statuses))
        await members.spend_for_member(conn, due.member_id, visit.sent())
        if over:
            depth = due.wanted if due.newest_id is None else max(due.depth, read)
            await timelines.set_collected(
                conn, due.member_id, due.run_ids, newest_id=newest, depth=depth
            )
        await visit.wake(conn, hosts)


def _seen(shown: HomeStatus) -> Seen | None:
    """The status that a timeline entry is about; None for what is not ours to touch."""
    status = shown.boost_of or shown
    if not (shown.public and status.public) or status.host is None:
        return None
    return Seen(
        uri=status.uri,
        host=status.host,
        url=status.url,
        local_id=status.local_id,
        parent_id=status.in_reply_to_id,
        replies_count=status.replies_count,
        created_at=status.created_at,
        opted_out=status.opted_out,
    )
