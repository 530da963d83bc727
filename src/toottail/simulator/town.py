"""Worlds of many homes with many members, who see different but overlapping parts of it.

What a member sees is made when it is asked for: a part of what goes round at the home, chosen by a
seed of the member's own, and what came since the start.
"""

from __future__ import annotations

import zlib
from bisect import bisect
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from itertools import accumulate
from random import Random

from toottail.simulator.growth import DEEP, MIXED, WIDE, grow, populate, start
from toottail.simulator.world import Account, Host, Status, TimelineEntry, World

HOMES = ("mastodon45", "mastodon", "gotosocial", "hollo")
"""The homes' kinds, in turns."""
ENTRIES = 40
"""Statuses in a timeline at the start."""
_READERS = 4
"""A new post is in the timeline of one in so many members of a home that gets it."""
_FIRST_MEMBER = 20_000_000
_ORIGINS = ("mastodon",) * 6 + ("mastodon45",) * 2 + ("activitypub", "hollo")


@dataclass(frozen=True, slots=True)
class Size:
    """How large a world is; ``quiet`` is the part of its threads without replies."""

    members: tuple[int, ...]
    """Of each home."""
    rounds: tuple[int, ...]
    """Threads that go round at each home."""
    hosts: int
    threads: int
    replies: int
    """In all threads together."""
    quiet: float
    at_home: float = 0.17
    """The part of the replies that each home has from the start."""


def evenly(members: int, homes: int) -> tuple[int, ...]:
    """So many members on so many homes."""
    return tuple(members // homes + (number < members % homes) for number in range(homes))


def town(members: Sequence[int]) -> Size:
    """A world for homes with so many members each, in which nearly everything is talked about."""
    threads = max(40, 2 * sum(members))
    return Size(
        members=tuple(members),
        rounds=tuple(min(threads, max(ENTRIES, 15 * here // 2)) for here in members),
        hosts=min(300, 30 * len(members)),
        threads=threads,
        replies=61 * threads // 8,
        quiet=0.1,
    )


def city(members: Sequence[int]) -> Size:
    """A world for homes with so many members each: most posts have no replies, as in life."""
    everybody = sum(members)
    threads = max(400, 2 * everybody)
    return Size(
        members=tuple(members),
        rounds=tuple(min(threads, max(2 * ENTRIES, 30 * here)) for here in members),
        hosts=min(2_000, 300 + everybody // 5),
        threads=threads,
        replies=3 * threads // 2,
        quiet=0.75,
    )


@dataclass(slots=True)
class Townsfolk:
    """The members of one home; ``fresh`` is what was posted since the start, the newest first."""

    world: World
    members: list[Account]
    round: list[Status]
    fresh: list[Status] = field(default_factory=list)

    def timeline(self, member: Account) -> list[TimelineEntry]:
        """The newest first."""
        known = self.world.home.known
        chosen = Random(member.number).sample(self.round, min(ENTRIES, len(self.round)))
        chosen += [status for status in self.fresh if self.sees(member, status)]
        entries = [TimelineEntry(known[status], status.at, status) for status in chosen]
        entries.sort(key=lambda entry: entry.id, reverse=True)
        return entries

    def reads(self, post: Status) -> bool:
        """Whether a new post is in the timeline of any of them, once it is at home."""
        return any(self.sees(member, post) for member in self.members)

    def add(self, status: Status) -> None:
        """Something new, in the timelines of some; the home has it already."""
        self.fresh.insert(0, status)
        self.world.publish(TimelineEntry(self.world.home.known[status], status.at, status))

    def sees(self, member: Account, status: Status) -> bool:
        """Whether what is new is in the timeline of ``member``."""
        return zlib.crc32(f"{member.number} {status.number}".encode()) % _READERS == 0

    def shown(self) -> Iterable[Status]:
        """What any of them sees."""
        if len(self.members) * ENTRIES > 20 * len(self.round):
            return [*self.round, *self.fresh]  # each is in somebody's timeline, all but surely
        seen = {entry.status: None for m in self.members for entry in self.timeline(m)}
        return list(seen)


def found(world: World, size: Size) -> None:
    """Fill ``world`` with so much; its own home is the first one."""
    for number in range(1, len(size.members)):
        world.beside(f"home{number}.example", HOMES[number % len(HOMES)])
    hosts = [
        world.add_host(f"host{n}.example", _ORIGINS[n % len(_ORIGINS)])
        for n in range(1, size.hosts + 1)
    ]
    threads = _threads(world, hosts, size)
    _share_out(world, threads, size)


def _threads(world: World, hosts: Sequence[Host], size: Size) -> list[Status]:
    random = world.random
    people = populate(world, hosts, 3)
    lively = max(1, round(size.threads * (1 - size.quiet)))
    mean = size.replies / lively
    weights = [random.paretovariate(1.6) for _ in range(lively)]
    scale = size.replies / sum(weights)
    roots = []
    for number in range(size.threads):
        root = start(world, random.choice(people), hours=random.uniform(0.5, 30))
        if number < lively:
            count = min(max(1, round(weights[number] * scale)), round(12 * mean))
            # Who takes part in a thread comes from a small circle: hosts know each other's posts.
            first = random.randrange(len(people))
            circle = (people[first:] + people[:first])[:60]
            grow(world, root, count, circle, (MIXED, WIDE, DEEP)[number % 3])
        roots.append(root)
    random.shuffle(roots)
    return roots


def _share_out(world: World, threads: Sequence[Status], size: Size) -> None:
    """Each home gets its threads, the popular ones oftener, and its members."""
    random = world.random
    popularity = list(accumulate(1 / (rank + 20) for rank in range(len(threads))))
    for number, (home, here) in enumerate(zip(world.homes, size.members, strict=True)):
        chosen: dict[Status, None] = {}
        while len(chosen) < size.rounds[number]:
            chosen[threads[bisect(popularity, random.random() * popularity[-1])]] = None
        home.bring_home(chosen)
        for root in chosen:
            home.bring_home(s for s in root.branch() if s.parent and random.random() < size.at_home)
        first = _FIRST_MEMBER + number * 100_000
        people = [Account(first + n, f"member{n}", home.home.name) for n in range(here)]
        home.crowd = Townsfolk(home, people, list(chosen))
