"""Verdicts: what became of each status of a conversation at one home, in words for people."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from toottail.flow.plan import Plan
from toottail.types.trees import DeliveryState, Node

Kind = Literal[
    "at_home",
    "delivered",
    "unattached",
    "not_obtained",
    "unreachable",
    "opted_out",
    "not_yet",
]

_BY_STATE: dict[DeliveryState | None, tuple[Kind, str]] = {
    "already_there": ("at_home", "at home already"),
    "delivered": ("delivered", "delivered"),
    "resolved": ("unattached", "brought home; its place there has not been seen yet"),
    "unattached": ("unattached", "brought home"),
    "expected": ("not_yet", "should come along with a reply below it"),
    "pending": ("not_yet", "not yet asked for"),
    "not_obtained": ("not_obtained", "asked for, not obtained"),
    "given_up": ("not_obtained", "asked for, not obtained, given up"),
    None: ("not_yet", "not yet asked for"),
}


@dataclass(frozen=True, slots=True)
class Verdict:
    """``kind`` is for programs, ``words`` for people; ``observed`` is what the home did."""

    kind: Kind
    words: str
    observed: str | None = None


def verdicts(nodes: Sequence[Node], planned: Plan, *, looked: bool) -> Mapping[str, Verdict]:
    """The verdict on each node, by its URI; a pure function.

    ``planned`` is the next round for these nodes, ``looked`` whether the conversation's first look
    is over: before that, what is lacking is simply not known yet.
    """
    return {node.uri: _judge(node, planned, looked=looked) for node in nodes}


def _judge(node: Node, planned: Plan, *, looked: bool) -> Verdict:
    kind, words = _BY_STATE[node.state]
    reason = planned.unreachable.get(node.uri)
    if kind not in ("not_yet", "not_obtained"):
        return Verdict(kind, words, node.observed)
    if node.unnamed and kind == "not_yet":
        # A home that fetches what is above a reply may bring it along all the same.
        return Verdict("opted_out" if node.opted_out else "unreachable", node.unnamed)
    if kind == "not_obtained":
        return Verdict(kind, words, node.observed)
    if reason is not None:
        return Verdict("unreachable", f"out of reach: {reason}")
    if not looked:
        return Verdict("not_yet", "not yet: the conversation is still being looked at")
    if node.uri in planned.resolve:
        return Verdict("not_yet", "not yet: it is asked for next", node.observed)
    if node.uri in planned.along:
        return Verdict("not_yet", "not yet: it should come along with a reply below it")
    return Verdict("not_yet", f"not yet: {words}" if node.state == "expected" else words)
