"""A worker's signs of life: its row, its file, and whether its memory allows new lanes."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sized
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from uuid import UUID

import structlog

from toottail.errors import StorageError
from toottail.repository import lanes
from toottail.repository.database import Database
from toottail.settings import Settings
from toottail.worker.delays import Delays
from toottail.worker.memory import GIVE_BACK_EVERY, give_back, keep_little, memory_now

log = structlog.get_logger(__name__)

EVERY = 3.0
"""Seconds between two signs of life."""
FRESH = 30.0
"""Seconds for which the file, touched once, says that the worker works."""
_BELOW = 0.9
"""The part of its memory limit below which a worker takes lanes again."""


def is_fresh(file: Path) -> bool:
    """Whether the worker of ``file`` worked within the last `FRESH` seconds."""
    try:
        return time.time() - file.stat().st_mtime < FRESH
    except OSError:
        return False


class Heart:
    """Tells of one worker every few seconds. ``full``: it takes no new lanes now."""

    def __init__(
        self, settings: Settings, database: Database, delays: Delays | None = None
    ) -> None:
        self.full = False
        self.ticked = 0.0
        """When the tick last ran to its end, on the monotonic clock."""
        self._limit = settings.worker_memory_limit
        self._file = settings.alive_file
        self._database = database
        self._delays = delays or Delays()

    async def keep(self, worker: UUID, held: Sized) -> None:
        """Beats for as long as it runs; ``held`` are the lanes that the worker holds."""
        keep_little()
        given_back = time.monotonic()
        while True:
            if time.monotonic() - given_back > GIVE_BACK_EVERY:
                given_back = time.monotonic()
                give_back()
            with suppress(StorageError):
                await self.beat(worker, len(held))
            await asyncio.sleep(EVERY)

    async def beat(self, worker: UUID, held: int) -> None:
        """One sign of life. Raises `StorageError`."""
        memory = memory_now()
        self.weigh(memory)
        async with self._database.connection() as conn:
            await lanes.beat(conn, worker, lanes=held, memory=memory, over_limit=self.full)
            await self._delays.store(conn, datetime.now(UTC))
        if time.monotonic() - self.ticked < FRESH:
            with suppress(OSError):
                self._file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
                self._file.touch(mode=0o600)

    def weigh(self, memory: int) -> None:
        """Decides whether new lanes are taken with so much memory in use; says a change once."""
        if self._limit and not self.full and memory > self._limit:
            self.full = True
            log.warning("over the memory limit, no new lanes", memory=memory, limit=self._limit)
        elif self.full and memory < self._limit * _BELOW:
            self.full = False
            log.warning("below the memory limit again", memory=memory, limit=self._limit)
