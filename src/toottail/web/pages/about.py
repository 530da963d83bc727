"""What everybody may read: who we are, how to be left alone, what is stored, how it goes."""

from __future__ import annotations

from starlette.responses import PlainTextResponse, Response

from toottail.errors import BadRequest, InvalidHost
from toottail.service import public
from toottail.web.rendering import render
from toottail.web.visits import Form, Visit, go

_RESULTS = frozenset({"done", "asked", "bad"})


async def about(visit: Visit) -> Response:
    """GET /about"""
    result = visit.asked("opt_out")
    return render(
        visit,
        "about.html",
        result=result if result in _RESULTS else None,
        user_agent=visit.service.settings.user_agent(),
        contact=contact(visit),
    )


async def opt_out(visit: Visit, form: Form) -> Response:
    """POST /opt-out: an admin wants a server left alone."""
    try:
        result = await public.opt_out(
            visit.service,
            form.text("host"),
            form.text("contact"),
            form.text("words"),
            visit.address,
        )
    except (BadRequest, InvalidHost):
        return go("/about?opt_out=bad#opt-out")
    return go(f"/about?opt_out={result}#opt-out")


async def privacy(visit: Visit) -> Response:
    """GET /privacy"""
    return render(visit, "privacy.html", contact=contact(visit))


async def status(visit: Visit) -> Response:
    """GET /status"""
    return render(visit, "status.html", numbers=await public.status(visit.service))


async def robots(_: Visit) -> Response:
    """GET /robots.txt: of our own pages, which crawlers may read but for members'."""
    closed = "".join(f"Disallow: {path}\n" for path in ("/me", "/operator", "/api/", "/sign-in"))
    return PlainTextResponse(
        f"User-agent: *\n{closed}", headers={"Cache-Control": "public, max-age=86400"}
    )


def contact(visit: Visit) -> tuple[str, str] | None:
    """How the operator is reached: (address for a link, text); None where that is not told."""
    told = visit.service.settings.contact
    if told is None:
        return None
    return told, told.removeprefix("mailto:").removeprefix("https://")
