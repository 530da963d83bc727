"""Lanes of one home that share its limits: together they stay within them."""

from __future__ import annotations

import json
from datetime import datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.servers.test_budgets import START, TOKEN, Throttle, at, headers
from toottail.servers.budgets import HostBudget, standard_limits
from toottail.servers.home_traits import HOME_TRAITS
from toottail.servers.nodeinfo import Software
from toottail.servers.sharing import (
    can_be_sliced,
    main_limits,
    main_places,
    slice_limits,
    slices_at_once,
)

WHOLE = standard_limits()
OURS = WHOLE["token"].ours


def lane(limits: object = None) -> HostBudget:
    return HostBudget("a.example", defaults=limits or WHOLE, jitter=lambda: 0.0)  # type: ignore[arg-type]


def used_up(budget: HostBudget, now: datetime) -> int:
    """Sends with a token until the budget says no; returns how many went out."""
    sent = 0
    while budget.earliest(TOKEN, now) <= now:
        budget.spend(TOKEN, now)
        sent += 1
    return sent


@pytest.mark.parametrize("in_flight", range(1, 17))
def test_the_main_lane_and_all_slices_that_are_served_ask_no_more_at_once_than_may_be(
    in_flight: int,
) -> None:
    assert main_places(in_flight) >= 1
    assert slices_at_once(in_flight) >= 1
    if in_flight > 1:
        assert main_places(in_flight) + slices_at_once(in_flight) == in_flight


def test_only_known_homes_are_sliced_whose_members_have_limits_of_their_own() -> None:
    for name in HOME_TRAITS:
        assert can_be_sliced(Software(name, "1"), 4) is (name != "gotosocial")
    assert not can_be_sliced(Software("unknown", ""), 4)
    assert not can_be_sliced(Software("mastodon", "4.4"), 1)


@given(
    st.lists(st.sampled_from(["main", "slice"]), min_size=400, max_size=900),
    st.booleans(),
    st.floats(0.1, 1.5),
)
def test_main_lane_and_slice_together_stay_within_what_a_token_may(
    turns: list[str], tells: bool, pause: float
) -> None:
    throttle = Throttle(300, 300)
    lanes = {"main": lane(main_limits(WHOLE)), "slice": lane(slice_limits(WHOLE))}
    sent: list[float] = []
    for number, turn in enumerate(turns):
        now = at(number * pause)
        if lanes[turn].earliest(TOKEN, now) > now:
            continue
        lanes[turn].spend(TOKEN, now)
        sent.append(number * pause)
        left = throttle.count(now)
        assert left >= 0, "the home would refuse it"
        if tells:
            lanes[turn].told(TOKEN, headers(300, left, throttle.reset(now)), now, 0)
    if not tells:
        for begin in sent:
            assert sum(begin <= one < begin + 300 for one in sent) <= OURS


def test_a_lane_that_begins_to_share_a_token_keeps_count_of_what_it_sent() -> None:
    budget = lane()
    for _ in range(100):
        budget.spend(TOKEN, START)
    budget.share(main_limits(WHOLE))
    assert used_up(budget, START) == main_limits(WHOLE)["token"].ours - 100
    budget.share(WHOLE)
    assert used_up(budget, START) == OURS - main_limits(WHOLE)["token"].ours


def test_what_a_token_was_used_for_goes_with_its_member_to_another_slice() -> None:
    first, second = lane(slice_limits(WHOLE)), lane(slice_limits(WHOLE))
    sent = used_up(first, START)
    carried = json.loads(json.dumps(first.carry(TOKEN)))
    first.drop(TOKEN)
    second.receive(carried, at(1))
    assert used_up(second, at(1)) == 0
    assert used_up(second, at(301)) == sent
    assert first.carry(TOKEN) == {}, "who gave a member away knows nothing of them"


def test_of_a_member_who_comes_back_all_that_was_sent_is_counted() -> None:
    main, part = lane(main_limits(WHOLE)), lane(slice_limits(WHOLE))
    for _ in range(50):
        main.spend(TOKEN, START)
    part.receive(main.carry(TOKEN), START)
    assert used_up(part, START) == slice_limits(WHOLE)["token"].ours - 50
    main.receive(part.carry(TOKEN), at(10))
    main.share(WHOLE)
    assert used_up(main, at(10)) <= OURS - slice_limits(WHOLE)["token"].ours
    assert used_up(main, at(311)) == OURS


def test_what_the_home_told_of_a_token_and_for_how_long_it_waits_goes_along() -> None:
    first, second = lane(slice_limits(WHOLE)), lane(slice_limits(WHOLE))
    first.spend(TOKEN, START)
    reset = START + timedelta(seconds=120)
    first.told(TOKEN, headers(60, 20, reset), START, 0)
    second.receive(json.loads(json.dumps(first.carry(TOKEN))), START)
    assert used_up(second, START) == used_up(first, START) == 20
    third = lane(slice_limits(WHOLE))
    first.refused(TOKEN, at(200), START)
    third.receive(first.carry(TOKEN), START)
    assert at(199) < third.earliest(TOKEN, START) < at(201)
    assert third.earliest(("token:2",), START) == START


def test_lanes_tell_each_other_only_what_they_found_out_themselves() -> None:
    one, other = lane(), lane()
    assert one.news() is None
    for _ in range(3):
        one.failed(START)
    one.rest(at(1), START)
    news = one.news()
    assert news is not None
    assert news[0] == 2, "what was on its way when it opened tells nothing new"
    assert one.news() is None
    other.heard(*news)
    assert other.failures == 2
    assert other.earliest(TOKEN, START) > START
    assert other.news() is None
    other.succeeded(at(5))
    assert other.news() == (0, news[1])
    one.heard(0, 0.0)
    assert one.failures == 0
