"""How threads grow: hosts with authors, conversations in natural shapes."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from random import Random

from toottail.simulator.world import Account, Host, Status, World

HOUR = 3_600_000
_NAMES = tuple(
    re.findall(
        r"\w+",
        "ada bela chen dara emre fynn gita hugo ines jaro kofi lena milo nora omar pia "
        "quin rosa sami tove ugo vera wout xena yara zoe ",
    )
)


@dataclass(frozen=True, slots=True)
class Shape:
    """How replies choose what they answer: the root, the newest reply (a chain), or any reply."""

    root: float
    chain: float


WIDE = Shape(root=0.8, chain=0.05)
DEEP = Shape(root=0.12, chain=0.75)
MIXED = Shape(root=0.45, chain=0.2)


def populate(world: World, hosts: Sequence[Host], authors: int) -> list[Account]:
    """``authors`` accounts on each of ``hosts``."""
    return [
        world.add_account(host, f"{_NAMES[(i + 5 * n) % len(_NAMES)]}{'' if i < 26 else i}")
        for n, host in enumerate(hosts)
        for i in range(authors)
    ]


def sizes(random: Random, total: int, threads: int) -> list[int]:
    """``threads`` sizes that follow a power law and add up to ``total``."""
    weights = [random.paretovariate(1.1) for _ in range(threads)]
    scale = total / sum(weights)
    result = [max(1, round(weight * scale)) for weight in weights]
    result[result.index(max(result))] += total - sum(result)
    return result


def grow(
    world: World, root: Status, replies: int, authors: Sequence[Account], shape: Shape
) -> list[Status]:
    """Add ``replies`` to ``root`` and deliver them. Returns them in the order of posting.

    Some authors answer themselves; one in twelve replies is unlisted.
    """
    random = world.random
    step = max(2, (world.now - HOUR // 6 - root.at) // (replies + 1))
    crowd = random.sample(authors, min(len(authors), 3 + replies // 2))
    made: list[Status] = []
    for number in range(replies):
        parent = _answered(random, root, made, shape)
        author = parent.author if random.random() < 0.08 else random.choice(crowd)
        at = root.at + step * number + random.randrange(1, step)
        visibility = "unlisted" if random.random() < 0.08 else "public"
        made.append(world.post(author, parent, at=at, visibility=visibility))
    world.spread(root)
    return made


def _answered(random: Random, root: Status, made: list[Status], shape: Shape) -> Status:
    luck = random.random()
    if not made or luck < shape.root:
        return root
    return made[-1] if luck < shape.root + shape.chain else random.choice(made)


def start(world: World, author: Account, *, hours: float, visibility: str = "public") -> Status:
    """A new root, posted ``hours`` ago."""
    return world.post(author, at=world.now - int(hours * HOUR), visibility=visibility)
