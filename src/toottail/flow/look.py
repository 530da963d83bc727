"""Look: one question to the host where a conversation was posted, for all homes that watch it."""

from __future__ import annotations

from datetime import timedelta
from functools import partial

from toottail.errors import (
    AnswerRefused,
    Gone,
    RedirectedAway,
    RemoteError,
    ServerFault,
    TooManyRequests,
    Unreachable,
)
from toottail.flow.look_again import next_look
from toottail.flow.storing import store
from toottail.flow.visit import HOST_FAILS_AFTER, HOST_REFUSES_AFTER, Visit
from toottail.repository import conversations, feeds, hosts, looks, members
from toottail.repository.conversations import Locked
from toottail.repository.database import Connection
from toottail.repository.looks import DueLook
from toottail.servers.consent import leave_alone_until
from toottail.servers.dialects import REMEMBERED, choose
from toottail.servers.dialects.base import CROWD, PLACED, below
from toottail.servers.dialects.local_ids import id_in_api, local_id_of
from toottail.types.counts import Yield
from toottail.types.hosts import host_of
from toottail.types.statuses import LookTarget, Reading

_SOON = timedelta(seconds=10)
"""Questions that cannot be asked within this time do not keep the homes from going on."""
_LISTINGS = frozenset({"thread", "ap:thread"})
_PLACING_AT_ONCE = 4


async def look(visit: Visit, due: DueLook) -> None:
    """Asks one question and stores what it brought, or why it brought nothing."""
    target = LookTarget(due.uri, visit.host, due.how, _hint(due))
    dialect = choose(visit.software, visit.row.notes)
    try:
        reading = await dialect.look(visit.ask(), target, visit.software)
    except Gone:
        reading = Reading(gone=True)
    except RedirectedAway as moved:
        reading = _elsewhere(due, moved)
    except (Unreachable, ServerFault, TooManyRequests) as error:
        await _try_later(visit, due, error)
        return
    except AnswerRefused as error:
        if due.tries == 0:
            await _try_later(visit, due, error)
        else:
            await _fail(visit, due, error)
        return
    except RemoteError as error:
        await _fail(visit, due, error)
        return
    await store(partial(_store, visit, due, reading, visit.sent()))


def _hint(due: DueLook) -> str:
    """Where a host has many statuses to be asked about, its view from the root tells of all."""
    return below(due.root_uri) if due.hint == PLACED and due.crowd >= CROWD else due.hint


def _elsewhere(due: DueLook, moved: RedirectedAway) -> Reading:
    host = host_of(moved.url)
    if host is None:
        return Reading(refused=moved.what)
    # A name that its server's URIs do not carry: the thread stays under the URI that homes know.
    if (local_id := id_in_api(moved.url) or local_id_of(moved.url)) is not None:
        return Reading(further=(LookTarget(due.uri, host, "context", local_id),))
    return Reading(further=(LookTarget(moved.url, host, due.how, due.hint),))


async def _store(visit: Visit, due: DueLook, reading: Reading, requests: int) -> None:
    async with visit.fenced() as conn:
        conversation = await _locked(conn, due)
        if conversation is None:
            await members.spend(conn, [due.conversation_id], visit.host, requests)
            return
        await looks.spend(conn, conversation.id, requests)
        await members.spend(conn, [conversation.id], visit.host, requests)
        if requests:
            await hosts.note_answer(conn, visit.host, visit.now())
        if visit.row.refused_times and reading.refused is None:
            await hosts.note_welcome(conn, visit.host)
        learnt = REMEMBERED.intersection(reading.notes) - visit.row.notes
        if learnt:
            visit.row = await hosts.remember(conn, visit.host, learnt)
        await _note_signature(conn, visit)
        news = 0
        if reading.gone:
            await conversations.mark_gone(conn, due.uri)
        else:
            conversation, news = await _store_statuses(conn, visit, due, conversation, reading)
        failed = (reading.gone and due.uri != conversation.root_uri) or reading.refused
        words = reading.refused or ("it is gone" if reading.gone else None)
        state = "failed" if failed else "needless" if _only_leads_on(due, reading) else "done"
        await looks.close(conn, due.id, state, words)
        wake = await looks.add(
            conn,
            conversation.id,
            _asker(visit, due, reading),
            reading.further,
            looks.MOST_REQUESTS - conversation.requests,
        )
        listing_over = due.how in _LISTINGS and not (
            reading.denied or any(target.how == due.how for target in reading.further)
        )
        if listing_over and visit.host == conversation.host:
            await looks.set_listed_whole(conn, conversation.id)
        await looks.settle_trust(conn, due, visit.host, visit.now())
        if news:
            await conversations.note_arrivals(conn, conversation.id, visit.now())
        wake |= await _conclude(conn, visit, conversation.id, news=bool(news))
        await visit.wake(conn, wake)
    visit.counts.looks[_yield(reading, news)] += 1


def _yield(reading: Reading, news: int) -> Yield:
    if reading.gone:
        return "gone"
    if reading.refused is not None:
        return "refused"
    return "new" if news else "nothing"


def _only_leads_on(due: DueLook, reading: Reading) -> bool:
    """Whether the answer is no more than that the same is to be asked in another way."""
    if reading.statuses or reading.listed:
        return False
    asked = (due.how, due.hint)
    return any(t.uri == due.uri and (t.how, t.hint) != asked for t in reading.further)


