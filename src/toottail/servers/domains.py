"""The server behind a name that people type, or that accounts carry.

Accounts may be called ``@me@example.social`` while their server is ``social.example.org``.
GoToSocial's guide for such setups (October 2025) has admins redirect webfinger, host-meta and
nodeinfo from the one name to the other, or answer webfinger there, and warns of redirecting the
API. People also lead their own domain's webfinger to the server of their account. Statuses' URIs
carry the server's own name.

Whoever has the name says where the server is, over TLS. One step is followed, never a chain.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

import msgspec

from toottail.errors import AnswerRefused, RedirectedAway, RobotsRefused, ServerFault, StatusError
from toottail.servers.asker import Asker
from toottail.servers.nodeinfo import Software, identify
from toottail.types.hosts import host_of

_MOST_BYTES = 64 << 10
_XRD = "application/xrd+xml, application/xml;q=0.9, */*;q=0.1"
_JRD = "application/jrd+json, application/json;q=0.9"
_TEMPLATE = re.compile(rb"""template=["'](https://[^"'<>\s]{1,500})["']""")
_LINKS_AT_MOST = 100


@dataclass(frozen=True, slots=True)
class Server:
    """The host that serves a name, and its software where that was told on the way."""

    host: str
    software: Software | None = None


class _Link(msgspec.Struct):
    rel: str = ""
    href: str = ""


class _Links(msgspec.Struct):
    links: list[msgspec.Raw] = []


async def find_server(ask: Asker, *, account: str | None = None, robots: bool = True) -> Server:
    """The server behind the asked name: itself, unless it leads to another one.

    Nodeinfo tells, in two requests; where it does not, host-meta, and webfinger where an
    ``account`` (``me@example.social``) is known. Raises what keeps any request from being answered
    (`Unreachable`, `ServerFault`, `TooManyRequests`).
    """
    software = Software("unknown", "")
    try:
        software = await identify(ask, robots=robots)
    except RedirectedAway as away:
        if (there := host_of(away.url)) is not None:
            return Server(there)
    if software.name != "unknown":
        return Server(ask.host, software)
    there = await _by_host_meta(ask, robots=robots)
    if there is None and account is not None:
        there = await _by_webfinger(ask, account, robots=robots)
    return Server(ask.host, software) if there in (None, ask.host) else Server(there or ask.host)


async def _by_host_meta(ask: Asker, *, robots: bool) -> str | None:
    try:
        answer = await ask.get(
            "/.well-known/host-meta", accept=_XRD, max_body=_MOST_BYTES, robots=robots
        )
    except RedirectedAway as away:
        return host_of(away.url)
    except ServerFault:
        raise
    except (StatusError, AnswerRefused, RobotsRefused):
        return None
    found = _TEMPLATE.search(answer.body)
    return host_of(found[1].decode("utf-8", "replace")) if found else None


async def _by_webfinger(ask: Asker, account: str, *, robots: bool) -> str | None:
    params = {"resource": f"acct:{account.removeprefix('@')}"}
    try:
        answer = await ask.get(
            "/.well-known/webfinger",
            accept=_JRD,
            params=params,
            max_body=_MOST_BYTES,
            robots=robots,
        )
    except RedirectedAway as away:
        return host_of(away.url)
    except ServerFault:
        raise
    except (StatusError, AnswerRefused, RobotsRefused):
        return None
    return _self_in(answer.body)


def _self_in(body: bytes) -> str | None:
    """The host of the account that a webfinger answer is about."""
    try:
        links = msgspec.json.decode(body, type=_Links).links
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return None
    for entry in links[:_LINKS_AT_MOST]:
        try:
            link = msgspec.json.decode(entry, type=_Link)
        except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
            continue
        if link.rel == "self" and (there := host_of(link.href)) is not None:
            return there
    return None
