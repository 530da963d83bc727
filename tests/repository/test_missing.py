"""Statuses wanted at a home that no timeline of it showed."""

from __future__ import annotations

from tests.repository.rows import (
    HOME,
    conversation_of,
    found,
    locked,
    member,
    now,
    set_stage,
    stages,
    watch,
)
from toottail.repository import conversations, deliveries, missing
from toottail.repository.database import Database

ROOT, REPLY, LATE = "https://a.example/1", "https://b.example/2", "https://b.example/3"
OTHER = "other.example"


async def test_of_a_known_conversation_only_what_is_wanted_by_itself_is_brought(
    database: Database,
) -> None:
    async with database.transaction() as conn:
        number = await watch(conn, ROOT, "1", home=OTHER)
        listing = [found(ROOT), found(REPLY, ROOT), found(LATE, REPLY)]
        await conversations.store_found(conn, await locked(conn, number), listing, "a.example")
        wanted = [found(REPLY, ROOT)]
        await missing.store(conn, HOME, await member(conn), wanted, "b.example", whole=False)
        assert await stages(conn, number) == {OTHER: "look", HOME: "plan"}
        assert [n.uri for n in await deliveries.nodes(conn, HOME, number, now())] == [REPLY]
        assert len(await deliveries.nodes(conn, OTHER, number, now())) == 3


async def test_with_its_conversation_a_look_is_opened_at_its_host(database: Database) -> None:
    async with database.transaction() as conn:
        mira = await member(conn)
        wanted = [found(REPLY, ROOT), found(LATE, REPLY)]
        hosts = await missing.store(conn, HOME, mira, wanted, "b.example", whole=True)
        assert hosts == ["b.example"]
        number = await conversation_of(conn, REPLY)
        assert await conversation_of(conn, LATE) == number
        assert await stages(conn, number) == {HOME: "look"}


async def test_what_the_home_watches_already_is_planned_anew_with_what_lacks(
    database: Database,
) -> None:
    async with database.transaction() as conn:
        number = await watch(conn, ROOT, "1")
        await set_stage(conn, "done")
        mira = await member(conn)
        await missing.store(conn, HOME, mira, [found(REPLY, ROOT)], "b.example", whole=False)
        assert await conversation_of(conn, REPLY) == number
        assert await stages(conn, number) == {HOME: "plan"}
        assert len(await deliveries.nodes(conn, HOME, number, now())) == 2


async def test_a_timeline_that_shows_what_came_alone_watches_all_of_it(database: Database) -> None:
    async with database.transaction() as conn:
        mira = await member(conn)
        await missing.store(conn, HOME, mira, [found(ROOT)], "a.example", whole=False)
        await set_stage(conn, "done")
        await conn.execute("UPDATE conversations SET looked_at = NULL")
        number = await watch(conn, ROOT, "7")
        row = await conn.fetchrow("SELECT alone, anchor_id, stage FROM watches")
        assert row is not None
        assert tuple(row) == (False, "7", "look")
        assert await conn.fetchval("SELECT conversation_id FROM looks") == number
