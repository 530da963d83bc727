"""The service's worker on a stage: members that are served, and waiting for what comes of it."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime

from tests.flow.stage import HOME, Stage
from toottail.repository import members
from toottail.repository.members import MemberRow
from toottail.repository.sealing import open_sealer
from toottail.servers.door import Door
from toottail.types.sources import Choices, parse_sources
from toottail.worker.serve import serve


@asynccontextmanager
async def served(stage: Stage) -> AsyncIterator[None]:
    """The worker at work while the block lasts; it must stop without an error."""
    stop = asyncio.Event()
    async with Door(stage.settings) as door:
        sealer = open_sealer(stage.settings)
        task = asyncio.create_task(serve(stage.settings, stage.database, door, sealer, stop))
        try:
            yield
            assert not task.done(), "the worker stopped by itself"
        finally:
            stop.set()
            await asyncio.wait_for(task, 20)


async def sign_in(
    stage: Stage, *sources: str, token: str | None = None, account: str = "mira", home: str = HOME
) -> int:
    """A member as the sign-in makes one; returns their number."""
    sealer = open_sealer(stage.settings)
    secret = token or stage.simulator.home.token
    async with stage.database.transaction() as conn:
        member_id, _ = await members.serve(
            conn,
            home=home,
            account_id=f"id of {account}",
            account=account,
            token_fingerprint=sealer.fingerprint(home, secret),
            token_sealed=sealer.seal(secret),
            scopes=None,
            choices=Choices(parse_sources(sources or ("home",))),
            now=datetime.now(UTC),
        )
    return member_id


async def member(stage: Stage, member_id: int) -> MemberRow:
    """The member as stored."""
    async with stage.database.connection() as conn:
        row = await members.get(conn, member_id)
    assert row is not None
    return row


async def until(happened: Callable[[], Awaitable[object]], within: float = 60) -> None:
    """Until something is so; fails when it takes too long."""
    deadline = time.monotonic() + within
    while not await happened():
        assert time.monotonic() < deadline, "it did not happen in time"
        await asyncio.sleep(0.05)


async def first_run_over(stage: Stage) -> None:
    """Until no run is under way."""

    async def over() -> bool:
        return not await stage.sql("SELECT FROM runs WHERE ended_at IS NULL")

    await until(over)


async def wake_all(stage: Stage) -> None:
    """Time goes by: all conversations are due to be looked at again."""
    await stage.sql(
        "UPDATE conversations SET wake_at = now(), next_look_at = now()"
        " WHERE next_look_at IS NOT NULL"
    )


async def all_looked_since(stage: Stage, moment: datetime) -> None:
    """Until every conversation has been looked at after ``moment`` and all homes are through."""

    async def so() -> bool:
        behind = await stage.sql(
            "SELECT FROM conversations"
            " WHERE looked_at IS NOT NULL AND (looked_at < $1 OR next_look_at IS NULL)",
            moment,
        )
        busy = await stage.sql("SELECT FROM watches WHERE stage NOT IN ('done', 'failed')")
        return not behind and not busy

    await until(so)
