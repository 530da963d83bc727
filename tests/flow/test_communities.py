"""Threads of communities: seen through a comment first, or posted on another host than theirs."""

from __future__ import annotations

import pytest

from tests.flow.conftest import OpenStage
from tests.flow.stage import people
from tests.flow.test_whole_run import assert_all_came, assert_well_behaved
from toottail.simulator.apis import comment_views
from toottail.simulator.world import World
from toottail.simulator.worlds import build


@pytest.mark.parametrize("origin", ["lemmy", "piefed", "mbin"])
async def test_a_comment_in_the_timeline_leads_to_its_whole_thread(
    open_stage: OpenStage, origin: str
) -> None:
    world = build("levels", replies=12, origin=origin, home="gotosocial")
    world.timeline.clear()
    deep = next(
        status
        for status in world.statuses
        if status.host == "big.example" and status.parent and status.parent.parent
    )
    world.show(deep, at=deep.at)
    stage = await open_stage(world)
    outcome = await stage.fetch()
    assert_all_came(stage)
    assert_well_behaved(stage)
    assert outcome.finished
    assert stage.judge()["recovered"] == 10


async def test_the_host_of_the_community_tells_what_the_host_of_the_post_was_not_sent(
    open_stage: OpenStage, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(comment_views, "community_uri", lambda _: "https://talk.example/c/talk")
    world = World(1, home="gotosocial", now=1.7e9)
    (author,) = people(world, "posts.example", flavour="lemmy")
    (local,) = people(world, "talk.example", flavour="piefed")
    (other,) = people(world, "third.example")
    root = world.post(author, at=world.now - 7_200_000)
    above = world.post(local, root, at=root.at + 60_000)
    below = world.post(other, above, at=root.at + 120_000)
    for status in (root, above, below):
        world.hosts["talk.example"].learn(status)
    world.show(root, at=root.at)
    stage = await open_stage(world)
    await stage.fetch()
    assert stage.has(above)
    assert stage.has(below)
