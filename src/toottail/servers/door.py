"""The one HTTP door: every request of TootTail to another server goes out here.

What is promised for each: https on the usual port, to an address of the public internet, with a
permit of the host's lane; redirects followed by hand, on the same host only, each of them counted;
a body read under caps; a token sent to nobody but the permit's host, and never in an error. For the
operator's own monitors, and nobody else, the first two are wider (`monitors`).
"""

from __future__ import annotations

import asyncio
import ssl
import time
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager, closing
from dataclasses import dataclass, field, replace
from datetime import datetime
from types import TracebackType
from typing import Self
from urllib.parse import urljoin

import aiohttp
import msgspec
from pydantic import SecretStr
from yarl import URL

from toottail.errors import (
    AddressRefused,
    AnswerRefused,
    HostBarred,
    NotPermittedYet,
    RedirectedAway,
    RemoteError,
    RobotsRefused,
    Unreachable,
)
from toottail.servers import outcomes
from toottail.servers.bodies import ByteBudget, read_body
from toottail.servers.budgets import HostBudget, standard_limits
from toottail.servers.guard import Guard, GuardedResolver
from toottail.servers.permit import Permit
from toottail.servers.signatures import Scheme, Signer, open_signer
from toottail.settings import Settings
from toottail.types.counts import Counts, RequestClass
from toottail.types.hosts import host_of

_MOST_REDIRECTS = 4
_REDIRECTS = frozenset({301, 302, 303, 307, 308})
_ERROR_BODY = 16 << 10
_KEEP_ALIVE = 5.0
_DNS_CACHE = 120
_EVENTS = "text/event-stream"
_STREAM_BUFFER = 16 << 10
"""Bytes of a stream that wait to be read before the home is told to wait."""
_CLOSE_WITHIN = 1.0


@dataclass(frozen=True, slots=True)
class Request:
    """One question; a POST has the body ``form`` or ``json``.

    ``max_body`` is in bytes, inflated; ``cut`` cuts there instead of refusing.

    ``allowances`` are the names it counts against in the host's budget. ``robots`` says whether
    the host's robots.txt governs it, ``home`` for which home it is sent, if for just one.
    ``sign`` is how our actor signs it, a GET; then just the rules of robots.txt that name us govern
    it. Without ``follow`` a redirect is the answer itself. ``patient``: the host may think in
    silence for as long as the request may take in all (a home that fetches from others first).
    ``goes_on``: an earlier answer led to it, see `Permit.admit`; each hop of a redirect does so.
    """

    url: str
    method: str = "GET"
    accept: str = "application/json"
    token: SecretStr | None = None
    form: Mapping[str, str] | None = field(default=None, repr=False)
    json: Mapping[str, object] | None = field(default=None, repr=False)
    max_body: int = 8 << 20
    allowances: tuple[str, ...] = ("anonymous",)
    robots: bool = True
    home: str | None = None
    cut: bool = False
    follow: bool = True
    patient: bool = False
    sign: Scheme | None = None
    goes_on: bool = False

    @property
    def counts_as(self) -> RequestClass:
        """Whom it asks."""
        if self.token is not None or self.home is not None:
            return "home"
        return "signed" if self.sign is not None else "origin"


@dataclass(frozen=True, slots=True)
class Answer:
    """A success; ``url`` is where it came from after redirects. ``headers`` ignore case."""

    host: str
    status: int
    headers: Mapping[str, str]
    body: bytes
    url: str


