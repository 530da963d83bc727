"""Streams of a home: what comes into its members' timelines is told over connections kept open.

As Mastodon does it, server-sent events at ``/api/v1/streaming/user`` and a WebSocket at
``/api/v1/streaming``, both with a word now and then; as GoToSocial does it, the WebSocket alone.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from aiohttp import web

from toottail.simulator import shapes
from toottail.simulator.grants import Grant
from toottail.simulator.home import Home
from toottail.simulator.world import Account, TimelineEntry, World

PATH = "/api/v1/streaming"
_EVENTS = f"{PATH}/user"
_FULL = 1_000

Tell = Callable[[bytes | None], Awaitable[None]]
"""Sends a status as JSON, or with None just a sign of life."""


def is_streaming(path: str) -> bool:
    """Whether a path is one of streams."""
    return path in (PATH, _EVENTS)


@dataclass(eq=False, slots=True)
class _Listener:
    account: Account
    news: asyncio.Queue[bytes] = field(default_factory=lambda: asyncio.Queue(_FULL))


class Streaming:
    """The streams of one home. ``alive`` is how often each has a sign of life, in seconds."""

    def __init__(self, world: World, home: Home, alive: float) -> None:
        self.world = world
        self.opened = 0
        """How often one was opened, refused ones left out."""
        self.most = 0
        """So many were open at once."""
        self.tokens_in_urls = 0
        self._home = home
        self._alive = alive
        self._open: dict[_Listener, asyncio.Task[None]] = {}
        world.publish = self.publish

    def __len__(self) -> int:
        return len(self._open)

    @property
    def listeners(self) -> list[str]:
        """The names of those who listen, one for each stream."""
        return [one.account.name for one in self._open]

    def publish(self, entry: TimelineEntry) -> None:
        """Tells all who see it of a new entry."""
        shown: bytes | None = None
        for one in self._open:
            if not self.world.sees(one.account, entry.status):
                continue
            if shown is None:
                shown = _json(self.world, entry)
            if not one.news.full():
                one.news.put_nowait(shown)

    def drop(self) -> int:
        """Breaks all streams off; returns how many that were."""
        dropped = len(self._open)
        for task in self._open.values():
            task.cancel()
        return dropped

    async def answer(self, request: web.BaseRequest, path: str) -> web.StreamResponse:
        """A stream, for as long as it is listened to; or why there is none."""
        way = "events" if path == _EVENTS else "socket"
        if way not in self.world.home_flavour.streaming:
            return web.json_response({"error": "Not Found"}, status=404)
        if any(fault.kind == "no-streams" for fault in self.world.home.faults):
            return web.json_response({"error": "Service Unavailable"}, status=503)
        grant = self._grant(request)
        if grant is None or not grant.covers("read:statuses"):
            return web.json_response({"error": "Invalid access token"}, status=401)
        self.opened += 1
        with self._listening(grant.user) as listener:
            if way == "events":
                return await self._events(request, listener)
            return await self._socket(request, listener)

    def _grant(self, request: web.BaseRequest) -> Grant | None:
        told = request.headers.get("Authorization", "")
        if not told:
            told = request.headers.get("Sec-WebSocket-Protocol", "")
        if "access_token" in request.query:
            self.tokens_in_urls += 1
            told = request.query["access_token"]
        return self._home.grant_of(told)

    @contextmanager
    def _listening(self, account: Account) -> Iterator[_Listener]:
        listener = _Listener(account)
        task = asyncio.current_task()
        assert task is not None
        self._open[listener] = task
        self.most = max(self.most, len(self._open))
        try:
            yield listener
        finally:
            del self._open[listener]

    async def _events(self, request: web.BaseRequest, listener: _Listener) -> web.StreamResponse:
        response = web.StreamResponse(headers={"Content-Type": "text/event-stream"})
        response.headers["Cache-Control"] = "private, no-store"
        await response.prepare(request)
        await response.write(b":)\n")

        async def tell(status: bytes | None) -> None:
            thump = b":thump\n"
            await response.write(
                thump if status is None else b"event: update\ndata: " + status + b"\n\n"
            )

        await self._tell_all(listener, tell)
        if request.transport is not None:
            request.transport.abort()
        return response

    async def _socket(self, request: web.BaseRequest, listener: _Listener) -> web.StreamResponse:
        socket = web.WebSocketResponse(timeout=0.5, autoping=False)
        await socket.prepare(request)

        async def tell(status: bytes | None) -> None:
            if status is None:
                await socket.ping(b"thump")
            else:
                told = {"stream": ["user"], "event": "update", "payload": status.decode()}
                await socket.send_str(json.dumps(told))

        async def hear() -> None:
            async for message in socket:
                if message.type == web.WSMsgType.PING:
                    await socket.pong(message.data)

        hearing = asyncio.create_task(hear())
        telling = asyncio.create_task(self._tell_all(listener, tell))
        self._open[listener] = telling
        try:
            await asyncio.wait({hearing, telling}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in (hearing, telling):
                task.cancel()
            await asyncio.gather(hearing, telling, return_exceptions=True)
        if request.transport is not None:
            request.transport.abort()
        return socket

    async def _tell_all(self, listener: _Listener, tell: Tell) -> None:
        """Until the listener is gone, or the home's faults end it."""
        while True:
            silent = any(fault.kind == "silent-streams" for fault in self.world.home.faults)
            try:
                news = await asyncio.wait_for(listener.news.get(), self._alive)
            except TimeoutError:
                news = None
            try:
                if not silent:
                    await tell(news)
            except ConnectionError:
                return


def _json(world: World, entry: TimelineEntry) -> bytes:
    if entry.boosted_by is None:
        return shapes.status_json(world.home, entry.status)
    return shapes.boost_json(world.home, entry.id, entry.at, entry.boosted_by, entry.status)
