"""The fewest requests with which a client that knew everything beforehand could do the job.

`floor_home`: one request per 40 entries of the timeline; one resolve per leaf (the home fetches
what is above; per missing reachable reply where it never does: `Conversation.leaves`); one compare
per conversation in which the home shows replies or something reachable lacks. That a home pulls
some replies by itself is not taken off, so on such homes it can be undercut a little.

`floor_remote`: one per conversation with a remote origin, the further requests that the origin
forces (`further_requests`: a greedy choice, so it may lie a little above the true least), and three
(robots.txt, two of nodeinfo) per host that must be asked. A host that never answers, or whose
robots.txt forbids everything, costs one request in all; one that takes signed requests only costs
its three and none per conversation.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from heapq import heapify, heappop, heappush
from math import ceil
from typing import Any

from toottail.simulator import listing
from toottail.simulator.apis import APIS
from toottail.simulator.faults import WHOLE_HOST
from toottail.simulator.truth import Conversation, Truth, readable
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
    first = sum(1 if _turns_away(world.hosts[name]) else 3 for name in hosts)
    return {
        "conversations": looks,
        "further": beyond,
        "hosts": first,
        "total": looks + beyond + first,
    }


def _turns_away(host: Host) -> bool:
    return any(fault.kind in WHOLE_HOST or fault.kind == "robots" for fault in host.faults)


def _is_worth_a_look(host: Host) -> bool:
    return not _turns_away(host) and readable(host)


@dataclass(frozen=True, slots=True)
class Further:
    """Requests beyond the first, and the hosts they go to."""

    count: int
    hosts: frozenset[str]


def further_requests(world: World, root: Status) -> Further:
    """What reading ``root``'s conversation takes after one request to its origin.

    An origin whose contexts are capped: a greedy choice among contexts and pages of replies,
    largest gain first, until all it knows is listed. An origin without the Mastodon API: the pages
    of its collections, and one request per reply that they only name, unless another answer showed
    it whole.
    """
    host = world.hosts[root.host]
    if not readable(host):
        return Further(0, frozenset())
    if host.flavour.api is not None:
        return Further(APIS[host.flavour.api].requests(host, root) - 1, frozenset())
    if host.flavour.rest == 200:
        return _beyond_caps(host, root) if host.flavour.capped else Further(0, frozenset())
    return _by_activitypub(world, host, root)


def _beyond_caps(host: Host, root: Status) -> Further:
    """What the caps hide of ``root``'s conversation.

    A collection of replies only names them: whether such a reply has replies itself must be asked
    at its own host, unless the host lists the whole conversation flat.
    """

    def context(status: Status) -> set[Status]:
        return set(listing.anonymous_context(host, status)[1])

    everything = [s for s in listing.descendants(host, root, 1 << 30, 1 << 30) if s.listable]
    left = set(everything) - context(root)
    if not left:
        return Further(0, frozenset())
    options = [context(s) for s in everything if host.children_of(s)]
    contexts = len(options)
    for status in (root, *everything):
        if status.host == host.name:
            options += _chunks(listing.self_replies(host, status))
            options += _chunks(listing.others_replies(host, status))
    named: set[Status] = set()
    heap = [(-len(option & left), n) for n, option in enumerate(options)]
    heapify(heap)
    count = 0
    while left and heap:
        promised, n = heappop(heap)
        gain = len(options[n] & left)
        if gain < -promised:
            heappush(heap, (-gain, n))
            continue
        if gain == 0:
            break
        if n < contexts:
            named -= options[n]
        else:
            named |= options[n] & left
        left -= options[n]
        count += 1
    if host.flavour.threads:
        return Further(count + ceil(len(everything) / listing.PAGE), frozenset())
    return Further(count + len(named), frozenset(s.host for s in named))


def _chunks(statuses: list[Status]) -> list[set[Status]]:
    size = listing.PAGE
    return [set(statuses[i : i + size]) for i in range(0, len(statuses), size)]


def _by_activitypub(world: World, host: Host, root: Status) -> Further:
    count, hosts = _pages(host, root), set[str]()
    shown: set[Status] = {root}
    queue = deque(c for c in host.children_of(root) if c.listable)
    while queue:
        status = queue.popleft()
        own = world.hosts[status.host]
        if status in shown or host.flavour.replies == "none":
            continue
        shown.add(status)
        if own is host and host.flavour.replies == "mastodon":
            count += _pages(own, status) * bool(own.children_of(status))
        elif readable(own) and own.has(status):
            count += 1
            hosts.add(own.name)
            if own.flavour.rest == 200 and not own.flavour.capped:
                shown.update(listing.descendants(own, status, 1 << 30, 1 << 30))
            elif own.flavour.rest == 200:
                shown.update(listing.anonymous_context(own, status)[1])
            else:
                count += _pages(own, status)
        queue.extend(c for c in own.children_of(status) if c.listable and c not in shown)
    return Further(count, frozenset(hosts))


def _pages(host: Host, status: Status) -> int:
    if host.flavour.replies == "mastodon":
        own = len(listing.self_replies(host, status))
        others = len(listing.others_replies(host, status))
        return (own > listing.EMBEDDED) * ceil(own / listing.PAGE) + ceil(others / listing.PAGE)
    count = len(host.children_of(status))
    return max(1, ceil(count / listing.PLAIN_PAGE)) if host.flavour.replies == "pages" else 0
