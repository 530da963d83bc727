"""A world of many homes that goes on while it is served: new posts, and replies to young threads.

How long each reply took from its posting until it was at a home that shows its thread is what
programs that complete conversations are judged by.
"""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from statistics import median
from typing import Any

from toottail.simulator.town import Townsfolk
from toottail.simulator.world import Account, Status, World

_YOUNG = 600
"""So many of the newest threads are the ones in which people talk."""
_TOWARDS_THE_LIVELY = 0.8
_GETS_POST = 0.15
"""The part of the homes to which a new post is delivered by itself."""


@dataclass(slots=True)
class Life:
    """What happens in ``world``: ``pace`` new replies a second, and a tenth as many new posts.

    ``made`` has each new reply with the homes whose members see its thread.
    """

    world: World
    pace: float
    made: list[tuple[Status, list[str]]] = field(default_factory=list)
    posts: int = 0
    _active: deque[Status] = field(default_factory=lambda: deque(maxlen=_YOUNG))
    _people: list[Account] = field(default_factory=list)

    async def go_on(self) -> None:
        """Until it is cancelled."""
        homes = {world.home.name for world in self.world.homes}
        self._people = [account for account in self.world.accounts if account.host not in homes]
        shown = {status.root for world in self.world.homes for status in world.shown()}
        self._active.extend(sorted(shown, key=lambda root: root.at)[-_YOUNG:])
        while True:
            await asyncio.sleep(self.world.random.expovariate(self.pace))
            if self.world.random.random() < 0.1:
                self._post()
            else:
                self._reply()

    def _post(self) -> None:
        random = self.world.random
        root = self.world.post(random.choice(self._people), at=int(time.time() * 1000))
        for home in self.world.homes:
            if isinstance(home.crowd, Townsfolk) and random.random() < _GETS_POST:
                home.bring_home([root])
                home.crowd.add(root)
        self._active.append(root)
        self.posts += 1

    def _reply(self) -> None:
        random = self.world.random
        # Most replies go where others just went: to the few threads that are lively.
        lively = len(self._active) // 20 or 1
        among = lively if random.random() < _TOWARDS_THE_LIVELY else len(self._active)
        root = self._active[-1 - random.randrange(among)]
        branch = [status for status in root.branch() if status.listable]
        parent = root if random.random() < 0.4 else random.choice(branch)
        reply = self.world.post(random.choice(self._people), parent, at=int(time.time() * 1000))
        deliver(self.world, reply)
        homes = [home.home.name for home in self.world.homes if root in home.home.known]
        self.made.append((reply, homes))

    def delays(self, arrivals: Mapping[str, Mapping[str, float]]) -> dict[str, Any]:
        """Seconds from posting to arrival at a home; what is still away counts as waiting.

        ``arrivals`` has, by home, when (Unix seconds) each status came there.
        """
        now = time.time()
        waited, came = list[float](), 0
        for reply, homes in self.made:
            for home in homes:
                at = arrivals[home].get(reply.uri)
                came += at is not None
                waited.append((now if at is None else at) - reply.at / 1000)
        return {
            "new_replies": len(self.made),
            "new_posts": self.posts,
            "wanted": len(waited),
            "came": came,
            "median": round(median(waited), 1) if waited else None,
            "p95": round(percentile(waited, 0.95), 1) if waited else None,
        }


def percentile(values: Iterable[float], part: float) -> float:
    """The value below which a part of ``values``, at least one, lies."""
    ordered: Sequence[float] = sorted(values)
    return ordered[min(len(ordered) - 1, int(part * len(ordered)))]


def deliver(world: World, reply: Status) -> None:
    """A new reply reaches its thread's host and those of who is above it, as by `World.spread`."""
    world.hosts[reply.root.host].learn(reply)
    for above in reply.ancestors():
        world.hosts[above.host].learn(reply)
        world.hosts[reply.host].learn(above)
