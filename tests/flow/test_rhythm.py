"""How often the sources of served members are read, and that members are spread over the time."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from toottail.flow import look_again
from toottail.flow.rhythm import (
    FASTEST,
    SHARE,
    WEEKLY,
    after_failure,
    asks_markers,
    home_again,
    next_reading,
    pace,
    period,
    quickest,
)
from toottail.repository import conversations
from toottail.types.sources import KINDS

NOW = datetime(2026, 8, 1, 12, tzinfo=UTC)
_moments = st.timedeltas(timedelta(0), timedelta(days=2000)).map(lambda after: NOW + after)


@given(_moments, st.sampled_from(sorted(KINDS)), st.integers(1, 10**9))
def test_a_source_is_due_again_within_its_period_and_then_once_in_each(
    now: datetime, kind: str, member_id: int
) -> None:
    at = next_reading(now, kind=kind, member_id=member_id)
    assert period(kind) / 2 <= at - now <= period(kind) * 1.5
    late = at + timedelta(seconds=1)
    after = next_reading(late, kind=kind, member_id=member_id)
    assert abs(after - at - period(kind)) < timedelta(milliseconds=1)


def test_members_who_were_read_at_once_come_one_by_one_afterwards() -> None:
    due = Counter(
        int((next_reading(NOW, kind="home", member_id=number) - NOW).total_seconds()) // 10
        for number in range(3000)
    )
    assert len(due) == 30, "all tenths of a minute within five minutes"
    assert max(due.values()) < 2 * 3000 / 30


def test_timelines_are_read_often_and_profiles_seldom() -> None:
    assert period("home") == timedelta(minutes=5)
    assert period("list") == period("notifications") == timedelta(minutes=15)
    assert period("bookmarks") == timedelta(minutes=30)
    assert period("followings") == period("account") == timedelta(hours=6)


@given(st.integers(0, 1000))
def test_each_failure_makes_the_wait_longer_up_to_an_hour(tries: int) -> None:
    wait = after_failure(NOW, tries=tries) - NOW
    assert timedelta(0) < wait <= after_failure(NOW, tries=tries + 1) - NOW <= timedelta(hours=1)


@given(st.timedeltas(timedelta(0), timedelta(days=10)))
def test_a_home_that_fails_for_days_is_asked_once_an_hour(failing: timedelta) -> None:
    wait = home_again(NOW, NOW - failing) - NOW
    assert timedelta(minutes=1) <= wait <= timedelta(hours=1)
    assert failing < timedelta(hours=4) or wait == timedelta(hours=1)


MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)


@pytest.mark.parametrize(
    ("away", "least", "most"),
    [
        (timedelta(0), FASTEST, FASTEST),
        (DAY, FASTEST, FASTEST),
        (2 * DAY, 14 * MINUTE, 16 * MINUTE),
        (5 * DAY, HOUR, 1.2 * HOUR),
        (13.9 * DAY, 5 * HOUR, 6 * HOUR),
        (14 * DAY, WEEKLY, WEEKLY),
        (59.9 * DAY, WEEKLY, WEEKLY),
    ],
)
def test_who_has_been_away_is_read_for_less(
    away: timedelta, least: timedelta, most: timedelta
) -> None:
    found = pace(away)
    assert found is not None
    assert least <= found <= most


def test_after_sixty_days_nothing_is_read_any_more() -> None:
    assert pace(60 * DAY) is None
    assert pace(60 * DAY, marked=None) is None


@given(st.timedeltas(timedelta(0), timedelta(days=58)), st.timedeltas(timedelta(0), timedelta(1)))
def test_the_pace_only_ever_slows_and_without_a_leap_in_the_first_two_weeks(
    away: timedelta, more: timedelta
) -> None:
    first, then = pace(away), pace(away + more)
    assert first is not None
    assert then is not None
    assert first <= then
    if away + more < timedelta(days=14) and more < HOUR:
        assert then - first < 15 * MINUTE


@given(st.timedeltas(timedelta(0), timedelta(days=2000)))
def test_who_shows_nothing_of_their_reading_is_never_given_up(away: timedelta) -> None:
    found = pace(away, marked=False)
    assert found is not None
    if away <= DAY:
        assert found == FASTEST, "they were seen here, or posted"
    else:
        assert 15 * MINUTE <= found <= HOUR


def test_markers_cost_a_request_an_hour_and_one_a_day_where_there_are_none() -> None:
    assert asks_markers(NOW, asked_at=None, marked=None)
    assert not asks_markers(NOW, asked_at=NOW - 59 * MINUTE, marked=True)
    assert asks_markers(NOW, asked_at=NOW - HOUR, marked=True)
    assert not asks_markers(NOW, asked_at=NOW - 23 * HOUR, marked=False)
    assert asks_markers(NOW, asked_at=NOW - DAY, marked=False)


@given(st.dictionaries(st.sampled_from(sorted(KINDS)), st.integers(1, 5000)), st.integers(10, 1000))
def test_members_of_a_home_give_way_before_its_limit_does(
    sources: dict[str, int], requests: int
) -> None:
    shortest = quickest(sources, requests, 300)
    asked = sum(
        count * (300 / max(period(kind), shortest).total_seconds())
        for kind, count in sources.items()
    )
    assert asked <= requests * SHARE * 1.001
    assert shortest >= FASTEST
    if shortest > FASTEST:
        assert asked >= requests * SHARE * 0.999, "no slower than it must be"


def test_a_home_with_few_members_is_read_as_any_other() -> None:
    assert quickest({}, 300, 300) == FASTEST
    assert quickest({"home": 150}, 300, 300) == FASTEST
    assert quickest({"home": 300}, 300, 300) == 2 * FASTEST


def test_a_slower_pace_spreads_members_over_its_own_period() -> None:
    day = [next_reading(NOW, kind="home", member_id=n, at_least=DAY) - NOW for n in range(200)]
    assert min(day) >= DAY / 2
    assert max(day) <= 1.5 * DAY
    assert len({int(at / HOUR) for at in day}) == 24


def test_what_is_heard_of_leaves_a_conversation_the_rest_that_looks_do() -> None:
    assert conversations.AT_REST == look_again.LEAST_GAP
