"""A world of many homes that goes on while it is served: new posts, and replies to young threads.

How long each reply took from its posting until it was at a home that shows its thread is what
programs that complete conversations are judged by.
"""

from __future__ import annotations

import asyncio
import math
import time
from collections import defaultdict, deque
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
"""The part of the homes to which a new post is delivered by itself, if anybody there reads it."""
_ACTIVE_FOR = 600.0
"""So many seconds after a reply its thread is an active one."""


@dataclass(slots=True)
class Life:
    """What happens in ``world``: ``pace`` new replies a second, and a tenth as many new posts.

    ``made`` has each new reply with the homes whose members see its thread; ``in_active`` those of
    them that had another reply in their thread lately. ``posted`` has the new posts that somebody
    sees.
    """

    world: World
    pace: float
    made: list[tuple[Status, list[str]]] = field(default_factory=list)
    in_active: set[Status] = field(default_factory=set)
    posted: list[Status] = field(default_factory=list)
    posts: int = 0
    _active: deque[Status] = field(default_factory=lambda: deque(maxlen=_YOUNG))
    _people: list[Account] = field(default_factory=list)
    _shown_at: defaultdict[Status, list[str]] = field(default_factory=lambda: defaultdict(list))
    _answered: dict[Status, float] = field(default_factory=dict)

    async def go_on(self) -> None:
        """Until it is cancelled."""
        if not self._people:
            self._gather()
        while True:
            await asyncio.sleep(self.world.random.expovariate(self.pace))
            if self.world.random.random() < 0.1:
                self._post()
            else:
                self._reply()

    def _gather(self) -> None:
        """Finds who may post, and which threads are seen where."""
        homes = {world.home.name for world in self.world.homes}
        self._people = [account for account in self.world.accounts if account.host not in homes]
        for world in self.world.homes:
            for root in dict.fromkeys(status.root for status in world.shown()):
                self._shown_at[root].append(world.home.name)
        self._active.extend(sorted(self._shown_at, key=lambda root: root.at)[-_YOUNG:])

    def _post(self) -> None:
        random = self.world.random
        root = self.world.post(random.choice(self._people), at=int(time.time() * 1000))
        for home in self.world.homes:
            folk = home.crowd
            if isinstance(folk, Townsfolk) and random.random() < _GETS_POST and folk.reads(root):
                home.bring_home([root])
                folk.add(root)
                self._shown_at[root].append(home.home.name)
        self._active.append(root)
        self.posts += 1
        if root in self._shown_at:
            self.posted.append(root)

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
        self.note(reply, self._shown_at.get(root, []))

    def note(self, reply: Status, homes: list[str]) -> None:
        """``reply`` is new, and wanted at ``homes``."""
        at = reply.at / 1000
        self.made.append((reply, homes))
        if at - self._answered.get(reply.root, -math.inf) <= _ACTIVE_FOR:
            self.in_active.add(reply)
        self._answered[reply.root] = at

    def forget(self) -> None:
        """Counts anew from now on; which threads are active stays known."""
        self.made.clear()
        self.in_active.clear()
        self.posted.clear()

    def delays(
        self,
        arrivals: Mapping[str, Mapping[str, float]],
        until: float = math.inf,
        since: float = 0.0,
    ) -> dict[str, Any]:
        """Seconds from posting to arrival at a home; what is still away counts as waiting.

        ``arrivals`` has, by home, when (Unix seconds) each status came there. Only what was posted
        ``until`` then counts, and not before ``since``. ``active``: the same of those in active
        threads.
        """
        made = [one for one in self.made if since <= one[0].at / 1000 <= until]
        active = [(reply, homes) for reply, homes in made if reply in self.in_active]
        counted = {"new_replies": len(made), "new_posts": self.posts}
        return counted | _delays(made, arrivals) | {"active": _delays(active, arrivals)}

    def waits(self, arrivals: Mapping[str, Mapping[str, float]]) -> dict[str, list[float]]:
        """The delays one by one, by home, of homes that wanted any reply."""
        now = time.time()
        found: dict[str, list[float]] = {}
        for reply, homes in self.made:
            for home in homes:
                came = arrivals[home].get(reply.uri, now)
                found.setdefault(home, []).append(came - reply.at / 1000)
        return found

    def first_looks(self, begun: Mapping[str, float], until: float = math.inf) -> dict[str, Any]:
        """Seconds from when a member's timeline has a new post to its first look at its origin.

        ``begun`` has when (Unix seconds) each thread was first read, by its URI.
        """
        posted = [(post.at / 1000, begun.get(post.uri)) for post in self.posted]
        return _waited([(at, came) for at, came in posted if at <= until])


def _delays(
    made: Iterable[tuple[Status, list[str]]], arrivals: Mapping[str, Mapping[str, float]]
) -> dict[str, Any]:
    return _waited(
        [
            (reply.at / 1000, arrivals[home].get(reply.uri))
            for reply, homes in made
            for home in homes
        ]
    )


def _waited(wanted: Sequence[tuple[float, float | None]]) -> dict[str, Any]:
    """The figures of waits, each given by its begin and its end (None: it goes on)."""
    now = time.time()
    waited = [(now if end is None else end) - begin for begin, end in wanted]
    return {
        "wanted": len(waited),
        "came": sum(end is not None for _, end in wanted),
        "median": round(median(waited), 1) if waited else None,
        "p95": round(percentile(waited, 0.95), 1) if waited else None,
        "most": round(max(waited), 1) if waited else None,
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
