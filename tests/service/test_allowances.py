"""How often something may be done holds for all processes, and stores no address."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime

import pytest

from tests.service.town import Town
from toottail.errors import TooManyAttempts
from toottail.repository import purging
from toottail.service import allowances
from toottail.service.allowances import Rate

RATE = Rate(3, 6, 600)


async def used(town: Town, whom: str = "192.0.2.7", kind: str = "try", rate: Rate = RATE) -> float:
    """0 where it was allowed, else for how many seconds not."""
    try:
        await allowances.use(town.service, kind, whom, rate, "Too often.")
    except TooManyAttempts as error:
        return error.retry_after
    return 0


async def later(town: Town, seconds: float) -> None:
    """So much time goes by."""
    await town.sql("UPDATE allowances SET used_up = used_up - $1 * interval '1 second'", seconds)


async def test_so_many_at_once_and_then_one_each_step(town: Town) -> None:
    assert [await used(town) for _ in range(3)] == [0, 0, 0]
    wait = await used(town)
    assert 90 < wait <= 100
    await later(town, wait)
    assert await used(town) == 0
    assert await used(town) > 90


async def test_what_was_refused_is_not_counted(town: Town) -> None:
    for _ in range(3):
        await used(town)
    for _ in range(50):
        await used(town)
    await later(town, 100)
    assert await used(town) == 0


async def test_a_long_rest_gives_no_more_than_is_allowed_at_once(town: Town) -> None:
    await used(town)
    await later(town, 100_000)
    assert [await used(town) == 0 for _ in range(4)] == [True, True, True, False]


async def test_many_at_the_same_moment_share_one_allowance(town: Town) -> None:
    found = await asyncio.gather(*(used(town) for _ in range(40)))
    assert sum(wait == 0 for wait in found) == 3
    assert min(wait for wait in found if wait) > 90


async def test_kinds_and_people_are_counted_apart(town: Town) -> None:
    for _ in range(3):
        await used(town)
    assert await used(town, "192.0.2.8") == 0
    assert await used(town, kind="other") == 0


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("2001:db8:1:2::1", "2001:db8:1:2:ffff::9", True),
        ("2001:db8:1:2::1", "2001:db8:1:3::1", False),
        ("::ffff:192.0.2.7", "192.0.2.7", True),
        ("192.0.2.7", "192.0.2.8", False),
    ],
)
async def test_a_network_of_ipv6_is_one_address(
    town: Town, one: str, other: str, same: bool
) -> None:
    for _ in range(3):
        await used(town, one)
    assert (await used(town, other) > 0) is same


async def test_no_address_is_stored(town: Town) -> None:
    for whom in ("192.0.2.7", "2001:db8:1:2::1", "unix socket", "home.example", "17"):
        await used(town, whom)
    keys = [row["key"] for row in await town.sql("SELECT key FROM allowances")]
    assert {"try:home.example", "try:17"} < set(keys)
    assert not any(part in key for key in keys for part in ("192", "2001:", "db8", "unix"))
    assert len(keys) == 5


async def test_what_has_come_back_is_forgotten(town: Town) -> None:
    await used(town)
    async with town.database.connection() as conn:
        await purging.drop_expired(conn, datetime.now(UTC))
        assert await conn.fetchval("SELECT count(*) FROM allowances") == 1
        await later(town, 101)
        await purging.drop_expired(conn, datetime.now(UTC))
        assert await conn.fetchval("SELECT count(*) FROM allowances") == 0
