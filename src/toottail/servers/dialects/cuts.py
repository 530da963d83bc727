"""Where a capped context was cut, and what to ask next to see the rest: pure functions.

Mastodon lists, for anonymous readers, the first 60 descendants in depth-first order of their ids,
down to depth 20 (replies to oneself are then moved to the front of the list, so the order of the
list itself tells nothing). Two things follow for an answer that reached the cap:

- everything off the *last path* (from the asked status to the last one in that order) is complete;
- on the last path, and only there, later children are missing.

A status at the greatest depth that has replies hides them, whether the cap was reached or not.

Iceshrimp.NET has the same caps, but lists level by level: there an answer that reached the cap may
lack replies to any status of its last two levels.

The questions are chosen so that each brings much that is new. The context of a status repeats what
is listed below it already, so it is asked where that is at most half of an answer, and as high up
as that allows; higher up, only the direct children are asked for, by the ``replies`` collection.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field

from toottail.servers.entities import ApiStatus

_NEARLY = 0.9


@dataclass(frozen=True, slots=True)
class Caps:
    """What a host lists at most to anonymous readers; ``by_level``: not depth first."""

    ancestors: int = 40
    descendants: int = 60
    depth: int = 20
    by_level: bool = False


@dataclass(slots=True)
class Gaps:
    """Local ids: ask the context of these, the direct replies of those; the host's own counts
    disagree with a complete listing at ``disagreeing``."""

    contexts: list[str] = field(default_factory=list)
    replies: list[str] = field(default_factory=list)
    disagreeing: list[str] = field(default_factory=list)


def find_gaps(asked: str, descendants: Iterable[ApiStatus], caps: Caps | None) -> Gaps:
    """The gaps in one context of the status ``asked`` (its local id).

    ``caps`` None says that the host lists everything it has.
    """
    tree = _Tree(asked, descendants)
    gaps: set[str] = set()
    if caps is not None:
        gaps = tree.hidden_below(caps.depth)
        # Followers-only replies count against the cap but are not shown: nearly full is full.
        if len(tree.nodes) >= _NEARLY * caps.descendants:
            if caps.by_level:
                gaps.update(tree.lacking_by_level())
            else:
                path = tree.last_path()
                gaps.update(node for node in path if node == asked or tree.lacks(node))
    found = tree.questions(gaps, caps.descendants) if caps is not None and gaps else Gaps()
    found.disagreeing = [node for node in tree.nodes if node not in gaps and tree.lacks(node)]
    return found


def _by_time(local_id: str) -> tuple[int, str]:
    return len(local_id), local_id


class _Tree:
    def __init__(self, asked: str, descendants: Iterable[ApiStatus]) -> None:
        self.asked = asked
        self.nodes = {status.id: status for status in descendants if status.id != asked}
        self.children: dict[str, list[str]] = defaultdict(list)
        for local_id in sorted(self.nodes, key=_by_time):
            parent = self.nodes[local_id].in_reply_to_id
            if parent is not None:
                self.children[parent].append(local_id)
        self.depth = {asked: 0}
        self.order: list[str] = []
        stack = [asked]
        while stack:
            node = stack.pop()
            self.order.append(node)
            for child in reversed(self.children.get(node, ())):
                if child not in self.depth:
                    self.depth[child] = self.depth[node] + 1
                    stack.append(child)

    def lacks(self, node: str) -> bool:
        """Whether the host counts more replies to ``node`` than it listed."""
        return (self.nodes[node].replies_count or 0) > len(self.children.get(node, ()))

    def hidden_below(self, depth: int) -> set[str]:
        return {node for node in self.order if self.depth[node] == depth and self.lacks(node)}

    def lacking_by_level(self) -> set[str]:
        """What may have more replies where a listing by levels was cut."""
        lacking = {node for node in self.nodes if self.lacks(node)}
        only_direct = all(self.depth.get(node, 1) == 1 for node in self.nodes)
        return lacking | {self.asked} if only_direct else lacking

    def last_path(self) -> list[str]:
        node = self.order[-1]
        path = [node]
        while node != self.asked:
            node = self.nodes[node].in_reply_to_id or self.asked
            path.append(node)
        return path[::-1]

    def questions(self, gaps: set[str], full: int) -> Gaps:
        size = dict.fromkeys(self.order, 0)
        within = {node: int(node in gaps) for node in self.order}
        unseen = {node: self._missing(node) if node in gaps else 0 for node in self.order}
        for node in reversed(self.order[1:]):
            parent = self.nodes[node].in_reply_to_id or self.asked
            size[parent] += size[node] + 1
            within[parent] += within[node]
            unseen[parent] += unseen[node]
        found = Gaps()
        stack = [self.asked]
        while stack:
            node = stack.pop()
            below = [child for child in self.children.get(node, ()) if within.get(child)]
            joins = len(below) > 1 and size[node] + unseen[node] <= full
            if node != self.asked and size[node] <= full // 2 and (node in gaps or joins):
                found.contexts.append(node)
                continue
            if node in gaps:
                found.replies.append(node)
            stack.extend(below)
        return found

    def _missing(self, node: str) -> int:
        if node == self.asked:
            return 0
        listed = len(self.children.get(node, ()))
        return max(0, (self.nodes[node].replies_count or 0) - listed)
