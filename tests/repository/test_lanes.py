"""Lanes: taken by one worker at a time, fenced by their epoch, given back or taken over."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from uuid import uuid4

import pytest

from tests.repository.rows import HOME, member, now, run, watch
from toottail.errors import LaneLost
from toottail.repository import feeds, hosts, lanes
from toottail.repository.database import Connection, Database
from toottail.repository.feeds import WantedFeed

A, B = uuid4(), uuid4()
LONG = timedelta(minutes=5)
SHORT = timedelta(milliseconds=1)
KEY = "a.example"


async def test_a_lane_is_held_by_one_worker_at_a_time(database: Database) -> None:
    async with database.connection() as conn:
        taken = await lanes.take(conn, KEY, A, LONG)
        assert taken is not None
        assert (taken.epoch, taken.budget) == (1, {})
        assert await lanes.take(conn, KEY, B, LONG) is None
        assert await lanes.take(conn, KEY, A, LONG) is None, "not even twice by the same worker"
        assert await lanes.take(conn, "b.example", B, LONG) is not None


async def test_of_many_who_want_a_new_lane_at_once_one_gets_it(database: Database) -> None:
    async def try_it() -> bool:
        async with database.connection() as conn:
            return await lanes.take(conn, KEY, uuid4(), LONG) is not None

    assert sum(await asyncio.gather(*(try_it() for _ in range(10)))) == 1


async def test_a_lane_given_back_is_free_at_once_and_its_budget_goes_on(
    database: Database,
) -> None:
    async with database.connection() as conn:
        assert await lanes.take(conn, KEY, A, LONG)
        assert await lanes.release(conn, KEY, 1, {"spent": 3}, requests=3)
        taken = await lanes.take(conn, KEY, B, LONG)
        assert taken is not None
        assert (taken.epoch, taken.budget) == (2, {"spent": 3})
        row = await conn.fetchrow("SELECT * FROM visits WHERE epoch = 1")
        assert row is not None
        assert (row["key"], row["worker"], row["requests"]) == (KEY, A, 3)
        assert row["started_at"] <= row["ended_at"]


async def test_a_renewed_lease_lasts_and_one_that_ran_out_is_taken_over(
    database: Database,
) -> None:
    async with database.connection() as conn:
        await lanes.take(conn, KEY, A, SHORT)
        await lanes.renew(conn, KEY, 1, LONG, {"ahead": 20})
        await asyncio.sleep(0.01)
        assert await lanes.take(conn, KEY, B, LONG) is None
        await lanes.renew(conn, KEY, 1, SHORT, {"ahead": 20})
        await asyncio.sleep(0.01)
        taken = await lanes.take(conn, KEY, B, LONG)
        assert taken is not None
        assert (taken.epoch, taken.budget) == (2, {"ahead": 20})


async def test_a_renewal_waits_for_no_transaction_of_its_visit_and_a_takeover_does(
    database: Database,
) -> None:
    async with database.connection() as renewing, database.connection() as other:
        await lanes.take(renewing, KEY, A, LONG)
        async with database.transaction() as conn:
            await lanes.hold(conn, KEY, 1)
            await asyncio.wait_for(lanes.renew(renewing, KEY, 1, SHORT, {}), 3)
            takeover = asyncio.create_task(lanes.take(other, KEY, B, LONG))
            await asyncio.sleep(0.2)
            assert not takeover.done()
        assert await takeover is not None


async def test_a_lease_that_ran_out_may_be_renewed_while_nobody_took_over(
    database: Database,
) -> None:
    async with database.connection() as conn:
        await lanes.take(conn, KEY, A, SHORT)
        await asyncio.sleep(0.01)
        await lanes.renew(conn, KEY, 1, LONG, {})
        assert await lanes.take(conn, KEY, B, LONG) is None


async def test_after_a_takeover_the_old_holder_neither_renews_nor_gives_back_nor_stores(
    database: Database,
) -> None:
    async with database.connection() as conn:
        await lanes.take(conn, KEY, A, SHORT)
        await asyncio.sleep(0.01)
        assert await lanes.take(conn, KEY, B, LONG)
        with pytest.raises(LaneLost):
            await lanes.renew(conn, KEY, 1, LONG, {"theirs": 1})
        with pytest.raises(LaneLost):
            await lanes.release(conn, KEY, 1, {"theirs": 1}, requests=9)
        with pytest.raises(LaneLost):
            await _store_too_late(conn)
        assert (await hosts.get(conn, KEY)).problem is None
        await lanes.hold(conn, KEY, 2)
        assert await conn.fetchval("SELECT budget FROM lanes") == "{}"


async def test_a_takeover_waits_until_the_transaction_of_the_old_holder_is_over(
    database: Database,
) -> None:
    async with database.connection() as old, database.connection() as new:
        await lanes.take(old, KEY, A, SHORT)
        await asyncio.sleep(0.01)
        async with old.transaction():
            await lanes.hold(old, KEY, 1)
            takeover = asyncio.create_task(lanes.take(new, KEY, B, LONG))
            done, _ = await asyncio.wait([takeover], timeout=0.1)
            assert not done
            await hosts.note_problem(old, KEY, "stored in time", now())
        taken = await takeover
        assert taken is not None
        assert taken.epoch == 2
        assert (await hosts.get(new, KEY)).problem == "stored in time"


async def test_work_that_comes_in_during_a_visit_keeps_the_lane_with_its_holder(
    database: Database,
) -> None:
    async with database.connection() as conn:
        assert not await lanes.poke(conn, KEY), "nobody holds a lane that was never taken"
        await lanes.take(conn, KEY, A, LONG)
        assert await lanes.poke(conn, KEY)
        assert not await lanes.release(conn, KEY, 1, {}, requests=1)
        assert await lanes.take(conn, KEY, B, LONG) is None
        assert await lanes.release(conn, KEY, 1, {}, requests=2), "one poke is one more turn"
        assert not await lanes.poke(conn, KEY)


async def test_a_poke_does_not_outlive_a_takeover(database: Database) -> None:
    async with database.connection() as conn:
        await lanes.take(conn, KEY, A, LONG)
        await lanes.poke(conn, KEY)
        await conn.execute("UPDATE lanes SET lease_until = now() - interval '1 s'")
        await lanes.take(conn, KEY, B, LONG)
        assert await lanes.release(conn, KEY, 2, {}, requests=0)


async def test_what_the_dead_held_is_free_at_once_and_what_the_living_hold_is_not(
    database: Database,
) -> None:
    async with database.connection() as living, database.connection() as conn:
        await lanes.join(living, A)
        async with database.connection() as dying:
            await lanes.join(dying, B)
            await lanes.take(conn, "a.example", A, LONG)
            await lanes.take(conn, "b.example", B, LONG)
            assert await lanes.bury_the_dead(conn) == []
            await dying.execute("SELECT pg_advisory_unlock_all()")
        assert await lanes.bury_the_dead(conn) == ["b.example"]
        assert await lanes.take(conn, "b.example", A, LONG) is not None
        assert await lanes.take(conn, "a.example", B, LONG) is None
        await lanes.leave(living, A)
        assert await conn.fetchval("SELECT count(*) FROM workers") == 0


async def test_lanes_are_due_for_active_members_only_and_while_nobody_holds_them(
    database: Database,
) -> None:
    async with database.connection() as conn:
        await watch(conn, "https://a.example/1", "1")
        assert await lanes.due(conn, now()) == ["a.example"]
        await lanes.take(conn, "a.example", A, LONG)
        assert await lanes.due(conn, now()) == []
        await lanes.release(conn, "a.example", 1, {}, requests=0)
        await conn.execute("UPDATE members SET active_until = now() - interval '1 s'")
        assert await lanes.due(conn, now()) == []


async def test_every_kind_of_work_makes_its_lane_due(database: Database) -> None:
    async with database.connection() as conn:
        member_id = await member(conn)
        run_id = await run(conn, member_id)
        assert await lanes.due(conn, now()) == [HOME]
        await conn.execute("UPDATE sources SET collect_at = NULL")
        wanted = [WantedFeed("f.example", "ann@f.example")]
        await feeds.want(conn, HOME, member_id, [run_id], "profile", wanted, now())
        assert await lanes.due(conn, now()) == ["f.example"]
        (feed,) = await feeds.due(conn, "f.example", now(), 9)
        await feeds.store_posts(conn, feed.id, [], now())
        assert await lanes.due(conn, now()) == [HOME]
        await feeds.finish(conn, HOME, feed.id)
        await hosts.want_probes(conn, ["p.example"], now())
        assert await lanes.due(conn, now()) == ["p.example"]
        await conn.execute("UPDATE hosts SET probe_at = NULL")
        number = await watch(conn, "https://a.example/1", "1")
        await conn.execute("UPDATE looks SET state = 'done'")
        assert await lanes.due(conn, now()) == []
        await conn.execute("UPDATE watches SET next_at = now(), stage = 'compare'")
        assert await lanes.due(conn, now()) == [HOME]
        await conn.execute("UPDATE watches SET next_at = NULL")
        await conn.execute(
            "INSERT INTO deliveries (home, uri, conversation_id, state, next_at)"
            " VALUES ($1, 'https://b.example/2', $2, 'pending', now())",
            HOME,
            number,
        )
        assert await lanes.due(conn, now()) == [HOME]


async def _store_too_late(conn: Connection) -> None:
    async with conn.transaction():
        await hosts.note_problem(conn, KEY, "stored too late", now())
        await lanes.hold(conn, KEY, 1)
