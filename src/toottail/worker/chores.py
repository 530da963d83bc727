"""What is due in a lane, as chores: which row asks for which step of the flow."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Collection
from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import partial
from typing import TYPE_CHECKING, cast

from toottail.errors import RemoteError
from toottail.flow import backfill, climb, collect, compare, deliver, look, prepare, verify
from toottail.repository import deliveries, feeds, frontier, home_line, hosts, looks, sources
from toottail.repository.database import Connection
from toottail.repository.deliveries import DueDelivery, DueWatch
from toottail.repository.feeds import DueFeed, DueFeedWatch
from toottail.repository.looks import DueLook
from toottail.repository.sources import DueSource
from toottail.servers.consent import forbids, leave_alone_until
from toottail.servers.dialects.base import ROBOTS_UNSIGNED
from toottail.servers.permit import Permit, Signature
from toottail.types.delays import Work
from toottail.worker.handing_over import see_to_moves

if TYPE_CHECKING:
    from toottail.worker.visit import LaneVisit

_BATCH = 24
_OF_HOMES = {"sources", "feed_watches", "watches", "deliveries"}
_MOST_TRIES = 8
_LONG_PACE = 60.0
"""Seconds between requests from which on a host's looks are not waited for."""


@dataclass(frozen=True, slots=True)
class Chore:
    """One step that is due: its key, what runs it, and what puts it off."""

    key: tuple[str, object]
    run: Callable[[], Awaitable[None]] = field(compare=False)
    put_off: Callable[[datetime, str], Awaitable[None]] = field(compare=False)
    """Leaves all chores of this kind due, but not before a time, for a reason in words."""
    member_wise: bool = False
    """Whether it asks the host as the home of members."""
    work: Work = "look"
    """As what it counts, and since when it is due (None: it does not count)."""
    due_at: datetime | None = None


_STEPS: dict[str, Callable[[LaneVisit, DueWatch], Awaitable[None]]] = {
    "climb": climb.climb,
    "compare": compare.compare,
    "refresh": compare.compare,
    "plan": deliver.plan_round,
    "verify": verify.verify,
}


async def due(visit: LaneVisit, skip: Collection[tuple[str, object]]) -> list[Chore]:
    """The chores due now at the visit's host, those in ``skip`` left out; the most urgent first."""
    async with visit.connection() as conn:
        kinds = await frontier.kinds_due(conn, visit.host, visit.part, visit.now())
    if "moving" in kinds:
        await see_to_moves(visit, _busy(skip))
    if visit.part:
        found = await _slice_chores(visit, skip) if "sources" in kinds else []
        return [chore for chore in found if chore.key not in skip]
    found = await _home_chores(visit, skip, kinds) if kinds & _OF_HOMES else []
    found = [chore for chore in found if chore.key not in skip]
    return found + await _host_chores(visit, skip, kinds)


async def next_due(conn: Connection, host: str) -> datetime | None:
    """When the next chore of this lane is due, None when there is none."""
    return await frontier.next_due(conn, host)


async def _slice_chores(visit: LaneVisit, skip: Collection[tuple[str, object]]) -> list[Chore]:
    if not visit.may_collect():
        return []
    async with visit.connection() as conn:
        return _collecting(visit, await _due_sources(visit, conn, skip))


async def _due_sources(
    visit: LaneVisit, conn: Connection, skip: Collection[tuple[str, object]]
) -> list[DueSource]:
    # One source of a member after the other: they share a small allowance for paging, and read
    # at once they would all be stopped halfway. Nor do many sources keep others waiting.
    return await sources.due(
        conn, visit.host, visit.now(), part=visit.part, most=_BATCH, of_each=1, busy=_busy(skip)
    )


def _collecting(visit: LaneVisit, collects: list[DueSource]) -> list[Chore]:
    chores = [
        Chore(
            ("introduce", c.member_id),
            partial(collect.introduce, visit, c.member_id),
            partial(_put_off_sources, visit, c.member_id),
            True,
        )
        for c in collects
        if c.account is None
    ]
    return chores + [
        Chore(
            ("collect", (c.member_id, c.kind, c.name)),
            partial(collect.collect, visit, c),
            partial(_put_off_sources, visit, c.member_id),
            True,
            "collect",
            c.due_at,
        )
        for c in collects
        if c.account is not None
    ]


