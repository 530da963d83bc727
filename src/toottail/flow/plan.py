"""What to resolve next in one conversation at one home: a pure function of its tree.

A home that fetches the ancestors of what it resolves is asked for the deepest missing leaves only.
That is safe where every missing ancestor can be fetched: a dead or deleted one in the middle leaves
an orphan that nobody sees. So a leaf is asked for directly only when the hosts of all missing
ancestors answered lately; otherwise, and at homes that fetch no ancestors, replies are asked for
from the top down. When a leaf is not obtained, its parent is the leaf of the next round.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace

from toottail.types.trees import AT_HOME, LOST, Node

CHUNK = 20
"""Most levels of missing ancestors that one resolve is to bring along."""
# What was at home before a round brought nothing along.
_CARRIERS = frozenset({"delivered", "resolved", "expected", "unattached"})
# What may be resolved in a round; what was expected is, where what was to bring it did not come.
_WANTED = frozenset({None, "pending", "expected"})
FIRST_TRUST = 10
"""So many URIs that one host names on another are tried before any is confirmed."""
DEAD_TRUST = 2
"""So many where the other one does not answer us: perhaps it answers the home."""


@dataclass(frozen=True, slots=True)
class Plan:
    """The next round: what to resolve now, what must wait for which hosts, what cannot come.

    ``along`` are ancestors that the round is expected to bring by itself. ``held`` says that more
    would be resolved, had what is under way elsewhere confirmed it already. ``unreachable`` gives
    the reason for each reply that no resolve can bring, in words for people.
    """

    resolve: tuple[str, ...] = ()
    along: tuple[str, ...] = ()
    wait_for: frozenset[str] = frozenset()
    held: bool = False
    unreachable: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Trust:
    """How often what one host named on another was confirmed, and how often not, so far."""

    confirmed: int = 0
    refuted: int = 0
    open: int = 0

    def allowance(self, answers: bool | None) -> int:
        """How many more of its names may be tried now; ``answers`` as in `Node`."""
        most = FIRST_TRUST * (1 + self.confirmed)
        if self.confirmed == 0 and answers is False:
            most = DEAD_TRUST
        return max(0, most - self.refuted - self.open)


def plan(
    nodes: Iterable[Node],
    *,
    climbs: bool,
    trust: Mapping[tuple[str, str], Trust] | None = None,
) -> Plan:
    """The next round for one conversation.

    ``climbs`` says that the home fetches the ancestors of what it resolves. ``trust`` is keyed by
    (host that named, host named); pairs that are absent count as never tried.
    """
    return _Planner({node.uri: node for node in nodes}, climbs, trust or {}).plan()


def needs_trust(node: Node) -> bool:
    """Whether a plan may depend on what is known of who named ``node``."""
    return node.listed_by != node.host and node.state in _WANTED


class _Planner:
    def __init__(
        self,
        nodes: dict[str, Node],
        climbs: bool,
        trust: Mapping[tuple[str, str], Trust],
    ) -> None:
        self.nodes = nodes
        self.climbs = climbs
        self.trust = trust
        self.used: Counter[tuple[str, str]] = Counter()
        self.unreachable: dict[str, str] = {}
        self.children: dict[str, list[Node]] = defaultdict(list)
        for node in nodes.values():
            if node.parent_uri is not None:
                self.children[node.parent_uri].append(node)

    def plan(self) -> Plan:
        order = self._top_down()
        self._drop_vain_hopes(order)
        for node in order:
            self._judge(node)
        resolve: dict[str, None] = {}
        along: dict[str, None] = {}
        wait_for: set[str] = set()
        for node in order:
            if self._wanted(node) and not self._carried(node):
                self._place(node, resolve, along, wait_for)
        chosen = [uri for uri in resolve if self._believe(self.nodes[uri])]
        for uri, node in self.nodes.items():
            if uri in resolve and uri not in chosen and self._doubted(node):
                self.unreachable[uri] = _doubt(node)
        return Plan(
            resolve=tuple(chosen),
            along=tuple(uri for uri in along if uri not in resolve),
            wait_for=frozenset(wait_for),
            held=any(uri not in chosen and uri not in self.unreachable for uri in resolve),
            unreachable=self.unreachable,
        )

    def _top_down(self) -> list[Node]:
        """Parents before children; what has no known parent comes last."""
        order: list[Node] = []
        seen: set[str] = set()
        tops = sorted(
            (n for n in self.nodes.values() if n.parent_uri not in self.nodes),
            key=lambda n: not n.placed,
        )
        # The nodes of a cycle that a hostile host made up have no top and are left out.
        queue = list(tops)
        for node in queue:
            if node.uri not in seen:
                seen.add(node.uri)
                order.append(node)
                queue.extend(self.children[node.uri])
        return order

    def _drop_vain_hopes(self, order: list[Node]) -> None:
        """What was to come along with a reply that did not come is wanted by itself."""
        for node in reversed(order):
            if node.state == "expected" and not any(
                self.nodes[child.uri].state in _CARRIERS for child in self.children[node.uri]
            ):
                self.nodes[node.uri] = replace(node, state=None)
        for position, node in enumerate(order):
            order[position] = self.nodes[node.uri]
        for siblings in self.children.values():
            siblings[:] = [self.nodes[child.uri] for child in siblings]

    def _judge(self, node: Node) -> None:
        """Says why ``node`` cannot come, where that is known; its parent was judged before."""
        if node.state in AT_HOME or node.state in ("resolved", "expected"):
            return
        parent = self.nodes.get(node.parent_uri) if node.parent_uri else None
        if node.gone:
            self.unreachable[node.uri] = "its author's server says it is gone"
        elif node.shut_out:
            self.unreachable[node.uri] = f"the home blocks {node.host}"
        elif node.unnamed and not (self.climbs and self.children[node.uri]):
            self.unreachable[node.uri] = node.unnamed
        elif node.state in LOST:
            pass
        elif parent is not None and self._blocks(parent):
            self.unreachable[node.uri] = "the reply above it could not be brought home"

    def _blocks(self, parent: Node) -> bool:
        return parent.state in LOST or parent.uri in self.unreachable

    def _wanted(self, node: Node) -> bool:
        return (
            node.state in (None, "pending")
            and node.uri not in self.unreachable
            and not node.unnamed
        )

    def _carried(self, node: Node) -> bool:
        """Whether a wanted reply below will bring ``node`` along."""
        if not self.climbs:
            return False
        below = list(self.children[node.uri])
        while below:
            child = below.pop()
            if self._wanted(child) or child.state in ("resolved", "expected"):
                return True
            if child.unnamed and child.uri not in self.unreachable:
                below.extend(self.children[child.uri])
        return False

    def _place(
        self,
        leaf: Node,
        resolve: dict[str, None],
        along: dict[str, None],
        wait_for: set[str],
    ) -> None:
        chain = self._missing_chain(leaf)
        if not self.climbs:
            if len(chain) == 1:
                resolve[leaf.uri] = None
            elif not chain[-1].unnamed:
                resolve[chain[-1].uri] = None
            return
        start = max(0, len(chain) - CHUNK)
        while chain[start].unnamed:
            start -= 1  # the leaf itself is none: a chunk ends at what may be asked for by name
        top = chain[start:]
        above = top[1:]
        unknown = {node.host for node in above if node.answers is None}
        if unknown:
            wait_for |= unknown
        elif all(node.answers for node in above):
            resolve[top[0].uri] = None
            along.update(dict.fromkeys(node.uri for node in above))
        else:
            first = next((node for node in reversed(chain) if not node.unnamed), leaf)
            resolve[first.uri] = None

    def _missing_chain(self, leaf: Node) -> list[Node]:
        """``leaf`` and its ancestors, up to what the home has or is already fetching."""
        chain = [leaf]
        seen = {leaf.uri}
        while True:
            parent = self.nodes.get(chain[-1].parent_uri or "")
            if parent is None or parent.uri in seen or parent.state in AT_HOME:
                return chain
            if parent.state in ("resolved", "expected", "unattached"):
                return chain
            seen.add(parent.uri)
            chain.append(parent)

    def _pair(self, node: Node) -> tuple[str, str]:
        return (node.listed_by, node.host)

    def _believe(self, node: Node) -> bool:
        pair = self._pair(node)
        if pair[0] == pair[1]:
            return True
        if self.used[pair] >= self.trust.get(pair, Trust()).allowance(node.answers):
            return False
        self.used[pair] += 1
        return True

    def _doubted(self, node: Node) -> bool:
        """No further name of this pair will be tried: nothing is open that could confirm it."""
        trust = self.trust.get(self._pair(node), Trust())
        return trust.allowance(node.answers) == 0 and trust.open == 0


def _doubt(node: Node) -> str:
    if node.answers is False:
        return f"{node.host} answers neither us nor, by what it brought so far, the home"
    return f"{node.listed_by} named too many posts of {node.host} that are not to be had there"
