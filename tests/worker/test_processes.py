"""Several processes on one database: frozen, killed, or at it together."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from tests.worker.runners import Runner, resolves, running, wait_until
from toottail.repository.database import Database
from toottail.simulator.process import SimulatorProcess

IN_FLIGHT = 4
# Answered, but not stored yet when the process died: the next request may be out by then.
BEING_STORED = 0
LEASE = "2"
SPEED = ["--latency-scale", "0.2", "--resolve", "0.3", "--job", "0.05", "--limit-scale", "20"]


def assert_whole(simulator: SimulatorProcess) -> dict[str, Any]:
    found = simulator.report()
    assert found["still_missing"] == []
    assert found["recovered"] == found["reachable"] > 0
    return found


async def test_a_process_frozen_past_its_lease_and_thawed_serves_no_lane_that_was_taken_over(
    database: Database, database_url: str
) -> None:
    settings = {"database_url": database_url, "lease": LEASE}
    with (
        SimulatorProcess("--world", "small", *SPEED) as simulator,
        running("first", simulator, **settings) as first,
    ):
        wait_until(lambda: resolves(simulator) >= 10)
        first.freeze()
        (row,) = await _rows(database, "SELECT id FROM workers")
        held = await _rows(database, "SELECT key FROM lanes WHERE lease_until IS NOT NULL")
        assert simulator.home in {one["key"] for one in held}
        with running("second", simulator, **settings) as second:
            wait_until(lambda: _has_resolved(second, simulator))
            first.thaw()
            reports = [first.outcome(), second.outcome()]
        found = assert_whole(simulator)
        log = simulator.requests()
    assert [one["finished"] for one in reports] == [True, True]
    assert found["repeated_resolves"] <= IN_FLIGHT + BEING_STORED
    assert found["most_in_flight"][simulator.home] <= IN_FLIGHT
    visits = await _rows(
        database,
        "SELECT key, epoch, worker, extract(epoch FROM started_at)::float AS began,"
        " extract(epoch FROM ended_at)::float AS ended FROM visits ORDER BY key, epoch",
    )
    assert_no_two_visits_at_once(visits)
    assert_only_holders_asked(visits, log, {row["id"]: first}, second)


def _has_resolved(runner: Runner, simulator: SimulatorProcess) -> bool:
    return any(runner.asked(one) and one["kind"] == "search" for one in simulator.requests())


def assert_no_two_visits_at_once(visits: list[dict[str, Any]]) -> None:
    for before, after in pairwise(visits):
        if before["key"] == after["key"] and before["ended"] is not None:
            assert before["ended"] <= after["began"]


def assert_only_holders_asked(
    visits: list[dict[str, Any]],
    log: list[dict[str, Any]],
    first: dict[Any, Runner],
    second: Runner,
) -> None:
    """Each request belongs to the process whose visit of that host was the last to begin.

    Which server is behind the name of a home is found out before any lane is taken.
    """
    on_its_way = 0.1
    for one in log:
        if one["host"] == "home.example" and one["kind"] == "nodeinfo":
            continue
        began = [v for v in visits if v["key"] == one["host"] and v["began"] <= one["time"]]
        holders = {first.get(began[-1]["worker"], second).name} if began else set()
        recent = [v for v in began if one["time"] - v["began"] < on_its_way]
        if recent and len(began) > len(recent):
            holders.add(first.get(began[-len(recent) - 1]["worker"], second).name)
        asker = second if second.asked(one) else next(iter(first.values()))
        assert asker.name in holders, one


@pytest.mark.parametrize("moment", [1, 40, 150])
def test_after_a_kill_the_same_command_goes_on_and_ends_complete(
    data_dir: Path, moment: int
) -> None:
    settings = {"data_dir": str(data_dir)}
    with SimulatorProcess("--world", "small", *SPEED) as simulator:
        with running("first", simulator, **settings) as first:
            wait_until(lambda: resolves(simulator) >= moment)
            first.kill()
        with running("second", simulator, **settings) as second:
            outcome = second.outcome()
        found = assert_whole(simulator)
    assert outcome["finished"]
    assert found["repeated_resolves"] <= IN_FLIGHT + BEING_STORED
    assert found["repeated_contexts"] <= 2 * 25, "looks in flight, at most two per host"
    assert found["refused_429"] == {}


def test_two_runs_at_once_share_a_database_and_the_work(data_dir: Path) -> None:
    settings = {"data_dir": str(data_dir)}
    with SimulatorProcess("--world", "small", *SPEED) as simulator:
        with (
            running("first", simulator, **settings) as first,
            running("second", simulator, **settings) as second,
        ):
            outcomes = [first.outcome(), second.outcome()]
        found = assert_whole(simulator)
    assert [one["finished"] for one in outcomes] == [True, True]
    assert found["repeated_resolves"] == found["repeated_contexts"] == 0
    assert found["requests_home"] <= 1.2 * found["floor_home"]["total"]
    assert max(found["most_in_flight"].values()) <= IN_FLIGHT
    conversations = {one["conversations"] for one in outcomes}
    assert len(conversations) == 1, "both read the whole timeline"


async def _rows(database: Database, statement: str) -> list[dict[str, Any]]:
    async with database.connection() as conn:
        return [dict(row.items()) for row in await conn.fetch(statement)]
