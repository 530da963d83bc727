"""Two transactions at once: whoever waits for a look or a round is seen by who ends it."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from datetime import timedelta
from typing import Any

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
from toottail.repository import (
    conversations,
    deliveries,
    feeds,
    home_line,
    looks,
    missing,
    timelines,
)
from toottail.repository.database import Connection, Database
from toottail.repository.feeds import WantedFeed

ROOT, OTHER = "https://a.example/1", "other.example"
REPLIES = [f"https://b.example/{n}" for n in range(3)]
_WAITING = "SELECT count(*) FROM pg_locks WHERE NOT granted"


async def held_up(database: Database, work: Coroutine[Any, Any, Any]) -> asyncio.Task[Any]:
    """``work``, begun: it waits for a lock of another transaction now, or is through."""
    task = asyncio.create_task(work)
    async with database.connection() as conn:
        for _ in range(1000):
            if task.done() or await conn.fetchval(_WAITING):
                return task
            await asyncio.sleep(0.005)
    raise TimeoutError


async def end_last_look(conn: Connection, number: int) -> None:
    """What a look does that ends as the last one and brought nothing new."""
    await locked(conn, number)
    await conn.execute("UPDATE looks SET state = 'done' WHERE conversation_id = $1", number)
    if (await looks.progress(conn, number, now())).due == 0:
        later = now() + timedelta(hours=1)
        await conversations.finish_look(conn, number, now(), later, turn=later)
        await looks.ready(conn, number, news=False)


async def look_ends(database: Database, number: int) -> None:
    async with database.transaction() as conn:
        await end_last_look(conn, number)


async def bring(database: Database, member_id: int, uris: list[str]) -> None:
    async with database.transaction() as conn:
        posts = [found(uri) for uri in uris]
        await missing.store(conn, HOME, member_id, posts, "b.example", whole=False)


async def show(database: Database, member_id: int, uri: str, home: str = HOME) -> None:
    async with database.transaction() as conn:
        await timelines.store_seen(conn, home, member_id, [seen(uri, "7")])


async def of_deliveries(conn: Connection, uris: list[str]) -> set[int]:
    rows = await conn.fetch("SELECT conversation_id FROM deliveries WHERE uri = ANY($1)", uris)
    return {row["conversation_id"] for row in rows}


async def test_posts_that_a_look_stores_meanwhile_are_wanted_in_its_conversation(
    database: Database,
) -> None:
    async with database.transaction() as conn:
        number = await watch(conn, ROOT, "1")
        member_id = await member(conn)
    async with database.transaction() as conn:
        listing = [found(uri, ROOT) for uri in REPLIES]
        await conversations.store_found(conn, await locked(conn, number), listing, "a.example")
        bringing = await held_up(database, bring(database, member_id, REPLIES))
        await end_last_look(conn, number)
    await bringing
    async with database.transaction() as conn:
        assert await of_deliveries(conn, REPLIES) == {number}
        assert await conn.fetchval("SELECT count(*) FROM conversations") == 1
        await deliveries.schedule(conn, HOME, number, REPLIES, [], now())
        await deliveries.set_stage(conn, HOME, number, "resolve", None)
        for uri in REPLIES:
            of = await deliveries.store_outcome(conn, HOME, uri, "delivered", local_id=uri[-1])
            assert of is not None
            await deliveries.end_round(conn, HOME, of, now())
        assert await stages(conn, number) == {HOME: "plan"}, "the round is over"


async def test_a_look_takes_in_the_posts_that_are_wanted_by_themselves_at_that_moment(
    database: Database,
) -> None:
    async with database.transaction() as conn:
        number = await watch(conn, ROOT, "1")
        member_id = await member(conn)

    async def look() -> None:
        async with database.transaction() as conn:
            held = await locked(conn, number)
            listing = [found(uri, ROOT) for uri in REPLIES]
            await conversations.store_found(conn, held, listing, "a.example")
            await end_last_look(conn, number)

    async with database.transaction() as conn:
        posts = [found(uri) for uri in REPLIES]
        await missing.store(conn, HOME, member_id, posts, "b.example", whole=False)
        looking = await held_up(database, look())
    await looking
    async with database.transaction() as conn:
        assert {await conversation_of(conn, uri) for uri in REPLIES} == {number}
        assert await of_deliveries(conn, REPLIES) == {number}
        assert await stages(conn, number) == {HOME: "compare"}


async def _alone(conn: Connection) -> tuple[int, int]:
    """A reply that came home alone, in a conversation that another home is waiting to see."""
    member_id = await member(conn)
    number = await watch(conn, ROOT, "1", home=OTHER, name="nora")
    posts = [found(ROOT)]
    await missing.store(conn, HOME, member_id, posts, "a.example", whole=False)
    await conn.execute("UPDATE watches SET stage = 'done', next_at = NULL WHERE alone")
    return number, member_id


async def test_a_watch_that_is_widened_while_the_last_look_ends_goes_on(
    database: Database,
) -> None:
    async with database.transaction() as conn:
        number, member_id = await _alone(conn)
    async with database.transaction() as conn:
        await end_last_look(conn, number)
        showing = await held_up(database, show(database, member_id, ROOT))
    await showing
    async with database.connection() as conn:
        assert await stages(conn, number) == {HOME: "compare", OTHER: "compare"}


async def test_the_last_look_ends_for_a_watch_that_was_just_being_widened(
    database: Database,
) -> None:
    async with database.transaction() as conn:
        number, member_id = await _alone(conn)
    async with database.transaction() as conn:
        await timelines.store_seen(conn, HOME, member_id, [seen(ROOT, "7")])
        ending = await held_up(database, look_ends(database, number))
    await ending
    async with database.connection() as conn:
        assert await stages(conn, number) == {HOME: "compare", OTHER: "compare"}


async def test_what_is_shown_of_a_conversation_that_is_being_merged_joins_what_remains(
    database: Database,
) -> None:
    async with database.transaction() as conn:
        kept = await watch(conn, ROOT, "1")
        gone = await watch(conn, REPLIES[0], "2")
        other = await member(conn, OTHER, "nora")
    async with database.transaction() as conn:
        await conversations.merge(conn, gone, kept)
        showing = await held_up(database, show(database, other, REPLIES[0], OTHER))
    await showing
    async with database.connection() as conn:
        assert set(await stages(conn, kept)) == {HOME, OTHER}
        assert await conn.fetchval("SELECT count(*) FROM conversations") == 1


async def test_a_watch_that_ends_while_its_next_look_begins_waits_for_that_look(
    database: Database,
) -> None:
    async with database.transaction() as conn:
        number = await watch(conn, ROOT, "1")
        member_id = await member(conn)
        await set_stage(conn, "plan")
        await conn.execute("UPDATE conversations SET next_look_at = now() - interval '1 s'")

    async def resume() -> None:
        async with database.transaction() as conn:
            await timelines.resume(conn, HOME, member_id)

    async with database.transaction() as conn:
        await conversations.keep(conn, number)
        await deliveries.set_stage(conn, HOME, number, "done", None)
        resuming = await held_up(database, resume())
    await resuming
    async with database.connection() as conn:
        assert await stages(conn, number) == {HOME: "look"}
        assert await conn.fetchval("SELECT state FROM looks") == "due"


async def test_a_feed_that_is_given_up_is_so_for_who_wants_it_at_that_moment(
    database: Database,
) -> None:
    feed = WantedFeed("b.example", "bela@b.example")
    async with database.transaction() as conn:
        first, second = await member(conn), await member(conn, OTHER, "nora")
        await feeds.want(conn, HOME, first, [], "profile", [feed], now())

    async def give_up() -> None:
        async with database.transaction() as conn:
            await feeds.give_up_host(conn, "b.example", "no answer")

    async with database.transaction() as conn:
        await feeds.want(conn, OTHER, second, [], "profile", [feed], now())
        giving_up = await held_up(database, give_up())
    await giving_up
    async with database.connection() as conn:
        rows = await conn.fetch("SELECT home, stage FROM feed_watches")
        assert {r["home"]: r["stage"] for r in rows} == {HOME: "failed", OTHER: "failed"}


async def _round(conn: Connection, uri: str, name: str = "mira") -> int:
    """A conversation in which one reply is to be resolved and nothing else is left."""
    number = await watch(conn, uri, uri[-1], name=name)
    await conversations.store_found(
        conn, await locked(conn, number), [found(REPLIES[0], uri)], "a.example"
    )
    await set_stage(conn, "compare")
    await deliveries.schedule(conn, HOME, number, REPLIES[:1], [], now())
    await deliveries.set_stage(conn, HOME, number, "resolve", None)
    return number


async def test_a_timeline_that_shows_the_last_reply_of_a_round_ends_it(database: Database) -> None:
    async with database.transaction() as conn:
        number = await _round(conn, ROOT)
        await timelines.store_seen(conn, HOME, await member(conn), [seen(REPLIES[0], "9")])
        assert await stages(conn, number) == {HOME: "plan"}


async def test_a_context_that_shows_the_last_reply_of_another_conversation_ends_its_round(
    database: Database,
) -> None:
    async with database.transaction() as conn:
        elsewhere = await watch(conn, "https://c.example/5", "5")
        number = await _round(conn, ROOT)
        await deliveries.store_shown(conn, HOME, elsewhere, {REPLIES[0]: "9"})
        assert await stages(conn, number) == {HOME: "plan"}


async def test_a_watch_joins_a_conversation_that_was_looked_at_under_another_root(
    database: Database,
) -> None:
    async with database.transaction() as conn:
        number = await watch(conn, ROOT, "1")
        await set_stage(conn, "done")
        await conn.execute("UPDATE conversations SET looked_at = NULL")
        assert await watch(conn, ROOT, "9", home=OTHER, name="nora") == number
        assert (await stages(conn, number))[OTHER] == "compare"


async def test_a_plan_that_was_only_to_be_seen_goes_on_when_another_member_wants_it(
    database: Database,
) -> None:
    async with database.transaction() as conn:
        number = await watch(conn, ROOT, "1")
        await set_stage(conn, "plan")
        other = await member(conn, name="nora")
        await run(conn, other)
        await timelines.store_seen(conn, HOME, other, [seen(ROOT, "1")])
        (due,) = await home_line.due_watches(conn, HOME, now(), 9)
        assert (due.conversation_id, due.stage) == (number, "plan")


async def test_a_merge_without_a_look_lets_every_home_go_on(database: Database) -> None:
    async with database.transaction() as conn:
        kept = await watch(conn, ROOT, "1")
        gone = await watch(conn, REPLIES[0], "2")
        await watch(conn, ROOT, "3", home=OTHER, name="nora")
        await watch(conn, REPLIES[0], "4", home=OTHER, name="nora")
        await set_stage(conn, "done", [HOME, OTHER])
        await conversations.merge(conn, gone, kept)
        assert set(await looks.wait_for_none(conn, kept)) == {HOME, OTHER}
        assert await stages(conn, kept) == {HOME: "compare", OTHER: "compare"}
        assert await looks.wait_for_none(conn, kept) == []


async def test_what_is_taken_back_ends_the_round_of_the_conversation_that_has_it_now(
    database: Database,
) -> None:
    async with database.transaction() as conn:
        kept = await watch(conn, ROOT, "1", home=OTHER, name="nora")
        gone = await _round(conn, "https://a.example/2")
        await conversations.merge(conn, gone, kept)
        number = await deliveries.withdraw(conn, HOME, REPLIES[0])
        assert number == kept
        assert await deliveries.end_round(conn, HOME, number, now())


async def test_what_others_changed_meanwhile_is_not_put_off(database: Database) -> None:
    async with database.transaction() as conn:
        number = await _round(conn, ROOT)
        await deliveries.store_shown(conn, HOME, number, {REPLIES[0]: "9"})
        await deliveries.put_off(conn, HOME, REPLIES[0], now(), "answered 503")
        await deliveries.note_try(conn, HOME, number, now())
        assert await home_line.due_deliveries(conn, HOME, now(), 9) == []
        assert await home_line.due_watches(conn, HOME, now(), 9) == []


async def test_putting_a_home_off_waits_for_nobody(database: Database) -> None:
    """Two lanes and two conversations were enough for each to wait for the others."""
    async with database.transaction() as conn:
        number, other = await watch(conn, ROOT, "1"), await watch(conn, REPLIES[0], "2")
        await conn.execute("UPDATE watches SET stage = 'compare', next_at = $1", now())
    async with database.transaction() as held:
        await deliveries.hold_watch(held, HOME, number)
        async with asyncio.timeout(10), database.transaction() as conn:
            await home_line.postpone(conn, HOME, later := now() + timedelta(minutes=5))
    async with database.connection() as conn:
        rows = await conn.fetch("SELECT conversation_id, next_at FROM watches")
    put_off = {row["conversation_id"] for row in rows if row["next_at"] == later}
    assert put_off == {other}
