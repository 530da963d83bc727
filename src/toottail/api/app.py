"""The API as an ASGI app."""

from __future__ import annotations

from typing import Any

from fastapi import FastAPI

from toottail.api.description import describe
from toottail.api.events import Streams
from toottail.api.gate import Gate
from toottail.api.handlers import add_handlers
from toottail.api.metrics import Metrics, api_alone
from toottail.api.routes import conversations, machines, me, operator, sign_in, visitors
from toottail.service.allowances import Rate
from toottail.service.context import Service
from toottail.service.http.ceilings import READING
from toottail.service.http.shield import Shield
from toottail.service.monitoring import Monitoring

OPENAPI = "/api/v1/openapi.json"


def create_api(
    service: Service, *, monitoring: Monitoring | None = None, reading: Rate = READING
) -> FastAPI:
    """The API over ``service``, with /healthz, /readyz, /metrics and its description at `OPENAPI`.

    ``monitoring`` are the figures of a process that does more than that. ``reading``: how many
    requests that cost the database something one address has.
    """
    metrics = Metrics(monitoring or api_alone(service))
    # FastAPI's own pages load scripts from elsewhere; its redirects trust the Host header.
    app = FastAPI(openapi_url=OPENAPI, docs_url=None, redoc_url=None, redirect_slashes=False)
    app.state.service = service
    app.state.metrics = metrics
    app.state.streams = Streams()
    add_handlers(app)
    for part in (visitors, sign_in, me, conversations, operator, machines):
        app.include_router(part.router)
    # The one added last is the outermost.
    app.add_middleware(Gate, service=service, metrics=metrics, reading=reading)
    app.add_middleware(Shield, service=service)
    described: dict[str, Any] = {}

    def description() -> dict[str, Any]:
        if not described:
            described.update(describe(app, service))
        return described

    app.openapi = description  # type: ignore[method-assign]
    return app
