"""The edge, faked: hosts that answer from canned documents or from a pretend world.

And a reader that does with Readings what the flow does, in the plainest way, to see where the
questions of the dialects lead and how many they are.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping
from dataclasses import replace
from typing import Any, cast
from urllib.parse import urlencode, urljoin, urlsplit

import msgspec
from multidict import CIMultiDict

from toottail.errors import (
    AnswerRefused,
    Forbidden,
    Gone,
    RedirectedAway,
    RemoteError,
    ServerFault,
    StatusError,
)
from toottail.servers.asker import Asker
from toottail.servers.dialects import REMEMBERED, choose
from toottail.servers.door import Answer
from toottail.servers.nodeinfo import Software
from toottail.simulator import origin
from toottail.simulator.question import Question
from toottail.simulator.world import Status, World
from toottail.types.hosts import host_of
from toottail.types.statuses import FoundStatus, LookTarget, Reading

MASTODON = Software("mastodon", "4.3.8")
Canned = Mapping[str, object]


class FakeAsker:
    """Answers from ``documents`` (by path, or path and query): a JSON value, bytes, or an error.

    A POST is looked up by its path and its body as JSON, or by its path. ``strayed`` are the URLs
    on other hosts for which it was asked: the door refuses those, and a dialect never tries.
    """

    def __init__(
        self, host: str, documents: Canned, headers: Mapping[str, str] | None = None
    ) -> None:
        self.host = host
        self.notes: frozenset[str] = frozenset()
        self.documents = documents
        self.headers = headers or {}
        self.asked: list[str] = []
        self.strayed: list[str] = []
        self.options: list[dict[str, Any]] = []
        self.signs = False
        self.signature: str | None = None
        self.forbidden: tuple[str, ...] = ()

    def pause(self) -> float:
        """As `Asker.pause`."""
        return 0.0

    def may(self, path_or_url: str, *, signed: bool = False) -> bool:
        """As `Asker.may`: ``forbidden`` paths are for crawlers, which sign nothing."""
        return signed or not urlsplit(path_or_url).path.startswith(self.forbidden or "\0")

    async def get(
        self, path_or_url: str, *, params: Mapping[str, str] | None = None, **options: Any
    ) -> Answer:
        """As `Asker.get`."""
        url = urljoin(f"https://{self.host}", path_or_url)
        if params:
            url += "?" + urlencode(params)
        if host_of(url) != self.host:
            self.strayed.append(url)
            raise RedirectedAway(self.host, url)
        parts = urlsplit(url)
        path = parts.path + (f"?{parts.query}" if parts.query else "")
        return self._answer(url, (path, parts.path), options)

    async def post(self, path: str, *, json: Mapping[str, object], **options: Any) -> Answer:
        """As `Asker.post` of JSON."""
        body = msgspec.json.encode(json, order="sorted").decode()
        return self._answer(f"https://{self.host}{path}", (f"{path} {body}", path), options)

    def _answer(self, url: str, keys: tuple[str, str], options: dict[str, Any]) -> Answer:
        self.asked.append(keys[0])
        self.options.append(options)
        found = self.documents.get(keys[0], self.documents.get(keys[1]))
        if found is None:
            raise Gone(self.host, 404)
        if isinstance(found, RemoteError):
            raise found
        body = found if isinstance(found, bytes) else msgspec.json.encode(found)
        status = int(self.headers.get(":status", "200"))
        return Answer(self.host, status, CIMultiDict(self.headers), body, url)


def asker(fake: object) -> Asker:
    """``fake`` for what takes an Asker."""
    return cast(Asker, fake)


class WorldAsker:
    """A host of a simulated world, without a socket."""

    def __init__(
        self,
        world: World,
        host: str,
        counts: Counter[str],
        *,
        signs: bool = False,
        notes: frozenset[str] = frozenset(),
    ) -> None:
        self.host = host
        self.signs = signs
        self.notes = notes
        self.signature: str | None = None
        self._world = world
        self._counts = counts

    def pause(self) -> float:
        """As `Asker.pause`."""
        return 0.0

    def may(self, path_or_url: str, *, signed: bool = False) -> bool:
        """As `Asker.may`."""
        return True

    async def post(self, path: str, *, json: Mapping[str, object], **_: Any) -> Answer:
        """As `Asker.post` of JSON."""
        return self._answer(path, "application/json", "POST", msgspec.json.encode(json), None)

    async def get(
        self,
        path_or_url: str,
        *,
        accept: str = "application/json",
        params: Mapping[str, str] | None = None,
        signed: bool = False,
        **_: Any,
    ) -> Answer:
        """As `Asker.get`; follows redirects, refuses what is not JSON unless all is welcome."""
        url = path_or_url + (f"?{urlencode(params)}" if params else "")
        return self._answer(url, accept, "GET", b"", "cavage" if signed else None)

    def _answer(
        self, path_or_url: str, accept: str, method: str, body: bytes, signed: str | None
    ) -> Answer:
        url = urljoin(f"https://{self.host}", path_or_url)
        parts = urlsplit(url)
        assert parts.hostname == self.host
        host = self._world.hosts.get(self.host)
        if host is None:
            raise Gone(self.host, 404)
        self._counts[self.host] += 1
        question = Question(parts.path, parts.query, accept, method, body, signed)
        reply = origin.answer(self._world, host, question)
        if reply.status == 302:
            return self._answer(reply.headers["Location"], accept, method, body, signed)
        if reply.status in (401, 403):
            raise Forbidden(self.host, reply.status)
        if reply.status in (404, 410):
            raise Gone(self.host, reply.status)
        if reply.status >= 500:
            raise ServerFault(self.host, reply.status)
        if reply.status >= 400:
            raise StatusError(self.host, reply.status, reply.body.decode())
        if "json" not in reply.content_type and "*/*" not in accept:
            raise AnswerRefused(self.host, "no data")
        return Answer(self.host, 200, CIMultiDict(reply.headers), reply.body, url)


class Reader:
    """Reads one conversation of a world to its end, in the plainest way a flow could.

    With ``signs`` it can sign its requests.
    """

    def __init__(self, world: World, *, signs: bool = False) -> None:
        self.world = world
        self.signs = signs
        self.requests: Counter[str] = Counter()
        self.known: dict[str, FoundStatus] = {}
        self.parents: dict[str, str] = {}
        self.children: dict[str, set[str]] = defaultdict(set)
        self.listed: set[str] = set()
        self.looks = 0
        self._done: set[LookTarget] = set()
        self._todo: dict[LookTarget, LookTarget] = {}
        self._counts: dict[str, int] = {}
        self._notes: dict[str, set[str]] = defaultdict(set)

    async def read(self, root: Status) -> None:
        """Ask until nothing that would bring something is left to ask."""
        self.root = root.uri
        self._add(LookTarget(root.uri, root.host))
        while self._todo or self._unplaced():
            target = self._next()
            if target is None:
                break
            await self._look(target)

    def _next(self) -> LookTarget | None:
        order = {"thread": 0, "ap:thread": 0, "context": 1, "replies": 2, "ap:replies": 2}
        for target in sorted(self._todo.values(), key=lambda t: (order.get(t.how, 3), not t.hint)):
            unplaced = self._unplaced()
            if target.how not in order and unplaced:
                break
            del self._todo[_question(target)]
            whole = bool(self.listed) and not unplaced
            droppable = "context" not in target.how and self._complete(target.uri)
            if "thread" in target.how or not (whole or droppable):
                return target
        for uri in sorted(self._unplaced()):
            target = LookTarget(uri, host_of(uri) or "")
            if target not in self._done:
                return self._todo.get(target, target)
        return next(iter(self._todo.values()), None)

    def _add(self, target: LookTarget) -> None:
        if _question(target) not in self._done:
            self._todo.setdefault(_question(target), target)

    def _unplaced(self) -> set[str]:
        return {u for u in self.listed if u != self.root and u not in self.parents}

    def _complete(self, uri: str) -> bool:
        return self._counts.get(uri, 1 << 30) <= len(self.children[uri])

    async def _look(self, target: LookTarget) -> None:
        self._todo.pop(_question(target), None)
        self._done.add(_question(target))
        self.looks += 1
        host = self.world.hosts[target.host]
        software = Software(host.flavour.software, host.flavour.version)
        notes = frozenset(self._notes[target.host])
        ask = asker(
            WorldAsker(self.world, target.host, self.requests, signs=self.signs, notes=notes)
        )
        try:
            reading = await choose(software, notes).look(ask, target, software)
        except RemoteError:
            return
        self._take(target.host, reading)

    def _take(self, host: str, reading: Reading) -> None:
        for status in reading.statuses:
            count = status.replies_count
            if host in (status.host, host_of(self.root)) and count is not None:
                self._counts[status.uri] = max(count, self._counts.get(status.uri, 0))
            self.known.setdefault(status.uri, status)
            if status.parent_uri:
                self.parents[status.uri] = status.parent_uri
                self.children[status.parent_uri].add(status.uri)
        self._notes[host] |= REMEMBERED.intersection(reading.notes)
        self.listed.update(reading.listed)
        for further in reading.further:
            self._add(further)


def _question(target: LookTarget) -> LookTarget:
    """What makes a target the same question: a hint to the first look is no part of it."""
    return replace(target, hint="") if target.how == "" else target
