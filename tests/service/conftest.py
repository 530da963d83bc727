"""A town in which a service is tried."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from tests.service.town import Town, living
from toottail.simulator.world import World
from toottail.simulator.worlds import build

OpenTown = Callable[..., Awaitable[Town]]


@pytest_asyncio.fixture
async def open_town(
    database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[OpenTown]:
    """``await open_town(world, settings={…}, **options)`` is there until the test ends."""
    async with AsyncExitStack() as stack:

        async def open_one(world: World | None = None, **more: Any) -> Town:
            return await stack.enter_async_context(
                living(world or build("tiny"), database_url, tmp_path, monkeypatch, **more)
            )

        yield open_one


@pytest_asyncio.fixture
async def town(open_town: OpenTown) -> Town:
    """The usual one: a Mastodon home of three users, and a service that is open to all."""
    return await open_town()
