"""A small server of its own for Prometheus, in any process of the service: ``metrics_listen``."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager, nullcontext

from starlette.responses import PlainTextResponse, Response
from starlette.types import Receive, Scope, Send

from toottail.cli.listening import Server, listening, server_config
from toottail.service.monitoring import CONTENT_TYPE, Monitoring
from toottail.settings import Settings

_CONNECTIONS = 20
"""Those who come beyond that are told to come later."""
_PATIENCE = 15.0


class MetricsApp:
    """``GET /metrics``, and nothing else."""

    def __init__(self, monitoring: Monitoring) -> None:
        self._monitoring = monitoring

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            await (await self._answer(scope["method"], scope["path"]))(scope, receive, send)

    async def _answer(self, method: str, path: str) -> Response:
        if path != "/metrics":
            return PlainTextResponse("Figures are at /metrics.\n", 404)
        if method not in ("GET", "HEAD"):
            return PlainTextResponse("Only GET.\n", 405, {"Allow": "GET, HEAD"})
        try:
            async with asyncio.timeout(_PATIENCE):
                text = await self._monitoring.text()
        except TimeoutError:
            return PlainTextResponse("This took too long.\n", 503, {"Retry-After": "60"})
        return Response(text, headers={"Content-Type": CONTENT_TYPE})


@contextmanager
def place_for_metrics(settings: Settings) -> Iterator[socket.socket | None]:
    """The socket where figures are asked for; None where the setting names none."""
    if settings.metrics_listen is None:
        with nullcontext():
            yield None
        return
    hint = "TOOTTAIL_METRICS_LISTEN=HOST:PORT names another place"
    at = settings.metrics_at
    assert at is not None
    with listening(settings.metrics_listen, at, hint) as listener:
        yield listener


@asynccontextmanager
async def metrics_served(
    listener: socket.socket | None, monitoring: Monitoring
) -> AsyncIterator[None]:
    """Figures are told while the block lasts."""
    if listener is None:
        yield
        return
    port = listener.getsockname()[1]
    settings = server_config(MetricsApp(monitoring), most=_CONNECTIONS, ends_within=1)
    server = Server(settings, lambda: print(f"Metrics: port {port}", flush=True))
    serving = asyncio.create_task(server.serve([listener]), name="metrics")
    try:
        yield
    finally:
        server.should_exit = True
        await asyncio.gather(serving, return_exceptions=True)
