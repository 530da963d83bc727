"""What is missing at the home and reachable, by the definition in the design.

A reply is **reachable** when it is public or unlisted, not deleted, its author has no ``nobot``, it
is *listed*, and the home can fetch it from its author's host, and likewise everything between it
and what the home has. Homes that fetch ancestors take opted-out authors in between along; a home
that never does needs each of them by name, so there every reply between must be reachable itself.

**Listed** is found by walking on until nothing new comes: from the conversation's origin and the
host of each of its statuses in the timeline, through every listing that an anonymous polite reader
may have there (the context of each status that the host listed, caps included; ActivityPub replies
and threads), and on to the hosts of everything listed. Hosts with a lasting fault, those that
forbid everything and those whose robots.txt does list nothing. Where the reader has an actor that
the host trusts, signed requests are not bound by robots.txt and open what only they open.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from toottail.simulator import listing
from toottail.simulator.apis import APIS
from toottail.simulator.faults import CLOSED, LASTING
from toottail.simulator.fetching import obstacle
from toottail.simulator.world import Host, Status, World


def readable(host: Host) -> bool:
    """Whether a polite client gets anything from ``host``."""
    if any(fault.kind in LASTING for fault in host.faults):
        return False
    return host.shows_api or host.shows_activitypub or shows_own_api(host)


def shows_own_api(host: Host) -> bool:
    """Whether ``host`` has an API of its own kind that crawlers may read."""
    return host.flavour.api is not None and not any(f.kind in CLOSED for f in host.faults)


def listed_from(world: World, starts: Iterable[tuple[Host, Status]]) -> set[Status]:
    """Everything that listings lead to from (host, status) questions.

    A host is asked no further when it has nothing that was not listed yet.
    """
    queue = deque(starts)
    tops = {status.root for _, status in queue}
    wanted = {s for top in tops for s in top.branch() if s.listable and not s.invented}
    unseen: dict[str, list[Status]] = {}
    asked: set[tuple[Host, Status]] = set()
    seen: set[Status] = set()
    while queue:
        host, status = question = queue.popleft()
        if question in asked or host is world.home or not host.has(status) or not readable(host):
            continue
        asked.add(question)
        new = unseen.get(host.name)
        if new is None:
            new = unseen[host.name] = [s for s in wanted if s in host.known]
        while new and new[-1] in seen:
            new.pop()
        if not new:
            continue
        if host.name == status.host and status.listable:
            seen.add(status)
        for found, again in _listings(host, status):
            if found.invented:
                continue
            seen.add(found)
            if again and host.children_of(found):
                queue.appendleft((host, found))
            queue.append((world.hosts[found.host], found))
    return seen


def _listings(host: Host, status: Status) -> Iterator[tuple[Status, bool]]:
    """What one host lists about one status; with whether its context there may tell more."""
    if not status.listable:
        return
    if host.flavour.api is not None and shows_own_api(host):
        yield from APIS[host.flavour.api].listings(host, status)
    if host.shows_api:
        above, below = listing.anonymous_context(host, status)
        cut = host.flavour.capped and listing.is_cut(host, status)
        yield from ((found, level == 0) for level, found in enumerate(above))
        yield from ((found, cut) for found in below)
    if host.shows_activitypub and status.host == host.name:
        yield from _activitypub_listings(host, status)


def _activitypub_listings(host: Host, status: Status) -> Iterator[tuple[Status, bool]]:
    if status.parent is not None and status.parent.listable:
        yield status.parent, False
    if host.flavour.replies != "none":
        yield from ((child, False) for child in host.children_of(status) if child.listable)
    if host.flavour.threads and status.root.host == host.name:
        yield from ((found, True) for found in listing.thread(host, status.root))


@dataclass(slots=True)
class Conversation:
    """A timeline conversation: its root, the timeline's statuses in it, and the judgement.

    ``missing`` were not at home at the start (public and unlisted, not made up). ``leaves`` are
    reachable ones below which nothing reachable lacks.
    """

    root: Status
    shown: list[Status] = field(default_factory=list)
    missing: set[Status] = field(default_factory=set)
    listed: set[Status] = field(default_factory=set)
    reachable: set[Status] = field(default_factory=set)
    leaves: set[Status] = field(default_factory=set)


class Truth:
    """The judgement over a world, made when first asked for and again after `forget`."""

    def __init__(self, world: World) -> None:
        self._world = world
        self.at_start = set(world.home.known)
        self._conversations: list[Conversation] | None = None

    def forget(self) -> None:
        """The world was changed: judge anew when asked."""
        self._conversations = None

    def conversations(self) -> list[Conversation]:
        """All conversations of the member's timeline that are not for followers only."""
        if self._conversations is None:
            by_root: dict[Status, Conversation] = {}
            for status in self._world.shown():
                if status.listable:
                    root = status.root
                    by_root.setdefault(root, Conversation(root)).shown.append(status)
            for conversation in by_root.values():
                self._judge(conversation)
            self._conversations = list(by_root.values())
        return self._conversations

    def _judge(self, conversation: Conversation) -> None:
        world = self._world
        everything = [s for s in conversation.root.branch() if s.listable and not s.invented]
        conversation.missing = {s for s in everything if s not in self.at_start}
        tops = [conversation.root, *conversation.shown]
        conversation.listed = listed_from(world, ((world.hosts[s.host], s) for s in tops))
        joined = self._joinable(conversation, everything)
        conversation.reachable = {s for s in joined if self._wanted(conversation, s)}
        covered = {
            above
            for status in conversation.reachable
            for above in status.ancestors()
            if above not in self.at_start
        }
        never = world.home_flavour.ancestors == "never"
        conversation.leaves = conversation.reachable - (set() if never else covered)

    def _wanted(self, conversation: Conversation, status: Status) -> bool:
        return status in conversation.listed and not status.author.nobot

    def _passable(self, conversation: Conversation, status: Status) -> bool:
        if obstacle(self._world, status) is not None:
            return False
        by_name = self._world.home_flavour.ancestors == "never"
        return not by_name or self._wanted(conversation, status)

    def _joinable(self, conversation: Conversation, everything: list[Status]) -> set[Status]:
        """Missing statuses that can be joined to the root or to what the home has."""
        passable = {s for s in conversation.missing if self._passable(conversation, s)}
        joined: set[Status] = set()
        for status in reversed(everything):
            if status in passable and any(
                c in self.at_start or c in joined for c in status.children
            ):
                joined.add(status)
        for status in everything:
            above = status.parent
            if status in passable and (above is None or above in self.at_start or above in joined):
                joined.add(status)
        return joined

    def arrived(self, status: Status) -> bool:
        """At home now, and joined to the root or to something that was there at the start."""
        home = self._world.home
        if not home.has(status):
            return False
        top = status
        while top not in self.at_start and top.parent is not None:
            above = home.parent_of(top)
            if above is None:
                return self._bears(top)
            top = above
        return True

    def _bears(self, top: Status) -> bool:
        """Whether something that was at home at the start hangs below ``top`` there now."""
        home = self._world.home
        stack = [top]
        while stack:
            status = stack.pop()
            if status in self.at_start:
                return True
            stack.extend(c for c in status.children if home.parent_of(c) is status)
        return False

    def why_not(self, conversation: Conversation, status: Status) -> str:
        """The reason for which a missing status is not reachable, or "reachable"."""
        if status in conversation.reachable:
            return "reachable"
        own = obstacle(self._world, status)
        if own is not None:
            return own
        if status not in conversation.listed:
            return "listed by no host that may be read"
        if status.author.nobot:
            return "author opted out"
        return "a reply above it cannot be fetched"
