"""The pretend fediverse as data: hosts, accounts, statuses, and which host knows which status.

Nothing here is a server. A `World` is made by a function of `worlds`, served by `server`, changed
by homes that fetch and by scenes, and judged by `truth`.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from copy import copy
from dataclasses import dataclass, field
from random import Random
from typing import Protocol
from urllib.parse import urlsplit
from uuid import UUID

from toottail.simulator.belongings import Belongings
from toottail.simulator.faults import CLOSED, Fault
from toottail.simulator.flavours import FLAVOURS, HOME_FLAVOURS, Flavour, HomeFlavour

_BASE62 = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
_CROCKFORD = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"


@dataclass(eq=False, slots=True)
class Account:
    """An author. ``nobot`` puts the opt-out into the profile; ``muted``: by the home's member.

    ``indexable`` and ``discoverable`` are what the profile says of search and suggestions.
    """

    number: int
    name: str
    host: str
    nobot: bool = False
    muted: bool = False
    indexable: bool = True
    discoverable: bool | None = True


@dataclass(eq=False, slots=True)
class Status:
    """A post. ``at`` is the time of posting in ms since the epoch, unique in its world.

    ``invented`` ones exist only in a hostile host's listings. ``shown`` keeps serialised parts.
    """

    number: int
    uri: str
    url: str
    author: Account
    parent: Status | None = field(repr=False)
    at: int
    visibility: str = "public"
    deleted: bool = False
    invented: bool = False
    children: list[Status] = field(default_factory=list, repr=False)
    shown: dict[bool, bytes] = field(default_factory=dict, repr=False)

    @property
    def host(self) -> str:
        """The host where it was posted."""
        return self.author.host

    @property
    def listable(self) -> bool:
        """Public or unlisted: what anonymous listings may show."""
        return self.visibility in ("public", "unlisted")

    @property
    def root(self) -> Status:
        """The top of its conversation."""
        top = self
        while top.parent is not None:
            top = top.parent
        return top

    def ancestors(self) -> Iterator[Status]:
        """Its parent, that one's parent, and so on."""
        above = self.parent
        while above is not None:
            yield above
            above = above.parent

    def branch(self) -> Iterator[Status]:
        """Itself and everything below it, parents before children."""
        stack = [self]
        while stack:
            top = stack.pop()
            yield top
            stack.extend(reversed(top.children))


@dataclass(eq=False, slots=True)
class Host:
    """A server: its name and flavour, what it knows, and what is wrong with it.

    ``known`` maps each status it has to its local id there. ``orphans`` are known replies that it
    could not join to their parent. ``latency`` is the usual time of an answer in seconds. A host
    that ``trusts`` knows the actor of who asks, so that signed requests may be answered. ``title``
    is what it calls itself, its name where that is empty.
    """

    name: str
    flavour: Flavour
    faults: list[Fault] = field(default_factory=list)
    latency: float = 0.06
    trusts: bool = False
    title: str = ""
    known: dict[Status, str] = field(default_factory=dict)
    by_id: dict[str, Status] = field(default_factory=dict)
    by_path: dict[str, Status] = field(default_factory=dict)
    counts: Counter[Status] = field(default_factory=Counter)
    orphans: set[Status] = field(default_factory=set)
    decoys: dict[Status, list[Status]] = field(default_factory=dict)

    @property
    def shows_api(self) -> bool:
        """Whether crawlers may read Mastodon's API here, and get something."""
        return self.flavour.rest == 200 and not any(f.kind in CLOSED for f in self.faults)

    @property
    def shows_activitypub(self) -> bool:
        """Whether the program under test gets ActivityPub documents, signed or not."""
        kinds = {fault.kind for fault in self.faults}
        if self.trusts:
            # What robots.txt says to all crawlers is not meant for servers among each other.
            return self.flavour.ap in (200, 401, 404) and "forbidden" not in kinds
        return self.flavour.ap == 200 and not kinds & CLOSED

    def learn(self, status: Status, *, orphan: bool = False) -> None:
        """From now on the host has ``status``; joined to its parent unless ``orphan``."""
        if status in self.known:
            return
        local = local_id(self, status)
        self.known[status] = local
        self.by_id[local] = status
        if status.parent is None:
            return
        if orphan:
            self.orphans.add(status)
        elif status.listable:
            self.counts[status.parent] += 1

    def attach(self, status: Status) -> None:
        """Join an orphan to its parent."""
        if status in self.orphans:
            self.orphans.discard(status)
            if status.parent is not None and status.listable:
                self.counts[status.parent] += 1

    def has(self, status: Status) -> bool:
        """Whether it can show ``status``: known, and not deleted by an author of its own."""
        return status in self.known and not (status.deleted and status.host == self.name)

    def parent_of(self, status: Status) -> Status | None:
        """The parent as this host sees it: None for a root, an orphan, and an unknown parent."""
        above = status.parent
        if above is None or status in self.orphans or not self.has(above):
            return None
        return above

    def children_of(self, status: Status) -> list[Status]:
        """Direct replies that this host has, oldest first."""
        own = [c for c in status.children if c not in self.orphans and self.has(c)]
        return own + self.decoys[status] if status in self.decoys else own


