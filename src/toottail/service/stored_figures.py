"""Figures of the whole service, from the database: in one go, and not too often.

What only grows is counted here from what came to an end since the last reading, so that it does not
shrink when rows expire. It begins at zero with each process, as Prometheus expects. Each question
is a transaction of its own: a process that is slow keeps none open over all of them.
"""

from __future__ import annotations

import asyncio
import shutil
import time
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path

import structlog
from prometheus_client.core import Metric
from prometheus_client.registry import Collector

from toottail.errors import StorageError
from toottail.repository import measures
from toottail.repository.database import Database
from toottail.repository.measures import DatabaseFigures, Measures
from toottail.repository.operations import LaneFigures
from toottail.service.families import counter, gauge, histogram
from toottail.types.counts import Spread
from toottail.types.delays import BOUNDS, WORK

log = structlog.get_logger(__name__)

FRESH = 10.0
"""Seconds for which the figures are told without being read again."""
SETTLED = timedelta(seconds=6)
"""No transaction takes longer, so what ended before that is all there to be counted."""
_PATIENCE = 8.0
_FARTHEST = timedelta(hours=1)
"""What ended longer ago, while nobody asked, is not counted any more."""


class StoredFigures(Collector):
    """Of one ``database``; ``folder`` is where it lives if that is a folder of ours."""

    def __init__(self, database: Database, folder: Path | None = None) -> None:
        self._database = database
        self._folder = folder
        self._lock = asyncio.Lock()
        self._read_at = float("-inf")
        self._took = 0.0
        self._now: Measures | None = None
        self._began = time.monotonic()
        self._counted_until: datetime | None = None
        self._known_work: Mapping[tuple[datetime, str, float], int] | None = None
        self._deliveries: Counter[str] = Counter(
            dict.fromkeys(("delivered", "unattached", "not_obtained", "given_up"), 0)
        )
        self._replies = Spread(BOUNDS)
        self._work: dict[str, Spread] = {work: Spread(BOUNDS) for work in WORK}

    async def refresh(self) -> None:
        """Reads them anew unless that was done just now; who comes meanwhile waits for it."""
        async with self._lock:
            began = time.monotonic()
            if began - self._read_at < FRESH:
                return
            self._now = None
            now = datetime.now(UTC)
            try:
                async with asyncio.timeout(_PATIENCE), self._database.connection() as conn:
                    # Ends are noted by its clock: ours may be ahead, and would count none of them.
                    there = await measures.clock(conn)
                    since, until = self._uncounted(there, began), there - SETTLED
                    found = await measures.read(conn, now, since, until)
            except (StorageError, TimeoutError) as error:
                log.warning("the database's figures cannot be read", why=str(error) or "too slow")
            else:
                if found.lanes is None:
                    log.warning("too much is due to count it in time")
                self._now, self._counted_until = found, max(since, until)
                self._count(found)
            self._read_at = time.monotonic()
            self._took = self._read_at - began

    def _uncounted(self, there: datetime, began: float) -> datetime:
        """Since when ends are to be counted, by the database's clock, which is at ``there``."""
        if self._counted_until is not None:
            return max(self._counted_until, there - _FARTHEST)
        return there - min(timedelta(seconds=began - self._began), _FARTHEST) - SETTLED

    def _count(self, found: Measures) -> None:
        self._deliveries.update(found.deliveries)
        for class_, number, seconds in found.replies:
            self._replies.counts[min(class_, len(BOUNDS))] += number
            self._replies.total += seconds
        if self._known_work is not None:
            for (at, work, up_to), number in found.work.items():
                more = number - self._known_work.get((at, work, up_to), 0)
                self._work[work].note(up_to, max(0, more))
        self._known_work = found.work

    def describe(self) -> Iterable[Metric]:
        """Nothing before it was read."""
        return ()

    def collect(self) -> Iterator[Metric]:
        """The figures as last read."""
        yield gauge(
            "database_up",
            "1 where the database could be read just now.",
            values=float(self._now is not None),
        )
        yield gauge(
            "figures_read_seconds", "How long reading these figures took.", values=self._took
        )
        yield counter(
            "deliveries",
            "Replies whose delivery came to an end, by how; one that is tried again counts again.",
            ("outcome",),
            self._deliveries,
        )
        yield histogram(
            "reply_delay_seconds",
            "From the posting of a new reply until a home shows it in its place.",
            (),
            {(): self._replies},
        )
        yield histogram(
            "work_delay_seconds",
            "How late work was done; its sum is that of the classes' upper bounds.",
            ("work",),
            self._work,
        )
        if self._folder is not None:
            yield from _disk(self._folder)
        if self._now is not None:
            yield from _service(self._now)
            if self._now.lanes is not None:
                yield from _lanes(self._now.lanes)
            yield from _database(self._now.database)


def _service(now: Measures) -> Iterator[Metric]:
    yield gauge("members", "Members of the service.", ("state",), now.members)
    yield gauge("homes", "Homes of members of the service.", values=now.homes)
    yield gauge("streams", "Streams of members that are open now.", values=now.streams)
    yield gauge("opt_outs_open", "Admins' wishes that wait for the operator.", values=now.opt_outs)
    runs = {"going": 0, "stuck": 0, **now.runs}
    yield gauge("first_runs", "First runs; stuck: nothing came for 30 minutes.", ("state",), runs)
    workers = {"working": 0, "full": 0, "silent": 0, **now.workers}
    yield gauge(
        "workers", "Workers; full: over their memory limit; silent: gone.", ("state",), workers
    )
    hosts = {"refusing": 0, "failing": 0, **now.hosts}
    yield gauge("hosts", "Servers that refuse us, or do not answer.", ("state",), hosts)


def _lanes(lanes: LaneFigures) -> Iterator[Metric]:
    yield gauge("lanes_due", "Lanes with something to do now.", values=lanes.due)
    yield gauge("lanes_held", "Lanes that a worker holds.", values=lanes.held)
    late = {"60": lanes.late_minute, "900": lanes.late_quarter, "3600": lanes.late_hour}
    yield gauge("lanes_late", "Lanes that wait for more than so many seconds.", ("over",), late)
    yield gauge(
        "oldest_due_seconds", "How long the longest waiting work waits.", values=lanes.oldest
    )


def _database(now: DatabaseFigures) -> Iterator[Metric]:
    yield gauge("database_size_bytes", "Bytes of the database.", values=now.bytes)
    yield gauge(
        "database_connections", "Connections to it, of all programs.", values=now.connections
    )
    yield gauge(
        "database_connections_limit", "What its server allows.", values=now.most_connections
    )
    yield counter(
        "database_transactions",
        "Transactions by how they ended.",
        ("ended",),
        {"commit": now.commits, "rollback": now.rollbacks},
    )
    yield counter("database_deadlocks", "Transactions ended for another.", values=now.deadlocks)


def _disk(folder: Path) -> Iterator[Metric]:
    with suppress(OSError):
        found = shutil.disk_usage(folder)
        yield gauge("disk_free_bytes", "Free bytes where the data folder is.", values=found.free)
        yield gauge("disk_size_bytes", "Bytes of that disk.", values=found.total)
