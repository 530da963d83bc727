"""What one process tells Prometheus: of itself always, of the whole service where that is its part.

Nothing is counted twice when all processes are asked: what is read from the database comes from the
API alone (of several API processes each tells the same: take the maximum, not the sum), all else
from the process that did it.
"""

from __future__ import annotations

import platform
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field

from prometheus_client import (
    CollectorRegistry,
    ProcessCollector,
    disable_created_metrics,
    generate_latest,
)
from prometheus_client.core import Metric
from prometheus_client.registry import Collector

from toottail import __version__
from toottail.repository.database import POOL_SIZE
from toottail.service.families import counter, gauge, histogram
from toottail.service.stored_figures import StoredFigures
from toottail.settings import Settings
from toottail.types.counts import Counts, PoolUse

# A second series beside each counter, of no use to anybody here.
disable_created_metrics()  # type: ignore[no-untyped-call]

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"


@dataclass
class Monitoring:
    """All figures of one process. ``parts`` are what it does, ``pools`` its databases by name."""

    settings: Settings
    counts: Counts
    parts: tuple[str, ...]
    pools: Mapping[str, PoolUse]
    stored: StoredFigures | None = None
    registry: CollectorRegistry = field(default_factory=CollectorRegistry)

    def __post_init__(self) -> None:
        ProcessCollector(registry=self.registry)
        self.registry.register(_OfProcess(self))
        if self.stored is not None:
            self.registry.register(self.stored)

    async def text(self) -> bytes:
        """All of them. A database that is away is one of the figures."""
        if self.stored is not None:
            await self.stored.refresh()
        return generate_latest(self.registry)


class _OfProcess(Collector):
    def __init__(self, of: Monitoring) -> None:
        self._of = of

    def describe(self) -> Iterable[Metric]:
        return self.collect()

    def collect(self) -> Iterator[Metric]:
        of = self._of
        about = (__version__, platform.python_version(), "+".join(of.parts))
        yield gauge(
            "build_info",
            "Which TootTail this is, and what this process does of it.",
            ("version", "python", "parts"),
            {about: 1},
        )
        yield from _requests(of.counts)
        yield from _pools(of.pools)
        if {"api", "web"} & set(of.parts):
            yield from _answers(of.counts)
        if "worker" in of.parts:
            yield from _worker(of.counts, of.settings)


def _requests(counts: Counts) -> Iterator[Metric]:
    yield counter(
        "requests",
        "Requests to other servers: whom they asked, and the status of the answer.",
        ("class", "status"),
        counts.requests,
    )
    yield histogram(
        "request_seconds",
        "How long other servers took to answer.",
        ("class",),
        counts.request_seconds,
    )
    yield counter(
        "request_body_bytes",
        "Bytes of bodies read from other servers, inflated.",
        ("class",),
        counts.body_bytes,
    )
    yield counter(
        "budget_waits",
        "Requests put off because a server's budget has none now, by the reason.",
        ("why",),
        counts.waits,
    )


def _answers(counts: Counts) -> Iterator[Metric]:
    yield counter(
        "http_requests",
        "Requests of visitors and programs to this process.",
        ("part", "status"),
        counts.answers,
    )
    yield histogram(
        "http_request_seconds",
        "How long they took, streams of events left out.",
        ("part",),
        counts.answer_seconds,
    )


def _worker(counts: Counts, settings: Settings) -> Iterator[Metric]:
    working = counts.worker
    yield gauge("worker_lanes", "Lanes held.", values=working.held if working else 0)
    yield gauge("worker_lanes_limit", "Lanes that may be held.", values=settings.worker_concurrency)
    yield gauge(
        "worker_takes_lanes",
        "1 while new lanes are taken, 0 above the memory limit or without a database.",
        values=float(working is not None and working.takes_lanes),
    )
    yield gauge(
        "worker_memory_limit_bytes",
        "The limit from which on no new lanes are taken; 0: there is none.",
        values=settings.worker_memory_limit,
    )
    yield counter("steps", "Steps that were begun.", ("step",), counts.steps)
    yield counter("looks", "Looks at conversations by what they brought.", ("yield",), counts.looks)
    yield counter(
        "resolves",
        "What homes answered when asked to fetch a reply.",
        ("outcome",),
        counts.resolves,
    )
    yield counter("visits", "Visits of lanes by why they ended.", ("ended",), counts.visits)
    yield histogram("visit_seconds", "How long they took.", (), {(): counts.visit_seconds})


def _pools(pools: Mapping[str, PoolUse]) -> Iterator[Metric]:
    yield gauge(
        "pool_connections_in_use",
        "Connections to the database that somebody in this process uses now.",
        ("pool",),
        {name: use.in_use for name, use in pools.items()},
    )
    yield gauge(
        "pool_connections_limit",
        "Connections that there may be.",
        ("pool",),
        dict.fromkeys(pools, float(POOL_SIZE)),
    )
    yield gauge(
        "pool_waiting",
        "Who waits for one now.",
        ("pool",),
        {name: use.waiting for name, use in pools.items()},
    )
    yield histogram(
        "pool_wait_seconds",
        "How long it took to get one.",
        ("pool",),
        {name: use.wait_seconds for name, use in pools.items()},
    )
    yield histogram(
        "pool_use_seconds",
        "How long one was kept: a transaction, or a few reads.",
        ("pool",),
        {name: use.use_seconds for name, use in pools.items()},
    )
