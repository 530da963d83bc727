"""Cookies: what browsers are told of them, and what is taken back."""

from __future__ import annotations

import pytest
from starlette.requests import HTTPConnection
from starlette.responses import Response

from tests.service.http.services import headers, service
from toottail.service.http import cookies

VALUE = "Aa0_-" * 9


def test_over_https_they_are_bound_to_this_host_and_out_of_scripts_reach() -> None:
    response = Response()
    cookies.set_session(service(), response, VALUE)
    session, sign_in = response.headers.getlist("set-cookie")
    parts = session.split("; ")
    assert parts[0] == f"__Host-toottail={VALUE}"
    assert {"HttpOnly", "Secure", "Path=/", "SameSite=lax", "Max-Age=2592000"} == set(parts[1:])
    assert sign_in.startswith('__Host-toottail-sign-in=""; ')
    assert "Max-Age=0" in sign_in


def test_on_a_visitors_own_machine_the_names_go_without_what_needs_https() -> None:
    response = Response()
    cookies.set_sign_in(service(service_url="http://localhost:8080"), response, VALUE)
    (told,) = response.headers.getlist("set-cookie")
    parts = told.split("; ")
    assert parts[0] == f"toottail-sign-in={VALUE}"
    assert {"HttpOnly", "Path=/", "SameSite=lax", "Max-Age=600"} == set(parts[1:])


@pytest.mark.parametrize(
    ("told", "read"),
    [
        (f"__Host-toottail={VALUE}", VALUE),
        (f"a=b; __Host-toottail={VALUE}; c", VALUE),
        (f"toottail={VALUE}", None),
        ("__Host-toottail=short", None),
        (f"__Host-toottail={VALUE}\x00", None),
        (f"__Host-toottail={'a' * 129}", None),
        (f'__Host-toottail="{VALUE}\u00e9"', None),
        ("", None),
    ],
)
def test_what_cannot_be_a_session_is_none(told: str, read: str | None) -> None:
    request = HTTPConnection({"type": "http", "headers": headers(cookie=told)})
    assert cookies.session_of(service(), request) == read
