"""Hosts that answer signed requests only: read with an actor, named in words without."""

from __future__ import annotations

import pytest

from tests.flow.conftest import OpenStage
from tests.flow.stage import Stage
from tests.flow.test_whole_run import assert_all_came, assert_well_behaved
from toottail.simulator.faults import Fault
from toottail.simulator.worlds import build

BIG = "big.example"


def answers(stage: Stage, status: int) -> list[str]:
    """The paths of ActivityPub that the first host answered so."""
    log = stage.simulator.counters.log
    return [a.path for a in log if a.host == BIG and a.kind == "ap" and a.status == status]


@pytest.mark.parametrize("origin", ["gotosocial", "secure", "rfc9421"])
async def test_a_thread_that_only_signed_requests_show_comes_home_whole(
    open_stage: OpenStage, origin: str
) -> None:
    world = build("levels", replies=30, origin=origin, home="gotosocial")
    stage = await open_stage(world, actor=True)
    outcome = await stage.fetch()
    assert_all_came(stage)
    assert_well_behaved(stage)
    assert outcome.finished
    assert stage.judge()["recovered"] == 30
    log = stage.simulator.counters.log
    shown = {a.signed for a in log if a.host == BIG and a.kind == "ap" and a.status == 200}
    assert shown == {"rfc9421" if origin == "rfc9421" else "cavage"}
    # At most as many unsigned ones as may be on their way when the first is refused, and for a host
    # that wants the newer way one signed in the older.
    assert len(answers(stage, 401)) <= {"gotosocial": 0, "secure": 2, "rfc9421": 3}[origin]


async def test_what_was_learnt_of_a_hosts_signatures_is_known_to_the_next_run(
    open_stage: OpenStage,
) -> None:
    world = build("levels", replies=12, origin="rfc9421", home="gotosocial")
    stage = await open_stage(world, actor=True)
    await stage.fetch()
    (row,) = await stage.sql("SELECT signature FROM hosts WHERE host = $1", BIG)
    assert row["signature"] == "rfc9421"
    await stage.sql("UPDATE conversations SET next_look_at = now()")
    stage.reset_counters()
    await stage.fetch()
    assert answers(stage, 401) == []
    assert len(answers(stage, 200)) > 0


async def test_without_an_actor_the_run_says_what_would_help_and_asks_nothing_in_vain(
    open_stage: OpenStage,
) -> None:
    stage = await open_stage(build("levels", replies=12, origin="gotosocial", home="gotosocial"))
    outcome = await stage.fetch()
    assert outcome.finished
    assert "toottail actor" in outcome.hosts_failed[BIG]
    assert stage.simulator.counters.by_host[BIG].keys() == {"robots"}
    assert stage.judge()["robots_violations"] == {}


async def test_a_host_that_refuses_unsigned_requests_is_asked_once_without_an_actor(
    open_stage: OpenStage,
) -> None:
    world = build("levels", replies=12, origin="secure", home="gotosocial")
    stage = await open_stage(world)
    outcome = await stage.fetch()
    assert "TOOTTAIL_ACTOR_URL" in outcome.hosts_failed[BIG]
    assert len(answers(stage, 401)) <= 2


async def test_an_actor_that_a_host_does_not_know_is_refused_and_not_shown_around(
    open_stage: OpenStage,
) -> None:
    world = build("levels", replies=12, origin="gotosocial", home="gotosocial")
    stage = await open_stage(world, actor=True)
    stage.simulator.forget_actor()
    outcome = await stage.fetch()
    assert "refuses our signed requests" in outcome.hosts_failed[BIG]
    assert len(answers(stage, 401)) == 2, "one knock in each way"
    (row,) = await stage.sql("SELECT signature FROM hosts WHERE host = $1", BIG)
    assert row["signature"] == "refused"


async def test_rules_for_all_crawlers_do_not_bind_signed_requests(open_stage: OpenStage) -> None:
    world = build("levels", replies=12, origin="mastodon", home="gotosocial")
    world.hosts[BIG].faults.append(Fault("robots"))
    stage = await open_stage(world, actor=True)
    await stage.fetch()
    assert_all_came(stage)
    assert stage.judge()["robots_violations"] == {}, "no unsigned request went there"
    assert {a.signed for a in stage.simulator.counters.log if a.host == BIG} == {None, "cavage"}
