"""A permit gives out places and waits for the budget, on a faked clock."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta

import pytest

from toottail.errors import LaneLost, NotPermittedYet
from toottail.servers.budgets import HostBudget, Limit
from toottail.servers.permit import Permit
from toottail.servers.robots import Robots

START = datetime(2030, 1, 1, tzinfo=UTC)
NAMES = ("anonymous",)


class FakeTime:
    def __init__(self) -> None:
        self.now = START
        self.slept: list[float] = []

    def __call__(self) -> datetime:
        return self.now

    async def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.now += timedelta(seconds=seconds)
        await asyncio.sleep(0)


def made(
    limit: Limit, time: FakeTime, *, in_flight: int = 2, robots: Robots | None = None
) -> Permit:
    budget = HostBudget("a.example", defaults={"anonymous": limit}, jitter=lambda: 0.0)
    return Permit(
        "a.example", budget, in_flight=in_flight, robots=robots, clock=time, sleep=time.sleep
    )


async def test_within_the_budget_nothing_waits() -> None:
    time = FakeTime()
    permit = made(Limit(3, 60), time)
    for _ in range(3):
        async with permit.admit(NAMES):
            assert permit.flying == 1
    assert (permit.sent, permit.flying, time.slept) == (3, 0, [])


async def test_a_short_wait_is_waited_here() -> None:
    time = FakeTime()
    permit = made(Limit(1, 0.5), time)
    for _ in range(4):
        async with permit.admit(NAMES):
            pass
    assert permit.sent == 4
    assert time.now - START == pytest.approx(timedelta(seconds=1.5), abs=timedelta(seconds=0.01))


async def test_a_long_wait_is_handed_back_with_its_end_and_reason() -> None:
    time = FakeTime()
    permit = made(Limit(1, 60), time)
    async with permit.admit(NAMES):
        pass
    with pytest.raises(NotPermittedYet) as caught:
        async with permit.admit(NAMES):
            pytest.fail("went out")
    assert caught.value.until - START == pytest.approx(
        timedelta(seconds=60), abs=timedelta(seconds=0.01)
    )
    assert "limit" in caught.value.why
    assert (permit.sent, permit.flying, time.slept) == (1, 0, [])


async def test_all_places_taken_means_waiting_for_one_in_turn() -> None:
    permit = made(Limit(100, 60), FakeTime(), in_flight=2)
    order: list[int] = []
    most = 0

    async def one(number: int) -> None:
        nonlocal most
        async with permit.admit(NAMES):
            most = max(most, permit.flying)
            order.append(number)
            await asyncio.sleep(0)

    await asyncio.gather(*(one(number) for number in range(9)))
    assert (most, order, permit.flying) == (2, sorted(order), 0)


async def test_who_is_cancelled_while_waiting_leaves_no_hole() -> None:
    permit = made(Limit(100, 60), FakeTime(), in_flight=1)
    done: list[int] = []

    async def one(number: int) -> None:
        async with permit.admit(NAMES):
            await asyncio.sleep(0)
            done.append(number)

    tasks = [asyncio.ensure_future(one(number)) for number in range(6)]
    await asyncio.sleep(0)
    tasks[2].cancel()
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    tasks[1].cancel()
    tasks[3].cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    assert {0, 4, 5} <= set(done)
    assert permit.flying == 0


async def test_a_turn_given_to_someone_just_cancelled_goes_to_the_next() -> None:
    permit = made(Limit(100, 60), FakeTime(), in_flight=1)

    async def one() -> None:
        async with permit.admit(NAMES):
            pass

    async with permit.admit(NAMES):
        second, third = (asyncio.ensure_future(one()) for _ in range(2))
        await asyncio.sleep(0)
    second.cancel()
    async with asyncio.timeout(5):
        await third
    assert permit.sent == 2


async def test_the_lane_is_asked_before_each_request_and_can_refuse_it() -> None:
    time = FakeTime()
    asked = 0

    async def lane() -> None:
        nonlocal asked
        asked += 1
        if asked > 1:
            raise LaneLost("another worker has it")

    budget = HostBudget("a.example", defaults={"anonymous": Limit(9, 60)})
    permit = Permit("a.example", budget, in_flight=1, before_send=lane, clock=time)
    async with permit.admit(NAMES):
        pass
    with pytest.raises(LaneLost):
        async with permit.admit(NAMES):
            pytest.fail("went out")
    assert (permit.sent, permit.flying) == (1, 0)


async def test_requests_that_wait_for_the_lane_together_do_not_share_one_allowance() -> None:
    gate = asyncio.Event()

    async def slow() -> None:
        await gate.wait()

    time = FakeTime()
    budget = HostBudget("a.example", defaults={"anonymous": Limit(2, 60)})
    permit = Permit("a.example", budget, in_flight=8, before_send=slow, clock=time)

    async def one() -> None:
        async with permit.admit(NAMES):
            pass

    tasks = [asyncio.ensure_future(one()) for _ in range(6)]
    await asyncio.sleep(0)
    gate.set()
    done = await asyncio.gather(*tasks, return_exceptions=True)
    assert permit.sent == 2
    assert sum(isinstance(outcome, NotPermittedYet) for outcome in done) == 4


async def test_a_crawl_delay_means_one_request_at_a_time_with_pauses() -> None:
    time = FakeTime()
    permit = made(
        Limit(100, 60), time, in_flight=4, robots=Robots("User-agent: *\nCrawl-delay: 0.5")
    )

    async def one() -> None:
        async with permit.admit(NAMES):
            assert permit.flying == 1
            await asyncio.sleep(0)

    await asyncio.gather(*(one() for _ in range(4)))
    assert time.now - START >= timedelta(seconds=1.5)
    permit.robots = Robots("User-agent: *\nCrawl-delay: 500")
    with pytest.raises(NotPermittedYet, match=r"robots\.txt asks for 500 s"):
        await one()


async def test_a_members_own_requests_keep_no_pace_of_robots() -> None:
    permit = made(Limit(9, 60), FakeTime(), robots=Robots("User-agent: *\nCrawl-delay: 500"))
    for _ in range(3):
        async with permit.admit(("token:1",)):
            pass


async def test_new_rules_without_a_delay_end_the_pauses() -> None:
    permit = made(Limit(9, 60), FakeTime(), robots=Robots("User-agent: *\nCrawl-delay: 500"))
    permit.robots = Robots(None)
    for _ in range(3):
        async with permit.admit(NAMES):
            pass


async def test_who_goes_on_with_a_step_waits_for_the_pause_and_gets_through() -> None:
    time = FakeTime()
    permit = made(Limit(100, 60), time, robots=Robots("User-agent: *\nCrawl-delay: 10"))
    async with permit.admit(NAMES):
        pass
    with pytest.raises(NotPermittedYet):
        async with permit.admit(NAMES):
            pass
    async with permit.admit(NAMES, goes_on=True):
        pass
    assert (permit.sent, time.now - START >= timedelta(seconds=10)) == (2, True)
    permit.robots = Robots("User-agent: *\nCrawl-delay: 60")
    with pytest.raises(NotPermittedYet):
        async with permit.admit(NAMES, goes_on=True):
            pass


async def test_who_comes_too_early_does_not_put_the_pause_off() -> None:
    time = FakeTime()
    robots = Robots("User-agent: *\nCrawl-delay: 10")
    permit = made(Limit(99, 60), time, robots=robots)
    async with permit.admit(NAMES):
        pass
    for _ in range(4):
        time.now += timedelta(seconds=2)
        with pytest.raises(NotPermittedYet):
            async with permit.admit(NAMES):
                pass
    time.now += timedelta(seconds=2)
    async with permit.admit(NAMES):
        assert time.now == START + timedelta(seconds=10)
    assert (permit.sent, permit.flying) == (2, 0)
