"""Collect, the part about people: whose profiles a member wants complete."""

from __future__ import annotations

from collections.abc import Iterable

from toottail.errors import Gone
from toottail.flow import rhythm
from toottail.flow.home_blocks import learn_blocks
from toottail.flow.visit import Visit
from toottail.repository import blocks, feeds, members, sources
from toottail.repository.database import Connection
from toottail.repository.feeds import WantedFeed
from toottail.repository.sources import DueSource
from toottail.servers.home_sources import look_up, read_lists, read_page
from toottail.servers.people import Person

KINDS = frozenset({"followings", "followers", "follow_requests", "notifiers"})
"""Kinds that are pages of accounts."""
_PAGE = 80


async def listed(visit: Visit, due: DueSource, ref: str) -> None:
    """Reads the newest accounts of a source and wants their profiles."""
    people, entries = await _pages(visit, due, due.kind, ref)
    await _finish(visit, due, people, entries)


async def of_lists(visit: Visit, due: DueSource) -> None:
    """The same for the accounts on the member's lists, or on the one that is named."""
    _, client = visit.home([due.member_id])
    wanted = due.name.casefold()
    people: dict[str, Person] = {}
    for found in await read_lists(client):
        if not wanted or wanted in (found.title.casefold(), found.id.casefold()):
            more, _ = await _pages(visit, due, due.kind, found.id)
            people |= {person.name: person for person in more}
    await _finish(visit, due, people.values(), len(people))


async def named(visit: Visit, due: DueSource) -> None:
    """Wants the profile of the account that the source names."""
    _, client = visit.home([due.member_id])
    try:
        person = await look_up(client, due.name)
    except Gone:
        person = None
    # The home need not know the account: then its host is asked by the name alone.
    person = person or Person(due.name, due.name.rpartition("@")[2])
    await _finish(visit, due, [person], 1)


async def _pages(visit: Visit, due: DueSource, kind: str, ref: str) -> tuple[list[Person], int]:
    people: dict[str, Person] = {}
    entries = 0
    max_id: str | None = None
    while True:
        _, client = visit.home([due.member_id])
        limit = min(_PAGE, due.wanted - entries)
        page = await read_page(client, kind, ref, max_id=max_id, limit=limit)
        entries += len(page.ids)
        people |= {person.name: person for person in page.people}
        max_id = page.next_max_id
        if max_id is None or not page.ids or entries >= due.wanted:
            return list(people.values()), entries


async def _finish(visit: Visit, due: DueSource, people: Iterable[Person], entries: int) -> None:
    await learn_blocks(visit, [due.member_id])
    async with visit.fenced() as conn:
        hosts = await want(conn, visit, due, people)
        await sources.count_read(conn, due, entries, 0)
        await sources.set_collected(conn, due, again_at=rhythm.again(due, visit.now()))
        await members.spend_for_member(conn, due.member_id, visit.sent())
        await visit.wake(conn, hosts)


async def want(
    conn: Connection, visit: Visit, due: DueSource, people: Iterable[Person]
) -> set[str]:
    """Wants the profiles of ``people`` of other hosts who do not opt out; returns those hosts.

    Hosts that the operator or the home blocks are left out.
    """
    people = [p for p in people if p.host != visit.host and not p.opted_out]
    closed = await blocks.closed(conn, visit.host, sorted({person.host for person in people}))
    wanted = [
        WantedFeed(person.host, person.name, person.uri, person.local_id)
        for person in people
        if person.host not in closed
    ]
    return await feeds.want(
        conn, visit.host, due.member_id, due.run_ids, "profile", wanted, visit.now()
    )
