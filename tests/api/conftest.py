"""The stand that the API's tests are played on."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack
from typing import Any

import pytest_asyncio

from tests.api.stand import Stand, standing
from toottail.repository.database import Database

OpenStand = Callable[..., Awaitable[Stand]]


@pytest_asyncio.fixture
async def stand(database: Database) -> AsyncIterator[Stand]:
    """The API as it is by default."""
    async with standing(database) as opened:
        yield opened


@pytest_asyncio.fixture
async def open_stand(database: Database) -> AsyncIterator[OpenStand]:
    """``await open_stand(**settings)`` serves the API with these settings until the test ends."""
    async with AsyncExitStack() as stack:

        async def open_one(**more: Any) -> Stand:
            return await stack.enter_async_context(standing(database, **more))

        yield open_one
