"""Figures for Prometheus: what this process's API answered, beside what `Monitoring` knows."""

from __future__ import annotations

from prometheus_client import Counter
from starlette.types import Scope

from toottail.service.context import Service
from toottail.service.monitoring import Monitoring
from toottail.service.stored_figures import StoredFigures

_OTHER = "other"
_METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})


class Metrics:
    """The API's own figure, in the registry of ``monitoring``."""

    def __init__(self, monitoring: Monitoring) -> None:
        self._monitoring = monitoring
        self._requests = Counter(
            "toottail_api_requests",
            "Requests answered by this process's API.",
            ("method", "route", "status"),
            registry=monitoring.registry,
        )

    def count(self, scope: Scope, status: int | None) -> None:
        """Counts an answered request; ``status`` is None where the visitor went before it was.

        Routes are as declared and methods those that exist: what visitors make up is no label.
        """
        route = getattr(scope.get("route"), "path", _OTHER)
        method = scope["method"] if scope["method"] in _METHODS else _OTHER
        kind = f"{status // 100}xx" if status is not None else "none"
        self._requests.labels(method, route, kind).inc()

    async def text(self) -> bytes:
        """All figures of the process."""
        return await self._monitoring.text()


def api_alone(service: Service) -> Monitoring:
    """The figures of a process that serves nothing but the API."""
    database = service.database
    return Monitoring(
        service.settings,
        service.door.counts,
        ("api",),
        {"service": database.use},
        StoredFigures(database),
    )
