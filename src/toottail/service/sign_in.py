"""Signing in with one's own server: OAuth's code flow with state and PKCE, least scopes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from toottail.service.context import Service
from toottail.types.service import Begun, HomeCheck, SignedIn

CALLBACK = "/api/v1/sign-in/callback"
"""Where homes send the browser back to."""


@dataclass(frozen=True, slots=True)
class Wish:
    """What a visitor typed: a server, ``@me@server`` or a URL; sources as words; an invite code."""

    server: str
    sources: Sequence[str] = ("home",)
    invite: str = ""


async def verify(service: Service, server: str, address: str) -> HomeCheck:
    """Whether ``server`` can be a home here, and what it is. ``address``: the visitor's.

    Raises `TooManyAttempts`.
    """
    raise NotImplementedError


async def begin(service: Service, wish: Wish, address: str) -> Begun:
    """Begins a sign-in. Raises `SignInRefused` or `TooManyAttempts`."""
    raise NotImplementedError


async def finish(
    service: Service,
    *,
    code: str | None,
    state: str | None,
    error: str | None,
    browser_cookie: str | None,
    address: str,
) -> SignedIn:
    """What the home sent the browser back with becomes a member and a session.

    Raises `SignInRefused` or `TooManyAttempts`.
    """
    raise NotImplementedError
