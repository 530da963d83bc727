"""The worlds by name: each a function of its seed, so that one seed gives one world."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import replace

from toottail.errors import UsageError
from toottail.simulator import town
from toottail.simulator.faults import Fault
from toottail.simulator.growth import DEEP, HOUR, MIXED, WIDE, Shape, grow, populate, sizes, start
from toottail.simulator.world import Account, Host, Status, World

SHAPES: tuple[Shape, ...] = (MIXED, WIDE, DEEP, MIXED)


def build(
    name: str,
    *,
    seed: int = 1,
    home: str = "mastodon",
    now: float | None = None,
    replies: int | None = None,
    origin: str | None = None,
    homes: int | None = None,
    members: int | None = None,
    sizes: Sequence[int] = (),
    settled: bool = False,
) -> World:
    """The world called ``name``.

    ``home`` is a key of `HOME_FLAVOURS`; ``replies`` sizes the worlds `large`, `levels` and
    `limits`, and ``origin``, a key of `FLAVOURS`, says who serves the thread of `large` and
    `levels`; ``homes`` and ``members``, or the members of each home in ``sizes``, size the worlds
    `town` (200 on 10 by default) and `city` (2,000 on 200). Where the city is ``settled``, its
    homes have all replies that were there at the start. ``now`` (Unix seconds) is when the
    newest posts were made. Raises `UsageError` for a name that is none.
    """
    names = [*sorted(_WORLDS), *_OF_MANY]
    if name not in names:
        raise UsageError(f"no world is called {name!r}; there are: {', '.join(names)}")
    world = World(seed, home=home, now=time.time() if now is None else now)
    if name in _OF_MANY:
        size, usual_homes, usual_members = _OF_MANY[name]
        among = sizes or town.evenly(members or usual_members, homes or usual_homes)
        found = size(among)
        town.found(world, replace(found, at_home=1.0) if settled else found)
    else:
        _WORLDS[name](world, replies, origin)
    world.belongings.furnish(world)
    return world


_WORLDS: dict[str, Callable[[World, int | None, str | None], None]] = {
    "tiny": lambda world, _replies, _origin: tiny(world),
    "small": lambda world, _replies, _origin: small(world),
    "faulty": lambda world, _replies, _origin: faulty(world),
    "large": lambda world, replies, origin: large(world, replies or 2000, origin or "mastodon"),
    "levels": lambda world, replies, origin: levels(world, replies or 300, origin or "mastodon"),
    "limits": lambda world, replies, _origin: limits(world, replies or 900),
}

# How large it is by the members of its homes, and how many homes and members it usually has.
_OF_MANY: dict[str, tuple[Callable[[Sequence[int]], town.Size], int, int]] = {
    "town": (town.town, 10, 200),
    "city": (town.city, 200, 2_000),
}


def tiny(world: World) -> None:
    """Three threads with 20 replies, four of them at home."""
    hosts = _hosts(world, 4)
    people = populate(world, hosts, 3)
    for number, shape in enumerate((MIXED, WIDE, DEEP)):
        root = start(world, people[number * 3], hours=number + 1)
        made = grow(world, root, (9, 6, 5)[number], people, shape)
        world.show(root, at=root.at)
        world.bring_home(made[: 2 - number])


def small(world: World) -> None:
    """A timeline of 40, about 400 missing replies, 150 to 200 at home, no faults.

    Most origins are like Mastodon, three speak only ActivityPub, three are like Hollo.
    """
    hosts = _hosts(world, 19) + _hosts(world, 3, "activitypub") + _hosts(world, 3, "hollo")
    people = populate(world, hosts, 5)
    _timeline(world, people, posts=26, boosts=5, replies=5, total=600)


def faulty(world: World) -> None:
    """A timeline of 60 where 30 % of the hosts have something wrong with them."""
    sound = _hosts(world, 22) + _hosts(world, 5, "mastodon45") + _hosts(world, 3, "activitypub")
    sound += _hosts(world, 3, "hollo") + _hosts(world, 2, "pleroma") + _hosts(world, 1, "api-off")
    sound += _hosts(world, 1, "takahe-like") + _hosts(world, 1, "gotosocial")
    victim = world.add_host("victim.example", "mastodon")
    broken = [
        world.add_host(f"{fault.kind}-{number}.example", "mastodon", fault)
        for number, fault in enumerate(_every_fault(victim.name), start=1)
    ]
    for host in broken:
        if host.faults[0].kind == "hostile":
            host.faults[0].victim = victim.name
    people = populate(world, [*sound, *broken], 4)
    for author in world.random.sample(people, len(people) // 20):
        author.nobot = True
    for author in world.random.sample(people, 4):
        author.muted = True
    _timeline(world, people, posts=40, boosts=7, replies=8, total=900, everywhere=broken)
    _spoil(world)


def large(world: World, replies: int = 2000, origin: str = "mastodon") -> None:
    """One thread over 25 hosts, deeper than 60 and with a wide root; 3 % of it at home."""
    first = world.add_host("big.example", origin)
    people = populate(world, [first, *_hosts(world, 24)], 12)
    root = start(world, people[0], hours=40)
    random, made = world.random, list[Status]()
    step = 36 * HOUR // (replies + 1)
    for number in range(replies):
        luck = random.random()
        if luck < 0.2 or not made:
            parent = root
        elif luck < 0.5:
            parent = max(made[-12:], key=lambda s: _depth(s) % 90)
        else:
            parent = random.choice(made)
        at = root.at + step * number + random.randrange(1, step)
        made.append(world.post(random.choice(people), parent, at=at))
    world.spread(root)
    world.show(root, at=root.at)
    for status in random.sample(made, len(made)):
        if _depth(status) < 9 and len(world.home.known) < 0.03 * replies:
            world.bring_home([status])


def levels(world: World, replies: int = 300, origin: str = "mastodon") -> None:
    """One thread of exactly three levels; half of its authors are on the host of its root.

    The levels are equally large. Every fourth reply of the lower ones is to the same busy reply,
    the others are spread over the level above. Nothing of it but the root is at home.
    """
    first = world.add_host("big.example", origin)
    people = populate(world, [first], 16) + populate(world, _hosts(world, 4), 4)
    root = start(world, people[0], hours=20)
    random, step = world.random, 18 * HOUR // (replies + 1)
    above, number = [root], 0
    for count in (replies - 2 * (replies // 3), replies // 3, replies // 3):
        made = []
        for _ in range(count):
            parent = above[0] if number % 4 == 0 else random.choice(above)
            at = root.at + step * number + random.randrange(1, step)
            made.append(world.post(random.choice(people), parent, at=at))
            number += 1
        above = made
    world.spread(root)
    world.show(root, at=root.at)


def limits(world: World, replies: int = 900) -> None:
    """Wide threads whose completion takes 2.5 times what a token allows in one period."""
    people = populate(world, _hosts(world, 25), 6)
    for number in range(30):
        root = start(world, people[number * 5], hours=number / 2 + 1)
        grow(world, root, max(1, replies // 30), people, WIDE)
        world.show(root, at=root.at)


def _hosts(world: World, count: int, flavour: str = "mastodon") -> list[Host]:
    first = len(world.hosts)
    return [world.add_host(f"host{first + n}.example", flavour) for n in range(count)]


def _depth(status: Status) -> int:
    return sum(1 for _ in status.ancestors())


def _every_fault(victim: str) -> list[Fault]:
    kinds = "dead slow 5xx bad-tls malformed huge bomb loop private drip 5xx-first"
    kinds += " 429 forbidden"
    return [
        *(Fault(kind) for kind in kinds.split()),
        # Each refusal without a time makes a client wait long, so once is enough.
        Fault("429-bare", first=1),
        Fault("robots"),
        Fault("crawl-delay", seconds=0.5),
        Fault("hostile", victim=victim),
    ]


def _timeline(
    world: World,
    people: Sequence[Account],
    *,
    posts: int,
    boosts: int,
    replies: int,
    total: int,
    everywhere: Sequence[Host] = (),
) -> None:
    """Fill the member's timeline: posts, boosts, replies to threads elsewhere, and others' secrets.

    ``everywhere`` lists hosts each of which must have a thread of its own.
    """
    random = world.random
    forced = [next(p for p in people if p.host == host.name) for host in everywhere]
    rest = posts + boosts + replies - len(forced)
    starters = forced + random.sample([p for p in people if p not in forced], rest)
    random.shuffle(starters)
    counts = sizes(random, total, len(starters))
    for number, (author, count) in enumerate(zip(starters, counts, strict=True)):
        root = start(world, author, hours=random.uniform(1, 30))
        made = grow(world, root, count, people, SHAPES[number % len(SHAPES)])
        at = random.randrange(root.at, world.now)
        if number < posts:
            world.show(root, at=at)
        elif number < posts + boosts:
            world.show(root, at=at, boosted_by=random.choice(people))
        else:
            shown = [s for s in made if 1 <= _depth(s) <= 4 and s.visibility == "public"]
            world.show(random.choice(shown or [root]), at=at)
        kept = [s for s in made if random.random() < 0.17]
        if len(kept) < len(made):
            world.bring_home(kept)
    for visibility in ("private", "direct", "private"):
        secret = start(world, random.choice(people), hours=random.uniform(1, 30))
        world.hide(secret, visibility)
        world.show(secret, at=secret.at)
    own = start(world, world.member, hours=3)
    grow(world, own, 3, people, WIDE)
    world.bring_home(own.branch())
    world.show(own, at=own.at)


def _spoil(world: World) -> None:
    """Delete some replies at their authors' hosts, and make some visible to followers only."""
    random = world.random
    replies = [s for s in world.statuses if s.parent and s not in world.home.known]
    for status in random.sample(replies, len(replies) // 25):
        world.delete(status)
    leaves = [s for s in replies if not s.children and not s.deleted]
    for status in random.sample(leaves, len(leaves) // 25):
        world.hide(status, "private")
