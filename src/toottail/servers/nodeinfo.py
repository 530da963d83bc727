"""Which software a host runs, by nodeinfo."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeVar

import msgspec

from toottail.errors import (
    AnswerRefused,
    RedirectedAway,
    RobotsRefused,
    ServerFault,
    StatusError,
)
from toottail.types.hosts import host_of

if TYPE_CHECKING:
    from toottail.servers.asker import Asker
    from toottail.servers.door import Answer
    from toottail.servers.signatures import Scheme

_T = TypeVar("_T")

_REL = re.compile(r"https?://nodeinfo\.diaspora\.software/ns/schema/(\d+)\.(\d+)")
_MOST_BYTES = 256 << 10
_LONGEST_NAME = 100


@dataclass(frozen=True, slots=True)
class Software:
    """A server program; ``name`` is lower-case, ``unknown`` where the host does not tell."""

    name: str
    version: str
    repository: str | None = None

    def at_least(self, *numbers: int) -> bool:
        """Whether the version is ``numbers`` (``4, 5``) or later; False where it has none.

        A pre-release counts as its release: its features are there.
        """
        found = re.match(r"\D{0,10}(\d{1,6}(?:\.\d{1,6})*)", self.version)
        if found is None:
            return False
        own = [int(part) for part in found[1].split(".")]
        own += [0] * (len(numbers) - len(own))
        return tuple(own) >= numbers


class _Link(msgspec.Struct):
    rel: str = ""
    href: str = ""


class _Links(msgspec.Struct):
    links: list[_Link] = []


class _Software(msgspec.Struct):
    name: str = ""
    version: str = ""
    repository: str | None = None


class _Document(msgspec.Struct):
    software: _Software


async def identify(ask: Asker, *, robots: bool = True) -> Software:
    """The software of the host; ``Software("unknown", "")`` where it does not tell.

    Raises `RedirectedAway` where its nodeinfo is on another host, and what keeps any request from
    being answered (`Unreachable`, `ServerFault`, `TooManyRequests`).
    """
    try:
        links = await _get(ask, "/.well-known/nodeinfo", robots=robots)
        href = _newest(_decode(ask.host, links.body, _Links).links)
        if not href.startswith("/") and host_of(href) is None:
            return Software("unknown", "")
        document = await _get(ask, href, robots=robots)
        told = _decode(ask.host, document.body, _Document).software
    except (RedirectedAway, ServerFault):
        raise
    except (StatusError, AnswerRefused, RobotsRefused):
        return Software("unknown", "")
    return Software(
        _word(told.name).lower() or "unknown",
        _word(told.version),
        told.repository,
    )


def _word(text: str) -> str:
    """``text`` as it may be stored and shown: PostgreSQL takes no NUL, terminals obey others."""
    return "".join(sign for sign in text if sign.isprintable()).strip()[:_LONGEST_NAME]


async def _get(ask: Asker, path_or_url: str, *, robots: bool) -> Answer:
    # A signed request need not wait for the pause between anonymous ones. Paths that crawlers are
    # not to read are left alone all the same: servers among themselves do so here (GoToSocial).
    free = robots and ask.signs and ask.pause() > 0 and ask.may(path_or_url)
    signed: bool | Scheme = "cavage" if free else False
    return await ask.get(path_or_url, max_body=_MOST_BYTES, robots=robots, signed=signed)


def _decode(host: str, body: bytes, kind: type[_T]) -> _T:
    try:
        return msgspec.json.decode(body, type=kind)
    except (msgspec.DecodeError, UnicodeDecodeError):
        raise AnswerRefused(host, "answered nodeinfo we cannot read") from None


def _newest(links: list[_Link]) -> str:
    found = [
        (int(match[1]), int(match[2]), link.href)
        for link in links
        if (match := _REL.fullmatch(link.rel)) and match[1] == "2"
    ]
    return max(found)[2] if found else ""
