"""Small trees for the tests of planning, and a pretend home that is asked in rounds."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace

from toottail.flow.plan import Plan, Trust, plan
from toottail.types.trees import AT_HOME, LOST, DeliveryState, Node

ROOT = "root"


def node(uri: str, parent: str | None = ROOT, **more: object) -> Node:
    """A missing reply whose host answers and named it itself, unless ``more`` says otherwise."""
    host = str(more.pop("host", f"{uri}.example"))
    settings: dict[str, object] = {"answers": True, "listed_by": host}
    return Node(uri, parent, host, **(settings | more))  # type: ignore[arg-type]


def root(state: DeliveryState | None = "already_there", **more: object) -> Node:
    """The top of the conversation, at home."""
    return node(ROOT, None, state=state, **more)


def chain(length: int, **more: object) -> list[Node]:
    """``r1`` answers the root, ``r2`` answers ``r1``, and so on."""
    return [node(f"r{n}", f"r{n - 1}" if n > 1 else ROOT, **more) for n in range(1, length + 1)]


@dataclass
class PretendHome:
    """A home that is asked in rounds, as `flow.deliver` does it, without any waiting.

    ``fetchable`` tells which statuses it can get from their authors' hosts; ``climbs`` whether it
    fetches what is above what it resolves; ``asked`` counts resolves.
    """

    nodes: dict[str, Node]
    fetchable: frozenset[str]
    answering: frozenset[str]
    climbs: bool
    asked: list[str] = field(default_factory=list)
    had: set[str] = field(default_factory=set)
    rounds: int = 0
    believes: bool = True

    def __post_init__(self) -> None:
        self.had = {uri for uri, one in self.nodes.items() if one.state in AT_HOME}

    def run(self, most_rounds: int) -> Plan:
        """Round after round until the plan has nothing to do; gives the last plan."""
        while True:
            found = self._plan(trusting=self.believes)
            if not found.resolve and not found.wait_for:
                if not self._verify():
                    return found
                continue
            self.rounds += 1
            assert self.rounds <= most_rounds, "the rounds do not end"
            self._probe(found.wait_for)
            for uri in found.along:
                self._set(uri, "expected")
            for uri in found.resolve:
                self._resolve(uri)

    def _plan(self, *, trusting: bool) -> Plan:
        return plan(self.nodes.values(), climbs=trusting, trust=self._trust())

    def _trust(self) -> Mapping[tuple[str, str], Trust]:
        counts: dict[tuple[str, str], Trust] = {}
        for one in self.nodes.values():
            known = counts.get((one.listed_by, one.host), Trust())
            counts[one.listed_by, one.host] = Trust(
                known.confirmed + (one.local_id is not None), known.refuted + (one.state in LOST)
            )
        return counts

    def _probe(self, hosts: Iterable[str]) -> None:
        for uri, one in self.nodes.items():
            if one.host in hosts:
                assert one.answers is None, "a host whose state is known was asked for again"
                self.nodes[uri] = replace(one, answers=one.host in self.answering)

    def _resolve(self, uri: str) -> None:
        assert self.nodes[uri].state in (None, "pending"), f"{uri} was resolved without need"
        self.asked.append(uri)
        if uri not in self.fetchable:
            self._set(uri, "given_up")
            return
        self._set(uri, "resolved", local_id="1")
        self.had.add(uri)
        if self.climbs:
            above = self.nodes[uri].parent_uri
            while above in self.fetchable and above not in self.had:
                self.had.add(above)
                above = self.nodes[above].parent_uri

    def _verify(self) -> bool:
        """The one look at the result; what lacks is asked for one by one. Whether there was one."""
        open_states = ("resolved", "expected")
        unproven = [u for u, n in self.nodes.items() if n.state in open_states]
        if not unproven:
            return False
        for uri in unproven:
            if self.joined(uri):
                self._set(uri, "delivered", local_id="1")
            elif self.nodes[uri].state == "expected":
                self._set(uri, "pending")
            else:
                self._set(uri, "unattached")
        self.believes = False
        return True

    def joined(self, uri: str) -> bool:
        """Whether the home shows it below the root."""
        at: str | None = uri
        while at is not None:
            if at not in self.had:
                return False
            at = self.nodes[at].parent_uri
        return True

    def _set(self, uri: str, state: DeliveryState, **more: str) -> None:
        self.nodes[uri] = replace(self.nodes[uri], state=state, **more)  # type: ignore[arg-type]
