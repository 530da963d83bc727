"""Figures for Prometheus: what this process answered, and what the database knows."""

from __future__ import annotations

from collections.abc import Iterable

from prometheus_client import CollectorRegistry, Counter, Gauge, generate_latest
from starlette.types import Scope

from toottail.repository import measures
from toottail.repository.database import Database

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"
_OTHER = "other"


class Metrics:
    """One set of figures; ``registry`` may already hold some of other parts of the process."""

    def __init__(self, registry: CollectorRegistry | None = None) -> None:
        self.registry = registry or CollectorRegistry()
        self._requests = Counter(
            "toottail_api_requests",
            "Requests answered by this process's API.",
            ("method", "route", "status"),
            registry=self.registry,
        )
        self._members = self._gauge("members", "Members of the service.", "state")
        self._homes = self._gauge("homes", "Homes of members of the service.")
        self._deliveries = self._gauge(
            "deliveries_last_hour", "Deliveries that changed within the last hour.", "state"
        )
        self._due = self._gauge("lanes_due", "Lanes with something to do now.")
        self._late = self._gauge("lanes_late", "Of these, lanes that wait for over a minute.")
        self._oldest = self._gauge("oldest_due_seconds", "How long the longest waiting lane waits.")

    def count(self, scope: Scope, status: int | None) -> None:
        """Counts an answered request; ``status`` is None where the visitor went before it was.

        Routes as they are declared and methods that exist: what visitors make up is no label.
        """
        route = getattr(scope.get("route"), "path", _OTHER)
        method = scope["method"] if route != _OTHER else _OTHER
        kind = f"{status // 100}xx" if status is not None else "none"
        self._requests.labels(method, route, kind).inc()

    async def text(self, database: Database) -> bytes:
        """All of them, those of the database read now. Raises `StorageError`."""
        async with database.connection() as conn:
            found = await measures.read(conn)
        _fill(self._members, found.members.items())
        _fill(self._deliveries, found.deliveries.items())
        self._homes.set(found.homes)
        self._due.set(found.lanes_due)
        self._late.set(found.lanes_late)
        self._oldest.set(found.oldest_due)
        return generate_latest(self.registry)

    def _gauge(self, name: str, about: str, *labels: str) -> Gauge:
        return Gauge(f"toottail_{name}", about, labels, registry=self.registry)


def _fill(gauge: Gauge, values: Iterable[tuple[str, int]]) -> None:
    gauge.clear()
    for label, value in values:
        gauge.labels(label).set(value)
