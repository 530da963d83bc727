"""Conversations: what a look stores, climbing to the root, and merging without losing a watch."""

from __future__ import annotations

import asyncio

import pytest

from tests.repository.rows import (
    HOME,
    conversation_of,
    found,
    locked,
    member,
    now,
    run,
    seen,
    set_stage,
    stages,
    watch,
)
from toottail.repository import conversations, deliveries, looks, missing, timelines
from toottail.repository.database import Connection, Database
from toottail.types.statuses import LookTarget

ROOT, MIDDLE, REPLY = "https://a.example/1", "https://b.example/2", "https://c.example/3"


async def _uris(conn: Connection, number: int) -> set[str]:
    rows = await conn.fetch("SELECT uri FROM statuses WHERE conversation_id = $1", number)
    return {row["uri"] for row in rows}


async def test_what_a_listing_tells_again_is_not_new(database: Database) -> None:
    async with database.transaction() as conn:
        number = await watch(conn, ROOT, "1")
        held = await locked(conn, number)
        listing = [found(ROOT), found(MIDDLE, ROOT), found(REPLY, MIDDLE)]
        assert await conversations.store_found(conn, held, listing, "a.example") == 2
        assert await conversations.store_found(conn, held, listing, "a.example") == 0
        assert await _uris(conn, number) == {ROOT, MIDDLE, REPLY}


async def test_statuses_that_are_not_public_are_never_stored(database: Database) -> None:
    async with database.transaction() as conn:
        held = await locked(conn, await watch(conn, ROOT, "1"))
        secret = found(MIDDLE, ROOT, public=False)
        assert await conversations.store_found(conn, held, [secret], "a.example") == 0


