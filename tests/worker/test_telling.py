"""What a worker counts and logs of its visits."""

from __future__ import annotations

import asyncio

from structlog.testing import capture_logs

from tests.flow.conftest import OpenStage
from tests.flow.stage import HOME, people, thread
from tests.worker.services import first_run_over, sign_in
from toottail.repository.sealing import open_sealer
from toottail.servers.door import Door
from toottail.simulator.world import World
from toottail.worker.serve import serve


async def test_counts_and_the_log_tell_what_the_visits_did(open_stage: OpenStage) -> None:
    world = World(1, now=1_790_000_000.0)
    ada, bela, carl = people(world, "a.example", "b.example", "c.example")
    root, _ = thread(world, ada, [bela, carl, bela])
    world.show(root, at=root.at)
    stage = await open_stage(world)
    stop = asyncio.Event()
    with capture_logs() as logged:
        async with Door(stage.settings) as door:
            sealer = open_sealer(stage.settings)
            task = asyncio.create_task(serve(stage.settings, stage.database, door, sealer, stop))
            await sign_in(stage)
            await first_run_over(stage)
            assert door.counts.worker is not None
            assert door.counts.worker.takes_lanes
            stop.set()
            await asyncio.wait_for(task, 20)
            assert not door.counts.worker.takes_lanes
    counts = door.counts
    visits = [line for line in logged if line["event"] == "visit"]
    assert {line["lane"] for line in visits} >= {HOME, "a.example"}
    assert len({line["worker"] for line in visits}) == 1
    assert sum(counts.visits.values()) == len(visits) == sum(counts.visit_seconds.counts)
    assert counts.visits["drained"] > 0
    assert counts.looks["new"] > 0
    assert counts.resolves["delivered"] + counts.resolves["resolved"] == 3
    asked = sum(sum(kinds.values()) for kinds in stage.simulator.counters.by_host.values())
    assert sum(line["requests"] for line in visits) == sum(counts.requests.values()) == asked
    at_home = ",".join(line["resolves"] for line in visits if line["lane"] == HOME)
    assert "resolved:" in at_home or "delivered:" in at_home
    words = repr(logged)
    assert stage.simulator.home.token not in words
    assert "mira" not in words
