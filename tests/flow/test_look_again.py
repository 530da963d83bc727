"""When a conversation is looked at again: by its age and its last arrival, never by a clock."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from toottail.flow.look_again import LEAST_GAP, LONGEST_GAP, next_look

NOW = datetime(2026, 8, 1, 12, tzinfo=UTC)
_ages = st.timedeltas(timedelta(days=-1), timedelta(days=400))


@given(_ages, st.none() | _ages)
def test_the_next_look_is_never_sooner_than_two_minutes_nor_later_than_a_day(
    age: timedelta, quiet: timedelta | None
) -> None:
    at = next_look(NOW, NOW - age, None if quiet is None else NOW - quiet)
    assert LEAST_GAP <= at - NOW <= LONGEST_GAP


@given(_ages, _ages)
def test_the_longer_nothing_came_the_longer_the_gap(one: timedelta, other: timedelta) -> None:
    younger, older = sorted((one, other))
    assert next_look(NOW, NOW - younger, None) <= next_look(NOW, NOW - older, None)


@given(_ages, _ages)
def test_a_new_reply_never_puts_the_next_look_off(age: timedelta, quiet: timedelta) -> None:
    assert next_look(NOW, NOW - age, NOW - quiet) <= next_look(NOW, NOW - age, None)


def test_gaps_grow_with_the_square_root_of_the_silence() -> None:
    def gap(hours: float) -> timedelta:
        return next_look(NOW, NOW - timedelta(hours=hours), None) - NOW

    assert 1.9 < gap(400) / gap(100) < 2.1
    assert gap(0) == LEAST_GAP


def test_a_root_of_unknown_age_counts_as_a_day_old() -> None:
    assert next_look(NOW, None, None) == next_look(NOW, NOW - timedelta(days=1), None)


def test_looks_at_a_quiet_conversation_become_few() -> None:
    born = now = NOW
    looks = 0
    while now - born < timedelta(days=7):
        now = next_look(now, born, None)
        looks += 1
    assert looks < 7 * 24 * 12 / 5, "a fifth of what a fixed five minutes' rhythm takes"
