"""Figures for Prometheus: what this process answered, and what the database knows."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime

from prometheus_client import CollectorRegistry, Counter, Gauge, generate_latest
from starlette.types import Scope

from toottail.repository import delays, measures, operations
from toottail.repository.database import Database

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"
MOST_LANES = 100_000
LATE = 60.0
"""Seconds after which a lane that waits is late."""
_OTHER = "other"
_METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})


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
        self._streams = self._gauge("streams", "Streams of members that are open now.")
        self._deliveries = self._gauge(
            "deliveries_last_hour", "Deliveries that came to an end in the last hour.", "outcome"
        )
        self._due = self._gauge("lanes_due", "Lanes with something to do now.")
        self._late = self._gauge("lanes_late", "Of these, lanes that wait for over a minute.")
        self._oldest = self._gauge("oldest_due_seconds", "How long the longest waiting work waits.")
        self._delay = self._gauge(
            "delay_seconds",
            "How late work of the last hour was done, and how long new replies took.",
            "work",
            "quantile",
        )
        self._done = self._gauge("work_last_hour", "Work whose delay is told.", "work")

    def count(self, scope: Scope, status: int | None) -> None:
        """Counts an answered request; ``status`` is None where the visitor went before it was.

        Routes are as declared and methods those that exist: what visitors make up is no label.
        """
        route = getattr(scope.get("route"), "path", _OTHER)
        method = scope["method"] if scope["method"] in _METHODS else _OTHER
        kind = f"{status // 100}xx" if status is not None else "none"
        self._requests.labels(method, route, kind).inc()

    async def text(self, database: Database) -> bytes:
        """All of them, those of the database read now. Raises `StorageError`."""
        async with database.connection() as conn:
            found = await measures.read(conn)
            now = datetime.now(UTC)
            lanes = await operations.lanes(conn, now, MOST_LANES)
            late = await delays.read(conn, now, hours=(1,))
        _fill(self._members, found.members.items())
        _fill(self._deliveries, found.deliveries.items())
        self._homes.set(found.homes)
        self._streams.set(found.streams)
        self._due.set(sum(lane.due > 0 for lane in lanes))
        self._late.set(sum(lane.late > LATE for lane in lanes))
        self._oldest.set(max((lane.late for lane in lanes), default=0.0))
        self._delay.clear()
        for one in late:
            self._delay.labels(one.kind, "0.5").set(one.median)
            self._delay.labels(one.kind, "0.95").set(one.late)
        _fill(self._done, ((one.kind, one.done) for one in late))
        return generate_latest(self.registry)

    def _gauge(self, name: str, about: str, *labels: str) -> Gauge:
        return Gauge(f"toottail_{name}", about, labels, registry=self.registry)


def _fill(gauge: Gauge, values: Iterable[tuple[str, int]]) -> None:
    gauge.clear()
    for label, value in values:
        gauge.labels(label).set(value)
