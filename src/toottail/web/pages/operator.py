"""The operator's page: what it costs, what is late, who is here, who wants to be left alone."""

from __future__ import annotations

from starlette.responses import Response

from toottail.errors import BadRequest
from toottail.service import account, operating
from toottail.web.rendering import render
from toottail.web.visits import Form, Visit, go


async def operator(visit: Visit) -> Response:
    """GET /operator"""
    visit.operator  # noqa: B018 — raises
    return await _page(visit)


async def members(visit: Visit, form: Form) -> Response:
    """POST /operator/members: pause, resume or remove one."""
    visit.operator  # noqa: B018 — raises
    number, act = _number(form.text("member")), form.text("do")
    if act == "pause":
        await account.pause(visit.service, number, by_operator=True)
    elif act == "resume":
        await account.resume(visit.service, number, by_operator=True)
    elif act == "remove" and form.text("sure") == "yes":
        await account.leave(visit.service, number)
    else:
        return go("/operator?problem=sure#members")
    return go("/operator#members")


async def opt_outs(visit: Visit, form: Form) -> Response:
    """POST /operator/opt-outs: block the server, or decline."""
    visit.operator  # noqa: B018 — raises
    await operating.decide_opt_out(
        visit.service, _number(form.text("number")), block=form.text("do") == "block"
    )
    return go("/operator#opt-outs")


async def invites(visit: Visit, form: Form) -> Response:
    """POST /operator/invites: the code is on the page that answers, and nowhere else."""
    visit.operator  # noqa: B018 — raises
    days = form.text("days")
    code = await operating.invite(
        visit.service,
        uses=_number(form.text("uses")),
        days=_number(days) if days else None,
        note=form.text("note"),
    )
    return await _page(visit, invite=code)


async def _page(visit: Visit, invite: str | None = None) -> Response:
    return render(
        visit,
        "operator.html",
        view=await operating.view(visit.service),
        invite=invite,
        unsure=visit.asked("problem") == "sure",
    )


def _number(text: str) -> int:
    if not text.isdecimal() or len(text) > 18:
        raise BadRequest("A number was expected.")
    return int(text)
