"""One large home: its members are collected in slices, by several workers, and never twice."""

from __future__ import annotations

import asyncio
import time
from datetime import UTC, datetime

from pydantic import SecretStr

from tests.flow.conftest import OpenStage
from tests.flow.stage import HOME, Stage
from tests.worker.services import first_run_over, served, until
from toottail.repository import hosts, lanes, leaving
from toottail.repository.sealing import open_sealer
from toottail.service.roster import NewMember, take_in
from toottail.service.sharing_out import SharedOut, share_out
from toottail.simulator import town
from toottail.simulator.report import members as all_members
from toottail.simulator.world import World
from toottail.types.sources import parse_sources

MEMBERS = 24
BOUND = 5
SIZE = town.Size((MEMBERS,), (50,), hosts=12, threads=60, replies=150, quiet=0.3)


def bound(members: int = BOUND) -> dict[str, str]:
    """Settings; the workers' housekeeping shares members out by itself, with that bound."""
    return {"slice_members": str(members), "home_in_flight": "4", "worker_concurrency": "8"}


def a_large_home(size: town.Size = SIZE) -> World:
    world = World(1, home="mastodon", now=time.time())
    town.found(world, size)
    world.belongings.furnish(world)
    return world


async def take_in_members(stage: Stage, first: int = 0, last: int | None = None) -> None:
    sealer = open_sealer(stage.settings)
    for one in all_members(stage.simulator)[first:last]:
        new = NewMember(
            one["home"],
            one["account"],
            SecretStr(one["token"]),
            parse_sources(("home",)),
            account_id=one["account_id"],
        )
        async with stage.database.transaction() as conn:
            assert await take_in(conn, sealer, new) == "new"


async def know_software(stage: Stage, name: str = "mastodon") -> None:
    async with stage.database.connection() as conn:
        await hosts.store_software(conn, HOME, name, "4.4.0", datetime.now(UTC))


async def rebalance(stage: Stage, most: int = BOUND) -> list[SharedOut]:
    """As `toottail rebalance` does it, with slices of at most ``most`` members."""
    settings = stage.settings.model_copy(update={"slice_members": most})
    async with stage.database.transaction() as conn:
        return await share_out(conn, settings)


async def sizes(stage: Stage) -> dict[int, int]:
    """How many members each slice has now; 0 is the main lane."""
    rows = await stage.sql("SELECT slice, count(*) AS n FROM members GROUP BY 1 ORDER BY 1")
    return {row["slice"]: row["n"] for row in rows}


async def all_moved(stage: Stage) -> None:
    async def so() -> bool:
        return not await stage.sql(
            "SELECT FROM members WHERE slice_to IS NOT NULL OR carried IS NOT NULL"
        )

    await until(so)


async def read_all_again(stage: Stage) -> None:
    """Every member's timeline is due, and is read by somebody."""
    row, *_ = await stage.sql("UPDATE sources SET collect_at = now() RETURNING now() AS at")

    async def so() -> bool:
        # A reading that was just being stored has put its source off again.
        return not await stage.sql(
            "UPDATE sources SET collect_at = least(collect_at, now())"
            " WHERE coalesce(read_at < $1, true) RETURNING true",
            row["at"],
        )

    await until(so)


async def check_nobody_was_served_twice(stage: Stage) -> None:
    async with stage.database.connection() as conn:
        assert await lanes.served_twice(conn) == []
    told = stage.judge()
    assert told["most_timelines_at_once"] == 1
    assert told["most_in_flight"][HOME] <= stage.settings.home_in_flight
    assert told["over_limit"] == {}


async def test_members_of_a_large_home_are_collected_in_slices_by_several_workers(
    open_stage: OpenStage,
) -> None:
    stage = await open_stage(a_large_home(), bound())
    await know_software(stage)
    await take_in_members(stage)
    (shared,) = await rebalance(stage)
    assert (shared.before, shared.moved) == ({0: MEMBERS}, MEMBERS)
    async with served(stage), served(stage), served(stage):
        await first_run_over(stage)
        await all_moved(stage)
    assert await sizes(stage) == {1: 5, 2: 5, 3: 5, 4: 5, 5: 4}
    assert stage.judge()["still_missing"] == []
    await check_nobody_was_served_twice(stage)
    visits = await stage.sql(
        "SELECT key, count(DISTINCT worker) AS n FROM visits WHERE key LIKE $1 GROUP BY 1",
        f"{HOME}#%",
    )
    assert {row["key"] for row in visits} == {f"{HOME}#{n}" for n in range(1, 6)}
    workers = await stage.sql("SELECT DISTINCT worker FROM visits WHERE key LIKE $1", f"{HOME}#%")
    assert len(workers) > 1, "several had a part in it"


async def test_members_are_shared_out_anew_while_workers_go_on_and_nobody_waits(
    open_stage: OpenStage,
) -> None:
    stage = await open_stage(a_large_home(), bound(3))
    await know_software(stage)
    async with served(stage), served(stage), served(stage):
        await take_in_members(stage, 0, 12)
        for most, last in ((4, 16), (9, 20), (3, MEMBERS)):
            await rebalance(stage, most)
            await stage.sql("UPDATE sources SET collect_at = now()")
            # Some come while the others move.
            await take_in_members(stage, last - 4, last)
        await read_all_again(stage)
        await rebalance(stage, 3)
        await all_moved(stage)
        assert await sizes(stage) == dict.fromkeys(range(1, 9), 3)
        await read_all_again(stage)
        await first_run_over(stage)
    assert stage.judge()["still_missing"] == []
    await check_nobody_was_served_twice(stage)


