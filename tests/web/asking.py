"""Asks an application for pages as a browser would, without a socket in between."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from html.parser import HTMLParser
from typing import Any
from urllib.parse import urlencode

from starlette.types import ASGIApp

from tests.web.made_up import COOKIE, OURS


@dataclass(frozen=True)
class Answer:
    """What came back."""

    status: int
    headers: list[tuple[str, str]]
    body: bytes

    @property
    def text(self) -> str:
        """The body as text."""
        return self.body.decode()

    def header(self, name: str) -> str:
        """All values of a header."""
        return ", ".join(value for key, value in self.headers if key == name.lower())


async def ask(
    app: ASGIApp,
    path: str,
    *,
    form: Mapping[str, Any] | None = None,
    signed_in: bool = True,
    headers: Mapping[str, str] | None = None,
) -> Answer:
    """GET ``path``, or POST a form to it from one of our own pages."""
    body = urlencode(form, doseq=True).encode() if form is not None else b""
    told = {"host": OURS.partition("://")[2], "accept-language": "en"}
    if signed_in:
        told["cookie"] = f"toottail={COOKIE}"
    if form is not None:
        told |= {"origin": OURS, "content-type": "application/x-www-form-urlencoded"}
    told |= headers or {}
    route, _, query = path.partition("?")
    scope = {
        "type": "http",
        "asgi": {"version": "3.0"},
        "http_version": "1.1",
        "method": "GET" if form is None else "POST",
        "scheme": "http",
        "path": route,
        "raw_path": route.encode(),
        "root_path": "",
        "query_string": query.encode(),
        "headers": [(k.encode(), v.encode("latin-1")) for k, v in told.items() if v],
        "client": ("192.0.2.7", 50000),
        "server": ("127.0.0.1", 8080),
        "state": {},
    }
    sent: list[Any] = []
    waiting = [{"type": "http.request", "body": body, "more_body": False}]

    async def receive() -> Any:
        return waiting.pop() if waiting else {"type": "http.disconnect"}

    async def send(message: Any) -> None:
        sent.append(message)

    await app(scope, receive, send)
    start = sent[0]
    return Answer(
        start["status"],
        [(key.decode().lower(), value.decode("latin-1")) for key, value in start["headers"]],
        b"".join(message.get("body", b"") for message in sent[1:]),
    )


class Outline(HTMLParser):
    """What a page is made of: tags with attributes, headings in order, text outside of tags."""

    def __init__(self, html: str) -> None:
        super().__init__(convert_charrefs=True)
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.text: list[str] = []
        self.feed(html)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        self.text.append(data)

    @property
    def headings(self) -> list[int]:
        """The levels of all headings, in the order of the page."""
        return [int(tag[1]) for tag, _ in self.tags if tag in ("h1", "h2", "h3", "h4")]

    def all(self, tag: str) -> list[dict[str, str | None]]:
        """The attributes of all elements of a kind."""
        return [attributes for name, attributes in self.tags if name == tag]
