"""The stage on which the whole flow is played."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from tests.flow.stage import Stage, play
from toottail.simulator.world import World

OpenStage = Callable[..., Awaitable[Stage]]


@pytest_asyncio.fixture
async def open_stage(
    database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[OpenStage]:
    """``await open_stage(world, **options)`` serves a world until the test ends.

    ``settings`` is a dict of further settings, the rest are the simulator's options.
    """
    async with AsyncExitStack() as stack:

        async def open_one(
            world: World, settings: dict[str, str] | None = None, **options: Any
        ) -> Stage:
            return await stack.enter_async_context(
                play(world, database_url, tmp_path, monkeypatch, options, settings or {})
            )

        yield open_one
