"""The lease of one lane: who owns it, for how long, and what of its budget is reserved.

No request goes out unless a renewal was acknowledged within the last half of the lease: a process
that was frozen and thawed renews first, and finds out whether somebody else took over. The clock is
one that goes on while the machine sleeps.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from contextvars import ContextVar
from datetime import timedelta
from uuid import UUID

from toottail.errors import LaneLost, StorageError
from toottail.repository import lanes, slices
from toottail.repository.database import Connection, Database
from toottail.servers.budgets import HostBudget
from toottail.types.lanes import host_of_lane, slice_of_lane

BLOCK = 20
"""So many requests are reserved at a time: a takeover after a crash counts them as sent."""

_boottime = getattr(time, "CLOCK_BOOTTIME", None)


def steady() -> float:
    """Seconds on a clock that only goes forward, also while the machine sleeps."""
    return time.monotonic() if _boottime is None else time.clock_gettime(_boottime)


class Tally:
    """Counts the requests of one step."""

    __slots__ = ("sent",)

    def __init__(self) -> None:
        self.sent = 0


current_tally: ContextVar[Tally | None] = ContextVar("current_tally", default=None)


class Lease:
    """A lane that this process holds, from `take` until `release` or `LaneLost`."""

    def __init__(
        self, database: Database, key: str, worker: UUID, seconds: float, clock: Callable[[], float]
    ) -> None:
        self.key = key
        self.epoch = 0
        self.requests = 0
        self.lost = False
        self.shared = slice_of_lane(key) > 0
        """Whether the host has several lanes, which tell each other when it fails."""
        self._database = database
        self._worker = worker
        self._seconds = seconds
        self._clock = clock
        self._acknowledged = 0.0
        self._unreserved = BLOCK
        self._budget: HostBudget | None = None
        self._renewing = asyncio.Lock()

    async def take(
        self, make_budget: Callable[[dict[str, object]], HostBudget], most_slices: int = 1
    ) -> bool:
        """Takes the lane if nobody holds it; ``make_budget`` builds the budget as stored.

        A slice is not taken either while ``most_slices`` others of its home are held.
        """
        asked = self._clock()
        wanted = (self.key, self._worker, self._lease)
        async with self._database.connection() as conn:
            if slice_of_lane(self.key):
                taken = await lanes.take_slice(conn, *wanted, most_slices)
            else:
                taken = await lanes.take(conn, *wanted)
        if taken is None:
            return False
        self.epoch = taken.epoch
        self._acknowledged = asked
        self._budget = make_budget(taken.budget)
        return True

    @property
    def budget(self) -> HostBudget:
        """The host's budget, ours while we hold its lane."""
        if self._budget is None:
            raise LaneLost(f"the lane {self.key} was not taken")
        return self._budget

    @property
    def _lease(self) -> timedelta:
        return timedelta(seconds=self._seconds)

    async def before_send(self) -> None:
        """To be awaited right before each request. Raises `LaneLost`."""
        self._check()
        if self._unreserved >= BLOCK or self._is_stale():
            await self.renew()
        self._unreserved += 1
        self.requests += 1
        tally = current_tally.get()
        if tally is not None:
            tally.sent += 1

    def _is_stale(self) -> bool:
        return self._clock() - self._acknowledged > self._seconds / 2

    def _check(self) -> None:
        if self.lost:
            raise LaneLost(f"another worker holds the lane {self.key}")

    async def renew(self) -> None:
        """Prolongs the lease and reserves the next requests. Raises `LaneLost`."""
        async with self._renewing:
            self._check()
            asked = self._clock()
            try:
                async with self._database.connection() as conn:
                    await lanes.renew(
                        conn, self.key, self.epoch, self._lease, self.budget.state(ahead=BLOCK)
                    )
                    await self.compare_notes(conn)
            except (LaneLost, StorageError):
                self.lost = True
                raise
            self._acknowledged = asked
            self._unreserved = 0

    async def keep(self) -> None:
        """Renews in time, for as long as it runs; ends when the lane is lost."""
        while not self.lost:
            await asyncio.sleep(self._seconds / 5)
            if self._clock() - self._acknowledged < self._seconds / 5:
                continue
            try:
                await self.renew()
            except (LaneLost, StorageError):
                return

    async def compare_notes(self, conn: Connection) -> None:
        """Tells the home's other lanes whether it fails where that is news, else hears it."""
        if not self.shared:
            return
        home = host_of_lane(self.key)
        news = self.budget.news()
        if news is not None:
            await slices.tell_circuit(conn, home, *news)
        else:
            self.budget.heard(*await slices.circuit(conn, home))

    async def hold(self, conn: Connection) -> None:
        """The fence, first in each transaction of the visit. Raises `LaneLost`."""
        self._check()
        try:
            await lanes.hold(conn, self.key, self.epoch)
        except LaneLost:
            self.lost = True
            raise

    async def release(self) -> bool:
        """Gives the lane back; False when work came in meanwhile. Raises `LaneLost`."""
        self._check()
        async with self._database.connection() as conn:
            released = await lanes.release(
                conn, self.key, self.epoch, self.budget.state(), self.requests
            )
            # Not before: of a home that is forgotten meanwhile nothing is told.
            await self.compare_notes(conn)
            return released
