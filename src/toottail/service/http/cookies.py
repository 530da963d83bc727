"""Our two cookies: the session, and the one that ties a sign-in to the browser that began it."""

from __future__ import annotations

import re

from starlette.requests import HTTPConnection
from starlette.responses import Response

from toottail.service import sessions
from toottail.service.context import Service

SIGN_IN_LASTS = 600
"""Seconds in which a sign-in must be finished."""
_VALUE = re.compile(r"[A-Za-z0-9_-]{20,128}")


def session_name(service: Service) -> str:
    """The name of the session's cookie."""
    return _named(service, "toottail")


def sign_in_name(service: Service) -> str:
    """The name of a sign-in's cookie."""
    return _named(service, "toottail-sign-in")


def session_of(service: Service, request: HTTPConnection) -> str | None:
    """The session's cookie as the browser brought it, None for none or what cannot be one."""
    return _read(request, session_name(service))


def sign_in_of(service: Service, request: HTTPConnection) -> str | None:
    """The sign-in's cookie as the browser brought it, None for none or what cannot be one."""
    return _read(request, sign_in_name(service))


def set_session(service: Service, response: Response, cookie: str) -> None:
    """Gives the browser a session, and takes the sign-in's cookie back."""
    _set(service, response, session_name(service), cookie, int(sessions.LASTS.total_seconds()))
    clear_sign_in(service, response)


def clear_session(service: Service, response: Response) -> None:
    """Takes the session's cookie back."""
    _set(service, response, session_name(service), "", 0)


def set_sign_in(service: Service, response: Response, cookie: str) -> None:
    """Ties the sign-in that was just begun to this browser."""
    _set(service, response, sign_in_name(service), cookie, SIGN_IN_LASTS)


def clear_sign_in(service: Service, response: Response) -> None:
    """Takes the sign-in's cookie back."""
    _set(service, response, sign_in_name(service), "", 0)


def _named(service: Service, name: str) -> str:
    # With this prefix a browser takes the cookie from nobody but us, over https, for all paths.
    return f"__Host-{name}" if service.is_secure else name


def _read(request: HTTPConnection, name: str) -> str | None:
    value = request.cookies.get(name, "")
    return value if _VALUE.fullmatch(value) else None


def _set(service: Service, response: Response, name: str, value: str, seconds: int) -> None:
    # Lax and not Strict: the home sends the browser back to us, which is another site's link.
    response.set_cookie(
        name,
        value,
        max_age=seconds,
        path="/",
        secure=service.is_secure,
        httponly=True,
        samesite="lax",
    )
