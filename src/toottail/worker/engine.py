"""The engine: lanes dispatched by PgQueuer, taken by lease, woken by the tick.

PgQueuer is the doorbell, the rows are the truth. A job names a lane; whoever picks it up takes the
lane if nobody holds it, or tells the holder that work came in. Jobs carry the lane's epoch in their
dedupe key, so that a lane has at most one job waiting, and a job that is just ending never swallows
new work. What falls between is found by the tick within a second.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from datetime import UTC, datetime, timedelta
from time import monotonic
from uuid import UUID

import structlog
from pgqueuer.adapters.drivers.asyncpg import AsyncpgDriver
from pgqueuer.models import Job
from pgqueuer.qm import QueueManager
from pgqueuer.queries import Queries

from toottail.errors import DatabaseUnavailable, DiskFull, LaneLost, StorageError
from toottail.repository import lanes, slices, timelines
from toottail.repository.database import Connection, Database
from toottail.repository.sealing import Sealer
from toottail.repository.translation import translated
from toottail.servers.budgets import HostBudget, standard_limits
from toottail.servers.door import Door
from toottail.servers.sharing import slice_limits, slices_at_once
from toottail.settings import Settings
from toottail.types.lanes import host_of_lane, slice_of_lane
from toottail.worker import housekeeping, lists
from toottail.worker.bell import Bell
from toottail.worker.delays import Delays
from toottail.worker.heart import Heart
from toottail.worker.lease import Lease, steady
from toottail.worker.telling import tell_visit
from toottail.worker.visit import LaneVisit

log = structlog.get_logger(__name__)

TICK = 0.5
"""Seconds between two looks at what is due, at least."""
_TICKS_PART = 2
"""A tick is followed by a pause so many times as long."""
_TOLD_AGAIN = 60.0
_SLOWEST_TICK = 2.0
_POKED_AT_ONCE = 16
"""Lanes held that are looked into at a tick."""
WOKEN_AT_ONCE = 50
"""Conversations that a tick lets be looked at again."""
_ENTRYPOINT = "lane"
_HEARTBEAT = timedelta(seconds=20)
_STOP_WITHIN = 9.0
_FINISH_WITHIN = 6.0
_ABANDON_AFTER = 3.0
_LEAVE_WITHIN = 3.0
_MOST_CRASHES = 3


class Engine:
    """Serves lanes until it is stopped. Made by `running`."""

    def __init__(self, settings: Settings, database: Database, door: Door, sealer: Sealer) -> None:
        self.settings = settings
        self.database = database
        self.door = door
        self.sealer = sealer
        self.stopping = False
        self.served = False
        """Whether it came as far as to serve lanes."""
        self.failure: BaseException | None = None
        self._held: dict[str, LaneVisit] = {}
        self._pokes: dict[int, set[str]] = {}
        self._crashes: dict[str, int] = {}
        self._poked_last = ""
        self.limits = standard_limits(settings.home_share, settings.user_share)
        """Those of a host with one lane."""
        self._queue: QueueManager | None = None
        self._bell: Bell | None = None
        self.delays = Delays()
        self._heart = Heart(settings, database, self.delays)
        self.failed = asyncio.Event()
        door.counts.worker = self

    @property
    def held(self) -> int:
        """How many lanes it holds."""
        return len(self._held)

    @property
    def takes_lanes(self) -> bool:
        """Whether it takes new ones: it has the memory, and a database."""
        return self.served and not (self.full or self.stopping or self.failed.is_set())

    @property
    def worker(self) -> QueueManager:
        """PgQueuer's manager; its id is this worker's id."""
        assert self._queue is not None
        return self._queue

    @property
    def crowded(self) -> bool:
        """Whether no lane can be taken until another one is given back."""
        return len(self._held) >= self.settings.worker_concurrency

    @property
    def worker_id(self) -> UUID:
        """This worker's id in the database."""
        return self.worker.queue_manager_id

    @property
    def full(self) -> bool:
        """Whether nothing new is taken on, for want of memory."""
        return self._heart.full

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Serves lanes while the block lasts, and gives them back at its end."""
        async with AsyncExitStack() as stack:
            own = await stack.enter_async_context(self.database.raw(self._lose))
            listening = await stack.enter_async_context(self.database.raw(self._lose))
            self._bell = bell = Bell(listening, self._heart, self._fail)
            self._queue = QueueManager(bell)
            self._queue.entrypoint(_ENTRYPOINT)(self._serve)
            await lists.refresh(self.settings, self.database, self.door, datetime.now(UTC))
            await self._join(own, self._queue.queue_manager_id)
            self.served = True
            serving = asyncio.create_task(self._dispatch(self._queue), name="dispatch")
            beside = (
                asyncio.create_task(self._tick(), name="tick"),
                asyncio.create_task(
                    self._heart.keep(self._queue.queue_manager_id, self._held), name="heart"
                ),
                asyncio.create_task(
                    lists.keep(self.settings, self.database, self.door), name="lists"
                ),
                asyncio.create_task(
                    housekeeping.keep(self.settings, self.database), name="housekeeping"
                ),
            )
            for task in (serving, *beside):
                task.add_done_callback(self.note_failure)
            try:
                yield
            finally:
                await self._stop(serving, beside)
                await self._leave(self._queue.queue_manager_id)

    async def _join(self, own: Connection, worker: UUID) -> None:
        limit = self.settings.worker_memory_limit
        with translated():
            await lanes.join(own, worker, egress=self.settings.egress, memory_limit=limit)

    async def _leave(self, worker: UUID) -> None:
        # On whatever connection there is: that of this worker may be what failed.
        with suppress(StorageError, OSError):
            async with asyncio.timeout(_LEAVE_WITHIN), self.database.connection() as conn:
                await self.delays.store(conn, datetime.now(UTC))
                await lanes.leave(conn, worker)

    async def _dispatch(self, queue: QueueManager) -> None:
        most = self.settings.worker_concurrency
        await queue.run(
            dequeue_timeout=timedelta(seconds=5),
            batch_size=min(10, most // 2),
            max_concurrent_tasks=most,
            heartbeat_timeout=_HEARTBEAT,
            log_aggregation_interval=timedelta(0),
        )

    def note_failure(self, task: asyncio.Task[None]) -> None:
        """What to do when a task ends that should go on as long as the engine does."""
        if not task.cancelled():
            stopped = DatabaseUnavailable("the dispatcher stopped by itself")
            self._fail(task.exception() or stopped)

    def _fail(self, why: BaseException) -> None:
        if self.failure is None and not self.stopping:
            self.failure = why
            self.failed.set()

    def _lose(self) -> None:
        """One of the engine's own connections is closed: nothing might be asked on it for long."""
        if self._bell is not None:
            self._bell.lost = True
        self._fail(DatabaseUnavailable("The connection to the database is lost."))

    async def _stop(
        self, serving: asyncio.Task[None], beside: Sequence[asyncio.Task[None]]
    ) -> None:
        self.stopping = True
        for task in beside:
            task.cancel()
        self.worker.shutdown.set()
        for visit in self._held.values():
            visit.poked.set()
        _, late = await asyncio.wait([serving], timeout=_FINISH_WITHIN)
        if late:
            # The steps that wait for slow hosts are broken off, and the lanes given back.
            for visit in self._held.values():
                visit.break_off()
            _, late = await asyncio.wait([serving], timeout=_STOP_WITHIN - _FINISH_WITHIN)
        for task in late:
            task.cancel()
        # What still waits for a database that is silent must not keep the next engine from it.
        await asyncio.wait([serving, *beside], timeout=_ABANDON_AFTER)

    # Lanes

    async def _serve(self, job: Job) -> None:
        key = (job.payload or b"").decode()
        held = self._held.get(key)
        if held is not None:
            held.poked.set()
        lease = Lease(
            self.database,
            key,
            self.worker.queue_manager_id,
            self.settings.lease,
            steady,
        )
        most = slices_at_once(self.settings.home_in_flight)
        while not await lease.take(lambda state: self._budget(key, state), most):
            async with self.database.connection() as conn:
                # For a slice there may be no room; the tick rings again when there is.
                if await lanes.poke(conn, key) or slice_of_lane(key):
                    return
        visit = LaneVisit(self, lease)
        self._held[key] = visit
        began = monotonic()
        try:
            await visit.run()
        except LaneLost:
            visit.ended = "lost"
            log.warning("lane lost", lane=key, epoch=lease.epoch)
        except StorageError as error:
            visit.ended = "database"
            log.warning("visit broken off", lane=key, epoch=lease.epoch, why=str(error))
        except Exception as error:
            visit.ended = "fault"
            log.exception("visit failed", lane=key, epoch=lease.epoch)
            self._crashes[key] = self._crashes.get(key, 0) + 1
            if self._crashes[key] >= _MOST_CRASHES:
                self._fail(error)
        finally:
            if self._held.get(key) is visit:
                del self._held[key]
            seconds = monotonic() - began
            self.door.counts.visit(visit.counts, visit.ended, seconds)
            tell_visit(visit, lease, self.worker_id, seconds)

    def _budget(self, key: str, state: dict[str, object]) -> HostBudget:
        limits = slice_limits(self.limits) if slice_of_lane(key) else self.limits
        return HostBudget.from_state(host_of_lane(key), state, defaults=limits)

    # Doorbells

    def collect_pokes(self, conn: Connection, into: set[str]) -> None:
        """Lanes that this process holds are woken when the transaction of ``conn`` is through."""
        self._pokes[id(conn)] = into

    def forget_pokes(self, conn: Connection) -> None:
        """The transaction of ``conn`` is over."""
        self._pokes.pop(id(conn), None)

    async def poke_held(self, hosts: Iterable[str]) -> None:
        """Wakes visits of this process; rings for lanes that were let go in the meantime."""
        missed = []
        for host in hosts:
            if host in self._held:
                self._held[host].poked.set()
            else:
                missed.append(host)
        if missed:
            async with self.database.transaction() as conn:
                await self.enqueue(conn, missed)

    async def enqueue(self, conn: Connection, hosts: Iterable[str]) -> None:
        """Rings for lanes, in the transaction of ``conn``."""
        wanted = set(hosts)
        here = {host for host in wanted if host in self._held}
        self._pokes.get(id(conn), set()).update(here)
        others = sorted(wanted - here)
        if not others:
            return
        epochs = await lanes.epochs(conn, others)
        await Queries(AsyncpgDriver(conn)).enqueue(
            [_ENTRYPOINT] * len(epochs),
            [key.encode() for key in epochs],
            [0] * len(epochs),
            dedupe_key=[f"{key}@{epoch}" for key, epoch in epochs.items()],
            on_conflict="skip",
        )

    async def _tick(self) -> None:
        """Turns what is due into jobs; one process at a time."""
        told = -_TOLD_AGAIN
        while True:
            began = monotonic()
            try:
                await self._tick_once()
                self._heart.ticked = monotonic()
            except DiskFull as full:
                # Nothing is begun any more then, and nobody else would say why.
                if began - told > _TOLD_AGAIN:
                    told = began
                    log.warning("nothing can be begun", why=str(full))
            except StorageError:
                # A process that was frozen in its tick finds its transaction ended by the server.
                pass
            await self.poke_held(self._next_to_poke())
            # Where much is due everywhere, to look for it must not be what the database does.
            await asyncio.sleep(min(max(TICK, _TICKS_PART * (monotonic() - began)), _SLOWEST_TICK))

    def _next_to_poke(self) -> list[str]:
        """Some of the lanes held, in turns: what became due there by time is looked for."""
        held = sorted(self._held)
        after = [key for key in held if key > self._poked_last]
        chosen = (after + held)[: min(_POKED_AT_ONCE, len(held))]
        self._poked_last = chosen[-1] if chosen else ""
        return chosen

    async def _tick_once(self) -> None:
        async with self.database.transaction() as conn:
            # Held for one tick only: a process that is frozen must not stop the others' ticks.
            if not await conn.fetchval("SELECT pg_try_advisory_xact_lock($1)", lanes.TICK_LOCK):
                return
            if self.database.embedded:
                await lanes.bury_the_dead(conn)
            now = datetime.now(UTC)
            woken = await timelines.wake(conn, now, WOKEN_AT_ONCE)
            most = slices_at_once(self.settings.home_in_flight)
            due = await slices.fitting(conn, await lanes.due(conn, now), most)
            await self.enqueue(conn, [*due, *woken.hosts])
        for late in woken.late:
            self.delays.note("wake", late)
