"""What is due in a lane, as chores: which row asks for which step of the flow."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Collection
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial
from typing import TYPE_CHECKING

from toottail.errors import RemoteError
from toottail.flow import climb, collect, compare, deliver, look, prepare, verify
from toottail.repository import deliveries, frontier, hosts, looks, timelines
from toottail.repository.database import Connection
from toottail.repository.deliveries import DueWatch
from toottail.servers.permit import Permit

if TYPE_CHECKING:
    from toottail.worker.visit import LaneVisit

_BATCH = 24
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


_STEPS: dict[str, Callable[[LaneVisit, DueWatch], Awaitable[None]]] = {
    "climb": climb.climb,
    "compare": compare.compare,
    "refresh": compare.compare,
    "plan": deliver.plan_round,
    "verify": verify.verify,
}


async def due(visit: LaneVisit, skip: Collection[tuple[str, object]]) -> list[Chore]:
    """The chores due now at the visit's host, those in ``skip`` left out; the most urgent first."""
    found = await _home_chores(visit)
    found += await _host_chores(visit)
    return [chore for chore in found if chore.key not in skip]


async def next_due(conn: Connection, host: str) -> datetime | None:
    """When the next chore of this lane is due, None when there is none."""
    return await frontier.next_due(conn, host)


async def _home_chores(visit: LaneVisit) -> list[Chore]:
    now = visit.now()
    async with visit.connection() as conn:
        collects = await timelines.due_collects(conn, visit.host, now)
        watches = await deliveries.due_watches(conn, visit.host, now, _BATCH)
        resolves = await deliveries.due_deliveries(conn, visit.host, now, _BATCH)
    if not (collects or watches or resolves):
        return []
    put_off = partial(_put_off_home, visit)
    if prepare.needs_software(visit.row, visit):
        return [Chore(("home", visit.host), partial(_know_home, visit), put_off, True)]
    chores = [
        Chore(("collect", c.member_id), partial(collect.collect, visit, c), put_off, True)
        for c in collects
    ]
    chores += [
        Chore(
            ("watch", w.conversation_id),
            partial(_STEPS[w.stage], visit, w),
            partial(_put_off_watch, visit, w),
            True,
        )
        for w in watches
        if w.stage in _STEPS
    ]
    chores += [
        Chore(("resolve", d.uri), partial(deliver.resolve, visit, d), put_off, True)
        for d in resolves
    ]
    return chores


async def _host_chores(visit: LaneVisit) -> list[Chore]:
    now = visit.now()
    async with visit.connection() as conn:
        questions = await looks.due(conn, visit.host, now, _BATCH)
    put_off = partial(_put_off_host, visit)
    probe = visit.row.probe_at is not None and visit.row.probe_at <= now
    if not (questions or probe):
        return []
    unknown = prepare.needs_robots(visit.row, visit) or (
        bool(questions) and prepare.needs_software(visit.row, visit)
    )
    if unknown or probe:
        know = partial(_know_host, visit, bool(questions))
        return [Chore(("host", visit.host), know, put_off)]
    return [Chore(("look", q.id), partial(look.look, visit, q), put_off) for q in questions]


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


async def _put_off_home(visit: LaneVisit, until: datetime, _why: str) -> None:
    async with visit.fenced() as conn:
        await deliveries.postpone(conn, visit.host, until)


async def _put_off_watch(visit: LaneVisit, watch: DueWatch, until: datetime, _why: str) -> None:
    async with visit.fenced() as conn:
        await deliveries.note_try(conn, watch.home, watch.conversation_id, until)
        await deliveries.postpone(conn, visit.host, until)


async def _put_off_host(visit: LaneVisit, until: datetime, why: str) -> None:
    if visit.pace() >= _LONG_PACE:
        # At such a pace a conversation takes hours: it is left to later looks, one at a time.
        await look.give_up(visit, why)
        return
    async with visit.fenced() as conn:
        await looks.postpone(conn, visit.host, until)
        await hosts.postpone_probe(conn, visit.host, until)
    await visit.reload()
