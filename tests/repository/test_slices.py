"""Slices: members of a large home go from one lane to another, each in one at a time."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import Any
from uuid import uuid4

from pgqueuer.adapters.drivers.asyncpg import AsyncpgDriver
from pgqueuer.queries import Queries

from tests.repository.rows import HOME, member, now, run, watch
from toottail.repository import (
    frontier,
    host_reports,
    lanes,
    leaving,
    operations,
    purging,
    slices,
    sources,
)
from toottail.repository.database import Connection, Database

WORKER = uuid4()
LONG = timedelta(minutes=5)
OTHER = "other.example"


async def members_in(conn: Connection, part: int, count: int, home: str = HOME) -> list[int]:
    """So many active members of a home whose timelines are due in a slice."""
    made = []
    for number in range(count):
        member_id = await member(conn, home, f"member{part}x{number}")
        await run(conn, member_id)
        await conn.execute("UPDATE members SET slice = $2 WHERE id = $1", member_id, part)
        made.append(member_id)
    return made


async def where(conn: Connection, member_id: int) -> tuple[int, int | None]:
    """The slice that a member is in, and that they are to be in."""
    row = await conn.fetchrow("SELECT slice, slice_to FROM members WHERE id = $1", member_id)
    assert row is not None
    return row["slice"], row["slice_to"]


async def test_a_new_member_is_to_be_in_the_slice_with_the_fewest(database: Database) -> None:
    async with database.connection() as conn:
        await members_in(conn, 1, 3)
        await members_in(conn, 2, 2)
        await members_in(conn, 3, 3)
        new = await member(conn, HOME, "new")
        await slices.place(conn, HOME, new)
        assert await where(conn, new) == (0, 2)
        newer = await member(conn, HOME, "newer")
        await conn.execute("UPDATE members SET slice_to = 2 WHERE id = $1", new)
        await slices.place(conn, HOME, newer)
        assert await where(conn, newer) == (0, 1), "who is on the way is counted where they go"


async def test_where_there_are_no_slices_a_new_member_stays_in_the_main_lane(
    database: Database,
) -> None:
    async with database.connection() as conn:
        await members_in(conn, 1, 1, OTHER)
        (first,) = await members_in(conn, 0, 1)
        await conn.execute("UPDATE members SET slice_to = 1 WHERE id = $1", first)
        new = await member(conn, HOME, "new")
        await slices.place(conn, HOME, new)
        assert await where(conn, new) == (0, None), "the main lane alone begins to give away"


async def test_a_lane_gives_away_only_its_own_members_and_only_those_who_are_to_go(
    database: Database,
) -> None:
    async with database.connection() as conn:
        stays, goes = await members_in(conn, 1, 2)
        (foreign,) = await members_in(conn, 2, 1)
        await conn.execute("UPDATE members SET slice_to = 3 WHERE id = ANY($1)", [goes, foreign])
        moving = await slices.on_the_move(conn, HOME, 1)
        assert (moving.leaving, moving.carried) == ([goes], {})
        told: dict[str, Any] = {"allowances": {"token:7": {}}}
        everybody = {stays: told, goes: told, foreign: told}
        assert await slices.give_away(conn, HOME, 1, everybody) == {f"{HOME}#3"}
        places = [await where(conn, one) for one in (stays, goes, foreign)]
        assert places == [(1, None), (3, None), (2, 3)]
        moving = await slices.on_the_move(conn, HOME, 3)
        assert (moving.leaving, moving.carried) == ([], {goes: told})
        await slices.received(conn, HOME, 3, [goes])
        assert not (await slices.on_the_move(conn, HOME, 3)).carried


async def test_who_is_on_the_way_is_sent_elsewhere_first_and_may_stay_after_all(
    database: Database,
) -> None:
    async with database.connection() as conn:
        there = (await members_in(conn, 2, 2))[0]
        coming = (await members_in(conn, 1, 2))[1]
        await conn.execute("UPDATE members SET slice_to = 2 WHERE id = $1", coming)
        await slices.send(conn, HOME, 2, 1, 1)
        assert await where(conn, coming) == (1, None)
        assert await where(conn, there) == (2, None)
        await slices.send(conn, HOME, 2, 1, 1)
        assert await where(conn, there) == (2, 1)


async def test_what_is_due_in_a_slice_makes_that_slice_due_and_nobody_else(
    database: Database,
) -> None:
    async with database.connection() as conn:
        await members_in(conn, 0, 1)
        await members_in(conn, 1, 2)
        (third,) = await members_in(conn, 2, 1)
        due = await lanes.due(conn, now())
        assert sorted(due) == [HOME, f"{HOME}#1", f"{HOME}#2"]
        found = await sources.due(conn, HOME, now(), part=2)
        assert [one.member_id for one in found] == [third]
        assert len(await sources.due(conn, HOME, now())) == 1
        later = now() + timedelta(hours=1)
        await sources.postpone_member(conn, third, later)
        assert await frontier.next_due(conn, f"{HOME}#2") == later
        first = await frontier.next_due(conn, f"{HOME}#1")
        assert first is not None
        assert first < later
        await conn.execute("UPDATE sources SET collect_at = NULL WHERE member_id <> $1", third)
        assert await frontier.next_due(conn, HOME) is None, "what is in slices is theirs"
        assert await frontier.next_due(conn, f"{HOME}#1") is None


async def test_a_lane_with_members_to_give_away_is_due(database: Database) -> None:
    async with database.connection() as conn:
        (one,) = await members_in(conn, 4, 1)
        await conn.execute("UPDATE sources SET collect_at = NULL")
        assert await lanes.due(conn, now()) == []
        await conn.execute("UPDATE members SET slice_to = 0 WHERE id = $1", one)
        assert await lanes.due(conn, now()) == [f"{HOME}#4"]


async def test_of_many_who_take_slices_of_a_home_at_once_only_so_many_get_one(
    database: Database,
) -> None:
    async def try_it(number: int, home: str = HOME) -> bool:
        async with database.connection() as conn:
            taken = await lanes.take_slice(conn, f"{home}#{number}", uuid4(), LONG, 2)
            return taken is not None

    assert sum(await asyncio.gather(*(try_it(n) for n in range(1, 11)))) == 2
    assert await try_it(1, OTHER), "other homes have places of their own"
    async with database.connection() as conn:
        assert await lanes.take(conn, HOME, WORKER, LONG), "the main lane has its own, too"
        held = await conn.fetchrow("SELECT key, epoch FROM lanes WHERE key LIKE $1", f"{HOME}#%")
        assert held is not None
        await lanes.release(conn, held["key"], held["epoch"], {}, requests=0)
    assert await try_it(11)
    assert not await try_it(12)


async def test_the_slices_that_waited_longest_are_called_as_far_as_there_is_room(
    database: Database,
) -> None:
    async with database.connection() as conn:
        keys = [f"{HOME}#{number}" for number in (1, 2, 3, 4)]
        for key in (keys[1], keys[0], keys[3]):
            taken = await lanes.take_slice(conn, key, WORKER, LONG, 9)
            assert taken is not None
            await lanes.release(conn, key, taken.epoch, {}, requests=0)
        wanted = [HOME, "a.example", *keys, f"{OTHER}#1"]
        found = await slices.fitting(conn, wanted, 2)
        assert sorted(found) == sorted([HOME, "a.example", keys[2], keys[1], f"{OTHER}#1"])
        await lanes.take_slice(conn, keys[2], WORKER, LONG, 9)
        assert await slices.fitting(conn, [HOME, *keys[:2]], 2) == [HOME, keys[1]]


async def test_lanes_of_a_home_hear_of_its_failures_until_one_finds_that_it_works(
    database: Database,
) -> None:
    async with database.connection() as conn:
        assert await slices.circuit(conn, HOME) == (0, 0.0)
        await slices.tell_circuit(conn, HOME, 3, 50.0)
        await slices.tell_circuit(conn, HOME, 1, 0.0)
        assert await slices.circuit(conn, HOME) == (3, 50.0), "who knows less says nothing new"
        assert await slices.circuit(conn, OTHER) == (0, 0.0)
        await slices.tell_circuit(conn, HOME, 0, 0.0)
        assert await slices.circuit(conn, HOME) == (0, 0.0)


async def test_whoever_leaves_breaks_off_their_slice_and_its_lane_forgets_their_token(
    database: Database,
) -> None:
    async with database.connection() as conn:
        await watch(conn, "https://a.example/1", "1", home=HOME)
        goes, _ = await members_in(conn, 1, 2)
        await members_in(conn, 2, 1)
        await conn.execute("UPDATE members SET slice_to = 2 WHERE id = $1", goes)
        budget: dict[str, Any] = {"allowances": {f"token:{goes}": {}, "token:0": {}}, "waits": {}}
        epochs = {}
        for key in (HOME, f"{HOME}#1", f"{HOME}#2", f"{HOME}#3"):
            taken = await lanes.take(conn, key, WORKER, LONG)
            assert taken is not None
            await lanes.renew(conn, key, taken.epoch, LONG, budget)
            epochs[key] = taken.epoch
        async with conn.transaction():
            await leaving.leave(conn, goes)
        kept = await lanes.epochs(conn, list(epochs))
        assert [kept[key] - epochs[key] for key in epochs] == [1, 1, 1, 0]
        row = await conn.fetchrow(
            "SELECT budget -> 'allowances' ? $1 AS known FROM lanes WHERE key = $2",
            f"token:{goes}",
            f"{HOME}#1",
        )
        assert row is not None
        assert not row["known"]


async def test_with_the_last_member_all_slices_of_the_home_are_forgotten(
    database: Database,
) -> None:
    async with database.connection() as conn:
        (last,) = await members_in(conn, 1, 1)
        for key in (f"{HOME}#1", f"{HOME}#2", f"{OTHER}#1"):
            await lanes.take(conn, key, WORKER, LONG)
        await slices.tell_circuit(conn, HOME, 3, 50.0)
        rung = [key.encode() for key in (HOME, f"{HOME}#1", f"{HOME}#9", f"{OTHER}#1", OTHER)]
        await Queries(AsyncpgDriver(conn)).enqueue(["lane"] * 5, [*rung], [0] * 5)
        async with conn.transaction():
            assert await leaving.leave(conn, last) == [HOME]
        left = await conn.fetch("SELECT payload FROM pgqueuer ORDER BY id")
        assert [row["payload"] for row in left] == rung[3:]
        assert [row["key"] for row in await conn.fetch("SELECT key FROM lanes")] == [f"{OTHER}#1"]
        assert [row["key"] for row in await conn.fetch("SELECT key FROM visits")] == [f"{OTHER}#1"]
        assert await conn.fetch("SELECT FROM home_circuits") == []


async def test_what_lanes_told_of_a_home_without_slices_is_forgotten(database: Database) -> None:
    async with database.connection() as conn:
        await members_in(conn, 1, 1)
        await members_in(conn, 0, 1, OTHER)
        for home in (HOME, OTHER, "gone.example"):
            await slices.tell_circuit(conn, home, 3, 50.0)
        await purging.drop_expired(conn, now())
        assert await conn.fetchval("SELECT array_agg(home) FROM home_circuits") == [HOME]


async def test_the_operator_sees_slices_with_their_members_and_hosts_without_them(
    database: Database,
) -> None:
    async with database.connection() as conn:
        await members_in(conn, 0, 1)
        await members_in(conn, 1, 3)
        for key, requests in ((HOME, 5), (f"{HOME}#1", 7)):
            taken = await lanes.take(conn, key, WORKER, LONG)
            assert taken is not None
            await lanes.release(conn, key, taken.epoch, {}, requests=requests)
        shown = {
            lane.key: (lane.due, lane.members) for lane in await operations.lanes(conn, now(), 9)
        }
        assert shown == {HOME: (1, None), f"{HOME}#1": (3, 3)}
        (host,) = await host_reports.stored(conn)
        assert (host.host, host.total) == (HOME, 12)
