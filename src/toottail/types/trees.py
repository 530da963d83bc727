"""One conversation as a home sees it: the tree that deliveries are planned on."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

DeliveryState = Literal[
    "pending",
    "expected",
    "resolved",
    "delivered",
    "unattached",
    "already_there",
    "not_obtained",
    "given_up",
]

AT_HOME: frozenset[DeliveryState] = frozenset({"already_there", "delivered"})
"""Seen below the root in the home's own context, or proven to hang there."""
LOST: frozenset[DeliveryState] = frozenset({"not_obtained", "given_up"})
"""The home was asked and did not bring it."""


@dataclass(frozen=True, slots=True)
class Node:
    """A status of a conversation and what is known of it at one home.

    ``state`` is None while the home was never asked for it and never showed it. ``answers`` tells
    whether its author's host answered lately (None: nobody asked). ``believed`` is False where the
    host that named it has named too much there that was not confirmed. ``barred`` says why the
    operator wants its host left alone, in words for people; ``shut_out`` that the home blocks it.
    """

    uri: str
    parent_uri: str | None
    host: str
    placed: bool = True
    state: DeliveryState | None = None
    local_id: str | None = None
    tries: int = 0
    answers: bool | None = None
    listed_by: str = ""
    opted_out: bool = False
    gone: bool = False
    observed: str | None = None
    barred: str | None = None
    shut_out: bool = False

    @property
    def unnamed(self) -> str | None:
        """Why it is not asked for by name, None where it may be."""
        if self.opted_out:
            return "its author asks not to be fetched (nobot)"
        return f"{self.host}: {self.barred}" if self.barred is not None else None


def in_order(nodes: Sequence[Node]) -> Iterator[tuple[Node, int]]:
    """Each node below its parent, with its depth.

    Those whose parent is not known are on top, and so is what is left on a circle, where it is
    entered first.
    """
    known = {node.uri for node in nodes}
    below: dict[str | None, list[Node]] = defaultdict(list)
    for node in nodes:
        below[node.parent_uri if node.parent_uri in known else None].append(node)
    seen: set[str] = set()
    for top in (*below[None], *nodes):
        ends = [(top, 0)]
        while ends:
            node, depth = ends.pop()
            if node.uri in seen:
                continue
            seen.add(node.uri)
            yield node, depth
            ends += [(child, depth + 1) for child in reversed(below[node.uri])]