def local_id(host: Host, status: Status) -> str:
    """The id that ``host`` gives to ``status``."""
    return made_id(host, status.at, f"{host.name} {status.number}")


def made_id(host: Host, at: int, what: str) -> str:
    """An id in the style of ``host``: in every style they sort by time (``at``, in ms)."""
    noise = hashlib.blake2b(what.encode(), digest_size=10).digest()
    style = host.flavour.ids
    if style == "snowflake":
        return str(at << 16 | int.from_bytes(noise[:2], "big"))
    if style == "uuid":
        return str(UUID(int=at << 80 | 7 << 76 | 2 << 62 | int.from_bytes(noise[:7], "big")))
    if style == "ulid":
        tail = _digits(int.from_bytes(noise, "big"), _CROCKFORD, 16)
        return _digits(at, _CROCKFORD, 10) + tail
    return "A" + _digits(at << 56 | int.from_bytes(noise[:7], "big"), _BASE62, 17)


def shown_id(host: Host, status: Status) -> str:
    """The id under which ``host`` lists ``status``; a made-up one has just its number."""
    return host.known.get(status) or str(status.number)


def _digits(value: int, alphabet: str, length: int) -> str:
    out = []
    for _ in range(length):
        value, digit = divmod(value, len(alphabet))
        out.append(alphabet[digit])
    return "".join(reversed(out))


def addresses(
    host: Host, author: Account, local: str, *, reply: bool, post: str = ""
) -> tuple[str, str]:
    """The ActivityPub id and the page of a post, as this kind of server writes them.

    ``local`` is its id there, ``post`` that of the topmost one of its conversation.
    """
    flavour = host.flavour
    digest = hashlib.blake2b(f"{host.name} {local}".encode(), digest_size=16).digest()
    parts = {
        "post": post,
        "name": author.name,
        "host": host.name,
        "local": local,
        "uuid": UUID(bytes=digest, version=4),
    }
    uri = (flavour.reply_uri if reply else "") or flavour.uri
    url = (flavour.reply_url if reply else "") or flavour.url
    base = f"https://{host.name}"
    return base + uri.format_map(parts), base + url.format_map(parts)


@dataclass(frozen=True, slots=True)
class TimelineEntry:
    """A place in the member's home timeline; ``boosted_by`` where it is a boost."""

    id: str
    at: int
    status: Status
    boosted_by: Account | None = None


class Crowd(Protocol):
    """The many members of a home."""

    @property
    def members(self) -> list[Account]:
        """All of them."""

    def timeline(self, member: Account) -> list[TimelineEntry]:
        """What one of them sees, the newest first."""

    def shown(self) -> Iterable[Status]:
        """What any of them sees."""

    def sees(self, member: Account, status: Status) -> bool:
        """Whether one of them sees what is new."""


