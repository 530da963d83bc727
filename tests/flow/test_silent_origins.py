"""Origins that tell an unsigned reader nothing: what others know of the thread comes home."""

from __future__ import annotations

import pytest

from tests.flow.conftest import OpenStage
from tests.flow.stage import people, thread
from toottail.simulator.world import World

NOW = 1_790_000_000.0


@pytest.mark.parametrize("origin", ["takahe-like", "pleroma-closed"])
async def test_who_took_part_is_asked_where_the_origin_lists_no_replies(
    open_stage: OpenStage, origin: str
) -> None:
    world = World(1, home="gotosocial", now=NOW)
    (ada,) = people(world, "silent.example", flavour=origin)
    bela, chen, dara = people(world, "b.example", "c.example", "d.example")
    root, (above, beside) = thread(world, ada, [bela, chen])
    below = world.post(dara, above, at=root.at + 500_000)
    world.spread(root)
    world.show(root, at=root.at)
    world.bring_home([above])
    stage = await open_stage(world)
    outcome = await stage.fetch()
    assert outcome.finished
    assert stage.has(below)
    assert not stage.has(beside), "nobody whom we know of could tell of it"
    asked = stage.simulator.counters.by_host["silent.example"]
    assert sum(asked.values()) <= 3 + 3, "robots.txt, nodeinfo, and once for the post itself"
    (row,) = await stage.sql(
        "SELECT problem FROM looks WHERE host = 'silent.example' AND state = 'failed'"
    )
    assert row["problem"] != "it is gone"
