"""How late this worker does its work: counted in memory, and stored now and then in one go."""

from __future__ import annotations

from collections import Counter
from datetime import datetime

from toottail.repository import delays
from toottail.repository.database import Connection
from toottail.types.delays import Work, bound_of


class Delays:
    """Counts of one process since they were last stored."""

    def __init__(self) -> None:
        self._counts: Counter[tuple[str, float]] = Counter()

    def note(self, work: Work, seconds: float) -> None:
        """One piece of ``work`` was done so many seconds after it was due."""
        self._counts[work, bound_of(seconds)] += 1

    async def store(self, conn: Connection, now: datetime) -> None:
        """Adds them to those of all processes. Raises `StorageError`, and keeps them then."""
        if not self._counts:
            return
        counts, self._counts = self._counts, Counter()
        try:
            await delays.add(conn, now, counts)
        except BaseException:
            self._counts.update(counts)
            raise