async def _home_chores(
    visit: LaneVisit, skip: Collection[tuple[str, object]], kinds: set[str]
) -> list[Chore]:
    now, at = visit.now(), visit.host
    collects, brings = list[DueSource](), list[DueFeedWatch]()
    watches, resolves = list[DueWatch](), list[DueDelivery]()
    async with visit.connection() as conn:
        if "sources" in kinds:
            collects = await _due_sources(visit, conn, skip)
        if "feed_watches" in kinds:
            brings = await feeds.due_watches(conn, at, now, _BATCH)
        if "watches" in kinds:
            watches = await home_line.due_watches(conn, at, now, _BATCH)
        if "deliveries" in kinds:
            resolves = await home_line.due_deliveries(conn, at, now, _BATCH)
    if not (collects or watches or resolves or brings):
        return []
    put_off = partial(_put_off_deliveries, visit)
    if prepare.needs_software(visit.row, visit):
        know = partial(_know_home, visit)
        return [Chore(("home", visit.host), know, partial(put_off_home, visit), True)]
    chores = _collecting(visit, collects)
    chores += [
        Chore(
            ("watch", w.conversation_id),
            partial(_STEPS[w.stage], visit, w),
            partial(_put_off_watch, visit, w),
            True,
            "compare",
            # A plan that waits for others comes twice a second, and would hide what is late.
            None if w.stage == "plan" else w.due_at,
        )
        for w in watches
        if w.stage in _STEPS
    ]
    chores += [
        Chore(
            ("resolve", d.uri),
            partial(deliver.resolve, visit, d),
            put_off,
            True,
            "resolve",
            d.due_at,
        )
        for d in resolves
    ]
    chores += [
        Chore(("bring", b.feed_id), partial(backfill.bring, visit, b), put_off, True)
        for b in brings
    ]
    return chores


def _busy(skip: Collection[tuple[str, object]]) -> set[int]:
    """Members for whom a source is being read, or who are being introduced."""
    reading = {key[0] for word, key in skip if word == "collect" and isinstance(key, tuple)}
    return reading | {key for word, key in skip if word == "introduce" and isinstance(key, int)}


async def _host_chores(
    visit: LaneVisit, skip: Collection[tuple[str, object]], kinds: set[str]
) -> list[Chore]:
    now = visit.now()
    probe = "probe" in kinds
    if not (probe or {"looks", "feeds"} & kinds):
        return []
    if probe and visit.row.probe_at is None:
        await visit.reload()  # somebody wanted it since the visit began
    questions, wanted = list[DueLook](), list[DueFeed]()
    async with visit.connection() as conn:
        # No more than can be asked now: each answer may make others needless.
        asked = [number for word, number in skip if word == "look" and isinstance(number, int)]
        room = visit.room(member_wise=False)
        if room and "looks" in kinds:
            questions = await looks.due(conn, visit.host, now, room, asked)
        if "feeds" in kinds:
            wanted = await feeds.due(conn, visit.host, now, _BATCH)
    put_off = partial(_put_off_host, visit)
    if not (questions or wanted or probe):
        return []
    if ("host", visit.host) in skip:
        return []
    why = await _why_left_alone(visit)
    if why is not None:
        return [Chore(("host", visit.host), partial(_leave, visit, why), put_off)]
    unknown = prepare.needs_robots(visit.row, visit) or (
        bool(questions or wanted) and prepare.needs_software(visit.row, visit)
    )
    if unknown or probe:
        know = partial(_know_host, visit, bool(questions or wanted))
        return [Chore(("host", visit.host), know, put_off)]
    chores = [
        Chore(("look", q.id), partial(_look, visit, q), put_off, work="look", due_at=q.due_at)
        for q in questions
    ]
    chores += [Chore(("feed", w.id), partial(backfill.read, visit, w), put_off) for w in wanted]
    return [chore for chore in chores if chore.key not in skip]


