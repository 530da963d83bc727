"""Conversations that rest or sleep, woken by what any home shows; and watches, which end."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any, cast

import pytest

from tests.repository.rows import HOME, conversation_of, found, locked, now, seen, stages
from tests.repository.test_serving import serve
from toottail.flow.asides import follow
from toottail.flow.visit import Visit
from toottail.repository import conversations, looks, timelines
from toottail.repository.database import Connection, Database
from toottail.repository.deliveries import DueWatch

OTHER = "other.example"
ROOT, REPLY = "https://a.example/1", "https://b.example/2"
HOUR, DAY = timedelta(hours=1), timedelta(days=1)


async def _asleep(database: Database, looked: timedelta = HOUR) -> tuple[int, int]:
    """A conversation that two homes watch, looked at so long ago, due again in a day.

    Returns the conversation and the member of the other home.
    """
    async with database.transaction() as conn:
        mira, _ = await serve(conn)
        zoe, _ = await serve(conn, b"zoe", home=OTHER, account="zoe")
        await timelines.store_seen(conn, HOME, mira, [seen(ROOT, "1")])
        await timelines.store_seen(conn, OTHER, zoe, [seen(ROOT, "9")])
        await conn.execute("UPDATE watches SET stage = 'done', next_at = NULL")
        await conn.execute("UPDATE looks SET state = 'done'")
        await conn.execute(
            "UPDATE conversations SET looked_at = $1, next_look_at = $2, wake_at = NULL",
            now() - looked,
            now() + DAY,
        )
        return await conversation_of(conn, ROOT), zoe


async def _times(database: Database) -> tuple[datetime, datetime | None]:
    async with database.connection() as conn:
        row = await conn.fetchrow("SELECT next_look_at, wake_at FROM conversations")
    assert row is not None
    return row["next_look_at"], row["wake_at"]


async def _store(database: Database, home: str, member_id: int, *shown: timelines.Seen) -> None:
    async with database.transaction() as conn:
        assert await timelines.store_seen(conn, home, member_id, shown) == []


async def _wake(database: Database) -> Sequence[str]:
    async with database.transaction() as conn:
        return (await timelines.wake(conn, now(), 50)).hosts


async def test_a_reply_that_one_home_shows_makes_a_sleeping_conversation_be_looked_at_for_both(
    database: Database,
) -> None:
    number, zoe = await _asleep(database)
    await _store(database, OTHER, zoe, seen(REPLY, "10", "9"))
    next_look_at, wake_at = await _times(database)
    assert next_look_at == wake_at
    assert wake_at <= now()
    assert await _wake(database) == ["a.example"]
    async with database.transaction() as conn:
        assert await stages(conn, number) == {HOME: "look", OTHER: "look"}
        (due,) = await looks.due(conn, "a.example", now(), 9)
        assert due.uri == ROOT
        # The look finds nothing but what the other home's timeline told already.
        await looks.close(conn, due.id, "done")
        held = await locked(conn, number)
        assert await conversations.store_found(conn, held, [found(REPLY, ROOT)], "a.example") == 0
        assert sorted(await looks.ready(conn, number, news=False)) == [HOME, OTHER]
        assert await stages(conn, number) == {HOME: "compare", OTHER: "compare"}


@pytest.mark.parametrize(("known", "counted", "wakes"), [(0, 1, True), (1, 1, False), (1, 2, True)])
async def test_a_timeline_that_counts_more_replies_than_are_known_wakes_a_conversation_once(
    database: Database, known: int, counted: int, wakes: bool
) -> None:
    number, zoe = await _asleep(database)
    async with database.transaction() as conn:
        replies = [found(f"https://b.example/{n}", ROOT) for n in range(10, 10 + known)]
        await conversations.store_found(conn, await locked(conn, number), replies, "a.example")
    await _store(database, OTHER, zoe, seen(ROOT, "9", replies_count=counted))
    assert ((await _times(database))[0] <= now()) is wakes
    async with database.transaction() as conn:
        await conn.execute("UPDATE conversations SET next_look_at = $1, wake_at = $1", now() + DAY)
    await _store(database, OTHER, zoe, seen(ROOT, "9", replies_count=counted))
    assert (await _times(database))[0] > now() + HOUR, "what it counted before is no news"


async def test_what_was_shown_before_leaves_a_conversation_asleep(database: Database) -> None:
    _, zoe = await _asleep(database)
    await _store(database, OTHER, zoe, seen(ROOT, "9", replies_count=0))
    assert (await _times(database))[0] > now() + HOUR


async def test_a_conversation_that_was_looked_at_just_now_has_its_rest_first(
    database: Database,
) -> None:
    _, zoe = await _asleep(database, timedelta(seconds=20))
    await _store(database, OTHER, zoe, seen(REPLY, "10", "9"))
    next_look_at, wake_at = await _times(database)
    assert next_look_at == wake_at
    assert timedelta(seconds=30) < next_look_at - now() <= timedelta(seconds=41)
    assert not await _wake(database)


async def test_what_is_heard_during_a_look_is_told_to_all_at_its_end(database: Database) -> None:
    number, zoe = await _asleep(database)
    async with database.transaction() as conn:
        await conn.execute("UPDATE conversations SET next_look_at = now(), wake_at = now()")
    assert await _wake(database) == ["a.example"]
    await _store(database, OTHER, zoe, seen(REPLY, "10", "9"))
    async with database.transaction() as conn:
        assert await conn.fetchval("SELECT next_look_at FROM conversations") is None
        (due,) = await looks.due(conn, "a.example", now(), 9)
        await looks.close(conn, due.id, "done")
        await looks.ready(conn, number, news=False)
        assert await stages(conn, number) == {HOME: "compare", OTHER: "compare"}


async def test_two_homes_that_hear_of_the_same_conversations_at_once_are_not_in_each_others_way(
    database: Database,
) -> None:
    _, zoe = await _asleep(database)
    async with database.transaction() as conn:
        mira = await conn.fetchval("SELECT id FROM members WHERE home = $1", HOME)
        second = "https://b.example/0"
        for home, one in ((HOME, mira), (OTHER, zoe)):
            await timelines.store_seen(conn, home, one, [seen(second, "5")])
        await conn.execute(
            "UPDATE conversations SET looked_at = now() - interval '1 h',"
            " next_look_at = now() + interval '1 h', wake_at = now() + interval '1 h'"
        )

    async def hear(home: str, member_id: int, number: int, *parents: str) -> None:
        shown = [
            seen(f"https://c.example/{home}/{number}/{parent}", f"{number}{parent}", parent)
            for parent in parents
        ]
        async with database.transaction() as conn:
            await timelines.store_seen(conn, home, member_id, shown)

    for number in range(100, 120):
        await asyncio.gather(hear(HOME, mira, number, "1", "5"), hear(OTHER, zoe, number, "5", "9"))


class _Visit:
    """As much of a visit as `follow` needs."""

    watch_for = timedelta(days=7)

    def now(self) -> datetime:
        return now()

    async def wake(self, _conn: Connection, hosts: Any) -> None:
        self.woken = sorted(hosts)


async def test_what_a_home_shows_and_the_origin_did_not_is_told_to_the_other_homes(
    database: Database,
) -> None:
    number, _ = await _asleep(database)
    watch = cast(DueWatch, type("Watch", (), {"home": HOME}))
    visit = _Visit()
    aside = found(REPLY, "https://c.example/7")
    async with database.transaction() as conn:
        held = await locked(conn, number)
        await follow(conn, cast(Visit, visit), watch, held, [aside])
        assert visit.woken == ["b.example", "c.example"]
        for host in visit.woken:
            for due in await looks.due(conn, host, now(), 9):
                await looks.close(conn, due.id, "done")
        await looks.ready(conn, number, news=False)
        assert await stages(conn, number) == {HOME: "plan", OTHER: "plan"}
    # Shown once more, with nothing left to ask, it is no news.
    async with database.transaction() as conn:
        held = await locked(conn, number)
        await follow(conn, cast(Visit, visit), watch, held, [aside])
    assert (await _times(database))[0] > now() + HOUR


async def _ends(conn: Connection) -> dict[str, timedelta]:
    rows = await conn.fetch("SELECT home, ends_at - now() AS ahead FROM watches")
    return {row["home"]: row["ahead"] for row in rows}


async def test_a_watch_ends_so_many_days_after_it_was_seen_or_after_the_last_reply(
    database: Database,
) -> None:
    number, zoe = await _asleep(database)
    async with database.transaction() as conn:
        assert all(6.9 * DAY < ahead <= 7 * DAY for ahead in (await _ends(conn)).values())
        again = [seen(ROOT, "9")]
        await timelines.store_seen(conn, OTHER, zoe, again, watch_for=3 * DAY)
        assert 2.9 * DAY < (await _ends(conn))[OTHER] <= 3 * DAY
        await conn.execute("UPDATE watches SET ends_at = now() - $1::interval", DAY)
        await conn.execute("UPDATE watches SET ends_at = now() + $1 WHERE home = $2", HOUR, OTHER)
        await looks.ready(conn, number, news=False, watch_for=3 * DAY)
        assert (await _ends(conn))[OTHER] <= HOUR, "no reply came"
        await looks.ready(conn, number, news=True, watch_for=3 * DAY)
        left = await _ends(conn)
        assert left[OTHER] > 2.9 * DAY
        assert left[HOME] < -0.9 * DAY, "what has ended stays so until a member sees it again"


async def test_who_no_longer_watches_is_told_nothing_and_is_not_looked_for(
    database: Database,
) -> None:
    number, _ = await _asleep(database)
    async with database.transaction() as conn:
        await conn.execute(
            "UPDATE watches SET ends_at = now() - interval '1 s' WHERE home = $1", HOME
        )
        await conn.execute("UPDATE conversations SET next_look_at = now(), wake_at = now()")
    assert await _wake(database) == ["a.example"]
    async with database.transaction() as conn:
        assert await stages(conn, number) == {HOME: "done", OTHER: "look"}
        await conn.execute("UPDATE looks SET state = 'done'")
        assert await looks.ready(conn, number, news=True) == [OTHER]
        await conn.execute("UPDATE watches SET ends_at = now() - interval '1 s'")
        await conn.execute("UPDATE conversations SET next_look_at = now(), wake_at = now()")
    assert not await _wake(database)
    assert (await _times(database))[1] is None, "it sleeps"


async def test_who_watches_again_is_told_what_others_heard_since_their_watch_was_over(
    database: Database,
) -> None:
    number, zoe = await _asleep(database)
    ended = "UPDATE watches SET ends_at = now() - interval '1 h' WHERE home = $1"
    async with database.transaction() as conn:
        await conn.execute(ended, OTHER)
        await conn.execute("UPDATE statuses SET found_at = now() - interval '2 h'")
    await _store(database, OTHER, zoe, seen(ROOT, "9"))
    async with database.transaction() as conn:
        assert (await stages(conn, number))[OTHER] == "done", "there was nothing new"
        await conn.execute(ended, OTHER)
        held = await locked(conn, number)
        assert await conversations.store_found(conn, held, [found(REPLY, ROOT)], "a.example") == 1
        assert await looks.ready(conn, number, news=True) == [HOME]
    await _store(database, OTHER, zoe, seen(ROOT, "9"))
    async with database.transaction() as conn:
        assert (await stages(conn, number))[OTHER] == "compare"
