"""Collect, the part about people: whose profiles a member wants complete."""

from __future__ import annotations

from collections.abc import Iterable

from toottail.errors import Gone
from toottail.flow import presence
from toottail.flow.home_blocks import learn_blocks
from toottail.flow.visit import Visit
from toottail.repository import blocks, feeds, members, sources
from toottail.repository.database import Connection
from toottail.repository.feeds import WantedFeed
from toottail.repository.sources import DueSource, Position
from toottail.servers.home_sources import look_up, read_lists, read_page
from toottail.servers.people import Person

KINDS = frozenset({"followings", "followers", "follow_requests", "notifiers"})
"""Kinds that are pages of accounts."""
_PAGE = 80


async def listed(visit: Visit, due: DueSource, ref: str) -> None:
    """Reads the newest accounts of a source and wants their profiles, page by page."""
    at = due.position
    over = False
    while not over:
        _, client = await visit.home([due.member_id])
        limit = max(1, min(_PAGE, due.wanted - at.read))
        page = await read_page(client, due.kind, ref, max_id=at.max_id, limit=limit)
        at = Position(page.next_max_id, at.read + len(page.ids))
        over = at.max_id is None or not page.ids or at.read >= due.wanted
        await _store(visit, due, page.people, len(page.ids), None if over else at)


async def of_lists(visit: Visit, due: DueSource) -> None:
    """The same for the accounts on the member's lists, or on the one that is named."""
    _, client = await visit.home([due.member_id])
    wanted = due.name.casefold()
    people: dict[str, Person] = {}
    for found in await read_lists(client):
        if not wanted or wanted in (found.title.casefold(), found.id.casefold()):
            people |= {person.name: person for person in await _on_list(visit, due, found.id)}
    await _store(visit, due, people.values(), len(people))


async def named(visit: Visit, due: DueSource) -> None:
    """Wants the profile of the account that the source names."""
    _, client = await visit.home([due.member_id])
    try:
        person = await look_up(client, due.name)
    except Gone:
        person = None
    # The home need not know the account: then its host is asked by the name alone.
    person = person or Person(due.name, due.name.rpartition("@")[2])
    await _store(visit, due, [person], 1)


async def _on_list(visit: Visit, due: DueSource, ref: str) -> list[Person]:
    people: dict[str, Person] = {}
    entries = 0
    max_id: str | None = None
    while True:
        _, client = await visit.home([due.member_id])
        limit = min(_PAGE, due.wanted - entries)
        page = await read_page(client, due.kind, ref, max_id=max_id, limit=limit)
        entries += len(page.ids)
        people |= {person.name: person for person in page.people}
        max_id = page.next_max_id
        if max_id is None or not page.ids or entries >= due.wanted:
            return list(people.values())


async def _store(
    visit: Visit,
    due: DueSource,
    people: Iterable[Person],
    entries: int,
    at: Position | None = None,
) -> None:
    """Wants profiles; ``at`` is where the reading goes on, None where it is over."""
    await learn_blocks(visit, [due.member_id])
    async with visit.fenced() as conn:
        hosts = await want(conn, visit, due, people)
        await sources.count_read(conn, due, entries, 0)
        if at is None:
            await sources.set_collected(conn, due, again_at=await presence.again(conn, visit, due))
        else:
            await sources.set_position(conn, due, at, visit.now())
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
