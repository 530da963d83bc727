"""The signed-in member: the page's figures, settings, leaving."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter, Request, Response
from fastapi.responses import JSONResponse

from toottail.api.events import EVENT, EventsResponse
from toottail.api.guards import Address, Here, Member
from toottail.api.models import LeaveWish, Left, Me, SourcesWish
from toottail.service import account
from toottail.service.http import cookies
from toottail.types.service import SourceSetting

router = APIRouter(prefix="/api/v1/me", tags=["member"])

_STREAM: dict[int | str, dict[str, Any]] = {
    200: {
        "description": "Server-sent events: `progress` with a FirstRun as JSON, at most one a "
        "second; `done` at its end; a comment each 15 s. Ends after ten minutes.",
        "content": {"text/event-stream": {"schema": EVENT}},
    },
}


@router.get("", operation_id="getMe", summary="All that the member's page shows")
async def me(service: Here, session: Member) -> Me:
    """State, first run, totals, days, hosts that refuse, sources; and the csrf value."""
    return Me(
        handle=session.handle,
        csrf=session.csrf,
        is_operator=session.is_operator,
        overview=await account.overview(service, session.member_id),
    )


@router.get(
    "/events",
    operation_id="watchFirstRun",
    summary="The first run as it happens",
    status_code=200,
    response_class=EventsResponse,
    responses=_STREAM,
)
async def events(request: Request, service: Here, session: Member, address: Address) -> Response:
    """At most three streams of a session are open at once; a fourth gets a 429."""
    cookie = cookies.session_of(service, request) or ""
    return EventsResponse(service, session, cookie, address, request.app.state.streams)


@router.put("/sources", operation_id="chooseSources", summary="Choose what is read")
async def choose(service: Here, session: Member, wish: SourcesWish) -> tuple[SourceSetting, ...]:
    """All sources as they are afterwards. `lacks` names scopes that need a new sign-in."""
    await account.choose(service, session.member_id, wish.sources)
    return (await account.overview(service, session.member_id)).sources


@router.post("/pause", operation_id="pause", summary="Do nothing for me", status_code=204)
async def pause(service: Here, session: Member) -> None:
    """Nothing is done until the member resumes."""
    await account.pause(service, session.member_id)


@router.post("/resume", operation_id="resume", summary="Go on", status_code=204)
async def resume(service: Here, session: Member) -> None:
    """Goes on after a pause. 403 where the operator paused."""
    await account.resume(service, session.member_id)


@router.get("/export", operation_id="exportMe", summary="All that is stored about me")
async def export(service: Here, session: Member) -> JSONResponse:
    """A JSON file; secrets only as "stored, encrypted"."""
    return JSONResponse(
        await account.export(service, session.member_id),
        headers={"Content-Disposition": 'attachment; filename="toottail.json"'},
    )


@router.post("/leave", operation_id="leave", summary="Leave, and take everything along")
async def leave(service: Here, session: Member, _: LeaveWish, response: Response) -> Left:
    """Deletes every row of the member at once and ends the token at their home."""
    ended = await account.leave(service, session.member_id)
    cookies.clear_session(service, response)
    return Left(token_ended=ended)
