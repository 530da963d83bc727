"""A request as an origin sees it, and an answer before it is put on the wire."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl

import msgspec

ACTIVITY = "application/activity+json; charset=utf-8"
JSON = "application/json; charset=utf-8"


@dataclass(frozen=True, slots=True)
class Question:
    """``path`` and ``query`` as sent (no ``?``); ``accept`` is the header; ``body`` of a POST.

    ``signed`` is the way in which a known actor signed it, None where none did.
    """

    path: str
    query: str = ""
    accept: str = "application/json"
    method: str = "GET"
    body: bytes = b""
    signed: str | None = None

    @property
    def parts(self) -> list[str]:
        """The path between its slashes."""
        return self.path.strip("/").split("/")

    @property
    def asked(self) -> dict[str, str]:
        """The query as a mapping; the last one counts where a name comes twice."""
        return dict(parse_qsl(self.query))

    def json(self) -> dict[str, Any]:
        """The body as a JSON object; empty where it is none."""
        try:
            return msgspec.json.decode(self.body, type=dict[str, Any])
        except (msgspec.DecodeError, UnicodeDecodeError):
            return {}


@dataclass(slots=True)
class Reply:
    """An answer before it is put on the wire."""

    status: int
    body: bytes
    content_type: str = JSON
    headers: dict[str, str] = field(default_factory=dict)


def document(value: Any, content_type: str = JSON) -> Reply:
    """200 with ``value`` as JSON."""
    return Reply(200, msgspec.json.encode(value), content_type)


def error(status: int, text: str) -> Reply:
    """An error in Mastodon's words."""
    return Reply(status, msgspec.json.encode({"error": text}))
