"""Names that another host serves, and hosts that show nobody any replies."""

from __future__ import annotations

from dataclasses import replace

import pytest
from pydantic import SecretStr

from tests.flow.conftest import OpenStage
from tests.flow.stage import HOME, people, thread
from tests.flow.test_threads import NOW, world_of
from tests.flow.test_whole_run import assert_all_came, assert_well_behaved
from toottail.simulator.flavours import FLAVOURS
from toottail.simulator.world import World
from toottail.simulator.worlds import build
from toottail.worker.run import fetch

NAME = "mira.example"


async def test_a_home_is_found_under_the_name_that_its_accounts_carry(
    open_stage: OpenStage,
) -> None:
    world = world_of()
    world.add_host(NAME, "display")
    ada, bela = people(world, "a.example", "b.example")
    root, replies = thread(world, ada, [bela] * 2)
    world.show(root, at=root.at)
    stage = await open_stage(world)
    token = SecretStr(stage.simulator.home.token)
    outcome = await fetch(stage.settings, stage.database, NAME, token)
    assert outcome.finished
    assert outcome.home == HOME
    assert all(stage.has(reply) for reply in replies)
    assert sum(stage.simulator.counters.by_host[NAME].values()) == 1
    again = await fetch(stage.settings, stage.database, NAME, token)
    assert again.finished
    assert sum(stage.simulator.counters.by_host[NAME].values()) == 1
    assert len(await stage.sql("SELECT home FROM members")) == 1


async def test_finding_the_home_under_its_own_name_costs_nothing_more(
    open_stage: OpenStage,
) -> None:
    stage = await open_stage(build("tiny", now=NOW))
    outcome = await stage.fetch()
    assert outcome.requests_home == stage.judge()["requests_home"]
    assert stage.asked(HOME, "nodeinfo") == 2


@pytest.mark.parametrize("named", ["root", "reply"])
async def test_a_host_without_any_way_is_asked_nothing_and_said_once(
    open_stage: OpenStage, named: str
) -> None:
    world = world_of()
    (sky,) = people(world, "bsky.example", flavour="bridgy")
    ada, bela = people(world, "a.example", "b.example")
    brought = []
    for _ in range(3):
        root, replies = thread(world, sky if named == "root" else ada, [sky, bela, sky])
        world.show(root if named == "root" else replies[0], at=root.at)
        brought += replies
    stage = await open_stage(world)
    outcome = await stage.fetch()
    assert outcome.finished
    judged = stage.simulator.counters.by_host["bsky.example"]
    assert judged["ap"] == judged["context"] == judged["other"] == 0
    assert sum(judged.values()) <= 3
    assert "bridges posts" in outcome.hosts_failed["bsky.example"]
    if named == "reply":
        assert all(stage.has(reply) for reply in brought)
        assert_all_came(stage)


async def test_posts_under_a_name_that_leads_to_another_host_are_read_there(
    open_stage: OpenStage,
) -> None:
    world = world_of()
    server = world.add_host("social.old.example", "mastodon")
    (ada,) = people(world, "old.example", flavour="display")
    bela, chen = people(world, "social.old.example", "b.example")
    root, replies = thread(world, ada, [bela, chen, bela])
    world.show(root, at=root.at)
    for status in root.branch():
        server.learn(status)
    server.by_id[world.hosts["old.example"].known[root]] = root
    stage = await open_stage(world)
    outcome = await stage.fetch()
    assert outcome.finished
    assert all(stage.has(reply) for reply in replies)
    assert sum(stage.simulator.counters.by_host["old.example"].values()) == 3
    stored = await stage.sql("SELECT uri, parent_uri FROM statuses WHERE parent_uri IS NOT NULL")
    assert {row["parent_uri"] for row in stored} == {root.uri}
    assert await stage.sql("SELECT server FROM hosts WHERE server IS NOT NULL") == [
        {"server": "social.old.example"}
    ]


async def test_book_reviews_come_home_with_their_replies(open_stage: OpenStage) -> None:
    world = build("levels", replies=60, origin="bookwyrm", home="gotosocial")
    big = world.hosts["big.example"]
    big.flavour = replace(big.flavour, robots=FLAVOURS["mastodon"].robots)  # else it takes minutes
    stage = await open_stage(world)
    outcome = await stage.fetch()
    assert_all_came(stage)
    assert outcome.finished


@pytest.mark.parametrize("origin", ["bookwyrm", "activitypub"])
async def test_a_host_that_knows_more_of_a_branch_than_the_origin_is_asked_for_it(
    open_stage: OpenStage, origin: str
) -> None:
    world = World(1, now=NOW, home="gotosocial")
    (ada,) = people(world, "a.example", flavour=origin)
    world.hosts["a.example"].flavour = replace(
        world.hosts["a.example"].flavour, robots=FLAVOURS["mastodon"].robots
    )
    bela, chen = people(world, "b.example", "c.example")
    root, (above, _) = thread(world, ada, [bela, chen])
    world.show(root, at=root.at)
    aside = [world.post(chen, above, at=root.at + 500_000 + n) for n in range(3)]
    for status in aside:
        world.hosts["b.example"].learn(status)
        world.hosts["c.example"].learn(above)
    stage = await open_stage(world)
    outcome = await stage.fetch()
    assert outcome.finished
    assert all(stage.has(status) for status in aside)
    assert_all_came(stage)


async def test_where_the_home_shows_what_the_origin_lacks_those_who_wrote_it_are_asked(
    open_stage: OpenStage,
) -> None:
    world = World(1, now=NOW, home="gotosocial")
    (ada,) = people(world, "a.example")
    bela, chen, dara = people(world, "b.example", "c.example", "d.example")
    root, (above, *_) = thread(world, ada, [bela, chen])
    world.show(root, at=root.at)
    aside = [world.post(chen, above, at=root.at + 500_000 + n) for n in range(4)]
    aside.append(world.post(dara, aside[0], at=root.at + 600_000))
    for status in aside:
        world.hosts["b.example"].learn(status)
    world.hosts["c.example"].learn(above)
    world.bring_home([aside[1]])
    stage = await open_stage(world)
    outcome = await stage.fetch()
    assert outcome.finished
    assert all(stage.has(status) for status in aside)
    assert_well_behaved(stage)
