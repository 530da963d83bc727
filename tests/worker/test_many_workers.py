"""Several workers beside each other: no lane twice, memory that is kept, lanes handed back."""

from __future__ import annotations

import asyncio
import os
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import uuid4

from tests.flow.conftest import OpenStage
from tests.flow.stage import HOME, Stage
from tests.repository.rows import now
from tests.worker.services import first_run_over, served, sign_in, until
from toottail.repository import lanes, operations
from toottail.repository.database import Database
from toottail.settings import Settings
from toottail.simulator.worlds import build
from toottail.worker.heart import FRESH, Heart, is_fresh
from toottail.worker.memory import memory_now

MIB = 1 << 20


async def _served_twice(stage: Stage) -> list[tuple[str, int, int]]:
    async with stage.database.connection() as conn:
        return await lanes.served_twice(conn)


async def test_two_workers_share_the_lanes_and_none_is_served_twice(open_stage: OpenStage) -> None:
    stage = await open_stage(build("small"), {"worker_concurrency": "4"})
    async with served(stage), served(stage):
        await sign_in(stage)
        await first_run_over(stage)
    assert stage.judge()["still_missing"] == []
    assert stage.judge()["repeated_resolves"] == 0
    assert await _served_twice(stage) == []
    workers = await stage.sql("SELECT DISTINCT worker FROM visits")
    assert len(workers) == 2, "both had a part in it"


async def test_two_visits_of_a_lane_that_overlap_are_found(database: Database) -> None:
    async with database.connection() as conn:
        await conn.execute(
            "INSERT INTO visits (key, epoch, worker, started_at, ended_at) VALUES"
            " ('a', 1, $1, now() - interval '9 s', now() - interval '5 s'),"
            " ('a', 2, $1, now() - interval '6 s', now()),"
            " ('a', 3, $1, now(), NULL),"
            " ('b', 1, $1, now() - interval '9 s', now())",
            uuid4(),
        )
        assert await lanes.served_twice(conn) == [("a", 1, 2)]


async def test_a_worker_over_its_memory_limit_takes_no_lane_and_says_so(
    open_stage: OpenStage,
) -> None:
    stage = await open_stage(build("tiny"), {"worker_memory_limit": "1", "egress": "north"})

    async def says_so() -> bool:
        return bool(await stage.sql("SELECT FROM workers WHERE over_limit"))

    async with served(stage):
        await until(says_so)
        await sign_in(stage)
        await asyncio.sleep(2)
        assert await stage.sql("SELECT FROM visits") == []
        async with stage.database.connection() as conn:
            (row,) = await operations.workers(conn, datetime.now(UTC))
        assert (row.alive, row.over_limit, row.lanes, row.egress) == (True, True, 0, "north")
        assert row.memory > MIB
        # The others take what it leaves.
        stage.settings = stage.settings.model_copy(update={"worker_memory_limit": 0})
        async with served(stage):
            await first_run_over(stage)
    assert stage.judge()["still_missing"] == []
    assert await stage.sql("SELECT FROM workers") == [], "who stops takes their row along"


async def test_lanes_are_taken_again_below_nine_tenths_of_the_limit(
    database: Database, database_settings: Settings
) -> None:
    limit = 100 * MIB
    heart = Heart(database_settings.model_copy(update={"worker_memory_limit": limit}), database)
    states = []
    for memory in (99, 101, 95, 89, 95):
        heart.weigh(memory * MIB)
        states.append(heart.full)
    assert states == [False, True, True, False, False]
    assert memory_now() > 10 * MIB


async def test_a_silent_worker_is_shown_as_not_alive(database: Database) -> None:
    worker = uuid4()
    async with database.connection() as conn:
        await lanes.join(conn, worker, egress="south", memory_limit=7)
        (row,) = await operations.workers(conn, now())
        assert row.alive
        (row,) = await operations.workers(conn, now() + timedelta(minutes=1))
        assert not row.alive
        await lanes.beat(conn, worker, lanes=3, memory=5, over_limit=False)
        (row,) = await operations.workers(conn, now())
    assert (row.id, row.lanes, row.memory, row.memory_limit) == (str(worker), 3, 5, 7)


async def test_the_file_of_a_worker_is_touched_only_while_its_tick_runs(
    database: Database, tmp_path: Path
) -> None:
    file = tmp_path / "alive"
    heart = Heart(Settings(worker_alive_file=file, data_dir=tmp_path), database)
    heart.ticked = time.monotonic() - FRESH - 1
    await heart.beat(uuid4(), 0)
    assert not is_fresh(file)
    heart.ticked = time.monotonic()
    await heart.beat(uuid4(), 0)
    assert is_fresh(file)
    os.utime(file, (0, time.time() - FRESH - 1))
    assert not is_fresh(file)


async def test_a_worker_that_stops_under_load_hands_all_its_lanes_back_in_time(
    open_stage: OpenStage,
) -> None:
    # Every resolve takes longer than a worker may.
    stage = await open_stage(build("small"), resolve=25.0)
    async with served(stage):
        await sign_in(stage)

        async def at_work() -> bool:
            return stage.asked(HOME, "search") > 0

        await until(at_work)
        assert await stage.sql("SELECT FROM lanes WHERE holder IS NOT NULL") != []
        began = time.monotonic()
    assert time.monotonic() - began < 10, "that is what service managers give"
    assert await stage.sql("SELECT FROM lanes WHERE holder IS NOT NULL") == []
    assert await stage.sql("SELECT FROM pgqueuer WHERE status = 'picked'") == []
    assert await stage.sql("SELECT FROM visits WHERE ended_at IS NULL") == []


async def test_only_the_tokens_that_are_needed_are_opened(open_stage: OpenStage) -> None:
    stage = await open_stage(build("tiny"))
    # These cannot be opened: who tried would fail.
    await stage.sql(
        "INSERT INTO members (home, token_fingerprint, token_sealed, served, active_until)"
        " SELECT $1, n::text::bytea, 'broken', true, 'infinity' FROM generate_series(1, 500) AS n",
        HOME,
    )
    async with served(stage):
        await sign_in(stage)
        await first_run_over(stage)
    assert stage.judge()["still_missing"] == []
