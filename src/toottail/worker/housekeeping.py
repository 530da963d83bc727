"""Housekeeping of the service: what ends by itself, and what is too old to be kept.

Several processes may be at it; each step is one short transaction with an advisory lock, so that
only one of them does it at a time and one that is frozen stops nobody.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from functools import partial

import structlog

from toottail.errors import StorageError
from toottail.repository import frontier, lanes, leaving, members, purging, runs
from toottail.repository.database import Connection, Database
from toottail.repository.runs import OpenRun
from toottail.service import sharing_out
from toottail.settings import Settings

log = structlog.get_logger(__name__)

EVERY = 2.0
"""Seconds between two looks at runs that may be over."""
TIDY_EVERY = 60.0
"""Seconds between two looks at everything else."""
HOME_FAILS_FOR = timedelta(days=3)
"""After that the members of a home that fails are paused."""
STRANDED_AFTER = timedelta(minutes=2)
STALLED_AFTER = timedelta(hours=1)
"""A run that brings nothing more for so long is over."""
_TRY_HOME_EVERY = timedelta(days=1)
_TRY_HOME_FOR = timedelta(minutes=10)
_STALLED = "nothing more came of it for an hour; work on what is left goes on"
_RUNS_AT_ONCE = 20
_RUNS_FOR = 1.0
"""Seconds after which no further run is seen to: the transaction must be short."""
_LEAVING_AT_ONCE = 5
_BATCH = 200
_MOST_BATCHES = 100

Step = Callable[[Connection, datetime], Awaitable[int]]


async def keep(settings: Settings, database: Database) -> None:
    """Keeps house for as long as it runs."""
    tidied = 0.0
    while True:
        # A database that is away for a moment is told by those who do the work.
        with suppress(StorageError):
            await end_runs(database)
            if time.monotonic() - tidied > TIDY_EVERY:
                await tidy(settings, database)
                tidied = time.monotonic()
        await asyncio.sleep(EVERY)


async def tidy(settings: Settings, database: Database, now: datetime | None = None) -> None:
    """Everything once: members who fail, those whose grace is over, and what has become old."""
    now = now or datetime.now(UTC)
    await see_to_members(settings, database, now)
    await _alone(database, _drop_expired, now)
    await _alone(database, lanes.forget_workers, now)
    await even_out(settings, database)
    await _in_batches(database, purging.forget_unseen, now)
    await _in_batches(database, purging.forget_feeds, now)
    for table in purging.AGED:
        await _in_batches(database, partial(purging.forget_aged, table), now)


async def even_out(settings: Settings, database: Database) -> None:
    """Shares out the members of large homes where members came or went."""

    async def step(conn: Connection, _: datetime) -> int:
        shared = await sharing_out.share_out(conn, settings, tolerance=sharing_out.TOLERANCE)
        for one in shared:
            if one.moved:
                log.info("members shared out", home=one.home, moved=one.moved, slices=one.after)
        return len(shared)

    await _alone(database, step, datetime.now(UTC))


async def _alone(database: Database, step: Step, now: datetime) -> int:
    """Runs a step in a transaction, unless another process is at it: then nothing is done."""
    async with database.transaction() as conn:
        mine = await conn.fetchval("SELECT pg_try_advisory_xact_lock($1)", lanes.HOUSEKEEPING_LOCK)
        return await step(conn, now) if mine else 0


async def _in_batches(
    database: Database, step: Callable[[Connection, datetime, int], Awaitable[int]], now: datetime
) -> None:
    async def batch(conn: Connection, now: datetime) -> int:
        return await step(conn, now, _BATCH)

    for _ in range(_MOST_BATCHES):
        if await _alone(database, batch, now) < _BATCH:
            return


async def _drop_expired(conn: Connection, now: datetime) -> int:
    await purging.drop_expired(conn, now)
    return 0


# Runs


async def end_runs(database: Database, now: datetime | None = None) -> None:
    """Ends runs of served members that are over, or that bring nothing more."""
    await _alone(database, _end_runs, now or datetime.now(UTC))


async def _end_runs(conn: Connection, now: datetime) -> int:
    seen_to = 0
    until = time.monotonic() + _RUNS_FOR
    for run in await runs.open_of_served(conn, _RUNS_AT_ONCE):
        if time.monotonic() > until:
            break
        await _see_to_run(conn, run, now)
        seen_to += 1
    return seen_to


async def _see_to_run(conn: Connection, run: OpenRun, now: datetime) -> None:
    at = await runs.progress(conn, run.id)
    if at.problem is not None or at.is_over:
        await members.end_run(conn, run.id)
        return
    await runs.note_moved(conn, run.id, at.done, now)
    stands_for = timedelta(0) if at.done != run.moved else now - run.moved_at
    if stands_for > STALLED_AFTER:
        await members.end_run(conn, run.id, _STALLED)
    elif stands_for > STRANDED_AFTER and await frontier.run_next_due(conn, run.id) is None:
        freed = await runs.free_stranded(conn, run.id)
        if freed:
            log.warning("watches were stranded", freed=freed)


# Members


async def see_to_members(settings: Settings, database: Database, now: datetime) -> None:
    """Pauses members whose home fails for days, and removes those whose grace time is over."""
    grace = timedelta(days=settings.grace_days)

    async def pause(conn: Connection, now: datetime) -> int:
        paused = await members.pause_failing(conn, now - HOME_FAILS_FOR, now + grace)
        if paused:
            log.warning("members paused, their home fails", members=paused)
        return len(await members.try_homes_again(conn, now - _TRY_HOME_EVERY, now + _TRY_HOME_FOR))

    await _alone(database, pause, now)
    async with database.connection() as conn:
        leaves = await members.to_be_removed(conn, now, _LEAVING_AT_ONCE)
    for member_id, why in leaves:
        await leaving.remove(database, member_id)
        log.info("member removed", member=member_id, paused_for=why)
