"""The doorbell as this worker hears it: PgQueuer's queries, and its notifications once each."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from pgqueuer.adapters.drivers.asyncpg import AsyncpgDriver
from pgqueuer.models import Job
from pgqueuer.ports.driver import NotifyCallback
from pgqueuer.queries import Queries

from toottail.worker.heart import Heart

_CHANGED = "table_changed_event"


class _Listening(AsyncpgDriver):
    """Lets one notification of a change through until jobs are asked for again.

    They all say the same, and PgQueuer answers each with a question of its own: at peak hours they
    came faster than it asks, and thousands of them lay in memory.
    """

    rung = False

    async def add_listener(self, channel: str, callback: NotifyCallback) -> None:
        """Calls ``callback`` with what comes on ``channel``, and with changes as told above."""

        def hear(payload: str | bytes | bytearray) -> None:
            if isinstance(payload, str) and _CHANGED in payload:
                if self.rung:
                    return
                self.rung = True
            callback(payload)

        await super().add_listener(channel, hear)


class Bell(Queries):
    """PgQueuer's queries; while the worker is ``full`` all jobs are left to the others.

    ``on_failure`` is told at once what ends the dispatcher, which then still waits for all visits.
    Once its connection is ``lost`` nothing is noted of their jobs: it would be tried ten times a
    second, in vain. Others pick them up when their heartbeat is old, and find nothing due.
    """

    def __init__(
        self, connection: Any, heart: Heart, on_failure: Callable[[BaseException], None]
    ) -> None:
        self._listening = _Listening(connection)
        super().__init__(self._listening)
        self._heart = heart
        self._on_failure = on_failure
        self.lost = False

    async def dequeue(self, *args: Any, **more: Any) -> list[Job]:
        """The next jobs, if any."""
        self._listening.rung = False
        if self._heart.full:
            return []
        try:
            return await super().dequeue(*args, **more)
        except Exception as error:
            self._on_failure(error)
            raise

    async def log_jobs(self, *args: Any, **more: Any) -> None:
        """What became of jobs."""
        if not self.lost:
            await super().log_jobs(*args, **more)

    async def update_heartbeat(self, *args: Any, **more: Any) -> None:
        """That jobs are being worked on."""
        if not self.lost:
            await super().update_heartbeat(*args, **more)