class World:
    """Everything there is, with the member whose home the story is about.

    Where the story has several ``homes`` (see `beside`), each is a world of its own, and they share
    all but what is a home's own. A home with many members has a ``crowd``.
    """

    def __init__(self, seed: int, *, home: str = "mastodon", now: float) -> None:
        self.random = Random(seed)
        self.now = int(now * 1000)
        self.home_flavour: HomeFlavour = HOME_FLAVOURS[home]
        self.hosts: dict[str, Host] = {}
        self.accounts: list[Account] = []
        self.by_handle: dict[tuple[str, str], Account] = {}
        self.statuses: list[Status] = []
        self.by_uri: dict[str, Status] = {}
        self.timeline: list[TimelineEntry] = []
        self.home = self.add_host("home.example", self.home_flavour.flavour)
        self.member = self.add_account(self.home, "mira")
        self.home_blocks: dict[str, str] | None = None
        """Domains and severities that the home publishes; None where it publishes none."""
        self.belongings = Belongings()
        self.crowd: Crowd | None = None
        self.homes = [self]
        self.publish: Callable[[TimelineEntry], None] = lambda _entry: None
        """Told of each new entry of the members' timelines."""
        self._times: set[int] = set()

    def shut_out(self, host: str) -> bool:
        """Whether the home suspends ``host``: the rule of the longest domain counts."""
        labels = host.split(".")
        parts = [".".join(labels[n:]) for n in range(len(labels))]
        rules = [(self.home_blocks or {}).get(part) for part in parts]
        return next((rule for rule in rules if rule is not None), None) == "suspend"

    def add_host(self, name: str, flavour: str, *faults: Fault) -> Host:
        """A new server; its latency varies around 60 ms."""
        latency = self.random.uniform(0.04, 0.08)
        host = Host(name, FLAVOURS[flavour], list(faults), latency=latency)
        self.hosts[name] = host
        return host

    def beside(self, name: str, home: str) -> World:
        """One more home, a key of `HOME_FLAVOURS`, in the same fediverse."""
        other = copy(self)
        other.home_flavour = HOME_FLAVOURS[home]
        other.home = self.add_host(name, other.home_flavour.flavour)
        other.member = self.add_account(other.home, "mira")
        other.timeline, other.belongings, other.home_blocks = [], Belongings(), None
        self.homes.append(other)
        return other

    def timeline_of(self, member: Account) -> list[TimelineEntry]:
        """What a member of the home sees, the newest first."""
        return self.timeline if self.crowd is None else self.crowd.timeline(member)

    def shown(self) -> Iterable[Status]:
        """What any member of the home sees."""
        if self.crowd is None:
            return [entry.status for entry in self.timeline]
        return self.crowd.shown()

    def sees(self, member: Account, status: Status) -> bool:
        """Whether a new status comes into the timeline of ``member``."""
        return member is self.member if self.crowd is None else self.crowd.sees(member, status)

    def add_account(self, host: Host, name: str, *, nobot: bool = False) -> Account:
        """A new author on ``host``."""
        account = Account(len(self.accounts) + 1, name, host.name, nobot=nobot)
        self.accounts.append(account)
        self.by_handle[host.name, name] = account
        return account

    def post(
        self,
        author: Account,
        parent: Status | None = None,
        *,
        at: int,
        visibility: str = "public",
        deleted: bool = False,
    ) -> Status:
        """A new status at its author's host, posted at ``at`` (ms) or the next free ms."""
        while at in self._times:
            at += 1
        self._times.add(at)
        host = self.hosts[author.host]
        number = len(self.statuses) + 1
        status = Status(number, "", "", author, parent, at, visibility, deleted)
        top = local_id(host, status.root) if "{post}" in host.flavour.reply_uri else ""
        status.uri, status.url = addresses(
            host, author, local_id(host, status), reply=parent is not None, post=top
        )
        for address in (status.uri, status.url):
            host.by_path[urlsplit(address).path] = status
        self.statuses.append(status)
        self.by_uri[status.uri] = self.by_uri[status.url] = status
        if parent is not None:
            parent.children.append(status)
            if len(parent.children) > 1 and parent.children[-2].at > at:
                parent.children.sort(key=lambda child: child.at)
        host.learn(status)
        return status

    def spread(self, root: Status) -> None:
        """Deliver a finished thread as the fediverse does.

        The root's host gets every reply. A participant's host gets the ancestors of its own posts
        and the branches below them. The home gets nothing by this.
        """
        for status in root.branch():
            self.hosts[root.host].learn(status)
            for above in status.ancestors():
                self.hosts[above.host].learn(status)
                if status.host != self.home.name:
                    self.hosts[status.host].learn(above)

    def delete(self, status: Status) -> None:
        """Gone at its author's host; others that have it go on listing it."""
        own = self.hosts[status.host]
        if not status.deleted and status.parent is not None and status not in own.orphans:
            own.counts[status.parent] -= status.listable
        status.deleted = True

    def hide(self, status: Status, visibility: str) -> None:
        """Make a reply what only followers or mentioned people see."""
        if status.listable and status.parent is not None:
            for host in self.hosts.values():
                if status in host.known and status not in host.orphans:
                    host.counts[status.parent] -= 1
        status.visibility = visibility

    def bring_home(self, statuses: Iterable[Status]) -> None:
        """Let the home have these from the start, with their ancestors where it fetches those."""
        for status in statuses:
            chain = [status, *status.ancestors()]
            if self.home_flavour.ancestors == "never":
                chain = chain[:1]
            for one in reversed(chain):
                missing = one.parent is not None and one.parent not in self.home.known
                self.home.learn(one, orphan=missing)

    def show(self, status: Status, *, at: int, boosted_by: Account | None = None) -> None:
        """Put a status into the member's timeline, as a post or as a boost at ``at`` (ms)."""
        self.bring_home([status])
        local = self.home.known[status]
        if boosted_by is not None:
            local = made_id(self.home, at, f"boost {boosted_by.number} {status.number}")
        entry = TimelineEntry(local, at, status, boosted_by)
        self.timeline.append(entry)
        self.timeline.sort(key=lambda entry: entry.id, reverse=True)
        self.publish(entry)
