"""When a conversation is looked at again: by its age and its replies, never by a clock."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from toottail.flow.look_again import (
    HEAD_START,
    LEAST_GAP,
    LONGEST_GAP,
    LONGEST_HEAD_START,
    expected,
    first_turn,
    gap,
    next_look,
    reply_rate,
    turn,
)

NOW = datetime(2026, 8, 1, 12, tzinfo=UTC)
DAY = 86_400.0
_ages = st.floats(0, 400 * DAY)
_counts = st.integers(0, 5_000)
_silences = st.none() | _ages


@given(st.timedeltas(timedelta(days=-1), timedelta(days=400)), _counts, _ages)
def test_the_next_look_is_never_sooner_than_a_minute_nor_later_than_a_day(
    age: timedelta, replies: int, quiet: float
) -> None:
    found = next_look(NOW, NOW - age, replies, NOW - timedelta(seconds=quiet))
    assert LEAST_GAP <= found.at - NOW <= LONGEST_GAP


@given(_ages, _ages, _counts)
def test_the_longer_nothing_came_the_longer_the_gap(one: float, other: float, replies: int) -> None:
    sooner, later = sorted((one, other))
    assert gap(400 * DAY, replies, sooner) <= gap(400 * DAY, replies, later)


@given(_ages, _ages)
def test_an_older_root_is_looked_at_less_often(one: float, other: float) -> None:
    younger, older = sorted((one, other))
    assert gap(younger, 0, None) <= gap(older, 0, None)


@given(_ages, _counts, _silences)
def test_one_reply_more_never_puts_the_next_look_off(
    age: float, replies: int, quiet: float | None
) -> None:
    assert gap(age, replies + 1, 0.0) <= gap(age, replies, quiet)


@given(_ages, _counts, _silences)
def test_there_is_always_something_to_expect(age: float, replies: int, quiet: float | None) -> None:
    assert reply_rate(age, replies, quiet) > 0


def test_gaps_grow_with_the_root_of_how_rare_replies_are() -> None:
    rates = [reply_rate(hours * 3_600, 0, None) for hours in (4, 40)]
    gaps = [gap(hours * 3_600, 0, None) for hours in (4, 40)]
    assert 0.8 < gaps[1] / gaps[0] / (rates[0] / rates[1]) ** 0.5 < 1.25


def test_a_lively_conversation_is_looked_at_each_minute_or_two() -> None:
    assert gap(3_600, 30, 60.0) < 100


def test_a_root_of_unknown_age_counts_as_a_day_old() -> None:
    assert next_look(NOW, None, 0, None) == next_look(NOW, NOW - timedelta(days=1), 0, None)


def test_looks_at_a_quiet_conversation_become_few() -> None:
    age, looks = 0.0, 0
    while age < DAY:
        age += gap(age, 0, None)
        looks += 1
    assert looks < 24 * 12 / 8, "an eighth of what a fixed rhythm of five minutes takes"


# Who goes first where not all can go


@given(_ages, _counts, _silences)
def test_what_is_expected_grows_by_the_rate(age: float, replies: int, quiet: float | None) -> None:
    assert expected(age, replies, quiet, 0.0) == 0
    rate = reply_rate(age, replies, quiet)
    assert expected(age, replies, quiet, 0.01) == pytest.approx(0.01 * rate, rel=0.01, abs=1e-9)


@given(_ages, _counts, _silences, _ages, _ages)
def test_waiting_never_lessens_what_is_expected(
    age: float, replies: int, quiet: float | None, one: float, other: float
) -> None:
    sooner, later = sorted((one, other))
    assert expected(age, replies, quiet, sooner) <= expected(age, replies, quiet, later)


@given(st.floats(0, 1e6), st.floats(0, 1e6))
def test_of_two_that_are_due_at_once_the_one_that_brings_more_goes_first(
    one: float, other: float
) -> None:
    less, more = sorted((one, other))
    assert turn(NOW, more) <= turn(NOW, less)
    assert turn(NOW, 0.3) < turn(NOW, 0.2)


@given(st.floats(0, 1e6), st.floats(0, 1e6))
def test_none_starves_because_a_day_of_waiting_outweighs_everything(
    here: float, there: float
) -> None:
    assert turn(NOW, here) <= turn(NOW + LONGEST_HEAD_START, there)


def test_a_reply_that_is_expected_is_worth_some_hours_of_waiting() -> None:
    assert turn(NOW, 0.5) == NOW - HEAD_START / 2


@given(st.timedeltas(timedelta(0), timedelta(days=400)), _counts, _ages)
def test_the_turn_of_the_next_look_is_never_more_than_a_day_before_it(
    age: timedelta, replies: int, quiet: float
) -> None:
    found = next_look(NOW, NOW - age, replies, NOW - timedelta(seconds=quiet))
    assert timedelta(0) <= found.at - found.turn <= LONGEST_HEAD_START


def test_a_lively_conversation_has_an_earlier_turn_than_a_quiet_one() -> None:
    hour = timedelta(hours=1)
    lively = next_look(NOW, NOW - hour, 30, NOW - timedelta(minutes=1))
    quiet = next_look(NOW, NOW - 24 * hour, 0, None)
    assert lively.at - lively.turn > 10 * (quiet.at - quiet.turn)


def test_of_first_looks_those_with_replies_that_the_home_counts_go_first() -> None:
    hour = timedelta(hours=1)
    turns = [
        first_turn(NOW, NOW - hour, 2),
        first_turn(NOW, NOW - hour, 0),
        first_turn(NOW, NOW - hour / 60, None),
    ]
    assert turns == sorted(turns)
    assert turns[0] < turns[1] < turns[2] < NOW, "a post of this minute has hardly any reply yet"
    assert first_turn(NOW, None, 10_000) == NOW - LONGEST_HEAD_START
