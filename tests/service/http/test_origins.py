"""Requests name us, and what changes something comes from our own pages."""

from __future__ import annotations

import pytest
from starlette.datastructures import Headers

from tests.service.http.services import headers, service
from toottail.errors import NotAllowed
from toottail.service.http import origins

OURS = "https://toottail.example"


@pytest.mark.parametrize(
    ("host", "path", "answered"),
    [
        ("toottail.example", "/", True),
        ("TootTail.example:443", "/me", True),
        ("toottail.example:8443", "/", False),
        ("toottail.example.evil.example", "/", False),
        ("evil.example", "/api/v1/status", False),
        ("toottail.example@evil.example", "/", False),
        ("127.0.0.1:8080", "/healthz", True),
        ("[::1]:8080", "/metrics", True),
        ("localhost", "/readyz", True),
        ("worker-0", "/metrics", True),
        ("127.0.0.1:8080", "/me", False),
        ("localhost", "/api/v1/me", False),
        ("evil.example", "/metrics", False),
        ("[evil.example]", "/metrics", False),
        ("", "/metrics", False),
        ("", "/", False),
    ],
)
def test_only_our_own_name_is_answered_and_addresses_where_monitors_ask(
    host: str, path: str, answered: bool
) -> None:
    assert origins.is_our_host(service(), Headers(raw=headers(host=host)), path) is answered


def test_two_host_headers_name_nobody() -> None:
    twice = Headers(raw=headers(host="toottail.example") * 2)
    assert not origins.is_our_host(service(), twice, "/")
    assert not origins.is_our_host(service(), Headers(raw=[]), "/")


@pytest.mark.parametrize(
    "told",
    [
        {"origin": OURS},
        {"sec_fetch_site": "same-origin"},
        {"sec_fetch_site": "none"},
        {"origin": OURS, "sec_fetch_site": "same-origin"},
    ],
)
def test_our_own_pages_get_through(told: dict[str, str]) -> None:
    origins.check_origin(service(), Headers(raw=headers(**told)))


@pytest.mark.parametrize(
    "told",
    [
        {},
        {"origin": "null"},
        {"origin": "null", "sec_fetch_site": "none"},
        {"origin": "https://evil.example"},
        {"origin": "https://evil.example", "sec_fetch_site": "same-origin"},
        {"origin": "http://toottail.example"},
        {"origin": f"{OURS}:8443"},
        {"origin": f"{OURS}.evil.example"},
        {"origin": f"{OURS}/"},
        {"sec_fetch_site": "cross-site"},
        {"sec_fetch_site": "same-site"},
        {"referer": f"{OURS}/me"},
    ],
)
def test_everybody_else_is_refused(told: dict[str, str]) -> None:
    with pytest.raises(NotAllowed) as refused:
        origins.check_origin(service(), Headers(raw=headers(**told)))
    assert refused.value.code == "origin"


def test_two_origins_are_none() -> None:
    with pytest.raises(NotAllowed):
        origins.check_origin(service(), Headers(raw=headers(origin=OURS) * 2))