async def tokens_known(stage: Stage) -> dict[str, set[str]]:
    """Of which tokens each lane of the home knows that it sent something with them."""
    rows = await stage.sql(
        "SELECT lanes.key AS lane, a.key AS token FROM lanes,"
        " jsonb_each(budget -> 'allowances') AS a"
        " WHERE lanes.key LIKE $1 AND a.key LIKE 'token:%' AND a.value -> 'sends' <> '[]'",
        f"{HOME}%",
    )
    found: dict[str, set[str]] = {}
    for row in rows:
        found.setdefault(row["lane"], set()).add(row["token"])
    return found


async def test_a_main_lane_at_work_asks_for_less_before_it_gives_the_first_members_away(
    open_stage: OpenStage,
) -> None:
    stage = await open_stage(a_large_home(), bound(100), resolve=1.0, latency_scale=1.0)
    await take_in_members(stage)
    async with served(stage), served(stage):

        async def delivers() -> bool:
            return stage.asked(HOME, "search") > 4

        await until(delivers)
        assert await sizes(stage) == {0: MEMBERS}
        await rebalance(stage)
        await all_moved(stage)
        assert await _under_way(stage) > 0, "else nothing was tried"
        for _ in range(3):
            await read_all_again(stage)
        assert await _under_way(stage) > 0
    await check_nobody_was_served_twice(stage)
    assert stage.judge()["most_in_flight"][HOME] == stage.settings.home_in_flight


async def _under_way(stage: Stage) -> int:
    (row,) = await stage.sql(
        "SELECT count(*) AS n FROM watches WHERE stage NOT IN ('done', 'failed')"
    )
    n: int = row["n"]
    return n


async def test_a_new_member_goes_to_the_smallest_slice_and_one_who_leaves_is_gone(
    open_stage: OpenStage,
) -> None:
    stage = await open_stage(a_large_home(), bound())
    await know_software(stage)
    await take_in_members(stage, 0, 14)
    await rebalance(stage)
    async with served(stage), served(stage):
        await all_moved(stage)
        assert await sizes(stage) == {1: 5, 2: 5, 3: 4}
        await take_in_members(stage, 14, 15)
        await all_moved(stage)
        assert await sizes(stage) == {1: 5, 2: 5, 3: 5}
        left = await stage.sql("SELECT id FROM members WHERE slice = 2")
        for row in left:
            await leaving.remove(stage.database, row["id"])
        await rebalance(stage)
        await all_moved(stage)
        assert await sizes(stage) == {1: 4, 2: 3, 3: 3}
        await read_all_again(stage)
    await check_nobody_was_served_twice(stage)


async def test_a_home_that_shrank_is_collected_in_its_main_lane_again(
    open_stage: OpenStage,
) -> None:
    stage = await open_stage(a_large_home(), bound())
    await know_software(stage)
    await take_in_members(stage)
    await rebalance(stage)
    async with served(stage), served(stage):
        await all_moved(stage)
        await read_all_again(stage)
    stage.settings = stage.settings.model_copy(update={"slice_members": 100})
    async with served(stage), served(stage):
        await rebalance(stage, 100)
        await all_moved(stage)
        assert await sizes(stage) == {0: MEMBERS}
        known = (await tokens_known(stage))[HOME]
        assert len(known) == MEMBERS, "what was sent with their tokens came along"
        await stage.sql("DELETE FROM visits WHERE ended_at IS NOT NULL")
        await read_all_again(stage)
    assert await stage.sql("SELECT FROM visits WHERE key LIKE $1", f"{HOME}#%") == []
    assert set(await tokens_known(stage)) == {HOME}, "who gave a member away forgets their token"
    await check_nobody_was_served_twice(stage)


async def test_all_lanes_of_a_home_that_fails_leave_it_alone_together(
    open_stage: OpenStage,
) -> None:
    stage = await open_stage(a_large_home(), bound(2))
    await know_software(stage)
    await take_in_members(stage)
    await rebalance(stage, 2)
    async with served(stage), served(stage):
        await first_run_over(stage)
        await all_moved(stage)
        stage.change(faults={HOME: [{"kind": "5xx"}]})
        stage.reset_counters()
        await stage.sql("UPDATE sources SET collect_at = now()")
        await asyncio.sleep(12)
        failed = stage.judge()["requests_home"]
        # Two open the circuit; after 2 s, and again after 8 s, the lanes that are served try it.
        assert 2 <= failed <= 9, "twelve slices that each find out by themselves need more"
        (circuit,) = await stage.sql("SELECT failures FROM home_circuits")
        assert circuit["failures"] >= 2
        stage.change(faults={HOME: []})
        await stage.sql("UPDATE home_circuits SET rest_until = 0")
        await read_all_again(stage)
        assert await stage.sql("SELECT FROM home_circuits") == []
    await check_nobody_was_served_twice(stage)


async def test_the_limits_of_tokens_hold_though_two_lanes_use_them(open_stage: OpenStage) -> None:
    # 30 requests in 15 s for each token.
    tight = {"limit_scale": 0.1, "throttle_scale": 0.05}
    size = town.Size((12,), (60,), hosts=12, threads=60, replies=400, quiet=0.1)
    stage = await open_stage(a_large_home(size), bound(), **tight)
    await know_software(stage)
    await take_in_members(stage)
    await rebalance(stage)
    async with served(stage), served(stage):
        for _ in range(6):
            await read_all_again(stage)
        await until(lambda: _is_over(stage), within=120)
    told = stage.judge()
    assert told["still_missing"] == []
    assert told["windows"][HOME]["token"]["most"] > 15, "else nothing was tried"
    await check_nobody_was_served_twice(stage)


async def _is_over(stage: Stage) -> bool:
    return not await stage.sql("SELECT FROM runs WHERE ended_at IS NULL")