async def test_the_caps_count_what_is_new_and_not_what_is_known(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(conversations, "MOST_STATUSES", 12)
    async with database.transaction() as conn:
        held = await locked(conn, await watch(conn, ROOT, "1"))
        known = [found(f"https://b.example/{n}", ROOT) for n in range(2, 9)]
        assert await conversations.store_found(conn, held, known, "a.example") == 7
        more = [found(f"https://c.example/{n}", ROOT) for n in range(10)]
        assert await conversations.store_found(conn, held, [*known, *more], "a.example") == 4


async def test_one_host_cannot_name_more_than_its_share_on_another(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(conversations, "MOST_PER_HOST", 5)
    async with database.transaction() as conn:
        held = await locked(conn, await watch(conn, ROOT, "1"))
        named = [found(f"https://victim.example/{n}", ROOT) for n in range(20)]
        own = [found(f"https://a.example/x{n}", ROOT) for n in range(20)]
        assert await conversations.store_found(conn, held, [*named, *own], "a.example") == 25


async def test_a_conversation_climbs_to_the_topmost_status_known(database: Database) -> None:
    async with database.transaction() as conn:
        number = await watch(conn, REPLY, "3")
        held = await locked(conn, number)
        await conversations.store_found(
            conn, held, [found(MIDDLE, ROOT), found(REPLY, MIDDLE)], "c.example"
        )
        held = await conversations.climb(conn, held, "c.example")
        assert (held.id, held.root_uri, held.host) == (number, ROOT, "a.example")
        hosts = await conn.fetch("SELECT host FROM looks WHERE uri = $1", ROOT)
        assert [row["host"] for row in hosts] == ["a.example"], "the new root is asked for"


async def test_a_cycle_of_parents_ends_the_climb(database: Database) -> None:
    async with database.transaction() as conn:
        held = await locked(conn, await watch(conn, REPLY, "3"))
        cycle = [found(REPLY, MIDDLE), found(MIDDLE, REPLY)]
        await conversations.store_found(conn, held, cycle, "c.example")
        climbed = await conversations.climb(conn, held, "c.example")
        assert climbed.root_uri in (REPLY, MIDDLE)


async def test_merging_keeps_the_watches_watchers_runs_and_deliveries_of_both(
    database: Database,
) -> None:
    async with database.transaction() as conn:
        kept = await watch(conn, ROOT, "1")
        gone = await watch(conn, REPLY, "3", home="other.example", name="nora")
        both = await member(conn, HOME)
        run_id = await run(conn, both)
        await timelines.store_seen(conn, HOME, both, [seen(REPLY, "30")])
        await conversations.merge(conn, gone, kept)
        assert set(await stages(conn, kept)) == {HOME, "other.example"}
        assert await _uris(conn, kept) == {ROOT, REPLY}
        watchers = await conn.fetchval(
            "SELECT count(DISTINCT member_id) FROM watchers WHERE conversation_id = $1", kept
        )
        assert watchers == 2
        rows = await conn.fetch("SELECT * FROM run_conversations WHERE run_id = $1", run_id)
        assert [row["conversation_id"] for row in rows] == [kept]
        moved = await conn.fetchval(
            "SELECT count(*) FROM deliveries WHERE conversation_id = $1", kept
        )
        assert moved == 3
        assert await conn.fetchval("SELECT count(*) FROM conversations") == 1
        assert await conversations.lock(conn, gone) is None


async def test_after_a_merge_every_home_that_was_done_looks_for_what_the_other_half_had(
    database: Database,
) -> None:
    async with database.transaction() as conn:
        kept = await watch(conn, ROOT, "1")
        gone = await watch(conn, REPLY, "3", home="other.example", name="nora")
        await set_stage(conn, "done", [HOME, "other.example"])
        await conversations.merge(conn, gone, kept)
        await looks.ready(conn, kept, news=False)
        assert await stages(conn, kept) == {HOME: "compare", "other.example": "compare"}


@pytest.mark.parametrize("answered", [True, False])
async def test_what_was_asked_before_a_merge_is_not_asked_again_after_it(
    database: Database, answered: bool
) -> None:
    async with database.transaction() as conn:
        gone = await watch(conn, REPLY, "3")
        (asked,) = await looks.due(conn, "c.example", now(), 9)
        kept = await watch(conn, ROOT, "1")
        await looks.add(conn, kept, "a.example", [LookTarget(REPLY, "c.example")], 9)
        if answered:
            await looks.close(conn, asked.id, "done")
        await conversations.merge(conn, gone, kept)
        await conn.execute("UPDATE looks SET state = 'done' WHERE uri = $1", ROOT)
        # An answer that is on its way finds its question.
        assert await looks.conversation_of(conn, asked.id) == (None if answered else kept)
        due = [look.id for look in await looks.due(conn, "c.example", now(), 9)]
        assert due == ([] if answered else [asked.id])


async def test_a_status_of_another_thread_that_was_looked_at_is_not_stolen(
    database: Database,
) -> None:
    async with database.transaction() as conn:
        other = await watch(conn, MIDDLE, "2")
        await set_stage(conn, "done")
        held = await locked(conn, await watch(conn, ROOT, "1"))
        await conversations.store_found(conn, held, [found(MIDDLE, ROOT)], "a.example")
        assert await conversation_of(conn, MIDDLE) == other


async def test_a_compare_and_a_merge_at_once_wait_for_each_other_without_a_deadlock(
    database: Database,
) -> None:
    async with database.transaction() as conn:
        kept = await watch(conn, ROOT, "1")
        gone = await watch(conn, REPLY, "3")
    async with database.connection() as other:
        async with database.transaction() as conn:
            await conversations.keep(conn, gone)
            await deliveries.store_shown(conn, HOME, gone, {REPLY: "3"})
            merging = asyncio.create_task(_merge(other, gone, kept))
            await asyncio.sleep(0.2)
            await deliveries.note_compared(conn, HOME, gone)
            await deliveries.set_stage(conn, HOME, gone, "plan", None)
        await merging
    assert await conversation_of_watch(database) == [kept]


async def conversation_of_watch(database: Database) -> list[int]:
    async with database.connection() as conn:
        rows = await conn.fetch("SELECT conversation_id FROM watches")
    return [row["conversation_id"] for row in rows]


async def _merge(conn: Connection, gone: int, kept: int) -> None:
    async with conn.transaction():
        await conversations.merge(conn, gone, kept)


async def test_merging_what_came_alone_with_a_watch_keeps_the_watch_of_the_whole(
    database: Database,
) -> None:
    async with database.transaction() as conn:
        whole = await watch(conn, ROOT, "1")
        await missing.store(
            conn, HOME, await member(conn), [found(MIDDLE)], "b.example", whole=False
        )
        alone = await conversation_of(conn, MIDDLE)
        await conversations.merge(conn, whole, alone)
        row = await conn.fetchrow("SELECT alone, anchor_id, anchor_uri FROM watches")
        assert row is not None
        assert tuple(row) == (False, "1", ROOT)