def _asker(visit: Visit, due: DueLook, reading: Reading) -> str:
    """Whose word leads to the further questions: one in another form is still that of before."""
    here = all(further.host == visit.host for further in reading.further)
    return due.named_by if here and _only_leads_on(due, reading) else visit.host


async def _note_signature(conn: Connection, visit: Visit) -> None:
    """Stores what the host was seen to want signed, if that is news."""
    learnt = visit.ask().signature
    if learnt is not None and learnt != visit.row.known_signature(visit.now()):
        await hosts.note_signature(conn, visit.host, learnt, visit.now())


async def _locked(conn: Connection, due: DueLook) -> Locked | None:
    number = await looks.conversation_of(conn, due.id)
    return None if number is None else await conversations.lock(conn, number)


async def _store_statuses(
    conn: Connection, visit: Visit, due: DueLook, conversation: Locked, reading: Reading
) -> tuple[Locked, int]:
    above = _ancestors(due.uri, reading)
    if above:
        conversation = await conversations.climb_into(conn, conversation, above, due.uri)
    news = await conversations.store_found(conn, conversation, reading.statuses, visit.host)
    listed = [(uri, host) for uri in reading.listed if (host := host_of(uri)) is not None]
    if listed:
        news += await looks.store_listed(conn, conversation.id, visit.host, listed)
    conversation = await conversations.climb(conn, conversation, visit.host)
    return conversation, news


def _ancestors(uri: str, reading: Reading) -> list[str]:
    parents = {s.uri: s.parent_uri for s in reading.statuses}
    above: list[str] = []
    at = parents.get(uri)
    while at is not None and at not in above:
        above.append(at)
        at = parents.get(at)
    return above


async def _conclude(
    conn: Connection, visit: Visit, conversation_id: int, *, news: bool
) -> set[str]:
    """Decides whether a locked conversation's look is over; returns the lanes with work now."""
    now = visit.now()
    await looks.drop_needless(conn, conversation_id)
    open_looks = await looks.progress(conn, conversation_id, now + _SOON)
    if open_looks.listing == 0:
        open_contexts = open_looks.due
        if open_contexts < _PLACING_AT_ONCE:
            targets = await looks.unplaced(conn, conversation_id, _PLACING_AT_ONCE - open_contexts)
            woken = await looks.add(conn, conversation_id, visit.host, targets, looks.MOST_REQUESTS)
            if woken:
                return woken
    if open_looks.due == 0 and open_looks.failed:
        views = await looks.other_views(conn, conversation_id, visit.ask().signs)
        woken = await looks.add(conn, conversation_id, visit.host, views, len(views))
        if woken:
            return woken
    if open_looks.due == 0:
        seen = await conversations.activity(conn, conversation_id)
        again = next_look(now, seen.created_at, seen.replies, seen.newest_at)
        await conversations.finish_look(
            conn, conversation_id, now, again.at, turn=again.turn, lively_at=seen.lively_at
        )
    if open_looks.soon:
        return await looks.askable(conn, conversation_id, now)
    if open_looks.done == 0 and open_looks.due == 0 and open_looks.problem:
        return set(await looks.fail(conn, conversation_id, open_looks.problem))
    return set(await looks.ready(conn, conversation_id, news=news, watch_for=visit.watch_for))


async def _fail(visit: Visit, due: DueLook, error: RemoteError) -> None:
    visit.counts.looks["failed"] += 1
    async with visit.fenced() as conn:
        await members.spend(conn, [due.conversation_id], visit.host, visit.sent())
        conversation = await _locked(conn, due)
        if conversation is None:
            return
        await looks.close(conn, due.id, "failed", str(error))
        await looks.settle_trust(conn, due, visit.host, visit.now())
        await visit.wake(conn, await _conclude(conn, visit, conversation.id, news=False))


async def _try_later(visit: Visit, due: DueLook, error: RemoteError) -> None:
    """Leaves the look due; ends all looks at the host when it failed too often in a row."""
    visit.counts.looks["later"] += 1
    async with visit.fenced() as conn:
        await members.spend(conn, [due.conversation_id], visit.host, visit.sent())
        await looks.retry(conn, due.id, visit.retry_at(), str(error))
    if visit.failures() >= HOST_FAILS_AFTER:
        await give_up(visit, error.what)
    elif visit.refusals() >= HOST_REFUSES_AFTER and _names_no_time(error):
        until = leave_alone_until(visit.now(), "too many", visit.row.refused_times + 1)
        async with visit.fenced() as conn:
            await hosts.note_refusal(conn, visit.host, error.what, until)
        await leave(visit, error.what)


def _names_no_time(error: RemoteError) -> bool:
    return isinstance(error, TooManyRequests) and not error.told


async def give_up(visit: Visit, problem: str) -> None:
    """Ends all looks at a host that does not answer; later looks try it again."""
    async with visit.fenced() as conn:
        await hosts.note_problem(conn, visit.host, problem, visit.now())
    await leave(visit, problem)


async def leave(visit: Visit, why: str) -> None:
    """Ends all looks at a host that is not to be asked, and whatever else was to be found there."""
    async with visit.fenced() as conn:
        await hosts.drop_probe(conn, visit.host)
        await feeds.give_up_host(conn, visit.host, why)
        numbers = await looks.conversations_at(conn, visit.host)
    for number in numbers:
        async with visit.fenced() as conn:
            # One that was merged away meanwhile is met again under its other number.
            if await conversations.lock(conn, number) is not None:
                await looks.give_up_host(conn, number, visit.host, f"{visit.host}: {why}")
                await visit.wake(conn, await _conclude(conn, visit, number, news=False))