async def _why_left_alone(visit: LaneVisit) -> str | None:
    """Why the host is asked for nothing now; where it just turned us away, that is stored."""
    why = await visit.why_left_alone()
    row = visit.row
    if why is not None or not forbids(visit.forbidden(), row.refused_times):
        return why
    what = "answered 401 or 403 to everything"
    until = leave_alone_until(visit.now(), "forbidden", row.refused_times + 1)
    # At once, so that no other step begins meanwhile.
    visit.pardon()
    visit.row = replace(row, refused=what, refused_until=until)
    async with visit.fenced() as conn:
        await hosts.note_refusal(conn, visit.host, what, until)
    return what


async def _look(visit: LaneVisit, question: DueLook) -> None:
    until = visit.row.refused_until
    if forbids(visit.forbidden(), visit.row.refused_times) or (until and until > visit.now()):
        # It turned us away since this was found due.
        why = await _why_left_alone(visit)
        if why is not None:
            await _leave(visit, why)
            return
    await look.look(visit, question)


async def _leave(visit: LaneVisit, why: str) -> None:
    await look.leave(visit, why)
    await visit.reload()


async def _know_home(visit: LaneVisit) -> None:
    await prepare.find_software(visit, robots=False)
    await visit.reload()


async def _know_host(visit: LaneVisit, read: bool) -> None:
    try:
        if prepare.needs_robots(visit.row, visit) or not read:
            await prepare.read_robots(visit)
            await visit.reload()
        if read and prepare.needs_software(visit.row, visit):
            await prepare.find_software(visit, robots=True)
    except RemoteError as error:
        if await prepare.note_failure(visit, error):
            await look.give_up(visit, error.what)
        else:
            await _put_off_host(visit, visit.retry_at(), error.what)
    await visit.reload()


def set_robots(visit: LaneVisit, permit: Permit) -> None:
    """Lets the host's robots.txt govern anonymous requests."""
    permit.robots = prepare.stored_robots(visit.row)


def set_signature(visit: LaneVisit, permit: Permit) -> None:
    """Lets what is stored of the signature that the host wants be known to who asks it."""
    permit.signature = cast(Signature | None, visit.row.known_signature(visit.now()))


async def put_off_home(visit: LaneVisit, until: datetime, _why: str) -> None:
    """Leaves all work with the home's members due, but not before then."""
    async with visit.fenced() as conn:
        await home_line.postpone(conn, visit.host, until)
        await sources.postpone(conn, visit.host, until)
        await feeds.postpone_home(conn, visit.host, until)


async def _put_off_deliveries(visit: LaneVisit, until: datetime, _why: str) -> None:
    """The same for what is done for all members; their sources wait for what concerns them."""
    async with visit.fenced() as conn:
        await home_line.postpone(conn, visit.host, until)
        await feeds.postpone_home(conn, visit.host, until)
        await _let_sources_rest(visit, conn)


async def _put_off_sources(visit: LaneVisit, member: int, until: datetime, _why: str) -> None:
    """Leaves the sources of a member due, but not before then."""
    async with visit.fenced() as conn:
        await sources.postpone_member(conn, member, until)
        await _let_sources_rest(visit, conn)


async def _let_sources_rest(visit: LaneVisit, conn: Connection) -> None:
    """Leaves all sources at the home due, but not while it rests."""
    rests_until = visit.home_rests_until()
    if rests_until > visit.now():
        await sources.postpone(conn, visit.host, rests_until)


async def _put_off_watch(visit: LaneVisit, watch: DueWatch, until: datetime, why: str) -> None:
    async with visit.fenced() as conn:
        await deliveries.note_try(conn, watch.home, watch.conversation_id, until)
    await _put_off_deliveries(visit, until, why)


async def _put_off_host(visit: LaneVisit, until: datetime, why: str) -> None:
    if visit.pace() >= _LONG_PACE:
        # At such a pace a conversation takes hours: it is left to later looks, one at a time.
        hint = "" if visit.ask().signs else f"; {ROBOTS_UNSIGNED}"
        await look.give_up(visit, why + hint)
        return
    async with visit.fenced() as conn:
        await looks.postpone(conn, visit.host, until)
        await feeds.postpone(conn, visit.host, until)
        await hosts.postpone_probe(conn, visit.host, until)
    await visit.reload()
