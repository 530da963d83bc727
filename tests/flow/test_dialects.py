"""Threads that began on servers with an API of their own come home whole, over real sockets."""

from __future__ import annotations

import pytest

from tests.flow.conftest import OpenStage
from tests.flow.test_whole_run import assert_all_came, assert_well_behaved
from toottail.simulator.worlds import build

ORIGINS = [
    "hollo",
    "misskey",
    "sharkey",
    "firefish",
    "nodebb",
    "discourse",
    "friendica",
    "lemmy",
    "piefed",
    "mbin",
    "peertube",
    "pixelfed",
    "wordpress",
    "akkoma",
]
"""Flavours of the host where the thread began; half of its authors are there.

The home is one that has the ancestors of what it resolves at once: nothing must be waited for.
"""


@pytest.mark.parametrize("origin", ORIGINS)
async def test_a_thread_of_three_levels_comes_home_whole(
    open_stage: OpenStage, origin: str
) -> None:
    stage = await open_stage(build("levels", replies=60, origin=origin, home="gotosocial"))
    outcome = await stage.fetch()
    assert_all_came(stage)
    assert_well_behaved(stage)
    assert outcome.finished
    assert stage.judge()["recovered"] == 60
