"""What members see and change: their page, their sources, pausing and leaving."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, date, datetime, time, timedelta
from uuid import UUID

import structlog

from toottail.errors import NotAllowed, NotSignedIn
from toottail.repository import (
    choosing,
    exports,
    leaving,
    members,
    overviews,
    people,
    runs,
)
from toottail.repository.database import Connection
from toottail.repository.members import MemberRow
from toottail.repository.people import PersonRow
from toottail.service import choices
from toottail.service.context import Service
from toottail.service.people import shown
from toottail.service.revoking import revoke
from toottail.types.service import DayCount, FirstRun, Overview

log = structlog.get_logger(__name__)

DAYS = 30
"""So many days are shown, today among them."""
# What a run brought that is over, by its id: counting it takes longer than the rest of the page.
_ended: dict[UUID, FirstRun] = {}
_MOST_ENDED = 1_000


async def overview(service: Service, member_id: int) -> Overview:
    """All that the member's page shows. Raises `NotSignedIn` where the member has left."""
    now = datetime.now(UTC)
    first = now.date() - timedelta(days=DAYS - 1)
    async with service.database.connection() as conn:
        person = await _person(conn, member_id)
        sources = await overviews.sources(conn, member_id)
        brought = await overviews.days(conn, member_id, datetime.combine(first, time(), UTC))
        return Overview(
            member=shown(person),
            first_run=await _first_run(conn, member_id),
            totals=await overviews.totals(conn, member_id),
            days=_each_day(first, brought),
            hosts=tuple(await overviews.hosts(conn, member_id, now)),
            sources=choices.settings_of(
                sources,
                scopes=person.scopes,
                account=person.account,
                tag_servers=person.tag_servers,
            ),
        )


def _each_day(first: date, brought: dict[date, int]) -> tuple[DayCount, ...]:
    days = (first + timedelta(days=number) for number in range(DAYS))
    return tuple(DayCount(day, brought.get(day, 0)) for day in days)


async def first_run(service: Service, member_id: int) -> FirstRun | None:
    """How far the member's first run is; cheap enough to be asked each second."""
    async with service.database.connection() as conn:
        return await _first_run(conn, member_id)


async def _first_run(conn: Connection, member_id: int) -> FirstRun | None:
    run = await overviews.newest_run(conn, member_id)
    if run is None:
        return None
    if run.id in _ended:
        return _ended[run.id]
    found = FirstRun(await runs.progress(conn, run.id), run.started_at, run.ended_at)
    if run.ended_at is not None:
        if len(_ended) >= _MOST_ENDED:
            del _ended[next(iter(_ended))]
        _ended[run.id] = found
    return found


async def choose(service: Service, member_id: int, sources: Sequence[str]) -> None:
    """Makes these sources (words as in docs/sources.md) the member's; all others are off.

    Raises `BadRequest`. One that the token has no scope for is stored and told, see `Overview`.
    """
    async with service.database.transaction() as conn:
        person = await _person(conn, member_id)
        chosen = choices.parsed(sources, person.tag_servers)
        lacking = [choices.lacks(one.kind, person.scopes, person.account) for one in chosen]
        told = [
            f"This needs the permission {', '.join(scopes)}: sign in again to give it."
            if scopes
            else None
            for scopes in lacking
        ]
        await choosing.choose(conn, member_id, chosen, told, datetime.now(UTC))


async def pause(service: Service, member_id: int, *, by_operator: bool = False) -> None:
    """Nothing is done for the member until they, or the operator, resume.

    Where their token or home already failed that stays what it is.
    """
    async with service.database.transaction() as conn:
        member = await _member(conn, member_id)
        if by_operator or member.paused_why is None:
            await members.pause(conn, member_id, "operator" if by_operator else "member")


async def resume(service: Service, member_id: int, *, by_operator: bool = False) -> None:
    """Goes on after a pause.

    Raises `NotAllowed` where only the operator may, or a new sign-in is needed (``sign_in_again``).
    """
    async with service.database.transaction() as conn:
        member = await _member(conn, member_id)
        if member.paused_why is None:
            return
        if member.paused_why == "operator" and not by_operator:
            raise NotAllowed("The operator of this service has paused this account.")
        if member.paused_why == "token" and not by_operator:
            raise NotAllowed(
                f"{member.home} no longer takes the key it gave us: sign in again to go on.",
                "sign_in_again",
            )
        await members.resume(conn, member_id, datetime.now(UTC))


async def leave(service: Service, member_id: int) -> bool:
    """Deletes every row of the member and ends the token at the home.

    Returns whether the home confirmed that the token is no more; the rows are gone in any case.
    """
    async with service.database.transaction() as conn:
        member = await _member(conn, member_id)
        # From here on no worker uses the token, and whatever happens to us, the rows are due to go.
        by_operator = member.paused_why == "operator"
        await members.pause(
            conn, member_id, "operator" if by_operator else "member", datetime.now(UTC)
        )
    revoked = await revoke(service, member.home, member.token_sealed)
    # Who signed in again meanwhile, elsewhere, leaves no other token behind by that.
    async with service.database.connection() as conn:
        now = await members.get(conn, member_id)
    if now is not None and now.token_sealed != member.token_sealed:
        revoked &= await revoke(service, now.home, now.token_sealed)
    await leaving.remove(service.database, member_id)
    log.info("member left", home=member.home, revoked=revoked)
    return revoked


async def _member(conn: Connection, member_id: int) -> MemberRow:
    member = await members.get(conn, member_id)
    if member is None or not member.served:
        raise NotSignedIn
    return member


async def _person(conn: Connection, member_id: int) -> PersonRow:
    person = await people.one(conn, member_id)
    if person is None:
        raise NotSignedIn
    return person


async def export(service: Service, member_id: int) -> dict[str, object]:
    """All that is stored about a member, as JSON; the token only as "stored, encrypted"."""
    async with service.database.connection() as conn:
        person = await _person(conn, member_id)
        return {
            "account": shown(person).handle,
            "token": "stored, encrypted",
            **await exports.of_member(conn, member_id),
        }
