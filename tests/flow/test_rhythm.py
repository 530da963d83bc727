"""How often the sources of served members are read, and that members are spread over the time."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from toottail.flow.rhythm import after_failure, home_again, next_reading, period
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
