"""What members see and change: their page, their sources, pausing and leaving."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, date, datetime, time, timedelta

from toottail.errors import NotSignedIn
from toottail.repository import choosing, exports, overviews, people, runs
from toottail.repository.database import Connection
from toottail.repository.people import PersonRow
from toottail.service import choices
from toottail.service.context import Service
from toottail.service.people import shown
from toottail.types.service import DayCount, FirstRun, Overview

DAYS = 30
"""So many days are shown, today among them."""


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
    return FirstRun(await runs.progress(conn, run.id), run.started_at, run.ended_at)


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
