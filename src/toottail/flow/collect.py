"""Collect: what a member's sources show becomes conversations to watch and profiles to complete.

Ids follow the time of *posting*, so a post that arrives late sorts below what was read before. So
the newest page is read without paging parameters, and older pages only across a gap. Where the home
allows no further page now, the next step goes on with it.

A source that the home does not give is switched off with a word about it; the others go on.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from toottail.errors import AnswerRefused, Gone, ScopeLacking, ServerFault, StatusError
from toottail.flow import collect_accounts, collect_hashtags, presence, rhythm
from toottail.flow.home_blocks import learn_blocks
from toottail.flow.shown import seen_of
from toottail.flow.visit import Visit
from toottail.repository import feeds, members, runs, sources, timelines
from toottail.repository.database import Connection
from toottail.repository.sources import OFF_FOR, DueSource, Position
from toottail.servers.home_sources import ORDERED, SourcePage, look_up, read_lists, read_page
from toottail.types.sources import lacking

PAGE = 40
"""Most statuses a home gives in one page."""
_FEED_REBUILT_IN = timedelta(seconds=5)
_MOST_TRIES = 2
_NEEDS_ACCOUNT = frozenset({"replied", "followings", "followers"})


async def introduce(visit: Visit, member_id: int) -> None:
    """Once per token: whose it is, and whether its scopes suffice, before anybody is troubled."""
    _, client = await visit.home([member_id])
    account = await client.verify()
    scopes = await client.check_scopes()
    async with visit.fenced() as conn:
        await members.set_account(
            conn,
            member_id,
            account.acct if account else "",
            account.id if account else None,
            sorted(scopes),
        )
        await members.spend_for_member(conn, member_id, visit.sent())


async def collect(visit: Visit, due: DueSource) -> None:
    """Reads one source of one member and stores what follows from it."""
    await _resume(visit, due)
    if due.scopes is not None:
        knows = bool(due.account_id or due.named)
        lacks = lacking(due.kind, due.scopes.split(), knows_account=knows)
        if lacks:
            await _switch_off(visit, due, f"the token lacks the scope {' and '.join(lacks)}")
            return
    due = await presence.learn(visit, due)
    try:
        await _read(visit, due)
    except ScopeLacking as error:
        if due.kind == "home":
            raise
        await _switch_off(visit, due, f"the home refuses it: the token lacks {error.scope}")
    except ServerFault as error:
        if due.kind == "home" or due.tries < _MOST_TRIES:
            await _note_try(visit, due)
            raise
        await _switch_off(visit, due, f"the home {error.what}")
    except (AnswerRefused, StatusError) as error:
        if due.kind == "home":
            raise
        if isinstance(error, Gone) and due.ref is not None:
            await _forget_ref(visit, due)
        await _switch_off(visit, due, f"the home does not offer it: it {error.what}")


def _after_failure(visit: Visit, due: DueSource, at: datetime) -> datetime:
    """``at``, and later where nobody waits for it."""
    if not due.served:
        return at
    return max(at, rhythm.after_failure(visit.now(), tries=due.tries))


async def _read(visit: Visit, due: DueSource) -> None:
    match due.kind:
        case "lists":
            await _read_lists(visit, due)
        case "hashtags" | "hashtag":
            await collect_hashtags.collect(visit, due)
        case "list_accounts":
            await collect_accounts.of_lists(visit, due)
        case "account":
            await collect_accounts.named(visit, due)
        case _:
            ref = await _ref(visit, due)
            if ref is None:
                return
            if due.kind in collect_accounts.KINDS:
                await collect_accounts.listed(visit, due, ref)
            else:
                await _read_timeline(visit, due, ref)


async def _ref(visit: Visit, due: DueSource) -> str | None:
    """The home's own id of the list or account that a source is about; "" where it needs none.

    None where the source was switched off for want of it.
    """
    if due.kind == "list":
        return due.ref or await _find_list(visit, due)
    if due.kind not in _NEEDS_ACCOUNT:
        return ""
    if due.account_id is not None:
        return due.account_id
    _, client = await visit.home([due.member_id])
    own = await look_up(client, due.named) if due.named else None
    if own is None or own.local_id is None:
        told = "the token lacks the scope read:accounts, and the account is not named"
        await _switch_off(visit, due, f"{told} (@you@{visit.host} in place of {visit.host})")
        return None
    async with visit.fenced() as conn:
        await members.set_account_id(conn, due.member_id, own.local_id)
    return own.local_id


async def _find_list(visit: Visit, due: DueSource) -> str | None:
    _, client = await visit.home([due.member_id])
    wanted = due.name.casefold()
    for found in await read_lists(client):
        if wanted in (found.title.casefold(), found.id.casefold()):
            async with visit.fenced() as conn:
                await sources.set_ref(conn, due, found.id)
            return found.id
    await _switch_off(visit, due, f"the member has no list {due.name!r}")
    return None


async def _read_lists(visit: Visit, due: DueSource) -> None:
    _, client = await visit.home([due.member_id])
    lists = await read_lists(client)
    titles = [found.title for found in lists]
    # Two lists may have one title.
    named = [(x.title if titles.count(x.title) == 1 else f"{x.title} {x.id}", x.id) for x in lists]
    async with visit.fenced() as conn:
        await sources.add_lists(conn, due, named, visit.now())
        await sources.count_read(conn, due, len(lists), 0)
        await sources.set_collected(conn, due, again_at=await presence.again(conn, visit, due))
        await members.spend_for_member(conn, due.member_id, visit.sent())


async def _read_timeline(visit: Visit, due: DueSource, ref: str) -> None:
    at = due.position
    over = False
    while not over:
        _, client = await visit.home([due.member_id])
        page = await read_page(
            client,
            due.kind,
            ref,
            max_id=at.max_id,
            limit=max(1, min(PAGE, due.wanted - at.read)),
            people=due.mentioned is not None or due.boosted is not None,
        )
        if page.rebuilding:
            await _come_back(visit, due)
            return
        read = at.read + len(page.ids)
        newest_id = at.newest_id or (page.ids[0] if page.ids else None)
        at = Position(page.next_max_id, read, newest_id)
        over = at.max_id is None or read >= due.wanted or not page.ids
        over = over or _closes_gap(page, due, read)
        await _store(visit, due, page, at, over=over)


def _closes_gap(page: SourcePage, due: DueSource, read: int) -> bool:
    """Whether what is below this page was read before, as deep as it is wanted now."""
    if due.newest_id is None or due.depth < due.wanted - read:
        return False
    if due.kind not in ORDERED:
        return due.newest_id in page.ids
    return any(_key(local_id) <= _key(due.newest_id) for local_id in page.ids)


def _key(local_id: str) -> tuple[int, str]:
    """Ids sort by length, then by letters: numbers do, and ULIDs among themselves."""
    return (len(local_id), local_id)


async def _resume(visit: Visit, due: DueSource) -> None:
    async with visit.fenced() as conn:
        if not await runs.take_up(conn, due.run_ids):
            return
        hosts = set(await timelines.resume(conn, visit.host, due.member_id))
        hosts |= await feeds.resume(conn, visit.host, due.member_id, due.run_ids, visit.now())
        await visit.wake(conn, hosts)


async def _come_back(visit: Visit, due: DueSource) -> None:
    async with visit.fenced() as conn:
        await sources.come_back(
            conn, due, _after_failure(visit, due, visit.now() + _FEED_REBUILT_IN)
        )
        await members.spend_for_member(conn, due.member_id, visit.sent())


async def _forget_ref(visit: Visit, due: DueSource) -> None:
    """A list that is gone may have been made anew: its id is asked for again."""
    async with visit.fenced() as conn:
        await sources.set_ref(conn, due, None)


async def _note_try(visit: Visit, due: DueSource) -> None:
    async with visit.fenced() as conn:
        await sources.come_back(conn, due, _after_failure(visit, due, visit.retry_at()))
        await members.spend_for_member(conn, due.member_id, visit.sent())


async def _switch_off(visit: Visit, due: DueSource, told: str) -> None:
    async with visit.fenced() as conn:
        until = visit.now() + OFF_FOR
        again_at = await presence.again(conn, visit, due)
        await sources.switch_off(conn, due, told, until, again_at)
        await members.spend_for_member(conn, due.member_id, visit.sent())


async def _store(
    visit: Visit, due: DueSource, page: SourcePage, at: Position, *, over: bool
) -> None:
    """Stores a page, ``at`` where the reading stands after it."""
    now = visit.now()
    seen = [s for shown in page.statuses if (s := seen_of(shown, now)) is not None]
    if page.mentioned or page.boosted:
        await learn_blocks(visit, [due.member_id])
    async with visit.fenced() as conn:
        hosts = set(
            await timelines.store_seen(
                conn, visit.host, due.member_id, seen, watch_for=visit.watch_for
            )
        )
        due = await presence.note_posts(conn, visit, due, page.statuses)
        hosts |= await _want_shown(conn, visit, due, page)
        await sources.count_read(conn, due, len(page.ids), len(page.ids))
        await members.spend_for_member(conn, due.member_id, visit.sent())
        if over:
            depth = due.wanted if due.newest_id is None else max(due.depth, at.read)
            again_at = await presence.again(conn, visit, due)
            await sources.set_collected(
                conn,
                due,
                newest_id=at.newest_id,
                depth=depth,
                again_at=again_at,
                streamed_at=rhythm.beside_stream(visit.now(), member_id=due.member_id),
            )
        else:
            await sources.set_position(conn, due, at, visit.now())
        await visit.wake(conn, hosts)


async def _want_shown(conn: Connection, visit: Visit, due: DueSource, page: SourcePage) -> set[str]:
    """Wants the profiles of those whom a timeline mentions or boosts, as far as it is chosen."""
    people = [*page.mentioned[: due.mentioned or 0], *page.boosted[: due.boosted or 0]]
    return await collect_accounts.want(conn, visit, due, people)
