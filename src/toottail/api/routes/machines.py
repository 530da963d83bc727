"""What monitors ask."""

from __future__ import annotations

from fastapi import APIRouter, Request, Response
from starlette.responses import PlainTextResponse

from toottail.api.description import problems
from toottail.api.guards import Here
from toottail.api.models import Health
from toottail.errors import NotFound
from toottail.service import public
from toottail.service.http import addresses
from toottail.service.http.problems import Problem
from toottail.service.monitoring import CONTENT_TYPE

router = APIRouter(tags=["monitors"])


@router.get("/healthz", operation_id="getHealth", summary="Whether this process answers")
async def health() -> Health:
    """Asks nothing of the database: a process that cannot reach it need not be ended."""
    return Health()


@router.get(
    "/readyz",
    operation_id="getReadiness",
    summary="Whether all that it needs is there",
    response_model=Health,
)
async def readiness(request: Request, service: Here) -> Health | Response:
    """503 otherwise; from the machine itself and trusted networks it says what is not ready."""
    lacking = await public.ready(service)
    if not lacking:
        return Health()
    words = "The service is not ready. Try again in a minute."
    if addresses.is_insider(service.settings, request.scope):
        words = "; ".join(f"{part}: {what}" for part, what in lacking.items())
    return Problem(503, "unavailable", words, 60).as_json()


@router.get(
    "/metrics",
    operation_id="getMetrics",
    summary="Figures for Prometheus",
    response_class=PlainTextResponse,
    responses=problems(404),
)
async def metrics(request: Request, service: Here) -> Response:
    """Only for this machine and trusted networks, not through a proxy; nobody else finds it."""
    if not addresses.is_insider(service.settings, request.scope):
        raise NotFound("There is nothing here.")
    text = await request.app.state.metrics.text()
    return Response(text, headers={"Content-Type": CONTENT_TYPE})
