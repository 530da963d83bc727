"""What every request to the API passes, whichever route it takes."""

from __future__ import annotations

import time

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from toottail.api.metrics import Metrics
from toottail.errors import ServiceRefused, TooManyAttempts
from toottail.service.allowances import Rate
from toottail.service.context import Service
from toottail.service.http import addresses, origins
from toottail.service.http.ceilings import READING, Ceiling
from toottail.service.http.problems import fault, problem_of

COUNTED = ("/api/v1/me", "/api/v1/operator", "/api/v1/sign-out", "/readyz")
"""Where these paths begin; sign-ins and forms have allowances of their own."""


class Gate:
    """Refuses what did not come from our pages, or too often; counts; ends faults as JSON."""

    def __init__(
        self, app: ASGIApp, service: Service, metrics: Metrics, reading: Rate = READING
    ) -> None:
        self._app = app
        self._service = service
        self._metrics = metrics
        self._ceiling = Ceiling(reading)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return await self._app(scope, receive, send)
        status: int | None = None

        async def noted(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            await send(message)

        try:
            self._check(scope)
            await self._app(scope, receive, noted)
        except ServiceRefused as error:
            await problem_of(error).as_json()(scope, receive, noted)
        except Exception as error:
            problem = fault(error)
            if status is None:
                await problem.as_json()(scope, receive, noted)
        finally:
            self._metrics.count(scope, status)
        return None

    def _check(self, scope: Scope) -> None:
        if scope["method"] not in origins.SAFE_METHODS:
            origins.check_origin(self._service, Headers(scope=scope))
        if scope["path"].startswith(COUNTED):
            whom = addresses.visitor(self._service.settings, scope)
            wait = self._ceiling.use(whom, time.monotonic())
            if wait:
                raise TooManyAttempts("That is a lot of requests. Wait a moment.", wait)
