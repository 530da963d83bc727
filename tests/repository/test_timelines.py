"""What a member's timeline shows becomes watches and first looks, once."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

from tests.repository.rows import HOME, conversation_of, member, now, seen, set_stage, states
from toottail.repository import conversations, timelines
from toottail.repository.database import Connection, Database

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


async def test_the_first_look_has_the_turn_of_the_topmost_post_on_the_page(
    database: Database,
) -> None:
    early, late = now() - timedelta(hours=8), now() - timedelta(hours=2)
    async with database.transaction() as conn:
        page = [
            replace(seen(MIDDLE, "2", "1"), turn=late),
            replace(seen(ROOT, "1"), turn=early),
            seen("https://d.example/4", "4"),
        ]
        await timelines.store_seen(conn, HOME, await member(conn), page)
        rows = await conn.fetch("SELECT uri, turn, next_at FROM looks")
        turns = {row["uri"]: row["turn"] for row in rows}
        assert turns[ROOT] == early
        assert turns["https://d.example/4"] == rows[0]["next_at"], "as it comes"


async def _asleep(conn: Connection, count: int) -> list[str]:
    """So many conversations that were looked at, each due again a second after the one before."""
    uris = [f"https://a.example/{number}" for number in range(count)]
    member_id = await member(conn)
    await conn.execute("UPDATE members SET served = true")
    page = [seen(uri, str(number)) for number, uri in enumerate(uris)]
    await timelines.store_seen(conn, HOME, member_id, page)
    await set_stage(conn, "done")
    for number, uri in enumerate(uris):
        at = now() - timedelta(hours=1) + timedelta(seconds=number)
        await conversations.finish_look(conn, await conversation_of(conn, uri), now(), at, turn=at)
    return uris


async def _set_turn(conn: Connection, uri: str, turn: datetime) -> None:
    await conn.execute("UPDATE conversations SET turn = $2 WHERE root_uri = $1", uri, turn)


async def _awake(conn: Connection) -> set[str]:
    rows = await conn.fetch("SELECT uri FROM looks WHERE state = 'due'")
    return {row["uri"] for row in rows}


async def test_of_more_looks_than_a_tick_sets_going_those_first_in_line_go(
    database: Database,
) -> None:
    async with database.transaction() as conn:
        uris = await _asleep(conn, 4)
        await _set_turn(conn, uris[3], now() - timedelta(hours=6))
        woken = await timelines.wake(conn, now(), 2)
        assert await _awake(conn) == {uris[3], uris[0]}
        assert woken.hosts == ["a.example"]
        assert [3_590 < late < 3_610 for late in woken.late] == [True, True]
        turn = await conn.fetchval("SELECT turn FROM looks WHERE uri = $1", uris[3])
        assert turn < now() - timedelta(hours=5), "at its host it stands in line likewise"


async def test_of_a_long_line_both_ends_are_considered(database: Database) -> None:
    async with database.transaction() as conn:
        uris = await _asleep(conn, 13)
        await _set_turn(conn, uris[12], now() - timedelta(hours=6))
        await _set_turn(conn, uris[6], now() - timedelta(hours=7))
        await timelines.wake(conn, now(), 1)
        assert await _awake(conn) == {uris[12]}, "the newest; what is between them comes later"
        for _ in range(12):
            await timelines.wake(conn, now(), 1)
        assert await _awake(conn) == set(uris), "and none is forgotten"


async def test_what_a_dry_run_left_undone_goes_on_when_a_served_member_sees_it_again(
    database: Database,
) -> None:
    async with database.transaction() as conn:
        member_id = await member(conn)
        page = [seen(ROOT, "1", replies_count=0)]
        await timelines.store_seen(conn, HOME, member_id, page)
        await set_stage(conn, "plan")
        await timelines.store_seen(conn, HOME, member_id, page)
        assert await conn.fetchval("SELECT next_at IS NOT NULL FROM watches WHERE stage = 'plan'")
