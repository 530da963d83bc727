"""The lease as its holder has it: no request without a fresh word that the lane is still ours."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from uuid import uuid4

import pytest

from tests.repository.rows import member
from toottail.errors import LaneLost
from toottail.repository import hosts, leaving
from toottail.repository.database import Database
from toottail.servers.budgets import HostBudget, standard_limits
from toottail.worker.lease import BLOCK, Lease

KEY = "a.example"
SECONDS = 60.0
NAMES = ["anonymous"]


class Clock:
    """A clock that goes on when told to."""

    def __init__(self) -> None:
        self.seconds = 1000.0

    def __call__(self) -> float:
        return self.seconds


def _budget(state: dict[str, object]) -> HostBudget:
    return HostBudget.from_state(KEY, state, defaults=standard_limits())


@asynccontextmanager
async def _held(database: Database) -> AsyncIterator[tuple[Lease, Clock]]:
    clock = Clock()
    lease = Lease(database, KEY, uuid4(), SECONDS, clock)
    assert await lease.take(_budget)
    yield lease, clock


async def _expire(database: Database) -> None:
    async with database.connection() as conn:
        await conn.execute("UPDATE lanes SET lease_until = now() - interval '1 s'")


async def _send(lease: Lease, count: int = 1) -> None:
    for _ in range(count):
        lease.budget.spend(NAMES, datetime.now(UTC))
        await lease.before_send()


async def test_nothing_goes_out_once_the_lease_is_half_over_and_somebody_took_over(
    database: Database,
) -> None:
    async with _held(database) as (lease, clock):
        await _send(lease)
        await _expire(database)
        other = Lease(database, KEY, uuid4(), SECONDS, clock)
        assert await other.take(_budget)
        clock.seconds += SECONDS / 2 + 1
        with pytest.raises(LaneLost):
            await _send(lease)
        with pytest.raises(LaneLost):
            await _send(lease)
        assert lease.lost
        assert lease.requests == 1
        await _send(other)


async def test_a_lease_half_over_that_nobody_took_is_renewed_before_the_request(
    database: Database,
) -> None:
    async with _held(database) as (lease, clock):
        await _send(lease)
        await _expire(database)
        clock.seconds += SECONDS / 2 + 1
        await _send(lease)
        other = Lease(database, KEY, uuid4(), SECONDS, clock)
        assert not await other.take(_budget), "the renewal must have reached the database"


async def test_a_transaction_after_a_takeover_stores_nothing(database: Database) -> None:
    async with _held(database) as (lease, clock):
        await _expire(database)
        other = Lease(database, KEY, uuid4(), SECONDS, clock)
        assert await other.take(_budget)
        with pytest.raises(LaneLost):
            await _store_too_late(database, lease)
        with pytest.raises(LaneLost):
            await _send(lease)
        with pytest.raises(LaneLost):
            await lease.release()
        async with database.connection() as conn:
            assert (await hosts.get(conn, KEY)).problem is None


async def test_after_a_crash_the_reserved_requests_count_as_sent(database: Database) -> None:
    async with _held(database) as (lease, clock):
        await _send(lease, 3)
        room = _room(lease.budget)
        await _expire(database)
        successor = Lease(database, KEY, uuid4(), SECONDS, clock)
        assert await successor.take(_budget)
        assert _room(successor.budget) <= room
        assert _room(successor.budget) >= room - BLOCK


@pytest.mark.parametrize("sent", [1, BLOCK, BLOCK + 1, 2 * BLOCK + 5])
async def test_a_successor_never_believes_in_more_room_than_there_is(
    database: Database, sent: int
) -> None:
    async with _held(database) as (lease, clock):
        await _send(lease, sent)
        await _expire(database)
        successor = Lease(database, KEY, uuid4(), SECONDS, clock)
        assert await successor.take(_budget)
        assert _room(successor.budget) <= _room(lease.budget)


async def test_a_lane_given_back_returns_what_was_reserved_and_not_used(
    database: Database,
) -> None:
    async with _held(database) as (lease, clock):
        await _send(lease, 3)
        assert await lease.release()
        successor = Lease(database, KEY, uuid4(), SECONDS, clock)
        assert await successor.take(_budget)
        assert _room(successor.budget) == _room(lease.budget)


async def test_many_requests_at_once_stay_within_what_is_reserved(database: Database) -> None:
    async with _held(database) as (lease, clock):
        await asyncio.gather(*(_send(lease) for _ in range(3 * BLOCK)))
        await _expire(database)
        successor = Lease(database, KEY, uuid4(), SECONDS, clock)
        assert await successor.take(_budget)
        assert _room(successor.budget) <= _room(lease.budget)
        assert lease.requests == 3 * BLOCK


async def _store_too_late(database: Database, lease: Lease) -> None:
    async with database.transaction() as conn:
        await hosts.note_problem(conn, KEY, "too late", datetime.now(UTC))
        await lease.hold(conn)


def _room(budget: HostBudget) -> int:
    """How many requests may still go out now."""
    now = datetime.now(UTC)
    copy = HostBudget.from_state(KEY, budget.state(), defaults=standard_limits())
    for count in range(10_000):
        if copy.earliest(NAMES, now) > now:
            return count
        copy.spend(NAMES, now)
    raise AssertionError("no end of it")


async def test_of_a_home_that_is_forgotten_its_lanes_tell_nothing_any_more(
    database: Database,
) -> None:
    async with database.connection() as conn:
        last = await member(conn, KEY)
    async with _held(database) as (lease, _):
        lease.shared = True
        lease.budget.failed(datetime.now(UTC))
        async with database.transaction() as conn:
            assert await leaving.leave(conn, last) == [KEY]
        with pytest.raises(LaneLost):
            await lease.release()
        async with database.connection() as conn:
            assert await conn.fetch("SELECT FROM home_circuits") == []
