"""Budgets against servers that really count: never above a limit, never slower than it asks."""

from __future__ import annotations

import heapq
import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from toottail.servers.budgets import HostBudget, Limit, standard_limits

START = datetime(2030, 1, 1, 12, 1, 7, tzinfo=UTC)
TOKEN = ("token:1",)
PAGING = ("token:1", "user-paging:1")


def at(seconds: float) -> datetime:
    return START + timedelta(seconds=seconds)


def budget(**limits: Limit) -> HostBudget:
    defaults = {name.replace("_", "-"): limit for name, limit in limits.items()}
    return HostBudget("a.example", defaults=defaults or standard_limits(), jitter=lambda: 0.0)


def headers(limit: int, remaining: int, reset: datetime | str, **more: str) -> dict[str, str]:
    text = reset if isinstance(reset, str) else reset.isoformat()
    told = {"X-RateLimit-Limit": str(limit), "X-RateLimit-Remaining": str(remaining)}
    return told | {"X-RateLimit-Reset": text} | more


class Throttle:
    """A fixed window as rack-attack counts it, ``ahead`` seconds from our clock."""

    def __init__(self, limit: int, period: float, ahead: float = 0.0) -> None:
        self.limit, self.period, self.ahead = limit, period, ahead
        self.counts: dict[int, int] = {}

    def count(self, moment: datetime) -> int:
        window = int((moment.timestamp() + self.ahead) // self.period)
        self.counts[window] = self.counts.get(window, 0) + 1
        return self.limit - self.counts[window]

    def reset(self, moment: datetime) -> datetime:
        now = moment.timestamp() + self.ahead
        return datetime.fromtimestamp((now // self.period + 1) * self.period, UTC)


class World:
    """One client that always has more to ask, ``lanes`` requests at once, on a faked clock."""

    def __init__(
        self, throttles: dict[str, Throttle], held: HostBudget, tells: bool = True
    ) -> None:
        self.throttles, self.budget, self.tells = throttles, held, tells
        self.sent: list[float] = []
        self.refused = 0
        self.now = 0.0
        self.answers: list[tuple[float, int, dict[str, str]]] = []

    def run(
        self, until: float, lanes: int, delays: Iterator[float], names: tuple[str, ...]
    ) -> None:
        answers = self.answers
        now = self.now
        while now < until:
            flying = len(answers)
            moment = self.budget.earliest(names, at(now), flying)
            if moment <= at(now) and flying < lanes:
                self.budget.spend(names, at(now))
                self.sent.append(now)
                arrival = now + next(delays)
                told = self.arrive(names, at(arrival))
                heapq.heappush(answers, (arrival + next(delays), len(self.sent), told))
                continue
            wait = (moment - START).total_seconds() if flying < lanes else until
            if answers and answers[0][0] <= wait:
                now, _, told = heapq.heappop(answers)
                if self.tells:
                    self.budget.told(names, told, at(now), flying - 1)
                if "refused" in told:
                    self.refused += 1
                    self.budget.refused(names, None, at(now))
            else:
                now = wait
        self.now = now

    def arrive(self, names: tuple[str, ...], moment: datetime) -> dict[str, str]:
        left = {name: self.throttles[name].count(moment) for name in names}
        nearest = min(left, key=lambda name: left[name])
        throttle = self.throttles[nearest]
        told = headers(throttle.limit, max(0, left[nearest]), throttle.reset(moment))
        return told | ({"refused": "yes"} if min(left.values()) < 0 else {})


def steady(seconds: float) -> Iterator[float]:
    while True:
        yield seconds


delay_lists = st.lists(st.floats(0.001, 3.0), min_size=1, max_size=20)


def cycle(values: list[float]) -> Iterator[float]:
    while True:
        yield from values


@settings(max_examples=60, deadline=None)
@given(st.integers(1, 40), st.floats(5, 900), st.floats(0.2, 1), st.integers(1, 8), delay_lists)
def test_a_host_that_tells_nothing_never_gets_more_than_our_share_in_any_window(
    requests: int, seconds: float, share: float, lanes: int, delays: list[float]
) -> None:
    limit = Limit(requests, seconds, share)
    world = World({"x": Throttle(10**6, 300)}, budget(x=limit), tells=False)
    world.run(3 * seconds, lanes, cycle(delays), ("x",))
    for first, beyond in zip(world.sent, world.sent[limit.ours :], strict=False):
        assert beyond - first >= seconds - 1e-3


@settings(max_examples=60, deadline=None)
@given(
    st.integers(2, 60),
    st.sampled_from([10, 60, 300]),
    st.integers(1, 8),
    delay_lists,
    st.floats(0.5, 1),
)
def test_a_told_window_is_never_exceeded(
    requests: int, period: int, lanes: int, delays: list[float], share: float
) -> None:
    limit = Limit(requests, period, share)
    throttle = Throttle(requests, period)
    world = World({"x": throttle}, budget(x=limit))
    world.run(4 * period, lanes, cycle(delays), ("x",))
    assert world.refused == 0
    assert max(throttle.counts.values()) <= requests


@settings(max_examples=60, deadline=None)
@given(st.integers(20, 90), st.integers(1, 8), st.lists(st.floats(0.001, 0.2), min_size=1))
def test_a_told_window_is_used_up_to_our_share(
    requests: int, lanes: int, delays: list[float]
) -> None:
    limit = Limit(requests, 60, 0.8)
    throttle = Throttle(requests, 60)
    world = World({"x": throttle}, budget(x=limit))
    world.run(300, lanes, cycle(delays), ("x",))
    for _, count in sorted(throttle.counts.items())[1:-1]:
        assert limit.ours - lanes <= count <= limit.ours + lanes


def test_where_a_limit_binds_our_whole_share_is_used_in_each_window() -> None:
    throttle = Throttle(300, 300)
    world = World({"token:1": throttle}, budget())
    world.run(1500, 4, steady(0.05), TOKEN)
    full = sorted(throttle.counts.items())[1:-1]
    assert len(full) == 4
    assert all(280 <= count <= 285 for _, count in full)
    assert world.refused == 0


def test_the_first_request_of_a_window_goes_out_at_once() -> None:
    held = budget()
    for _ in range(285):
        held.spend(TOKEN, START)
    reset = datetime(2030, 1, 1, 12, 5, tzinfo=UTC)
    held.told(TOKEN, headers(300, 15, reset), at(1), 0)
    assert held.earliest(TOKEN, at(2)) - reset < timedelta(milliseconds=1)
    assert held.earliest(TOKEN, reset) == reset
    assert held.earliest(TOKEN, reset + timedelta(seconds=9)) == reset + timedelta(seconds=9)


@settings(max_examples=40, deadline=None)
@given(st.floats(-20, 20), st.integers(1, 4), st.floats(0.01, 0.3))
def test_a_server_whose_clock_differs_is_not_asked_too_much(
    ahead: float, lanes: int, delay: float
) -> None:
    throttle = Throttle(60, 60, ahead)

    class Dated(World):
        def arrive(self, names: tuple[str, ...], moment: datetime) -> dict[str, str]:
            there = moment + timedelta(seconds=ahead)
            date = there.strftime("%a, %d %b %Y %H:%M:%S GMT")
            return super().arrive(names, moment) | {"Date": date}

    world = Dated({"x": throttle}, budget(x=Limit(60, 60, 0.9)))
    world.run(300, lanes, steady(delay), ("x",))
    assert world.refused == 0
    assert all(count >= 40 for _, count in sorted(throttle.counts.items())[1:-1])


@settings(max_examples=40, deadline=None)
@given(st.lists(st.booleans(), min_size=1, max_size=12), st.integers(1, 6), delay_lists)
def test_headers_of_one_throttle_do_not_stop_the_other(
    paging: list[bool], lanes: int, delays: list[float]
) -> None:
    throttles = {"token:1": Throttle(300, 300), "user-paging:1": Throttle(300, 900)}
    held = budget()
    world = World(throttles, held)
    for step, pages in enumerate(paging):
        world.run(150.0 * (step + 1), lanes, cycle(delays), PAGING if pages else TOKEN)
    assert world.refused == 0
    assert max(throttles["token:1"].counts.values()) <= 285 + lanes
    assert max([0, *throttles["user-paging:1"].counts.values()]) <= 150 + lanes


def test_a_window_that_began_before_we_thought_starts_with_what_it_has_seen() -> None:
    held = budget()
    for _ in range(280):
        held.spend(TOKEN, START)
    held.told(TOKEN, headers(300, 20, at(60)), at(1), 0)
    held.spend(TOKEN, at(58))
    held.told(TOKEN, headers(300, 299, at(358)), at(59), 0)
    for _ in range(284):
        assert held.earliest(TOKEN, at(59)) == at(59)
        held.spend(TOKEN, at(59))
    assert held.earliest(TOKEN, at(59)) >= at(357)


def test_a_reset_between_the_token_windows_is_the_paging_throttles() -> None:
    held = budget()
    for _ in range(140):
        held.spend(PAGING, START)
    far = datetime(2030, 1, 1, 12, 15, tzinfo=UTC)
    held.told(PAGING, headers(300, 10, far), at(1), 0)
    assert held.earliest(TOKEN, at(2)) == at(2)
    for _ in range(10):
        held.spend(PAGING, at(2))
    assert held.earliest(PAGING, at(3)) >= far
    assert held.earliest(TOKEN, at(3)) == at(3)


def test_a_token_window_leaves_no_mark_on_paging() -> None:
    held = budget()
    for _ in range(200):
        held.spend(TOKEN, START)
    held.spend(PAGING, START)
    held.told(PAGING, headers(300, 99, datetime(2030, 1, 1, 12, 5, tzinfo=UTC)), at(1), 0)
    for _ in range(84):
        held.spend(TOKEN, at(1))
    assert held.earliest(TOKEN, at(2)) > at(200)
    assert held.earliest(("user-paging:1",), at(2)) == at(2)


def test_what_a_persons_other_apps_use_is_left_to_them() -> None:
    held = budget(user=Limit(1500, 300, 0.5, ours_alone=False))
    held.spend(("user:1",), START)
    held.told(("user:1",), headers(1500, 3, datetime(2030, 1, 1, 12, 5, tzinfo=UTC)), at(1), 0)
    for _ in range(3):
        assert held.earliest(("user:1",), at(2)) == at(2)
        held.spend(("user:1",), at(2))
    assert held.earliest(("user:1",), at(3)) > at(200)


def test_a_limit_that_is_not_named_holds_everything_to_what_is_left() -> None:
    held = budget()
    held.spend(TOKEN, START)
    held.told(TOKEN, headers(1500, 2, datetime(2030, 1, 1, 12, 5, tzinfo=UTC)), at(1), 0)
    held.spend(TOKEN, at(1))
    held.spend(TOKEN, at(1))
    assert held.earliest(TOKEN, at(2)) > at(200)
    assert held.earliest(TOKEN, at(240)) == at(240)


def test_an_unknown_host_that_tells_a_higher_limit_is_given_our_share_of_it() -> None:
    held = budget()
    held.spend(("anonymous",), START)
    held.told(("anonymous",), headers(300, 299, at(200)), at(0), 0)
    for _ in range(239):
        assert held.earliest(("anonymous",), at(1)) == at(1)
        held.spend(("anonymous",), at(1))
    assert held.earliest(("anonymous",), at(1)) >= at(199)


@pytest.mark.parametrize(
    "reset",
    ["2030-01-01T12:02:07.000000Z", "1893499327", "60", "Tue, 01 Jan 2030 12:02:07 GMT"],
)
def test_a_reset_is_read_in_every_spelling(reset: str) -> None:
    held = budget()
    held.spend(TOKEN, START)
    held.told(TOKEN, headers(300, 0, reset), START, 0)
    assert abs((held.earliest(TOKEN, at(1)) - at(60)).total_seconds()) < 0.01


@given(st.text(max_size=30), st.text(max_size=30), st.text(max_size=30), st.text(max_size=40))
def test_any_garbage_in_the_headers_is_survived(
    limit: str, left: str, reset: str, date: str
) -> None:
    held = budget()
    given = {
        "X-RateLimit-Limit": limit,
        "X-RateLimit-Remaining": left,
        "X-RateLimit-Reset": reset,
        "Date": date,
        "Retry-After": date,
    }
    held.told(TOKEN, given, START, 0)
    held.asked_to_wait(given, START)
    assert held.earliest(TOKEN, START) <= at(90000)


@given(st.integers(-(10**9), 10**12), st.integers(-(10**9), 10**12), st.floats(-1e6, 1e12))
def test_any_numbers_in_the_headers_wait_a_day_at_most(limit: int, left: int, reset: float) -> None:
    held = budget()
    held.spend(TOKEN, START)
    held.told(TOKEN, headers(limit, left, str(reset)), START, 2)
    assert held.earliest(TOKEN, START) <= at(86401)


def test_an_old_answer_from_a_cache_changes_nothing() -> None:
    held = budget()
    held.spend(TOKEN, START)
    held.told(TOKEN, headers(300, 0, at(-20)), START, 0)
    assert held.earliest(TOKEN, at(1)) == at(1)


def test_a_429_without_a_reset_backs_off_longer_each_time_until_a_success() -> None:
    held = budget()
    waits = []
    now = 0.0
    for _ in range(4):
        held.spend(TOKEN, at(now))
        until = held.refused(TOKEN, None, at(now))
        waits.append((until - at(now)).total_seconds())
        assert held.earliest(TOKEN, at(now)) >= until
        now += waits[-1]
    assert waits == pytest.approx([30, 60, 120, 240])
    held.succeeded(at(now))
    assert (held.refused(TOKEN, None, at(now)) - at(now)).total_seconds() == pytest.approx(30)


def test_a_429_with_a_reset_waits_for_it_and_no_longer() -> None:
    held = budget()
    held.spend(TOKEN, START)
    held.told(TOKEN, headers(300, 0, at(100)), START, 0)
    assert abs(held.refused(TOKEN, None, START) - at(100)) < timedelta(seconds=1)
    assert held.earliest(TOKEN, at(101)) == at(101)


def test_a_429_of_one_throttle_leaves_the_others_open() -> None:
    held = budget()
    for _ in range(149):
        held.spend(PAGING, START)
    held.told(PAGING, headers(300, 0, datetime(2030, 1, 1, 12, 15, tzinfo=UTC)), START, 0)
    held.refused(PAGING, None, START)
    assert held.earliest(PAGING, at(1)) > at(700)
    assert held.earliest(TOKEN, at(1)) == at(1)
    assert held.earliest(("anonymous",), at(1)) == at(1)


def test_a_host_that_refused_without_a_word_is_asked_less_afterwards() -> None:
    held = budget(anonymous=Limit(150, 300, 1.0))
    for _ in range(60):
        held.spend(("anonymous",), START)
    until = held.refused(("anonymous",), None, START)
    held.succeeded(until)
    sent = 0
    while held.earliest(("anonymous",), at(400)) == at(400):
        held.spend(("anonymous",), at(400))
        sent += 1
    assert sent == 45
    assert held.earliest(("anonymous",), at(7 * 3600)) == at(7 * 3600)


def test_a_wait_of_years_is_cut_to_a_day() -> None:
    held = budget()
    assert held.refused(TOKEN, at(10**9), START) == at(86400)
    assert held.asked_to_wait({"Retry-After": "99999999"}, START) == at(86400)


def test_the_circuit_opens_after_two_failures_rests_longer_each_time_and_lets_one_through() -> None:
    held = budget()
    held.failed(START)
    assert held.earliest(TOKEN, START) == START
    held.failed(START)
    now = 0.0
    for rest in (2, 8, 30, 60, 120):
        opens = held.earliest(TOKEN, at(now))
        assert at(now + rest) <= opens <= at(now + rest * 1.25 + 0.001)
        now += rest * 1.25 + 1
        held.spend(TOKEN, at(now))
        assert held.earliest(TOKEN, at(now)) > at(now)
        held.failed(at(now))
    held.spend(TOKEN, at(now + 4000))
    held.succeeded(at(now + 4001))
    assert held.earliest(TOKEN, at(now + 4001)) == at(now + 4001)


def test_the_circuit_stays_open_no_longer_than_an_hour_and_a_quarter() -> None:
    held = HostBudget("a.example", defaults={}, jitter=lambda: 1.0)
    now = 0.0
    for _ in range(40):
        held.spend(TOKEN, at(now))
        held.failed(at(now))
        wait = (held.earliest(TOKEN, at(now)) - at(now)).total_seconds()
        assert wait <= 4501
        now += wait
    assert wait > 3600


def test_failures_of_requests_already_on_their_way_do_not_lengthen_the_rest() -> None:
    held = budget()
    for _ in range(8):
        held.failed(START)
    assert held.earliest(TOKEN, START) <= at(31)


def test_a_pace_is_kept_between_requests() -> None:
    held = budget()
    held.pace(10)
    assert held.paced(["anonymous"])
    held.spend(("anonymous",), START)
    assert at(10) <= held.earliest(("anonymous",), at(1)) < at(10.001)
    assert held.earliest(TOKEN, at(1)) == at(1)


def test_state_survives_json_and_goes_on_the_same() -> None:
    held = budget()
    for second in range(120):
        held.spend(PAGING, at(second))
    held.told(PAGING, headers(300, 180, datetime(2030, 1, 1, 12, 5, tzinfo=UTC)), at(120), 1)
    for _ in range(3):
        held.failed(at(121))
    held.refused(("anonymous",), at(300), at(121))
    again = HostBudget.from_state(
        "a.example", json.loads(json.dumps(held.state())), defaults=standard_limits()
    )
    for names in (TOKEN, PAGING, ("anonymous",)):
        for second in (122, 160, 240, 1000):
            assert again.earliest(names, at(second)) == held.earliest(names, at(second))


def test_a_takeover_counts_the_reserved_block_as_sent() -> None:
    held = budget()
    for _ in range(200):
        held.spend(TOKEN, START)
    reserved = json.loads(json.dumps(held.state(ahead=20)))
    again = HostBudget.from_state("a.example", reserved, defaults=standard_limits())
    for names, left in ((TOKEN, 65), (("anonymous",), 100)):
        sent = 0
        while again.earliest(names, at(1)) == at(1):
            again.spend(names, at(1))
            sent += 1
        assert sent == left


def test_a_state_stays_small() -> None:
    held = budget()
    for second in range(900):
        held.spend(PAGING, at(second))
        held.earliest(PAGING, at(second))
    assert len(json.dumps(held.state())) < 8000


def test_no_state_is_a_fresh_budget() -> None:
    again = HostBudget.from_state("a.example", None, defaults=standard_limits())
    assert again.earliest(TOKEN, START) == START
    again = HostBudget.from_state("a.example", {}, defaults=standard_limits())
    assert again.earliest(TOKEN, START) == START
