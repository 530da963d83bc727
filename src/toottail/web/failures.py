"""Errors as pages: what happened, in words for people, and what they can do."""

from __future__ import annotations

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Scope

from toottail.errors import NotSignedIn
from toottail.service.http.problems import Problem, problem_of
from toottail.web.rendering import render
from toottail.web.visits import Endpoint, go, stranger

TOLD = frozenset({400, 401, 403, 404, 405, 408, 413, 421, 429, 500, 502, 503})
"""Statuses that have words of their own."""


def guarded(endpoint: Endpoint) -> Endpoint:
    """``endpoint``, whose errors become pages."""

    async def answer(request: Request) -> Response:
        try:
            return await endpoint(request)
        except HTTPException:
            raise
        except NotSignedIn as error:
            return go(f"/?problem={error.code}")
        except Exception as error:
            return page(request, problem_of(error))

    return answer


def page(request: Request, problem: Problem) -> Response:
    """The page that tells of a problem."""
    status = problem.status if problem.status in TOLD else 500
    response = render(
        stranger(request), "error.html", problem.status, problem=problem, told_as=status
    )
    response.headers.update(problem.headers)
    return response


async def http_error(request: Request, error: Exception) -> Response:
    """What the framework itself refuses: no such page, not by this method."""
    status = error.status_code if isinstance(error, HTTPException) else 500
    headers = dict(error.headers or {}) if isinstance(error, HTTPException) else {}
    response = page(request, Problem(status, "http", ""))
    response.headers.update(headers)
    return response


def shield_page(scope: Scope, problem: Problem) -> Response:
    """The same for what is refused before it reaches a page."""
    return page(Request(scope), problem)
