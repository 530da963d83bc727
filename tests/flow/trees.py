"""Small trees for the tests of planning, and a pretend home that is asked in rounds."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace

from toottail.flow.plan import Plan, Trust, needs_trust, plan
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

    ``fetchable`` are the statuses it can get from their authors' hosts, ``answering`` the hosts
    that answer us. ``climbs``: it fetches what is above what it resolves; ``believed_to_climb``: we
    think so until the result was seen. ``asked`` lists what it was asked to resolve.
    """

    nodes: dict[str, Node]
    fetchable: frozenset[str]
    answering: frozenset[str]
    climbs: bool
    asked: list[str] = field(default_factory=list)
    had: set[str] = field(init=False)
    at_start: set[str] = field(init=False)
    rounds: int = 0
    verifies: int = 0
    unproven: bool = False
    believed_to_climb: bool = True

    def __post_init__(self) -> None:
        self.at_start = {uri for uri, one in self.nodes.items() if one.state in AT_HOME}
        self.had = set(self.at_start)

    def run(self, most_rounds: int) -> Plan:
        """Round after round until the plan has nothing to do; gives the last plan."""
        while True:
            found = self._plan()
            if not found.resolve and not found.wait_for:
                if not self.unproven or self.verifies >= 2:
                    return found
                self._verify()
                continue
            self.rounds += 1
            assert self.rounds <= most_rounds, "the rounds do not end"
            self._probe(found.wait_for)
            for uri in found.along:
                self._set(uri, "expected")
            for uri in found.resolve:
                self._resolve(uri)

    def _plan(self) -> Plan:
        believed = self.believed_to_climb and not self.verifies
        trust = self._trust() if any(map(needs_trust, self.nodes.values())) else {}
        return plan(self.nodes.values(), climbs=believed, trust=trust)

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
        assert self.nodes[uri].state in (None, "pending", "expected"), f"{uri} needs no resolve"
        self.asked.append(uri)
        if uri not in self.fetchable:
            self._set(uri, "given_up")
            return
        self._set(uri, "resolved", local_id="1")
        self.unproven = True
        self.had.add(uri)
        if self.climbs:
            above = self.nodes[uri].parent_uri
            while above is not None and above in self.fetchable and above not in self.had:
                self.had.add(above)
                above = self.nodes[above].parent_uri

    def _verify(self) -> None:
        """One look at the result; what was expected and lacks is wanted by itself."""
        self.verifies += 1
        self.unproven = False
        for uri, one in list(self.nodes.items()):
            if uri in self.had and one.state not in AT_HOME and self.joined(uri):
                self._set(uri, "delivered", local_id="1")
            elif one.state == "expected":
                self._set(uri, "pending")

    def joined(self, uri: str) -> bool:
        """Whether it hangs below the root, or below what the home had from the start."""
        at: str | None = uri
        while at is not None and at not in self.at_start:
            if at not in self.had:
                return False
            at = self.nodes[at].parent_uri
        return True

    def reachable(self) -> set[str]:
        """What must be there in the end, whoever is asked in whatever order."""
        return {uri for uri in self.nodes if self._is_reachable(uri)}

    def _is_reachable(self, uri: str) -> bool:
        at: str | None = uri
        while at is not None and at not in self.at_start:
            by_name = at == uri or not (self.climbs and self.believed_to_climb)
            if at not in self.fetchable or (by_name and self.nodes[at].opted_out):
                return False
            at = self.nodes[at].parent_uri
        return True

    def _set(self, uri: str, state: DeliveryState, **more: str) -> None:
        self.nodes[uri] = replace(self.nodes[uri], state=state, **more)  # type: ignore[arg-type]
