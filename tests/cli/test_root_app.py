"""One application out of three: who answers what, and how streams end when the process stops."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import suppress
from typing import Any, cast

import pytest
from starlette.applications import Starlette
from starlette.responses import PlainTextResponse, StreamingResponse
from starlette.routing import Route
from starlette.types import ASGIApp, Message, Scope

from toottail.cli.root_app import RootApp
from toottail.servers.actor import Actor
from toottail.service.context import Service
from toottail.settings import Settings
from toottail.types.counts import Counts

URL = "https://tail.example.org"


def service(*, actor: bool = True) -> Service:
    """One of which only the settings and the actor are asked."""
    ours = Actor(f"{URL}/actor", "a key") if actor else None
    nothing = cast("Any", None)
    return Service(Settings(service_url=URL), nothing, nothing, nothing, ours)


def named(name: str) -> ASGIApp:
    """An app that says its name, and streams without end at /api/stream."""

    async def say(_request: object) -> PlainTextResponse:
        return PlainTextResponse(name)

    async def stream(_request: object) -> StreamingResponse:
        async def endless() -> AsyncIterator[str]:
            while True:
                yield "tick\n"
                await asyncio.sleep(0.01)

        return StreamingResponse(endless(), media_type="text/event-stream")

    return Starlette(routes=[Route("/api/stream", stream), Route("/{rest:path}", say)])


class Visit:
    """One request to an app, as a server would hand it over."""

    def __init__(self, app: ASGIApp, path: str, host: str = "tail.example.org") -> None:
        self.sent: list[Message] = []
        self._asked = False
        self._gone = asyncio.Event()
        self.began = asyncio.Event()
        scope: Scope = {
            "type": "http",
            "asgi": {"version": "3.0", "spec_version": "2.3"},
            "method": "GET",
            "path": path,
            "raw_path": path.encode(),
            "query_string": b"",
            "headers": [(b"host", host.encode())],
            "scheme": "https",
            "client": ("127.0.0.1", 1),
        }
        self.task = asyncio.ensure_future(self._run(app, scope))

    async def _run(self, app: ASGIApp, scope: Scope) -> None:
        await app(scope, self._receive, self._send)

    async def _receive(self) -> Message:
        if not self._asked:
            self._asked = True
            return {"type": "http.request", "body": b"", "more_body": False}
        await self._gone.wait()
        return {"type": "http.disconnect"}

    async def _send(self, message: Message) -> None:
        self.sent.append(message)
        if message.get("body"):
            self.began.set()

    @property
    def body(self) -> str:
        return b"".join(message.get("body", b"") for message in self.sent).decode()


@pytest.mark.parametrize(
    ("path", "told"),
    [
        ("/", "web"),
        ("/me", "web"),
        ("/api/v1/me", "api"),
        ("/healthz", "api"),
        ("/metrics", "api"),
        ("/apiary", "web"),
        ("/actor", '"type": "Application"'),
        ("/.well-known/nodeinfo", "nodeinfo/2.0"),
    ],
)
async def test_each_address_has_one_who_answers(path: str, told: str) -> None:
    visit = Visit(RootApp(service(), api=named("api"), web=named("web")), path)
    await visit.task
    assert told in visit.body


async def test_a_process_of_pages_alone_says_that_it_lives_and_no_more() -> None:
    visit = Visit(RootApp(service(), api=None, web=named("web")), "/healthz")
    await visit.task
    assert (visit.sent[0]["status"], visit.body) == (200, '{"status":"ok"}')


@pytest.mark.parametrize("path", ["/actor", "/api/v1/me", "/readyz"])
async def test_a_process_of_pages_alone_has_neither_actor_nor_api(path: str) -> None:
    visit = Visit(RootApp(service(), api=None, web=named("web")), path)
    await visit.task
    assert visit.sent[0]["status"] == (404 if path != "/actor" else 200)
    assert visit.body == ("web" if path == "/actor" else "There is nothing here.\n")


async def test_without_an_actor_its_path_is_a_page_like_others() -> None:
    visit = Visit(RootApp(service(actor=False), api=named("api"), web=named("web")), "/actor")
    await visit.task
    assert visit.body == "web"


async def test_the_actor_is_not_told_under_another_name() -> None:
    app = RootApp(service(), api=named("api"), web=named("web"))
    visit = Visit(app, "/actor", host="evil.example")
    await visit.task
    assert visit.sent[0]["status"] == 421


async def test_what_was_answered_is_counted_by_part_and_streams_are_not_timed() -> None:
    counts = Counts()
    app = RootApp(service(), api=named("api"), web=named("web"), counts=counts)
    for path in ("/me", "/api/v1/me", "/actor"):
        await Visit(app, path).task
    stream = Visit(app, "/api/stream")
    await stream.began.wait()
    app.stopping.set()
    await asyncio.wait_for(stream.task, 5)
    told = {key: number for key, number in counts.answers.items() if number}
    assert told == {("pages", "2xx"): 1, ("api", "2xx"): 2, ("actor", "2xx"): 1}
    assert {part: sum(took.counts) for part, took in counts.answer_seconds.items()} == {
        "pages": 1,
        "api": 1,
        "actor": 1,
    }


async def test_a_stream_ends_in_order_when_the_process_is_to_stop() -> None:
    app = RootApp(service(), api=named("api"), web=None)
    visit = Visit(app, "/api/stream")
    await visit.began.wait()
    assert not visit.task.done()
    app.stopping.set()
    with suppress(TimeoutError):
        await asyncio.wait_for(asyncio.shield(visit.task), 5)
    assert visit.task.done()
    assert visit.sent[-1]["more_body"] is False
