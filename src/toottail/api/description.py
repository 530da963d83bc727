"""The OpenAPI description: what FastAPI finds out by itself, and what holds for all operations."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from fastapi import FastAPI
from fastapi.dependencies.models import Dependant
from fastapi.openapi.utils import get_openapi
from fastapi.routing import APIRoute, iter_route_contexts

from toottail import __version__
from toottail.api import gate, guards
from toottail.api.examples import example_of
from toottail.api.models import Error
from toottail.service.context import Service
from toottail.service.http import cookies, origins

_LICENCE = "AGPL-3.0-or-later"
_ABOUT = """\
What a member, an operator or anybody may ask of this service. The pages use the same functions.

**Signing in** happens in a browser: POST /api/v1/sign-in gives the address where the member says
yes at their own server, which sends the browser back to us; then there is a session cookie.

**What changes something** needs the header `Origin` with the service's own origin (browsers send
it), and from those signed in also `X-CSRF-Token` with the value that GET /api/v1/me gives.

**Errors** have one shape everywhere; `code` stays as it is, `message` is for people. The header
`Retry-After` says after how many seconds it makes sense to try again. Times are UTC, in RFC 3339.
"""

_PROBLEMS: dict[int, tuple[str, str, str, str]] = {
    400: ("BadRequest", "What was sent cannot be understood, or not be done.", "bad_request",
          "server: Field required"),
    401: ("NotSignedIn", "There is no session, or it has ended.", "not_signed_in",
          "Sign in first."),
    403: ("NotAllowed", "Not from a page of ours, without the csrf value, or for others only.",
          "csrf", "Load the page again."),
    404: ("NotFound", "There is no such thing, or it is another member's.", "not_found",
          "There is no such conversation of yours."),
    408: ("TooSlow", "The request took too long to arrive.", "too_slow",
          "The request took too long to arrive."),
    413: ("TooLarge", "More was sent than is taken.", "too_large",
          "More than 64 KiB are not taken."),
    421: ("Misdirected", "The Host header does not name this service.", "misdirected",
          "This service is at https://toottail.example only."),
    429: ("TooManyAttempts", "Too often; Retry-After says when to come back.",
          "too_many_attempts", "That is a lot of requests. Wait a moment."),
    500: ("Fault", "A mistake in TootTail; the log has more under the id in the message.",
          "fault", "Something is wrong on our side, sorry."),
    502: ("HomeFailed", "The member's server did not do its part.", "home_failed",
          "example.social: no answer in time"),
    503: ("Unavailable", "The service is not ready.", "unavailable",
          "The service is not ready. Try again in a minute."),
}  # fmt: skip
_ALWAYS = (400, 408, 413, 421, 500, 503)
_WAITING = (429, 503)


def problems(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """What a route declares of errors, beside those that all of its kind can have."""
    return {status: {"description": _PROBLEMS[status][1]} for status in statuses}


def routes_of(app: FastAPI) -> list[APIRoute]:
    """Every route of the API, the description's own aside."""
    found = (context.original_route for context in iter_route_contexts(app.routes))
    return [route for route in found if isinstance(route, APIRoute)]


def needs_session(route: APIRoute) -> bool:
    """Whether only those signed in get through to a route."""
    return any(one.call is guards.member for one in _dependants(route.dependant))


def describe(app: FastAPI, service: Service) -> dict[str, Any]:
    """The whole description of ``app``."""
    about = get_openapi(
        title="TootTail",
        version="1",
        summary=f"Makes conversations whole on small Mastodon-compatible servers ({__version__}).",
        description=_ABOUT,
        license_info={"name": _LICENCE, "identifier": _LICENCE},
        routes=app.routes,
        servers=[{"url": service.origin}],
    )
    parts = about.setdefault("components", {})
    parts["responses"] = {name: _response(status) for status, (name, *_) in _PROBLEMS.items()}
    parts["securitySchemes"] = {
        "session": {"type": "apiKey", "in": "cookie", "name": cookies.session_name(service)},
        "csrf": {"type": "apiKey", "in": "header", "name": origins.CSRF_HEADER},
    }
    for name in ("HTTPValidationError", "ValidationError"):
        parts["schemas"].pop(name, None)
    parts["schemas"]["Error"] = _error_schema()
    for route in routes_of(app):
        for method in route.methods or ():
            _complete(about["paths"][route.path_format][method.lower()], route, method)
    return about


def _complete(operation: dict[str, Any], route: APIRoute, method: str) -> None:
    responses = operation["responses"]
    responses.pop("422", None)
    example = example_of(operation["operationId"])
    for code in [code for code in responses if code < "400"]:
        for content in responses[code].get("content", {}).values():
            content["example"] = example
    unsafe = method not in origins.SAFE_METHODS
    statuses = {*_ALWAYS, *(int(word) for word in responses if int(word) >= 400)}
    if unsafe:
        statuses.add(403)
    if route.path.startswith(gate.COUNTED):
        statuses.add(429)
    if needs_session(route):
        statuses.add(401)
        operation["security"] = [{"session": [], "csrf": []} if unsafe else {"session": []}]
    for status in sorted(statuses):
        responses[str(status)] = {"$ref": f"#/components/responses/{_PROBLEMS[status][0]}"}


def _response(status: int) -> dict[str, Any]:
    _, what, code, message = _PROBLEMS[status]
    response: dict[str, Any] = {
        "description": what,
        "content": {
            "application/json": {
                "schema": {"$ref": "#/components/schemas/Error"},
                "example": {"error": {"code": code, "message": message}},
            }
        },
    }
    if status in _WAITING:
        response["headers"] = {
            "Retry-After": {
                "description": "Seconds until it makes sense to try again.",
                "required": status == 429,
                "schema": {"type": "integer", "minimum": 1},
            }
        }
    return response


def _error_schema() -> dict[str, Any]:
    schema = Error.model_json_schema()
    detail = schema.pop("$defs")["ErrorDetail"]
    schema["properties"]["error"] = detail
    return schema


def _dependants(one: Dependant) -> Iterator[Dependant]:
    yield one
    for below in one.dependencies:
        yield from _dependants(below)
