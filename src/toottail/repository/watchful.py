"""Connections that notice when the line to the server is dead though nobody said so.

A cable pulled out, a firewall that forgot us: what was asked is never answered, and the system goes
on sending for a quarter of an hour. So after some seconds without an answer the server is asked, on
a new connection, whether it still works on what we wait for. If not, the silent one is given up.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from typing import Any

import asyncpg

SILENT_AFTER = 5.0
"""Seconds without an answer after which the server is asked whether it works on one."""
ANSWERS_WITHIN = 3.0
"""Seconds in which it must say so, the new connection included."""

# One that cannot get rid of its answer waits for us, not we for it.
_WORKS = """
SELECT true FROM pg_stat_activity
WHERE pid = $1 AND state = 'active' AND wait_event_type IS DISTINCT FROM 'Client'
"""


class WatchfulConnection(asyncpg.Connection):  # type: ignore[misc]  # asyncpg tells no types
    """Given up while it waits for nothing: what waits then fails as on any lost connection.

    ``connect`` makes another connection to the same server; without it there is no watch.
    ``on_silence`` is called before one is given up: others of its time will be no better.
    """

    connect: Callable[[], Awaitable[Any]] | None = None
    on_silence: Callable[[], Awaitable[None]] | None = None

    @contextmanager
    def _watched(self) -> Iterator[None]:
        if self.connect is None:
            yield
            return
        loop = asyncio.get_running_loop()
        probes: list[asyncio.Task[None]] = []
        timer = loop.call_later(
            SILENT_AFTER, lambda: probes.append(loop.create_task(self._probe_on()))
        )
        try:
            yield
        finally:
            timer.cancel()
            for probe in probes:
                probe.cancel()

    async def _probe_on(self) -> None:
        # Nothing tells that the server is at it still: it must be asked again.
        while await self._is_worked_on():  # noqa: ASYNC110
            await asyncio.sleep(SILENT_AFTER)
        if self.on_silence is not None:
            await self.on_silence()
        self.terminate()

    async def _is_worked_on(self) -> bool:
        assert self.connect is not None
        try:
            async with asyncio.timeout(ANSWERS_WITHIN):
                other = await self.connect()
                try:
                    return bool(await other.fetchval(_WORKS, self.get_server_pid()))
                finally:
                    other.terminate()
        except Exception:
            # Whatever it is: nobody there tells us to go on waiting.
            return False

    def get_reset_query(self) -> str:
        """None: it comes back to the pool as it is.

        Ours leave nothing behind. Settings and locks are those of a transaction, and who listens or
        locks for longer closes it. That saves a question to the server for each use.
        """
        return ""

    async def execute(self, *args: Any, **more: Any) -> Any:
        """As asyncpg's."""
        with self._watched():
            return await super().execute(*args, **more)

    async def executemany(self, *args: Any, **more: Any) -> Any:
        """As asyncpg's."""
        with self._watched():
            return await super().executemany(*args, **more)

    async def fetch(self, *args: Any, **more: Any) -> Any:
        """As asyncpg's."""
        with self._watched():
            return await super().fetch(*args, **more)

    async def fetchrow(self, *args: Any, **more: Any) -> Any:
        """As asyncpg's."""
        with self._watched():
            return await super().fetchrow(*args, **more)

    async def fetchval(self, *args: Any, **more: Any) -> Any:
        """As asyncpg's."""
        with self._watched():
            return await super().fetchval(*args, **more)
