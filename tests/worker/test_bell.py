"""The doorbell is heard once, however often it rings before the worker answers."""

from __future__ import annotations

import asyncio
from types import SimpleNamespace
from typing import cast

from toottail.repository.database import Database
from toottail.worker.bell import Bell
from toottail.worker.heart import Heart

_CHANGED = '{"type": "table_changed_event", "operation": "insert"}'
_OTHER = '{"type": "health_check_event"}'
_LAST = '{"type": "cancellation_event"}'


async def test_changes_are_told_once_until_jobs_are_asked_for(database: Database) -> None:
    heard: list[str] = []
    last = asyncio.Event()

    def hear(payload: str | bytes | bytearray) -> None:
        heard.append(str(payload))
        if payload == _LAST:
            last.set()

    async with database.raw(lambda: None) as listening, asyncio.timeout(10):
        bell = Bell(listening, cast(Heart, SimpleNamespace(full=True)), lambda _: None)
        await bell.driver.add_listener("bell", hear)
        for said in (_CHANGED, _CHANGED, _OTHER, _CHANGED, _LAST):
            await bell.driver.notify("bell", said)
        await last.wait()
        assert heard == [_CHANGED, _OTHER, _LAST]
        last.clear()
        await bell.dequeue()
        for said in (_CHANGED, _CHANGED, _LAST):
            await bell.driver.notify("bell", said)
        await last.wait()
        assert heard[3:] == [_CHANGED, _LAST]
