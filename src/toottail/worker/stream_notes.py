"""What streams bring, gathered for a moment and then written together.

What waits to be written is bounded: a stream whose status has no room left is dropped, and its
timeline read instead. So a database that is slow costs freshness, and never memory.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Collection
from datetime import timedelta
from typing import TYPE_CHECKING

import structlog

from toottail.errors import StorageConflict, StorageError
from toottail.flow.streamed import store_shown
from toottail.repository import streams
from toottail.repository.streams import Loss
from toottail.repository.timelines import Seen

if TYPE_CHECKING:
    from toottail.worker.engine import Engine

log = structlog.get_logger(__name__)

GATHER = 0.3
"""Seconds for which statuses are gathered before they are written."""
MOST_WAITING = 5_000
"""Statuses that may wait to be written, of all streams together."""
_AT_ONCE = 4
"""Homes that are written for at the same time."""
_TRIES = 5
_FIRST_PAUSE = 0.1


class Notes:
    """``unstored`` is told of the members whose statuses could not be stored after all."""

    def __init__(self, engine: Engine, unstored: Callable[[Collection[int], str], None]) -> None:
        self._engine = engine
        self._unstored = unstored
        self._watch_for = timedelta(days=engine.settings.watch_days)
        self._shown: dict[str, dict[int, list[Seen]]] = {}
        self._waiting = 0
        self._up: set[int] = set()
        self._lost: dict[int, Loss] = {}
        self._put_off: dict[str, tuple[timedelta, int]] = {}
        self._something = asyncio.Event()

    def show(self, home: str, member_id: int, seen: Seen) -> bool:
        """Takes a status that a stream showed; False where there is no room for it."""
        if self._waiting >= MOST_WAITING:
            return False
        self._shown.setdefault(home, {}).setdefault(member_id, []).append(seen)
        self._waiting += 1
        self._something.set()
        return True

    def up(self, member_id: int) -> None:
        """A stream is open."""
        self._up.add(member_id)
        self._something.set()

    def lost(self, member_id: int, loss: Loss) -> None:
        """A stream is over."""
        self._up.discard(member_id)
        self._lost[member_id] = loss
        self._something.set()

    def put_off_home(self, home: str, wait: timedelta, failures: int) -> None:
        """No further stream of a home is to be tried for some time."""
        self._put_off[home] = (wait, failures)
        self._something.set()

    def is_lost(self, member_id: int) -> bool:
        """Whether the loss of a stream still waits to be written."""
        return member_id in self._lost

    async def keep(self) -> None:
        """Writes what is gathered, for as long as it runs."""
        while True:
            await self._something.wait()
            await asyncio.sleep(GATHER)
            try:
                await self.write()
            except StorageError as error:
                log.warning("streams could not be noted", why=str(error))

    async def write(self) -> None:
        """Writes all that waits, states of streams first. Raises `StorageError`: it waits on."""
        self._something.clear()
        try:
            await self._write_states()
        except StorageError:
            self._something.set()
            raise
        shown, self._shown, self._waiting = self._shown, {}, 0
        places = asyncio.Semaphore(_AT_ONCE)

        async def write_one(home: str, by_member: dict[int, list[Seen]]) -> None:
            async with places:
                await self._store(home, by_member)

        await asyncio.gather(*(write_one(home, what) for home, what in shown.items()))

    async def _store(self, home: str, by_member: dict[int, list[Seen]]) -> None:
        pause = _FIRST_PAUSE
        for tries in range(1, _TRIES + 1):
            try:
                await self._store_once(home, by_member)
            except StorageConflict as error:
                if tries == _TRIES:
                    self._unstored(by_member, str(error))
                    return
                await asyncio.sleep(pause)
                pause *= 2
            except StorageError as error:
                self._unstored(by_member, str(error))
                return
            else:
                return

    async def _store_once(self, home: str, by_member: dict[int, list[Seen]]) -> None:
        engine, woken = self._engine, set[str]()
        async with engine.database.transaction() as conn:
            engine.collect_pokes(conn, woken)
            try:
                hosts = await store_shown(conn, home, by_member, self._watch_for)
                await engine.enqueue(conn, hosts)
            finally:
                engine.forget_pokes(conn)
        await engine.poke_held(woken)

    async def _write_states(self) -> None:
        """All of them in one transaction, the losses first."""
        worker = self._engine.worker_id
        lost, up, put_off = dict(self._lost), set(self._up), dict(self._put_off)
        if not (lost or up or put_off):
            return

        async def write() -> None:
            async with self._engine.database.transaction() as conn:
                if lost:
                    await streams.note_lost(conn, worker, lost)
                if up:
                    await streams.note_up(conn, worker, sorted(up))
                for home, (wait, failures) in put_off.items():
                    await streams.put_off_home(conn, home, wait, failures)

        await _again_on_conflict(write)
        self._lost = {m: loss for m, loss in self._lost.items() if lost.get(m) is not loss}
        self._up -= up
        self._put_off = {h: at for h, at in self._put_off.items() if put_off.get(h) is not at}


async def _again_on_conflict(write: Callable[[], Awaitable[None]]) -> None:
    for tries in range(1, _TRIES + 1):
        try:
            await write()
        except StorageConflict:
            if tries == _TRIES:
                raise
            await asyncio.sleep(_FIRST_PAUSE * tries)
        else:
            return
