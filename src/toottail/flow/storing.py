"""Storing what a host answered, in more than one try: to ask it again would cost the host."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

from toottail.errors import DatabaseUnavailable, StorageConflict

_TRIES = 4
_PAUSE = 0.1
"""Seconds until the second try, twice as many until the third, and so on."""


async def store(write: Callable[[], Awaitable[None]]) -> None:
    """Runs ``write``, one transaction, again where another one ended it or its connection was lost.

    What it does besides must be the same each time. Raises `StorageConflict` or
    `DatabaseUnavailable` at last.
    """
    for tried in range(1, _TRIES + 1):
        try:
            await write()
            return
        except (StorageConflict, DatabaseUnavailable):
            if tried == _TRIES:
                raise
            await asyncio.sleep(_PAUSE * tried)
