"""A third of the hosts is broken in every way: what can come comes, nobody is hurt."""

from __future__ import annotations

import logging

import pytest

from tests.flow.conftest import OpenStage
from tests.flow.stage import HOME
from toottail.simulator.worlds import build

SHORT = {"total_timeout": "3", "idle_timeout": "2", "connect_timeout": "2"}


async def test_in_a_world_full_of_faults_everything_reachable_comes_and_the_run_ends(
    open_stage: OpenStage, caplog: pytest.LogCaptureFixture, capsys: pytest.CaptureFixture[str]
) -> None:
    stage = await open_stage(build("faulty"), settings=SHORT, give_up=0.5)
    with caplog.at_level(logging.WARNING):
        outcome = await stage.fetch(within=100, max_wait=60)
    told = capsys.readouterr()
    assert "Traceback" not in told.out + told.err
    # The pretend servers complain when a client hangs up on them; nobody else may.
    assert not [r for r in caplog.records if r.exc_info and r.name != "aiohttp.server"]
    found = stage.judge()
    assert outcome.finished
    assert found["recovered"] == found["reachable"] > 100
    assert found["private_hits"] in (0, None)
    assert found["robots_violations"] == {}
    assert found["crawl_delay_violations"] == {}
    assert found["secrets_touched"] == 0
    told_to = {name for name in found["refused_429"] if not name.startswith("429")}
    assert told_to == set(), "only hosts told to refuse did so"
    (victim,) = found["victims"].values()
    assert victim["requests"] + victim["home_fetches"] <= 30
    in_flight = found["most_in_flight"]
    assert in_flight.pop(HOME) <= stage.settings.home_in_flight
    assert max(in_flight.values()) <= stage.settings.host_in_flight
    dead = [name for name in outcome.hosts_failed if name.startswith(("dead", "bad-tls", "5xx-3"))]
    assert len(dead) >= 2
