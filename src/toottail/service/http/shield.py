"""ASGI middleware around everything we serve: host, size and time limits, headers, faults."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from urllib.parse import urlsplit

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import PlainTextResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from toottail.service.context import Service
from toottail.service.http import origins
from toottail.service.http.headers import security_headers
from toottail.service.http.problems import Problem, fault

MOST_BYTES = 64 << 10
"""Bytes of a request's body."""
BODY_TIME = 10.0
"""Seconds in which a request's body must have come."""
TOTAL_TIME = 60.0
"""Seconds in which an answer must be over; streams of events know their own end."""
_MARK = "toottail.shielded"

Render = Callable[[Scope, Problem], Response]
"""Makes the answer that tells of a problem."""


def plainly(scope: Scope, problem: Problem) -> Response:
    """JSON to programs, a line of text to everybody else."""
    path = scope["path"]
    if path.startswith("/api/") or path in origins.MACHINE_PATHS:
        return problem.as_json()
    return PlainTextResponse(f"{problem.message}\n", problem.status, problem.headers)


class Shield:
    """Wraps an app; within another one it does nothing."""

    def __init__(
        self,
        app: ASGIApp,
        service: Service,
        *,
        render: Render = plainly,
        body_time: float = BODY_TIME,
        total_time: float = TOTAL_TIME,
    ) -> None:
        self._app = app
        self._service = service
        self._render = render
        self._body_time = body_time
        self._total_time = total_time
        self._headers = security_headers(service)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan" or _MARK in scope:
            await self._app(scope, receive, send)
        elif scope["type"] == "http":
            await self._answer({**scope, _MARK: True}, receive, _Sending(send, self._headers))
        else:
            await send({"type": "websocket.close", "code": 1008})

    async def _answer(self, scope: Scope, receive: Receive, sending: _Sending) -> None:
        headers = Headers(scope=scope)
        if not origins.is_our_host(self._service, headers, scope["path"]):
            return await self._refuse(scope, receive, sending, self._misdirected())
        try:
            async with asyncio.timeout(self._body_time):
                body = await _body(receive, headers)
        except TimeoutError:
            return await self._refuse(scope, receive, sending, _LATE)
        if body is None:
            return None
        if len(body) > MOST_BYTES:
            return await self._refuse(scope, receive, sending, _LARGE)
        return await self._run(scope, _replayed(body, receive), sending)

    async def _run(self, scope: Scope, receive: Receive, sending: _Sending) -> None:
        try:
            async with asyncio.timeout(self._total_time) as limit:
                sending.limit = limit
                await self._app(scope, receive, sending)
        except TimeoutError as error:
            problem = _SLOW if limit.expired() else fault(error)
        except Exception as error:
            problem = fault(error)
        else:
            return
        # Of an answer that has begun the rest is cut off, which the server sees and tells.
        if not sending.started:
            await self._refuse(scope, receive, sending, problem)

    async def _refuse(
        self, scope: Scope, receive: Receive, sending: _Sending, problem: Problem
    ) -> None:
        response = self._render(scope, problem)
        # A body that is still under way must not be taken for the next request.
        response.headers["Connection"] = "close"
        await response(scope, receive, sending)

    def _misdirected(self) -> Problem:
        ours = urlsplit(self._service.settings.service_url)
        return Problem(
            421, "misdirected", f"This service is at {ours.scheme}://{ours.netloc} only."
        )


_LATE = Problem(408, "too_slow", "The request took too long to arrive.")
_LARGE = Problem(413, "too_large", f"More than {MOST_BYTES >> 10} KiB are not taken.")
_SLOW = Problem(503, "unavailable", "This took too long. Try again in a minute.", 60)


class _Sending:
    """Adds our headers where an answer begins, and lets streams of events go on."""

    def __init__(self, send: Send, headers: dict[str, str]) -> None:
        self._send = send
        self._headers = headers
        self.started = False
        self.limit: asyncio.Timeout | None = None

    async def __call__(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self.started = True
            headers = MutableHeaders(scope=message)
            for name, value in self._headers.items():
                headers[name] = value
            headers.setdefault("Cache-Control", "no-store")
            streams = headers.get("content-type", "").startswith("text/event-stream")
            if streams and self.limit is not None:
                self.limit.reschedule(None)
        await self._send(message)


async def _body(receive: Receive, headers: Headers) -> bytes | None:
    """The whole body, or so much of it that it is too large; None where the visitor has gone."""
    length = headers.get("content-length", "0")
    if len(length) > 9 or (length.isdecimal() and int(length) > MOST_BYTES):
        return b" " * (MOST_BYTES + 1)
    parts = bytearray()
    while True:
        message = await receive()
        if message["type"] != "http.request":
            return None
        parts += message.get("body", b"")
        if len(parts) > MOST_BYTES or not message.get("more_body", False):
            return bytes(parts)


def _replayed(body: bytes, receive: Receive) -> Receive:
    """Gives the body once, and then what comes from the server."""
    left = [body]

    async def replay() -> Message:
        if left:
            return {"type": "http.request", "body": left.pop(), "more_body": False}
        return await receive()

    return replay
