"""The fewest requests with which the job could be done.

`floor_home`: one request per 40 entries of the timeline; one resolve per leaf (the home fetches
what is above; per missing reachable reply where it never does: `Conversation.leaves`); one compare
per conversation in which the home shows replies or something reachable lacks. That a home pulls
some replies by itself is not taken off, so on such homes it can be undercut a little.

`floor_remote`: one per conversation with a remote origin, the further requests that the origin
forces (`further_requests`: a greedy choice, so it may lie a little above the true least; a client
must be sure, so what an origin only names counts a request to its own host), and three (robots.txt,
two of nodeinfo) per host that must be asked. A host that never answers, or whose robots.txt forbids
everything, costs one request in all, and one whose robots.txt forbids nodeinfo one in place of
three. A host that wants signatures costs nothing per conversation where the reader has none.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass
from math import ceil
from typing import Any

from toottail.simulator import listing
from toottail.simulator.apis import APIS
from toottail.simulator.faults import CLOSED, WHOLE_HOST
from toottail.simulator.truth import Conversation, Truth, readable, shows_own_api
from toottail.simulator.world import Host, Status, World


def floor_home(world: World, truth: Truth, *, limit: int = 200) -> dict[str, int]:
    """The floor of requests to the home when ``limit`` timeline entries are read, by parts."""
    pages = max(1, ceil(min(limit, len(world.timeline)) / 40))
    conversations = truth.conversations()
    leaves = sum(len(c.leaves) for c in conversations)
    compares = sum(bool(c.reachable) or _shows_replies(truth, c) for c in conversations)
    return {
        "timeline": pages,
        "resolves": leaves,
        "compares": compares,
        "total": pages + leaves + compares,
    }


def _shows_replies(truth: Truth, conversation: Conversation) -> bool:
    return any(s in truth.at_start for s in conversation.root.branch() if s.parent is not None)


def floor_remote(world: World, truth: Truth) -> dict[str, Any]:
    """The floor of requests to all other hosts, by parts."""
    remote = [c for c in truth.conversations() if c.root.host != world.home.name]
    hosts = {c.root.host for c in remote}
    beyond = 0
    for conversation in remote:
        further = further_requests(world, conversation.root)
        beyond += further.count
        hosts |= further.hosts
    looks = sum(_is_worth_a_look(world.hosts[c.root.host]) for c in remote)
    first = sum(_to_begin_with(world.hosts[name]) for name in hosts)
    return {
        "conversations": looks,
        "further": beyond,
        "hosts": first,
        "total": looks + beyond + first,
    }


def _to_begin_with(host: Host) -> int:
    """robots.txt, and nodeinfo where it may be asked for."""
    silent = any(fault.kind in WHOLE_HOST | CLOSED for fault in host.faults)
    return 1 if silent or "/nodeinfo/" in host.flavour.disallowed else 3


def _is_worth_a_look(host: Host) -> bool:
    return not any(fault.kind in WHOLE_HOST for fault in host.faults) and readable(host)


@dataclass(frozen=True, slots=True)
class Further:
    """Requests beyond the first, and the hosts they go to."""

    count: int
    hosts: frozenset[str]


def further_requests(world: World, root: Status) -> Further:
    """What reading ``root``'s conversation takes after one request to its origin.

    The origin's own listings are chosen greedily, largest gain first, contexts only of what was
    listed with an id there. What it only names is asked for at its own host, see `_Named`.
    """
    host = world.hosts[root.host]
    if not readable(host):
        return Further(0, frozenset())
    if host.flavour.api is not None and shows_own_api(host):
        return Further(APIS[host.flavour.api].requests(host, root) - 1, frozenset())
    named = _Named(world)
    if host.shows_api:
        count = _beyond_caps(host, root, named) if host.flavour.capped else 0
    else:
        count = _pages(host, root)
        named.walk(c for c in host.children_of(root) if c.listable)
    return Further(count + named.count, frozenset(named.hosts))


def _beyond_caps(host: Host, root: Status, named: _Named) -> int:
    """Requests to the origin for what the caps of the first context hide."""
    shown: set[Status] = {root}
    contexts = {root: set(listing.anonymous_context(host, root)[1])}
    everything = [s for s in listing.descendants(host, root, 1 << 30, 1 << 30) if s.listable]
    count = -1  # the first one is no further one
    while contexts:
        best = max(contexts, key=lambda s: len(contexts[s] - shown))
        new = contexts.pop(best) - shown
        if not new:
            break
        count += 1
        shown |= new
        for status in new:
            if host.children_of(status):
                contexts[status] = set(listing.anonymous_context(host, status)[1])
    left = [s for s in everything if s not in shown]
    if not left:
        return count
    if host.flavour.threads:
        return count + ceil(len(everything) / listing.PAGE)
    for status in [s for s in shown if s.host == host.name]:
        for pool in (listing.self_replies(host, status), listing.others_replies(host, status)):
            if not shown.issuperset(pool):
                count += ceil(len(pool) / listing.PAGE)
                named.walk(child for child in pool if child not in shown)
    return count


class _Named:
    """Requests for statuses that their conversation's origin only names.

    Whether such a status has replies its own host tells; what that host lists of others' it knows
    by chance, so they are asked for at theirs. One answer covers all statuses of its host in it,
    and a second one, about the root that the first led up to, all that it lists of its own.
    """

    def __init__(self, world: World) -> None:
        self.count = 0
        self.hosts: set[str] = set()
        self._world = world
        self._covered: set[Status] = set()
        self._walked: set[Status] = set()

    def walk(self, starts: Iterable[Status]) -> None:
        """Count what it takes to read ``starts`` and all below them, from the top down."""
        queue = deque(starts)
        while queue:
            status = queue.popleft()
            own = self._world.hosts[status.host]
            if status in self._walked or not (readable(own) and own.has(status)):
                continue
            self._walked.add(status)
            if status not in self._covered:
                self._ask(own, status)
            queue.extend(c for c in own.children_of(status) if c.listable)

    def _ask(self, own: Host, status: Status) -> None:
        if own.shows_api:
            self.count += 1
            shown = listing.anonymous_context(own, status)[1]
            if own.name in self.hosts:
                shown = shown + listing.anonymous_context(own, status.root)[1]
            self._covered.update(s for s in shown if s.host == own.name)
        else:
            self.count += max(1, _pages(own, status))
        self.hosts.add(own.name)


def _pages(host: Host, status: Status) -> int:
    if host.flavour.replies == "mastodon":
        own = len(listing.self_replies(host, status))
        others = len(listing.others_replies(host, status))
        return (own > listing.EMBEDDED) * ceil(own / listing.PAGE) + ceil(others / listing.PAGE)
    count = len(host.children_of(status))
    paged = host.flavour.replies in ("pages", "gotosocial")
    return max(1, ceil(count / listing.PLAIN_PAGE)) if paged else 0
