"""What a member's timeline shows becomes watches and first looks, once."""

from __future__ import annotations

from tests.repository.rows import HOME, conversation_of, member, seen, set_stage, states
from toottail.repository import timelines
from toottail.repository.database import Database

ROOT, MIDDLE, REPLY = "https://a.example/1", "https://b.example/2", "https://c.example/3"


async def test_a_post_becomes_a_watch_and_a_look_at_its_own_host(database: Database) -> None:
    async with database.transaction() as conn:
        member_id = await member(conn)
        hosts = await timelines.store_seen(conn, HOME, member_id, [seen(ROOT, "1")])
        assert hosts == ["a.example"]
        assert await states(conn) == {ROOT: "already_there"}
        again = await timelines.store_seen(conn, HOME, member_id, [seen(ROOT, "1")])
        assert again == []
        assert await conn.fetchval("SELECT count(*) FROM looks") == 1


async def test_posts_of_one_thread_on_a_page_are_one_conversation(database: Database) -> None:
    async with database.transaction() as conn:
        page = [seen(REPLY, "3", "2"), seen(MIDDLE, "2", "1"), seen(ROOT, "1")]
        hosts = await timelines.store_seen(conn, HOME, await member(conn), page)
        assert hosts == ["a.example"], "the root's host is asked, once"
        assert await conn.fetchval("SELECT count(*) FROM conversations") == 1


async def test_a_reply_to_a_post_of_an_older_page_joins_its_conversation(
    database: Database,
) -> None:
    async with database.transaction() as conn:
        member_id = await member(conn)
        await timelines.store_seen(conn, HOME, member_id, [seen(ROOT, "1")])
        await timelines.store_seen(conn, HOME, member_id, [seen(MIDDLE, "2", "1")])
        assert await conversation_of(conn, MIDDLE) == await conversation_of(conn, ROOT)


async def test_a_post_of_the_home_itself_is_watched_without_asking_anybody(
    database: Database,
) -> None:
    async with database.transaction() as conn:
        own = f"https://{HOME}/1"
        assert await timelines.store_seen(conn, HOME, await member(conn), [seen(own, "1")]) == []
        assert await conn.fetchval("SELECT stage FROM watches") == "done"


async def test_a_second_member_of_a_home_shares_its_watch(database: Database) -> None:
    async with database.transaction() as conn:
        for name in ("mira", "nora"):
            member_id = await member(conn, name=name)
            await timelines.store_seen(conn, HOME, member_id, [seen(ROOT, "1")])
        assert await conn.fetchval("SELECT count(*) FROM watches") == 1
        assert await conn.fetchval("SELECT count(*) FROM watchers") == 2
        assert await conn.fetchval("SELECT count(*) FROM looks") == 1


async def test_another_home_uses_the_look_that_was_made_already(database: Database) -> None:
    async with database.transaction() as conn:
        await timelines.store_seen(conn, HOME, await member(conn), [seen(ROOT, "1")])
        await set_stage(conn, "done")
        other = await member(conn, "other.example")
        assert await timelines.store_seen(conn, "other.example", other, [seen(ROOT, "9")]) == []
        stage = await conn.fetchval("SELECT stage FROM watches WHERE home = 'other.example'")
        assert stage == "compare"


async def test_a_conversation_is_looked_at_again_only_when_it_is_time(database: Database) -> None:
    async with database.transaction() as conn:
        member_id = await member(conn)
        await timelines.store_seen(conn, HOME, member_id, [seen(ROOT, "1")])
        await set_stage(conn, "done")
        await conn.execute("UPDATE conversations SET next_look_at = now() + interval '1 minute'")
        assert await timelines.resume(conn, HOME, member_id) == []
        await conn.execute("UPDATE conversations SET next_look_at = now() - interval '1 s'")
        assert await timelines.resume(conn, HOME, member_id) == ["a.example"]
        assert await timelines.resume(conn, HOME, member_id) == []
        assert await conn.fetchval("SELECT state FROM looks") == "due"
