"""The pretend fediverse on one TLS socket: every host name, one port."""

from __future__ import annotations

import asyncio
import ssl
import time
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Any

from aiohttp import web

from toottail.simulator import certificates, control, origin, throttles
from toottail.simulator.counters import Asked, Counters
from toottail.simulator.home import PAGING
from toottail.simulator.hostile import arm
from toottail.simulator.household import Household
from toottail.simulator.life import Life
from toottail.simulator.misbehave import PRIVATE_HOST, misbehave
from toottail.simulator.oauth import APPS, AUTHORIZE, METADATA
from toottail.simulator.options import Options
from toottail.simulator.question import Question, Reply, error
from toottail.simulator.signing import Actors
from toottail.simulator.streaming import PATH, is_streaming
from toottail.simulator.world import Host, World

CONTROL = "control.example"


class Simulator:
    """Serves a `World` on 127.0.0.1 while its context is open.

    ``actor`` is the document of an actor in whose name requests may be signed.
    ``directory`` gets ``ca.pem``. ``scopes`` are those of the member's token. A second listener on
    127.0.0.66 counts who follows redirects into private networks; where that address cannot be
    bound, ``private_listener`` stays False. A third, plain http on ``browser_port``, has the page
    where members of the home say yes to a sign-in.
    """

    def __init__(
        self,
        world: World,
        directory: Path,
        *,
        port: int = 0,
        browser_port: int = 0,
        scopes: str | None = None,
        options: Options | None = None,
        actor: Mapping[str, Any] | None = None,
    ) -> None:
        self.world = world
        self._actors = Actors([actor] if actor else [])
        for host in world.hosts.values():
            host.trusts = actor is not None
        self.options = options or Options()
        self.counters = Counters()
        arm(world)
        self.households = {
            one.home.name: Household(
                one, self.options, self.counters if one is world else Counters(), scopes
            )
            for one in world.homes
        }
        first = self.households[world.home.name]
        self.truth, self.fetching, self.home = first.truth, first.fetching, first.home
        self.life = Life(world, self.options.pace)
        self._living: asyncio.Task[None] | None = None
        self.throttles: dict[str, throttles.Throttles] = {}
        self.port = port
        self.browser_port = browser_port
        self.private_listener = False
        self.directory = directory
        self.ca_file = directory / "ca.pem"
        self._servers: list[asyncio.Server] = []

    def judge_anew(self) -> None:
        """The world was changed: what is reachable is found out again when asked."""
        for household in self.households.values():
            household.truth.forget()

    def reset_counters(self) -> None:
        """Forget what was counted, in all homes."""
        self.counters.reset()
        for household in self.households.values():
            household.counters.reset()
        self.life.forget()

    def live(self, pace: float) -> None:
        """From now on ``pace`` new replies come in a second; none with 0."""
        if self._living is not None:
            self._living.cancel()
        self.life.pace = pace
        self._living = asyncio.create_task(self.life.go_on()) if pace else None

    def forget_actor(self) -> None:
        """From now on no host knows the actor: what it signs is as good as unsigned."""
        self._actors = Actors()
        for host in self.world.hosts.values():
            host.trusts = False
        self.judge_anew()

    @property
    def browser(self) -> str:
        """Where a browser finds the page that asks members: BASE/HOST/oauth/authorize."""
        return f"http://localhost:{self.browser_port}"

    @property
    def env(self) -> dict[str, str]:
        """Variables that lead a TootTail process here."""
        return {
            "TOOTTAIL_CONNECT_TO": f".example=127.0.0.1:{self.port}",
            "SSL_CERT_FILE": str(self.ca_file),
            "TOOTTAIL_ALLOW_NETWORKS": "127.0.0.1/32",
            "TOOTTAIL_AUTHORIZE_AT": f".example={self.browser}",
        }

    async def __aenter__(self) -> Simulator:
        names = [*self.world.hosts, CONTROL]
        made = certificates.make(self.directory, names)
        self.ca_file, self._contexts, self._unsigned = made
        context = self._contexts[CONTROL]
        context.sni_callback = self._choose_certificate
        self._web = web.Server(self._handle, handler_cancellation=True, access_log=None)
        loop = asyncio.get_running_loop()
        server = await loop.create_server(
            self._web, "127.0.0.1", self.port, ssl=context, backlog=512
        )
        self.port = server.sockets[0].getsockname()[1]
        self._browsed = web.Server(self._browse, handler_cancellation=True, access_log=None)
        plain = await loop.create_server(self._browsed, "127.0.0.1", self.browser_port)
        self.browser_port = plain.sockets[0].getsockname()[1]
        self._servers = [server, plain]
        self.live(self.options.pace)
        try:
            trap = await asyncio.start_server(self._spring_trap, PRIVATE_HOST, self.port)
            self._servers.append(trap)
            self.private_listener = True
        except OSError:
            self.private_listener = False
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        value: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        for server in self._servers:
            server.close()
        if self._living is not None:
            self._living.cancel()
        for household in self.households.values():
            household.streaming.drop()
            await household.fetching.close()
        await self._web.shutdown(timeout=0.2)
        await self._browsed.shutdown(timeout=0.2)

    def _choose_certificate(
        self, connection: ssl.SSLObject, name: str | None, _context: ssl.SSLContext
    ) -> None:
        host = self.world.hosts.get(name or "")
        if host is not None and any(fault.kind == "bad-tls" for fault in host.faults):
            connection.context = self._unsigned
        elif name in self._contexts:
            connection.context = self._contexts[name]

    def _spring_trap(self, _reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.counters.private_hits += 1
        writer.close()

    async def _handle(self, request: web.BaseRequest) -> web.StreamResponse:
        name = request.host.partition(":")[0].lower()
        if name == CONTROL:
            return _wire(await control.answer(self, request))
        host = self.world.hosts.get(name)
        if host is None:
            return _wire(error(421, "no such host here"))
        path = request.rel_url.raw_path
        if path.startswith("/api/"):
            path = path.rstrip("/")
        asked = Asked(
            time.time(),
            name,
            request.method,
            request.rel_url.raw_path_qs,
            kind_of(path),
            request.headers.get("User-Agent", ""),
            "Authorization" in request.headers,
            signed=self._actors.scheme(
                request.method, request.rel_url.raw_path_qs, request.headers
            ),
        )
        token = request.headers.get("Authorization", "")
        self.counters.begin(asked, token)
        sent, ended = 0, False
        try:
            self._judge_manners(host, asked, path)
            response = await misbehave(host, request, asked.kind, self.port)
            if response is None and is_streaming(path) and name in self.households:
                stream = self.households[name].streaming
                # It is no request in flight for as long as it is open.
                self.counters.end(asked, 200)
                ended = True
                response = await stream.answer(request, path)
                asked.status = response.status
                return response
            if response is None:
                response = _wire(await self._answer(host, request, path, asked))
            sent = response.status
            return response
        finally:
            if not ended:
                self.counters.end(asked, sent, token)

    def _judge_manners(self, host: Host, asked: Asked, path: str) -> None:
        if host.name in self.households or asked.kind == "robots" or asked.signed:
            return
        delays = [fault.seconds for fault in host.faults if fault.kind == "crawl-delay"]
        last = self.counters.last_asked.get(host.name, 0.0)
        if delays and asked.time - last < 0.9 * delays[0]:
            self.counters.too_soon[host.name] += 1
        self.counters.last_asked[host.name] = asked.time
        forbidden = any(fault.kind == "robots" for fault in host.faults)
        if forbidden or path.startswith(host.flavour.disallowed or ("\0",)):
            self.counters.robots_violations[f"{host.name} {asked.kind}"] += 1

    async def _answer(self, host: Host, request: web.BaseRequest, path: str, asked: Asked) -> Reply:
        pause = host.latency * self.world.random.uniform(0.7, 1.3) * self.options.latency_scale
        if asked.kind != "search":
            await asyncio.sleep(pause)
        if request.method not in ("GET", "HEAD", "POST"):
            return error(404, origin.NOT_FOUND)
        household = self.households.get(host.name)
        if household is not None:
            if household.home.oauth.answers(request.method, path):
                return await self._sign_in(household, request, path)
            if path.startswith("/api/"):
                return await self._answer_home(household, request, path)
        verdict = self._throttles(host.name).count(
            self._anonymous_rules(host, request, path), time.time()
        )
        if not verdict.allowed:
            reply = error(429, "Too many requests")
        else:
            reply = await self._anonymous(host, request, path, asked.signed)
        reply.headers.update(verdict.headers)
        if reply.status == 200 and asked.kind in ("context", "ap"):
            self._note_look(host, asked, path)
        return reply

    def _note_look(self, host: Host, asked: Asked, path: str) -> None:
        if asked.kind == "context":
            self.counters.contexts[f"{host.name} {path}"] += 1
            status = host.by_id.get(path.split("/")[4])
        else:
            status = host.by_path.get(path.removesuffix("/replies"))
        if status is not None:
            whole = status.parent is None and status.host == host.name
            thread = status.uri if whole else None
            self.counters.looks.note(f"{host.name} {asked.path}", asked.time, thread=thread)

    async def _sign_in(self, household: Household, request: web.BaseRequest, path: str) -> Reply:
        query, kind = request.rel_url.raw_query_string, request.headers.get("Content-Type", "")
        oauth = household.home.oauth
        return oauth.answer(request.method, path, query, await request.read(), kind)

    async def _browse(self, request: web.BaseRequest) -> web.StreamResponse:
        """The page where members say yes, below ``/HOST``: for browsers, without certificates."""
        _, _, rest = request.rel_url.raw_path.partition("/")
        name, slash, path = rest.partition("/")
        household = self.households.get(name)
        if household is None or slash + path != AUTHORIZE:
            return _wire(error(404, "only /HOST/oauth/authorize of a home is here"))
        return _wire(await self._sign_in(household, request, AUTHORIZE))

    async def _anonymous(
        self, host: Host, request: web.BaseRequest, path: str, signed: str | None = None
    ) -> Reply:
        question = Question(
            path,
            request.rel_url.raw_query_string,
            request.headers.get("Accept", ""),
            request.method,
            await request.read(),
            signed,
        )
        household = self.households.get(host.name)
        return origin.answer(household.world if household else self.world, host, question)

    def _anonymous_rules(
        self, host: Host, request: web.BaseRequest, path: str
    ) -> list[tuple[throttles.Rule, str]]:
        if not host.flavour.throttled:
            return []
        whom = request.remote or ""
        rules = [(throttles.ANONYMOUS, whom)] if path.startswith("/api/") else []
        paging = any(name in request.query for name in PAGING)
        return rules + [(throttles.ANONYMOUS_PAGING, whom)] * paging

    async def _answer_home(
        self, household: Household, request: web.BaseRequest, path: str
    ) -> Reply:
        home = household.home
        authorization = request.headers.get("Authorization", "")
        grant = home.grant_of(authorization)
        rules = home.rules(grant, request.query, request.remote or "")
        verdict = self._throttles(household.world.home.name).count(rules, time.time())
        if not verdict.allowed:
            reply = error(429, "Too many requests")
        elif grant is not None:
            reply = await home.answer(path, request.query, grant)
        elif authorization:
            reply = error(401, "The access token is invalid")
        elif path.startswith(("/api/v1/timelines/home", "/api/v2/search", "/api/v1/markers")):
            reply = error(401, "This method requires an authenticated user")
        else:
            reply = await self._anonymous(household.world.home, request, path)
        reply.headers.update(verdict.headers)
        return reply

    def _throttles(self, name: str) -> throttles.Throttles:
        found = self.throttles.get(name)
        if found is None:
            options = self.options
            found = self.throttles[name] = throttles.Throttles(
                options.throttle_scale, options.limit_scale, options.throttles
            )
        return found


def kind_of(path: str) -> str:
    """What a request is about, as the report splits them."""
    if path == "/robots.txt":
        return "robots"
    if path.startswith("/oauth/") or path in (APPS, METADATA):
        return "oauth"
    if path.startswith(("/.well-known/nodeinfo", "/nodeinfo/")):
        return "nodeinfo"
    if path.startswith("/.well-known/webfinger") or path.endswith("/outbox"):
        return "profile"
    if path.startswith("/api/v1/accounts/") and path.endswith(("/lookup", "/statuses")):
        return "profile"
    if path.startswith("/api/v1/timelines/"):
        return "timeline"
    if path.startswith("/api/v2/search"):
        return "search"
    if path.startswith("/api/v1/statuses/") and path.endswith("/context"):
        return "context"
    if path.startswith(PATH):
        return "stream"
    return "other" if path.startswith("/api/") else "ap"


def _wire(reply: Reply) -> web.Response:
    kind = {"Content-Type": reply.content_type}
    return web.Response(status=reply.status, body=reply.body, headers=kind | reply.headers)