class Door:
    """All connections of this process to other servers. An async context manager.

    ``guard`` judges addresses, ``check(host, url)`` what may be asked of a host; both are as strict
    as other servers' words deserve unless told otherwise. ``signer`` signs for our actor; without
    one the key file of the settings does.
    """

    def __init__(
        self,
        settings: Settings,
        *,
        guard: Guard | None = None,
        check: Callable[[str, str], URL] | None = None,
        signer: Signer | None = None,
    ) -> None:
        self.counts = Counts()
        """What this process asked; its lanes count here as well."""
        self._settings = settings
        self._guard = guard or Guard(settings.allow_networks)
        self._check = check or _checked
        self._signer = signer or open_signer(settings)
        self._bodies = ByteBudget(settings.bodies_in_memory)
        self._agents: dict[str | None, str] = {}
        self._session: aiohttp.ClientSession | None = None
        self._unending_session: aiohttp.ClientSession | None = None
        self._usual = aiohttp.ClientTimeout(
            total=settings.total_timeout,
            connect=settings.connect_timeout,
            sock_read=settings.idle_timeout,
        )
        self._patient = aiohttp.ClientTimeout(
            total=settings.total_timeout, connect=settings.connect_timeout
        )

    async def __aenter__(self) -> Self:
        connector = aiohttp.TCPConnector(
            resolver=GuardedResolver(self._guard, self._settings.connect_to),
            socket_factory=self._guard.open_socket,
            ssl=ssl.create_default_context(),
            limit=0,  # lanes and their permits bound what is open at once
            keepalive_timeout=_KEEP_ALIVE,
            ttl_dns_cache=_DNS_CACHE,
        )
        self._session = aiohttp.ClientSession(
            connector=connector,
            cookie_jar=aiohttp.DummyCookieJar(),
            auto_decompress=False,
            trust_env=False,
        )
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        assert self._session is not None
        if self._unending_session is not None:
            await self._unending_session.close()
        await self._session.close()

    @property
    def signs(self) -> bool:
        """Whether requests can be signed: the settings name an actor."""
        return self._signer is not None

    @asynccontextmanager
    async def open_events(
        self, host: str, url: str, *, token: SecretStr, home: str, silence: float
    ) -> AsyncIterator[aiohttp.ClientResponse]:
        """A stream of server-sent events of a home's, at ``host``; its limits are the reader's.

        ``silence`` is how many seconds may pass between two bytes. Redirects are not followed, and
        nothing is compressed. Raises a `StatusError`, `TooManyRequests`, `AnswerRefused`, and
        aiohttp's errors and TimeoutError, which know the token.
        """
        headers = {"Accept": _EVENTS, "Accept-Encoding": "identity", "Cache-Control": "no-store"}
        began, status = time.monotonic(), None
        try:
            async with asyncio.timeout(self._settings.total_timeout):
                response = await self._streams().get(
                    self._check(host, url),
                    headers=headers | self._bearer(token, home),
                    allow_redirects=False,
                    timeout=self._unending(silence),
                )
            status = response.status
        finally:
            self.counts.request("stream", status, time.monotonic() - began)
        with closing(response):
            if response.status >= 300:
                raise _not_opened(host, response.status, response.headers)
            kind = response.headers.get("Content-Type", "").partition(";")[0].strip().lower()
            encoding = response.headers.get("Content-Encoding", "identity").strip().lower()
            if kind != _EVENTS or encoding != "identity":
                raise AnswerRefused(host, "answered something that is no stream of events")
            yield response

    @asynccontextmanager
    async def open_socket(
        self, host: str, url: str, *, token: SecretStr, home: str, silence: float, most: int
    ) -> AsyncIterator[aiohttp.ClientWebSocketResponse]:
        """The same as a WebSocket, of messages up to ``most`` bytes; the reader answers pings."""
        failure: RemoteError | None = None
        began, status = time.monotonic(), None
        try:
            async with asyncio.timeout(self._settings.total_timeout):
                socket = await self._streams().ws_connect(
                    self._check(host, url),
                    headers=self._bearer(token, home),
                    timeout=aiohttp.ClientWSTimeout(ws_receive=silence, ws_close=_CLOSE_WITHIN),
                    max_msg_size=most,
                    autoping=False,
                )
            status = 101
        except aiohttp.WSServerHandshakeError as error:
            status = error.status
            failure = AnswerRefused(host, "answered something that is no WebSocket")
            if error.status >= 300:
                failure = _not_opened(host, error.status, error.headers or {})
        finally:
            self.counts.request("stream", status, time.monotonic() - began)
        if failure is not None:
            raise failure  # outside the handler: the library's error knows the token
        try:
            yield socket
        finally:
            await socket.close()

    def _bearer(self, token: SecretStr, home: str) -> dict[str, str]:
        agent = self._settings.user_agent(home)
        return {"User-Agent": agent, "Authorization": f"Bearer {token.get_secret_value()}"}

    def _unending(self, silence: float) -> aiohttp.ClientTimeout:
        return aiohttp.ClientTimeout(
            total=None, connect=self._settings.connect_timeout, sock_read=silence
        )

    def _streams(self) -> aiohttp.ClientSession:
        """What streams are opened with: it follows no redirect, not even to open a WebSocket."""
        assert self._session is not None
        if self._unending_session is None:
            trace = aiohttp.TraceConfig()
            trace.on_request_redirect.append(_refuse_redirect)
            self._unending_session = aiohttp.ClientSession(
                connector=self._session.connector,
                connector_owner=False,
                cookie_jar=aiohttp.DummyCookieJar(),
                auto_decompress=False,
                trust_env=False,
                read_bufsize=_STREAM_BUFFER,
                timeout=self._unending(self._settings.total_timeout),
                trace_configs=[trace],
            )
        return self._unending_session

    async def send(self, permit: Permit, request: Request) -> Answer:
        """The host's answer, its redirects on the same host followed.

        Raises `NotPermittedYet` and `LaneLost` before anything is sent, `HostBarred`,
        `RobotsRefused`, `AddressRefused`, `Unreachable`, `AnswerRefused`, `RedirectedAway`,
        `TooManyRequests`, and a `StatusError` for every other status from 400 on.
        """
        url = self._check(permit.host, request.url)
        seen = {str(url)}
        for _hop in range(_MOST_REDIRECTS + 1):
            try:
                outcome = await self._ask(permit, request, url)
            except NotPermittedYet:
                why = permit.budget.reason(request.allowances, permit.clock())
                self.counts.waits[why] += 1
                raise
            if isinstance(outcome, Answer):
                return outcome
            url = self._next(permit.host, url, outcome, request)
            request = replace(request, goes_on=True)
            if str(url) in seen:
                break
            seen.add(str(url))
        raise AnswerRefused(permit.host, "redirects in a circle, or too often")

    async def _ask(self, permit: Permit, request: Request, url: URL) -> Answer | str:
        """One request: the answer, or where it redirects to."""
        if permit.barred is not None:
            raise HostBarred(permit.host, permit.barred)
        signed = request.sign is not None
        rules = permit.robots if request.robots else None
        if rules and not rules.allows(url.raw_path_qs, signed=signed):
            raise RobotsRefused(permit.host, f"its robots.txt disallows {url.raw_path[:80]}")
        async with permit.admit(request.allowances, goes_on=request.goes_on):
            failure: RemoteError
            began = time.monotonic()
            try:
                found = await self._exchange(permit, request, url)
            except (aiohttp.ClientError, TimeoutError) as error:
                failure = outcomes.explain(permit.host, error)
                self._count(request, None, began)
            except RemoteError as error:
                self._count(request, outcomes.status_of(error), began)
                raise
            else:
                self._count(request, 302 if isinstance(found, str) else found.status, began)
                return found
            # Raised outside the handler: the library's error knows the token, ours must not.
            if isinstance(failure, Unreachable):
                permit.budget.failed(permit.clock())
            raise failure

    def _count(self, request: Request, status: int | None, began: float) -> None:
        self.counts.request(request.counts_as, status, time.monotonic() - began)

    async def _exchange(self, permit: Permit, request: Request, url: URL) -> Answer | str:
        assert self._session is not None
        async with self._session.request(
            request.method,
            url,
            headers=self._headers(request, url, permit.clock()),
            data=request.form if request.json is None else msgspec.json.encode(request.json),
            allow_redirects=False,
            timeout=self._patient if request.patient else self._usual,
        ) as response:
            permit.budget.told(
                request.allowances, response.headers, permit.clock(), permit.flying - 1
            )
            permit.budget.noted(request.allowances, response.status, permit.clock())
            if response.status in _REDIRECTS and "Location" in response.headers:
                permit.budget.succeeded(permit.clock())
                if request.follow:
                    return response.headers["Location"]
                return Answer(permit.host, response.status, response.headers, b"", str(url))
            if response.status >= 300:
                said = await self._said(permit.host, response)
                raise outcomes.refusal(
                    permit,
                    request.allowances,
                    response.status,
                    response.headers,
                    outcomes.without(request.token, said),
                )
            outcomes.check_type(permit.host, request.accept, response.headers)
            body = await read_body(
                permit.host,
                response.content.iter_any(),
                encoding=response.headers.get("Content-Encoding", ""),
                cap=request.max_body,
                budget=self._bodies,
                cut=request.cut,
            )
            self.counts.body_bytes[request.counts_as] += len(body)
            permit.budget.succeeded(permit.clock())
            return Answer(permit.host, response.status, response.headers, body, str(url))

    async def _said(self, host: str, response: aiohttp.ClientResponse) -> str:
        """What the server says in words about an error; empty where it says nothing readable."""
        try:
            body = await read_body(
                host,
                response.content.iter_any(),
                encoding=response.headers.get("Content-Encoding", ""),
                cap=_ERROR_BODY,
                budget=self._bodies,
                cut=True,
            )
        except (AnswerRefused, aiohttp.ClientError, TimeoutError):
            return ""  # the status is what counts
        return outcomes.error_text(response.headers, body)

    def _headers(self, request: Request, url: URL, now: datetime) -> dict[str, str]:
        agent = self._agents.get(request.home)
        if agent is None:
            agent = self._agents[request.home] = self._settings.user_agent(request.home)
        headers = {
            "User-Agent": agent,
            "Accept": request.accept,
            "Accept-Encoding": "gzip, deflate",
        }
        if request.json is not None:
            headers["Content-Type"] = "application/json"
        if request.token is not None:
            headers["Authorization"] = f"Bearer {request.token.get_secret_value()}"
        if request.sign is not None and self._signer is not None:
            # Each hop of a redirect is signed anew: the signature holds for one path.
            host = url.raw_host or ""
            headers |= self._signer.headers(request.sign, host, url.raw_path_qs, now)
        return headers

    def _next(self, host: str, url: URL, location: str, request: Request) -> URL:
        if request.method != "GET":
            raise AnswerRefused(host, "redirects what must not be sent twice")
        try:
            target = urljoin(str(url), location)
        except ValueError:
            raise AnswerRefused(host, "redirects to no readable address") from None
        return self._check(host, target)


def _not_opened(host: str, status: int, headers: Mapping[str, str]) -> RemoteError:
    """The error for a stream that was answered so. It is no part of any lane's budget."""
    if status < 400:
        return AnswerRefused(host, "redirects the stream")
    budget = HostBudget(host, defaults=standard_limits())
    return outcomes.refusal(Permit(host, budget, in_flight=1), (), status, headers, "")


async def _refuse_redirect(
    _session: aiohttp.ClientSession, _context: object, told: aiohttp.TraceRequestRedirectParams
) -> None:
    raise AnswerRefused(told.url.host or "", "redirects the stream")


def _checked(host: str, url: str) -> URL:
    """``url`` if it is one to ask ``host`` for."""
    there = host_of(url)
    if there is None:
        raise AddressRefused(host, "leads to something that is no public https address")
    if there != host:
        raise RedirectedAway(host, url)
    # What comes as ASCII goes out unchanged: its path may be an id that another spelling breaks.
    try:
        return URL(url, encoded=True) if url.isascii() else URL(url)
    except ValueError:
        raise AddressRefused(host, "leads to something that is no address") from None
