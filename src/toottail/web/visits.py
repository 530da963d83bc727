"""Visits: who asks, in which language; and the ways in which pages and forms are answered."""

from __future__ import annotations

import base64
import secrets
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from urllib.parse import parse_qsl, urlencode

from starlette.datastructures import FormData
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from toottail.errors import BadRequest, NotAllowed, NotSignedIn, TooManyAttempts
from toottail.service import sessions
from toottail.service.context import Service
from toottail.service.http import cookies
from toottail.service.http.addresses import visitor
from toottail.service.http.origins import check_origin
from toottail.types.service import Session
from toottail.web.languages import Language, choose, languages

_MOST_FIELD = 4_000
"""Characters of one field of a form."""


@dataclass(frozen=True, slots=True)
class Visit:
    """One request to a page. ``session`` is None for a visitor who is not signed in."""

    request: Request
    service: Service
    language: Language
    session: Session | None = None

    @property
    def member(self) -> Session:
        """The session of a member. Raises `NotSignedIn`."""
        if self.session is None:
            raise NotSignedIn
        return self.session

    @property
    def operator(self) -> Session:
        """The session of an operator. Raises `NotSignedIn` or `NotAllowed`."""
        if not self.member.is_operator:
            raise NotAllowed("This page is for those who run the service.")
        return self.member

    @property
    def address(self) -> str:
        """The visitor's address, as limits count it."""
        return visitor(self.service.settings, self.request.scope)

    def asked(self, name: str) -> str:
        """A parameter of the address, empty where there is none."""
        return self.request.query_params.get(name, "")[:_MOST_FIELD]

    def here(self, **changes: str) -> str:
        """The address of this page, as seen from it, with other parameters."""
        kept = dict(parse_qsl(self.request.url.query))
        # Without the path: one that begins with two slashes would lead to another site.
        return f"?{urlencode({**kept, **changes})}"


class Form:
    """What a form brought, as text."""

    def __init__(self, data: FormData) -> None:
        self._data = data

    def text(self, name: str) -> str:
        """One field, trimmed, empty where there is none. Raises `BadRequest`."""
        return next(iter(self.texts(name)), "")

    def texts(self, name: str) -> list[str]:
        """All fields of a name. Raises `BadRequest`."""
        values = self._data.getlist(name)
        if any(not isinstance(value, str) or len(value) > _MOST_FIELD for value in values):
            raise BadRequest(f"The field {name} is no text, or too long.")
        return [str(value).strip() for value in values]


Page = Callable[[Visit], Awaitable[Response]]
Action = Callable[[Visit, Form], Awaitable[Response]]
Endpoint = Callable[[Request], Awaitable[Response]]


def stranger(request: Request) -> Visit:
    """The visit of somebody of whom nothing is asked: for pages that tell of errors."""
    language = choose(
        request.query_params.get("lang") or request.cookies.get(language_cookie(request)),
        request.headers.get("accept-language", ""),
    )
    return Visit(request, service_of(request), language)


def service_of(request: Request) -> Service:
    """The service that the pages are bound to."""
    service: Service = request.app.state.service
    return service


async def opened(request: Request) -> Visit:
    """The visit, with its session where there is one.

    Raises `TooManyAttempts` where an address asks for that too often.
    """
    visit = stranger(request)
    cookie = cookies.session_of(visit.service, request)
    if cookie is None:
        return visit
    wait = request.app.state.ceiling.use(visit.address, time.monotonic())
    if wait:
        raise TooManyAttempts("That is a lot of requests. Wait a moment.", wait)
    try:
        session = await sessions.find(visit.service, cookie)
    except NotSignedIn:
        return visit
    return Visit(request, visit.service, visit.language, session)


def shown(page: Page) -> Endpoint:
    """A page that GET shows."""

    async def endpoint(request: Request) -> Response:
        return await page(await opened(request))

    return endpoint


def done(action: Action, *, signed_in: bool = True) -> Endpoint:
    """What a form does. It must come from a page of ours and, of members, bring their token."""

    async def endpoint(request: Request) -> Response:
        check_origin(service_of(request), request.headers)
        visit = await opened(request)
        form = Form(await request.form(max_files=0, max_fields=200))
        if signed_in:
            sessions.check_csrf(visit.member, unmasked(form.text("csrf")))
        return await action(visit, form)

    return endpoint


def go(path: str) -> Response:
    """After a form: the next page, by GET."""
    return RedirectResponse(path, status_code=303)


def language_cookie(request: Request) -> str:
    """The name of the cookie that keeps the chosen language."""
    return "__Host-language" if service_of(request).is_secure else "language"


def with_language(visit: Visit, response: Response) -> Response:
    """Keeps a language that was just chosen."""
    if visit.asked("lang") in languages():
        response.set_cookie(
            language_cookie(visit.request),
            visit.language.code,
            max_age=31_536_000,
            secure=visit.service.is_secure,
            httponly=True,
            samesite="lax",
        )
    return response


def masked(token: str) -> str:
    """``token`` so that it is another text each time.

    Answers are compressed and hold text of strangers: who watches their length must not find it.
    """
    raw = token.encode()
    key = secrets.token_bytes(len(raw))
    mixed = bytes(a ^ b for a, b in zip(key, raw, strict=True))
    return base64.urlsafe_b64encode(key + mixed).decode()


def unmasked(text: str) -> str | None:
    """What `masked` hid; None where it cannot be that."""
    try:
        both = base64.urlsafe_b64decode(text)
        half = len(both) // 2
        return bytes(a ^ b for a, b in zip(both[:half], both[half:], strict=True)).decode()
    except ValueError:
        return None
