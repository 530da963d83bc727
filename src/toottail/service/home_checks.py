"""Whether a server can be a home here, and why not."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from urllib.parse import urlsplit

import structlog

from toottail.errors import (
    AddressRefused,
    AnswerRefused,
    Gone,
    InvalidHost,
    NotPermittedYet,
    RemoteError,
    SignInRefused,
)
from toottail.repository import blocks
from toottail.servers import oauth
from toottail.servers.nodeinfo import Software
from toottail.service import home_requests
from toottail.service.context import Service
from toottail.types.hosts import parse_host

log = structlog.get_logger(__name__)

_LONGEST_INPUT = 300
_PATIENCE = 40.0
"""Seconds that all requests for one step of a sign-in may take together."""

_NO_HOMES = (
    "lemmy piefed mbin kbin peertube pixelfed bookwyrm nodebb discourse wordpress writefreely "
    "ghost plume funkwhale mobilizon owncast castopod loops threads bridgy-fed hubzilla streams "
    "forte smithereen gancio flipboard"
)
UNSUPPORTED = {
    **dict.fromkeys(
        ("misskey", "sharkey", "firefish", "cherrypick", "calckey", "foundkey"),
        "has no search through which TootTail could make it fetch replies",
    ),
    **dict.fromkeys(
        _NO_HOMES.split(), "cannot be asked by other programs to fetch replies as Mastodon can"
    ),
}
"""Software that is known to be no home, by its name in nodeinfo, and why."""


@dataclass(frozen=True, slots=True)
class Home:
    """A server that may be a home here."""

    host: str
    software: Software


def refused(code: str, message: str) -> SignInRefused:
    """A refusal with a word for programs and words for people."""
    return SignInRefused(message, code)


def parse_server(service: Service, typed: str) -> str:
    """The server that a visitor means. Raises `SignInRefused` (``invalid_server``)."""
    try:
        host = parse_host(typed[:_LONGEST_INPUT])
    except InvalidHost:
        raise refused(
            "invalid_server",
            "That is not the name of a server. Something like example.social, "
            "or @me@example.social, was expected.",
        ) from None
    if host == (urlsplit(service.settings.service_url).hostname or "").lower():
        raise refused("invalid_server", f"{host} is this service itself, not your server.")
    return host


async def find_home(service: Service, host: str, typed: str) -> Home:
    """The home behind a name that passed `parse_server`; asks it. Raises `SignInRefused`."""
    await _check_rules(service, host, host)
    async with answering(host):
        server, software = await home_requests.find(service, host, typed)
    if server != host:
        # Where it leads is a name from elsewhere, and held to the same.
        parse_server(service, server)
        await _check_rules(service, server, host)
    if (why := UNSUPPORTED.get(software.name)) is not None:
        raise refused("unsupported", f"{server} runs {software.name}, which {why}.")
    return Home(server, software)


async def read_title(service: Service, host: str) -> str:
    """What a home calls itself. Raises `SignInRefused` where it has no Mastodon API."""
    async with answering(host):
        try:
            return await oauth.read_title(home_requests.asker(service, host))
        except (Gone, AnswerRefused):
            raise no_home(host) from None


def no_home(host: str) -> SignInRefused:
    """The refusal of a server that does not speak as homes do."""
    return refused(
        "not_a_home",
        f"{host} answers, but not as Mastodon and servers like it do. "
        "Type the name of the server where you have your account.",
    )


async def _check_rules(service: Service, host: str, typed: str) -> None:
    only = {name.lower() for name in service.settings.homes}
    if only and not {host, typed} & only:
        raise refused(
            "home_not_listed",
            f"{service.settings.service_name} here is only for members of certain servers, and "
            f"{host} is not among them.",
        )
    async with service.database.connection() as conn:
        barred = await blocks.barred(conn, host)
    if barred is not None:
        raise refused("blocked", f"The operator of this service leaves {host} alone.")


@asynccontextmanager
async def answering(host: str) -> AsyncIterator[None]:
    """What keeps a home from answering becomes a `SignInRefused`, within bounds of time."""
    try:
        async with asyncio.timeout(_PATIENCE):
            yield
    except AddressRefused as error:
        # Not what its address is: that would tell strangers what private names resolve to.
        log.info("a sign-in named a server at no public address", host=error.host)
        raise refused(
            "invalid_server", f"{error.host} is not at an address of the public internet."
        ) from None
    except (RemoteError, NotPermittedYet) as error:
        log.info("a home did not answer a sign-in", host=error.host, problem=str(error))
        raise refused("unreachable", f"{host} does not answer: {_why(error)}.") from None
    except TimeoutError:
        raise refused("unreachable", f"{host} takes too long to answer.") from None


def _why(error: RemoteError | NotPermittedYet) -> str:
    return error.what if isinstance(error, RemoteError) else f"we must wait, for {error.why}"
