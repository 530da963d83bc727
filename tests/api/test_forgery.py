"""What changes something is done for our own pages only; every route is tried."""

from __future__ import annotations

from typing import Any

import pytest

from tests.api.stand import Stand, standing
from tests.service.http.services import service
from toottail.api import create_api
from toottail.api.description import needs_session, routes_of
from toottail.repository.database import Database

UNSAFE = {"POST", "PUT", "PATCH", "DELETE"}
OPEN = {"/api/v1/servers/verify", "/api/v1/sign-in", "/api/v1/opt-outs"}
"""What may be asked for without a session."""
_ROUTES = routes_of(create_api(service()))
_CHANGING = sorted(
    (method, route.path.replace("{number}", "1"))
    for route in _ROUTES
    for method in UNSAFE & set(route.methods or ())
)
_CLOSED = [(method, path) for method, path in _CHANGING if path not in OPEN]
_READING = sorted(
    route.path.replace("{number}", "1")
    for route in _ROUTES
    if "GET" in (route.methods or ()) and needs_session(route)
)
FORGED: list[dict[str, Any]] = [
    {"Origin": "https://evil.example"},
    {"Origin": "null"},
    {"Origin": None},
    {"Origin": None, "Sec-Fetch-Site": "cross-site"},
    {"Origin": None, "Sec-Fetch-Site": "same-site"},
]


def test_only_what_visitors_need_is_open() -> None:
    assert len(_CHANGING) > 8
    assert len(_READING) > 5
    assert {r.path for r in _ROUTES if UNSAFE & (r.methods or set()) and not needs_session(r)} == (
        OPEN
    )
    beyond = [r.path for r in _ROUTES if r.path.startswith(("/api/v1/me", "/api/v1/operator"))]
    assert all(needs_session(route) for route in _ROUTES if route.path in beyond)


async def test_nothing_is_changed_for_another_site(stand: Stand) -> None:
    browser = await stand.signed_in()
    for method, path in _CHANGING:
        for headers in FORGED:
            answer = await browser.ask(method, path, body={}, headers=headers)
            assert (answer.status, answer.code) == (403, "origin"), (method, path, headers)


async def test_nothing_is_changed_without_the_sessions_csrf_value(stand: Stand) -> None:
    browser = await stand.signed_in()
    other = await stand.signed_in(await stand.member("ole"))
    for method, path in _CLOSED:
        for csrf in (None, "", "nonsense", "é", other.csrf):
            answer = await browser.ask(method, path, body={}, headers={"X-CSRF-Token": csrf})
            assert (answer.status, answer.code) == (403, "csrf"), (method, path, csrf)


async def test_a_form_of_another_site_cannot_carry_the_value_either(stand: Stand) -> None:
    browser = await stand.signed_in()
    answer = await browser.ask(
        "POST",
        f"/api/v1/me/pause?csrf={browser.csrf}",
        headers={"X-CSRF-Token": None, "Content-Type": "application/x-www-form-urlencoded"},
    )
    assert answer.code == "csrf"


async def test_nobody_gets_in_without_a_session(stand: Stand) -> None:
    stranger = stand.stranger()
    for method, path in [*_CLOSED, *(("GET", path) for path in _READING)]:
        answer = await stranger.ask(method, path, body={} if method != "GET" else None)
        assert (answer.status, answer.code) == (401, "not_signed_in"), (method, path)


@pytest.mark.parametrize("value", ["A" * 43, "A" * 4000, "'; DROP TABLE sessions; --", "é" * 43])
async def test_a_made_up_session_is_none(stand: Stand, value: str) -> None:
    stranger = stand.stranger()
    stranger.cookies["toottail"] = value
    answer = await stranger.ask("GET", "/api/v1/me")
    assert (answer.status, answer.code) == (401, "not_signed_in")


async def test_members_are_no_operators(stand: Stand) -> None:
    browser = await stand.signed_in()
    answer = await browser.ask("GET", "/api/v1/operator")
    assert (answer.status, answer.code) == (403, "not_allowed")
    for method, path in _CLOSED:
        if "/operator/" in path:
            answer = await browser.ask(method, path, body={"block": True})
            assert (answer.status, answer.code) == (403, "not_allowed"), path


async def test_a_cookie_named_without_its_prefix_is_none_over_https(database: Database) -> None:
    async with standing(database, service_url="https://toottail.example") as secure:
        browser = await secure.signed_in(headers={"Host": "toottail.example"})
        cookie = browser.cookies.pop("__Host-toottail")
        browser.cookies["toottail"] = cookie
        assert (await browser.ask("GET", "/api/v1/me")).code == "not_signed_in"
