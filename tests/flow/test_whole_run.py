"""One run on small worlds, real sockets and a real database: all that is reachable comes home."""

from __future__ import annotations

import pytest

from tests.flow.conftest import OpenStage
from tests.flow.stage import HOME, Stage
from toottail.simulator.worlds import build

HOMES = ["mastodon", "gotosocial", "takahe", "never", "mastodon45"]


def assert_all_came(stage: Stage) -> None:
    found = stage.judge()
    assert found["still_missing"] == []
    assert found["recovered"] == found["reachable"] > 0


def assert_well_behaved(stage: Stage) -> None:
    found = stage.judge()
    assert found["refused_429"] == {}
    assert found["robots_violations"] == {}
    assert found["crawl_delay_violations"] == {}
    assert found["secrets_touched"] == 0
    assert found["private_hits"] in (0, None)
    assert found["repeated_resolves"] == 0
    in_flight = found["most_in_flight"]
    assert in_flight.pop(HOME) <= stage.settings.home_in_flight
    assert max(in_flight.values(), default=0) <= stage.settings.host_in_flight


@pytest.mark.parametrize("home", HOMES)
async def test_a_tiny_world_becomes_whole_on_every_kind_of_home(
    open_stage: OpenStage, home: str
) -> None:
    stage = await open_stage(build("tiny", home=home), late=0.5)
    outcome = await stage.fetch()
    assert_all_came(stage)
    assert_well_behaved(stage)
    found = stage.judge()
    assert outcome.finished
    assert outcome.problem is None
    assert outcome.conversations == outcome.statuses_read == 3
    assert outcome.requests_home == found["requests_home"]
    assert outcome.requests_remote == found["requests_remote"]
    assert outcome.requests == outcome.requests_home + outcome.requests_remote
    assert outcome.not_obtained == outcome.unreachable == outcome.unattached == 0
    if home != "mastodon45":  # what that one fetched by itself was there when it was looked at
        assert outcome.delivered == found["recovered"]
    assert outcome.replies_found == outcome.already_there + outcome.delivered


# A home without rate headers is taken to allow what Mastodon does, so 300 resolves would wait.
@pytest.mark.parametrize("home", [home for home in HOMES if home != "takahe"])
async def test_a_timeline_of_forty_becomes_whole_with_few_requests(
    open_stage: OpenStage, home: str
) -> None:
    stage = await open_stage(build("small", home=home))
    outcome = await stage.fetch()
    assert_all_came(stage)
    assert_well_behaved(stage)
    found = stage.judge()
    assert found["requests_home"] <= 1.2 * found["floor_home"]["total"]
    looks = await stage.sql("SELECT how, state, count(*) FROM looks GROUP BY 1, 2 ORDER BY 1, 2")
    assert found["requests_remote"] <= 1.2 * found["floor_remote"]["total"], looks
    assert outcome.finished
    assert outcome.statuses_read == 40

    stage.reset_counters()
    again = await stage.fetch()
    found = stage.judge()
    assert again.finished
    assert found["requests_home"] <= 1, "a second run right after only reads the timeline"
    assert found["requests_remote"] == 0, "no look is due yet"
    assert (again.delivered, again.requests) == (0, found["requests_home"])
    assert again.already_there == outcome.already_there + outcome.delivered


async def test_a_dry_run_asks_the_home_for_nothing_and_the_next_run_goes_on_from_there(
    open_stage: OpenStage,
) -> None:
    stage = await open_stage(build("tiny"))
    planned = await stage.fetch(dry=True)
    assert stage.asked(HOME, "search") == 0
    assert stage.judge()["recovered"] == 0
    looked = stage.judge()["requests_remote"]
    assert planned.finished
    outcome = await stage.fetch()
    assert_all_came(stage)
    resolved = set(stage.simulator.counters.resolves)
    assert set(planned.would_resolve) == resolved
    assert outcome.requests_remote == stage.judge()["requests_remote"] - looked == 0
