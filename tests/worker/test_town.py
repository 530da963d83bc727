"""Several workers serve many members of many homes: all comes home, nobody is asked too much."""

from __future__ import annotations

import asyncio
import os
import time
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr

from tests.worker.towns import take_in_all, workers
from toottail.repository.database import Database
from toottail.repository.sealing import open_sealer
from toottail.settings import Settings
from toottail.simulator.process import SimulatorProcess

WORKERS = 3
SPEED = ("--latency-scale", "0.3", "--resolve", "0.1", "--job", "0.05", "--late", "1")
# A tenth of Mastodon's periods: as many requests in 30 s as it allows in 300.
LIMITS = ("--throttle-scale", "0.1")
WITHIN = 300.0

# Three minutes on two cores: too long to be run each time.
pytestmark = pytest.mark.skipif(
    not os.environ.get("TOOTTAIL_TOWN"), reason="set TOOTTAIL_TOWN=1: it takes three minutes"
)


async def test_three_workers_make_a_town_whole_without_asking_anybody_twice_or_too_often(
    database: Database, database_url: str, data_dir: Path, tmp_path: Path
) -> None:
    settings = Settings(data_dir=data_dir, database_url=SecretStr(database_url))
    sealer = open_sealer(settings)
    shared = {"database_url": database_url, "data_dir": str(data_dir)}
    with SimulatorProcess("--world", "town", *SPEED, *LIMITS) as simulator:
        members = await take_in_all(database, sealer, simulator)
        began = time.monotonic()
        with workers(WORKERS, simulator, tmp_path, **shared):
            await _until_all_runs_ended(database)
            took = time.monotonic() - began
        found = simulator.report()
    visitors = await _visitors(database)
    _tell(found, members, took, visitors)
    assert members == 200
    assert len(found["homes"]) == 10
    assert found["missing_at_start"] > 7_000
    assert found["still_missing"] == []
    assert found["recovered"] == found["reachable"] > 7_000
    assert found["repeated_resolves"] == 0
    looks = found["looks"]
    assert looks["threads_again_within_60_s"] == 0, looks
    assert looks["again_within_60_s"] == 0, looks
    assert found["over_limit"] == {}
    assert len(visitors) == WORKERS, "all of them had lanes"


async def _until_all_runs_ended(database: Database) -> None:
    deadline = time.monotonic() + WITHIN
    while True:
        async with database.connection() as conn:
            left = await conn.fetchval("SELECT count(*) FROM runs WHERE ended_at IS NULL")
        if not left:
            return
        assert time.monotonic() < deadline, f"{left} members still wait"
        await asyncio.sleep(0.5)


async def _visitors(database: Database) -> dict[str, int]:
    """How many lanes each worker visited."""
    async with database.connection() as conn:
        rows = await conn.fetch(
            "SELECT worker::text AS worker, count(*) AS n FROM visits GROUP BY 1"
        )
    return {row["worker"]: row["n"] for row in rows}


def _tell(found: dict[str, Any], members: int, took: float, visitors: dict[str, int]) -> None:
    print(f"{members} members, {len(found['homes'])} homes, {took:.0f} s")
    print(f"{found['recovered']} of {found['reachable']} reachable replies came home")
    print(f"requests: {found['kinds']}")
    print(f"asked twice to resolve: {found['repeated_resolves']}; looks: {found['looks']}")
    print(f"over a limit: {found['over_limit']}; refused: {found['refused_429']}")
    print(f"visits by worker: {sorted(visitors.values())}")
    for name, home in found["homes"].items():
        print(f"  {name}: {home['recovered']} of {home['reachable']}")
