"""Signing in and out."""

from __future__ import annotations

from typing import Annotated, Any
from urllib.parse import quote

from fastapi import APIRouter, Path, Query, Request, Response
from fastapi.responses import RedirectResponse

from toottail.api.description import problems
from toottail.api.guards import Address, Here, Member
from toottail.api.models import SignInBegun, SignInWish
from toottail.errors import NotSignedIn, TootTailError
from toottail.service import sessions, sign_in
from toottail.service.context import Service
from toottail.service.http import cookies
from toottail.service.http.problems import problem_of

router = APIRouter(prefix="/api/v1", tags=["sign-in"])

Word = Annotated[str | None, Query(description="As the home gives it.")]
_LONGEST = 4096
_REDIRECT: dict[int | str, dict[str, Any]] = {
    303: {"description": "To /me, or to /?problem=CODE; never anywhere else."}
}


@router.post(
    "/sign-in",
    operation_id="beginSignIn",
    summary="Begin a sign-in",
    responses=problems(429, 502),
)
async def begin(
    service: Here, wish: SignInWish, address: Address, response: Response
) -> SignInBegun:
    """Registers us at the home if need be. The browser then goes to `authorize_url`, with the
    cookie that this answer sets, within ten minutes. What cannot be is a 400 with its own code:
    invalid_server, unreachable, not_a_home, unsupported, home_not_listed, blocked, closed,
    invite_needed, invite_invalid, full, home_failed.
    """
    begun = await sign_in.begin(
        service, sign_in.Wish(wish.server, tuple(wish.sources), wish.invite), address
    )
    cookies.set_sign_in(service, response, begun.browser_cookie)
    return SignInBegun(authorize_url=begun.authorize_url)


@router.get(
    "/sign-in/callback/{home}",
    operation_id="finishSignIn",
    summary="Where the home sends the browser back to",
    status_code=303,
    response_class=RedirectResponse,
    responses=_REDIRECT,
)
async def finish(
    request: Request,
    service: Here,
    address: Address,
    home: Annotated[str, Path(max_length=253, description="The home that sends it back.")],
    code: Word = None,
    state: Word = None,
    error: Word = None,
) -> Response:
    """For browsers: whatever goes wrong is told by the page that it leads to."""
    try:
        done = await sign_in.finish(
            service,
            home,
            code=_bounded(code),
            state=_bounded(state),
            error=_bounded(error),
            browser_cookie=cookies.sign_in_of(service, request),
            address=address,
        )
    except TootTailError as refused:
        response = _to(service, f"/?problem={quote(problem_of(refused).code, safe='')}")
        cookies.clear_sign_in(service, response)
        return response
    await _end_older(service, request)
    response = _to(service, "/me")
    cookies.set_session(service, response, done.session)
    return response


@router.post("/sign-out", operation_id="signOut", summary="End this session", status_code=204)
async def sign_out(request: Request, service: Here, _: Member) -> Response:
    """Ends the session in this browser; the member stays a member."""
    await sessions.end(service, cookies.session_of(service, request))
    response = Response(status_code=204)
    cookies.clear_session(service, response)
    return response


async def _end_older(service: Service, request: Request) -> None:
    """Another session of this browser would be out of everybody's sight."""
    try:
        await sessions.end(service, cookies.session_of(service, request))
    except NotSignedIn:
        return


def _to(service: Service, path: str) -> Response:
    return RedirectResponse(service.address(path), status_code=303)


def _bounded(word: str | None) -> str | None:
    """What no home gives is as good as nothing."""
    return word if word is not None and len(word) <= _LONGEST and word.isprintable() else None
