"""The front page, and how a sign-in begins and ends."""

from __future__ import annotations

from starlette.responses import Response

from toottail.errors import HomeFailed, NotPermittedYet, RemoteError, ServiceRefused
from toottail.service import public, sessions, sign_in
from toottail.service.http import cookies
from toottail.service.http.problems import problem_of
from toottail.service.sign_in import Wish
from toottail.web import plots
from toottail.web.offers import offered
from toottail.web.rendering import render
from toottail.web.visits import Form, Visit, go

PROBLEMS = frozenset(
    {
        "no_server",
        "invalid_server",
        "unreachable",
        "not_a_home",
        "unsupported",
        "home_not_listed",
        "blocked",
        "closed",
        "invite_needed",
        "invite_invalid",
        "full",
        "denied",
        "expired",
        "scopes",
        "home_failed",
        "not_signed_in",
        "too_many_attempts",
    }
)
"""What can be said of a sign-in that came to nothing."""
DONE = frozenset({"signed_out", "left", "left_unconfirmed"})
"""What can be said to somebody who just left."""


async def front(visit: Visit) -> Response:
    """GET /"""
    wish = Wish(visit.asked("server"), (), visit.asked("invite"))
    return await _front(visit, wish, _known(visit.asked("problem")))


async def begin(visit: Visit, form: Form) -> Response:
    """POST /sign-in: on to the home, or back here with a word why not."""
    sources = form.texts("sources")
    wish = Wish(form.text("server"), sources or ("home",), form.text("invite"))
    try:
        begun = await sign_in.begin(visit.service, wish, visit.address)
    except (ServiceRefused, HomeFailed, RemoteError, NotPermittedYet) as error:
        return await _refused(visit, wish, error)
    response = go(begun.authorize_url)
    cookies.set_sign_in(visit.service, response, begun.browser_cookie)
    return response


async def sign_out(visit: Visit, form: Form) -> Response:
    """POST /sign-out: here, or in all browsers."""
    if form.text("everywhere"):
        await sessions.end_all(visit.service, visit.member.member_id)
    else:
        await sessions.end(visit.service, cookies.session_of(visit.service, visit.request))
    response = go("/?done=signed_out")
    cookies.clear_session(visit.service, response)
    return response


async def _refused(visit: Visit, wish: Wish, error: Exception) -> Response:
    problem = problem_of(error)
    code = "no_server" if problem.code == "invalid_server" and not wish.server else problem.code
    response = await _front(visit, wish, _known(code), problem.status, str(error))
    response.headers.update(problem.headers)
    return response


async def _front(
    visit: Visit, wish: Wish, problem: str | None, status: int = 200, detail: str = ""
) -> Response:
    numbers = await public.status(visit.service)
    done = visit.asked("done")
    return render(
        visit,
        "front.html",
        status,
        wish=wish,
        chosen=wish.sources or ("home",),
        offered=offered(),
        problem=problem,
        detail=detail,
        done=done if done in DONE else None,
        numbers=numbers,
        sign_ups=numbers.sign_ups,
        sketch=plots.sketch(),
        plots=plots,
    )


def _known(problem: str) -> str | None:
    if not problem:
        return None
    return problem if problem in PROBLEMS else "unknown"
