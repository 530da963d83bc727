"""A member's own pages: what was done for them, what is read, leaving."""

from __future__ import annotations

import json
from typing import get_args

from starlette.responses import Response

from toottail.errors import BadRequest, NotFound
from toottail.service import account, conversations
from toottail.service.conversations import Which
from toottail.service.http import cookies
from toottail.types.service import FirstRun, Overview, SourceSetting
from toottail.web import plots
from toottail.web.rendering import render
from toottail.web.visits import Form, Visit, go

_WHICH: tuple[Which, ...] = get_args(Which)


async def me(visit: Visit) -> Response:
    """GET /me"""
    which = visit.asked("which") or "all"
    if which not in _WHICH:
        raise NotFound("There is no such list.")
    number = visit.member.member_id
    after = visit.asked("after") or None
    listed = await conversations.listed(visit.service, number, which=which, after=after, limit=20)
    overview = await account.overview(visit.service, number)
    return render(
        visit,
        "me.html",
        overview=overview,
        run=_running(overview),
        plot=plots.bars(overview.days),
        listed=listed,
        which=which,
        filters=_WHICH,
        after=after,
        share=plots.share,
        plots=plots,
        enabled=[_whole(source) for source in overview.sources if source.enabled],
        not_found=visit.asked("problem") == "not_found",
    )


async def find(visit: Visit) -> Response:
    """GET /me/find?url=…: on to the conversation with a post."""
    try:
        number = await conversations.find(
            visit.service, visit.member.member_id, visit.asked("url").strip()
        )
    except (NotFound, BadRequest):
        return go("/me?problem=not_found#find")
    return go(f"/me/conversations/{number}")


async def settings(visit: Visit) -> Response:
    """GET /me/settings"""
    return await _settings(visit)


async def choose(visit: Visit, form: Form) -> Response:
    """POST /me/settings: which sources are read."""
    typed = [word for word in map(str.strip, form.text("further").split(",")) if word]
    try:
        await account.choose(
            visit.service, visit.member.member_id, [*form.texts("sources"), *typed]
        )
    except BadRequest as error:
        return await _settings(visit, 400, str(error), form.text("further"))
    return go("/me/settings?saved=yes")


async def _settings(
    visit: Visit, status: int = 200, problem: str = "", further: str = ""
) -> Response:
    overview = await account.overview(visit.service, visit.member.member_id)
    return render(
        visit,
        "settings.html",
        status,
        overview=overview,
        enabled=[_whole(source) for source in overview.sources if source.enabled],
        whole=_whole,
        saved=visit.asked("saved") == "yes",
        problem=problem,
        further=further,
    )


def _whole(source: SourceSetting) -> str:
    """A source with how much of it is read, so that saving a form does not forget that."""
    return f"{source.spec}={source.entries}"


async def pause(visit: Visit, _: Form) -> Response:
    """POST /me/pause"""
    await account.pause(visit.service, visit.member.member_id)
    return go("/me")


async def resume(visit: Visit, _: Form) -> Response:
    """POST /me/resume"""
    await account.resume(visit.service, visit.member.member_id)
    return go("/me")


async def export(visit: Visit) -> Response:
    """GET /me/export: all that is stored about the member, as a file."""
    stored = await account.export(visit.service, visit.member.member_id)
    return Response(
        json.dumps(stored, indent=2, ensure_ascii=False, default=str),
        media_type="application/json",
        headers={"Content-Disposition": 'attachment; filename="toottail.json"'},
    )


async def leaving(visit: Visit) -> Response:
    """GET /me/leave: what leaving means, and the button."""
    overview = await account.overview(visit.service, visit.member.member_id)
    return render(visit, "leave.html", overview=overview)


async def leave(visit: Visit, _: Form) -> Response:
    """POST /me/leave"""
    confirmed = await account.leave(visit.service, visit.member.member_id)
    response = go("/?done=left" if confirmed else "/?done=left_unconfirmed")
    cookies.clear_session(visit.service, response)
    return response


def _running(overview: Overview) -> FirstRun | None:
    run = overview.first_run
    return run if run is not None and run.ended_at is None else None
