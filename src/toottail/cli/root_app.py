"""One web application out of three: the API, the actor's documents, and the pages for the rest."""

from __future__ import annotations

import asyncio
import time

import structlog
from starlette.datastructures import Headers
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from toottail.servers.actor import Served
from toottail.service.context import Service
from toottail.service.http.origins import LIVES, MACHINE_PATHS
from toottail.service.http.shield import Shield
from toottail.types.counts import Counts, Part

log = structlog.get_logger(__name__)


class RootApp:
    """Hands requests to ``api``, to the actor, or to ``web``; what is None is not served here.

    The actor's documents go with the API: a process of pages alone has none, but says of itself
    that it lives. Set ``stopping``, and streams end in order. ``counts`` has what was answered.
    """

    def __init__(
        self,
        service: Service,
        *,
        api: ASGIApp | None,
        web: ASGIApp | None,
        counts: Counts | None = None,
    ) -> None:
        self.stopping = asyncio.Event()
        self._counts = counts or Counts()
        self._service = service
        self._api = api
        self._web = web
        self._documents = Shield(self._document, service)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        call = _Call(receive, send, self.stopping)
        began = time.monotonic()
        try:
            await self._answering(scope)(scope, call.receive, call.send)
            await call.end()
        finally:
            if scope["type"] == "http":
                seconds = time.monotonic() - began
                part = self._part(scope)
                timed = None if call.is_stream else seconds
                self._counts.answer(part, call.status or None, timed)
                # Neither the address nor the query: who reads what is nobody's business.
                log.info(
                    "answered",
                    method=scope["method"],
                    path=scope["path"],
                    status=call.status,
                    seconds=round(seconds, 3),
                )

    def _answering(self, scope: Scope) -> ASGIApp:
        path = scope.get("path", "")
        if path.startswith("/api/") or path in MACHINE_PATHS:
            return self._api or self._documents
        if self._api is not None and self._served(scope) is not None:
            return self._documents
        return self._web or self._documents

    def _part(self, scope: Scope) -> Part:
        app = self._answering(scope)
        if app is self._api:
            return "api"
        return "actor" if app is self._documents else "pages"

    async def _document(self, scope: Scope, receive: Receive, send: Send) -> None:
        served = self._served(scope) if self._api is not None else None
        response: Response = PlainTextResponse("There is nothing here.\n", 404)
        if served is not None:
            headers = {"Content-Type": served.kind, **served.headers}
            response = Response(served.body, served.status, headers)
        elif self._api is None and scope["path"] == LIVES:
            response = JSONResponse({"status": "ok"})
        await response(scope, receive, send)

    def _served(self, scope: Scope) -> Served | None:
        """The answer of our actor; None where that is not what was asked for."""
        if self._service.actor is None or scope["type"] != "http":
            return None
        target = f"{scope['path']}?{scope['query_string'].decode('latin-1')}"
        accept = Headers(scope=scope).get("accept", "")
        return self._service.actor.answer(scope["method"], target, accept)


class _Call:
    """One request, as the server has it, that may be ended from our side."""

    def __init__(self, receive: Receive, send: Send, stopping: asyncio.Event) -> None:
        self._receive, self._send, self._stopping = receive, send, stopping
        self._is_read = False
        self._is_whole = False
        self.status = 0
        self.is_stream = False
        """Whether the answer is one of events, which goes on."""

    async def receive(self) -> Message:
        if self._is_read:
            return await self._until_gone()
        message = await self._receive()
        self._is_read = not message.get("more_body", False)
        return message

    async def send(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self.status = message["status"]
            kind = dict(message.get("headers", ())).get(b"content-type", b"")
            self.is_stream = kind.startswith(b"text/event-stream")
        elif message["type"] == "http.response.body":
            self._is_whole = not message.get("more_body", False)
        await self._send(message)

    async def end(self) -> None:
        """Ends a stream that was broken off because we stop."""
        if self.status and not self._is_whole and self._stopping.is_set():
            await self.send({"type": "http.response.body", "body": b"", "more_body": False})

    async def _until_gone(self) -> Message:
        """Waits until the visitor goes, or we do: to who streams it is the same."""
        gone = asyncio.ensure_future(self._receive())
        going = asyncio.ensure_future(self._stopping.wait())
        try:
            await asyncio.wait((gone, going), return_when=asyncio.FIRST_COMPLETED)
            return gone.result() if gone.done() else {"type": "http.disconnect"}
        finally:
            gone.cancel()
            going.cancel()
