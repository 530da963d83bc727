"""The API behind a real server on loopback, and browsers that ask it."""

from __future__ import annotations

import asyncio
import base64
import json
import socket
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from http.cookies import SimpleCookie
from typing import Any

import aiohttp
import uvicorn
from fastapi import FastAPI
from starlette.types import ASGIApp

from toottail.api import create_api
from toottail.repository.database import Database
from toottail.repository.sealing import Sealer
from toottail.servers.door import Door
from toottail.service import sessions
from toottail.service.context import Service
from toottail.service.http import cookies
from toottail.settings import Settings

KEY = base64.b64encode(bytes(32)).decode()
TOKEN = "the-token-that-nobody-may-see"
_SERVED = """
INSERT INTO members (home, token_fingerprint, token_sealed, account, account_id, served,
    active_until)
VALUES ($1, $2, $3, $4, $4, true, 'infinity') RETURNING id
"""


@dataclass
class Answer:
    """What came back."""

    status: int
    headers: Mapping[str, str]
    body: bytes
    cookies: SimpleCookie

    def json(self) -> Any:
        """The decoded body."""
        return json.loads(self.body)

    @property
    def code(self) -> str:
        """The word for programs of an error, which must have the one shape."""
        error = self.json()["error"]
        assert set(self.json()) == {"error"}
        assert set(error) == {"code", "message"}
        assert error["message"]
        return str(error["code"])


@dataclass
class Stand:
    """A running API."""

    service: Service
    app: FastAPI
    origin: str
    port: int

    async def member(self, name: str = "mira", home: str = "home.example") -> int:
        """A served member."""
        sealer = self.service.sealer
        async with self.service.database.connection() as conn:
            number: int = await conn.fetchval(
                _SERVED,
                home,
                sealer.fingerprint(home, name),
                sealer.seal(TOKEN),
                name,
            )
        return number

    async def signed_in(self, member_id: int | None = None, **more: Any) -> Browser:
        """A browser with a session, of a new member unless told whose."""
        number = await self.member() if member_id is None else member_id
        cookie = await sessions.start(self.service, number)
        session = await sessions.find(self.service, cookie)
        jar = {cookies.session_name(self.service): cookie}
        return Browser(self.origin, jar, csrf=session.csrf, member_id=number, **more)

    def stranger(self, **more: Any) -> Browser:
        """A browser without a session."""
        return Browser(self.origin, {}, **more)


@dataclass
class Browser:
    """Asks as a browser on one of our pages would, unless told otherwise."""

    origin: str
    cookies: dict[str, str]
    csrf: str | None = None
    member_id: int = 0
    address: str = "127.0.0.1"
    headers: dict[str, str] = field(default_factory=dict)

    async def ask(
        self,
        method: str,
        path: str,
        *,
        body: object = None,
        headers: Mapping[str, str | None] | None = None,
        **more: Any,
    ) -> Answer:
        """One request; a header that is None is not sent."""
        async with self.open(method, path, body=body, headers=headers, **more) as response:
            return Answer(
                response.status, response.headers, await response.read(), response.cookies
            )

    @asynccontextmanager
    async def open(
        self,
        method: str,
        path: str,
        *,
        body: object = None,
        headers: Mapping[str, str | None] | None = None,
        **more: Any,
    ) -> AsyncIterator[aiohttp.ClientResponse]:
        """One request whose answer is still to be read."""
        told: dict[str, str | None] = {**self.headers}
        if self.cookies:
            told["Cookie"] = "; ".join(f"{name}={value}" for name, value in self.cookies.items())
        if method not in ("GET", "HEAD"):
            told |= {"Origin": self.origin, "X-CSRF-Token": self.csrf}
        told |= headers or {}
        async with (
            aiohttp.ClientSession(
                connector=aiohttp.TCPConnector(local_addr=(self.address, 0)),
                cookie_jar=aiohttp.DummyCookieJar(),
            ) as session,
            session.request(
                method,
                f"{self.origin}{path}",
                json=body,
                headers={name: value for name, value in told.items() if value is not None},
                allow_redirects=False,
                **more,
            ) as response,
        ):
            yield response


@asynccontextmanager
async def standing(database: Database, **more: Any) -> AsyncIterator[Stand]:
    """The API, served for as long as the block lasts; ``more`` are settings.

    ``wrap`` makes of the app what is served, ``reading`` is the ceiling of `create_api`.
    """
    apart = {name: more.pop(name) for name in ("reading", "wrap") if name in more}
    wanted = {"service_url": "http://127.0.0.1", "allow_networks": "127.0.0.0/8"}
    settings = Settings.model_validate({**wanted, **more})
    async with Door(settings) as door:
        service = Service(settings, database, door, Sealer([KEY]))
        async with standing_over(service, **apart) as stand:
            yield stand


@asynccontextmanager
async def standing_over(
    service: Service,
    wrap: Callable[[ASGIApp, Service], ASGIApp] | None = None,
    **limits: Any,
) -> AsyncIterator[Stand]:
    """The API over a service, which is told where it is unless that is named by https."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        port = listening.getsockname()[1]
        origin = f"http://127.0.0.1:{port}"
        if not service.is_secure:
            settings = service.settings.model_copy(update={"service_url": origin})
            service = replace(service, settings=settings)
        app = create_api(service, **limits)
        async with served(wrap(app, service) if wrap else app, listening):
            yield Stand(service, app, origin, port)


class _Server(uvicorn.Server):
    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.up = asyncio.Event()

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self.up.set()


@asynccontextmanager
async def served(app: ASGIApp, listening: socket.socket) -> AsyncIterator[None]:
    """``app`` on uvicorn, set up as the service sets it up."""
    config = uvicorn.Config(
        app,
        lifespan="off",
        ws="none",
        proxy_headers=False,
        server_header=False,
        access_log=False,
        log_config=None,
        timeout_graceful_shutdown=1,
    )
    server = _Server(config)
    running = asyncio.create_task(server.serve([listening]))
    await server.up.wait()
    try:
        yield
    finally:
        server.should_exit = True
        await running
