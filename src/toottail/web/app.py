"""The pages' application: which address is answered by what."""

from __future__ import annotations

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.middleware.gzip import GZipMiddleware
from starlette.routing import Route

from toottail.service.allowances import Rate
from toottail.service.context import Service
from toottail.service.http.ceilings import READING, Ceiling
from toottail.service.http.shield import Shield
from toottail.web import static_files
from toottail.web.failures import guarded, http_error, shield_page
from toottail.web.pages import about, conversation, front, member, operator
from toottail.web.visits import Action, Page, done, shown


def create_web(service: Service, *, reading: Rate = READING) -> Starlette:
    """The pages of ``service``. Paths below /api belong to `toottail.api`.

    ``reading``: so often one address may ask for what costs the database something.
    """
    app = Starlette(
        routes=_routes(),
        middleware=[
            Middleware(Shield, service=service, render=shield_page),
            Middleware(GZipMiddleware, minimum_size=1000, compresslevel=5),
        ],
        exception_handlers={HTTPException: http_error},
    )
    app.state.service = service
    app.state.ceiling = Ceiling(reading)
    return app


def _routes() -> list[Route]:
    return [
        _get("/", front.front),
        _post("/sign-in", front.begin, signed_in=False),
        _post("/sign-out", front.sign_out),
        _get("/me", member.me),
        _get("/me/find", member.find),
        _get("/me/settings", member.settings),
        _post("/me/settings", member.choose),
        _post("/me/pause", member.pause),
        _post("/me/resume", member.resume),
        _get("/me/export", member.export),
        _get("/me/leave", member.leaving),
        _post("/me/leave", member.leave),
        _get("/me/conversations/{number}", conversation.conversation),
        _get("/about", about.about),
        _post("/opt-out", about.opt_out, signed_in=False),
        _get("/privacy", about.privacy),
        _get("/status", about.status),
        _get("/operator", operator.operator),
        _post("/operator/members", operator.members),
        _post("/operator/opt-outs", operator.opt_outs),
        _post("/operator/invites", operator.invites),
        _get("/robots.txt", about.robots),
        Route("/favicon.ico", static_files.favicon),
        Route("/static/{name}", static_files.serve),
    ]


def _get(path: str, page: Page) -> Route:
    return Route(path, guarded(shown(page)), methods=["GET"])


def _post(path: str, action: Action, *, signed_in: bool = True) -> Route:
    return Route(path, guarded(done(action, signed_in=signed_in)), methods=["POST"])
