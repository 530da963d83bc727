"""One home as it is served: what it answers, what it fetches, what it lacks."""

from __future__ import annotations

from toottail.simulator.counters import Counters
from toottail.simulator.fetching import Fetching
from toottail.simulator.home import Home
from toottail.simulator.options import Options
from toottail.simulator.streaming import Streaming
from toottail.simulator.truth import Truth
from toottail.simulator.world import World


class Household:
    """The parts of one home; ``counters`` count what it is made to fetch."""

    def __init__(
        self, world: World, options: Options, counters: Counters, scopes: str | None
    ) -> None:
        self.world = world
        self.counters = counters
        self.truth = Truth(world)
        self.fetching = Fetching(world, options, counters)
        needed = world.home_flavour.search_scope
        usual = "read" if needed == "read" else "read:statuses read:search"
        self.home = Home(world, self.fetching, scopes or usual)
        self.streaming = Streaming(world, self.home, options.alive)
