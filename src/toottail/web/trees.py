"""A conversation as a flat list in the order of reading: threads can be deeper than HTML allows."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from toottail.flow.verdicts import Kind, Verdict
from toottail.repository.explanations import Details
from toottail.service.explanation import Explanation
from toottail.types.service import StatusText
from toottail.types.trees import Node, in_order

DEEPEST = 8
"""Levels that are indented; deeper ones say their level instead."""
MOST_AT_ONCE = 200
"""Statuses on one page."""


@dataclass(frozen=True, slots=True)
class Leaf:
    """A status in a tree; ``text`` is None where the home told nothing of it."""

    node: Node
    verdict: Verdict
    details: Details
    text: StatusText | None
    depth: int

    @property
    def indent(self) -> int:
        """How far it is indented."""
        return min(self.depth, DEEPEST)


@dataclass(frozen=True, slots=True)
class Tree:
    """Part of a conversation, from its status number ``first`` on."""

    leaves: Sequence[Leaf]
    first: int
    total: int
    counts: Mapping[Kind, int]

    @property
    def earlier(self) -> int | None:
        """Where the part before begins."""
        return max(0, self.first - MOST_AT_ONCE) if self.first else None

    @property
    def later(self) -> int | None:
        """Where the next part begins."""
        following = self.first + MOST_AT_ONCE
        return following if following < self.total else None


def grown(found: Explanation, texts: Mapping[str, StatusText], first: int = 0) -> Tree:
    """The tree of a conversation. Replies to what is not known stand at the top."""
    order = list(in_order(found.nodes))
    shown = [
        Leaf(node, found.verdicts[node.uri], found.details[node.uri], texts.get(node.uri), depth)
        for node, depth in order[first : first + MOST_AT_ONCE]
    ]
    counts = Counter(verdict.kind for verdict in found.verdicts.values())
    return Tree(shown, first, len(order), counts)
