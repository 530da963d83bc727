"""Which replies are resolved next, on trees small enough to see."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tests.flow.trees import ROOT, chain, node, root
from toottail.flow.plan import CHUNK, FIRST_TRUST, Trust, needs_trust, plan
from toottail.types.trees import DeliveryState, Node


def test_nothing_is_planned_where_nothing_lacks() -> None:
    nodes = [root(), *chain(3, state="already_there")]
    found = plan(nodes, climbs=True)
    assert not found.resolve
    assert not found.along
    assert not found.wait_for
    assert not found.unreachable


def test_only_the_deepest_leaves_are_resolved_and_what_is_above_comes_along() -> None:
    nodes = [root(), *chain(3), node("other", "r1"), node("alone")]
    found = plan(nodes, climbs=True)
    assert set(found.resolve) == {"r3", "other", "alone"}
    assert set(found.along) == {"r1", "r2"}


def test_a_home_that_never_fetches_ancestors_is_asked_from_the_top_down() -> None:
    nodes = [root(), *chain(3), node("alone")]
    assert set(plan(nodes, climbs=False).resolve) == {"r1", "alone"}
    assert not plan(nodes, climbs=False).along
    nodes[1] = replace(nodes[1], state="delivered")
    assert set(plan(nodes, climbs=False).resolve) == {"r2", "alone"}


def test_a_missing_root_comes_along_like_any_other_ancestor() -> None:
    found = plan([root(None), *chain(2)], climbs=True)
    assert found.resolve == ("r2",)
    assert set(found.along) == {ROOT, "r1"}


@pytest.mark.parametrize("length", [CHUNK, CHUNK + 1, 3 * CHUNK + 5])
def test_one_resolve_brings_at_most_twenty_levels(length: int) -> None:
    found = plan([root(), *chain(length)], climbs=True)
    assert found.resolve == (f"r{min(length, CHUNK)}",)
    assert len(found.along) == min(length, CHUNK) - 1


def test_a_chain_goes_on_where_the_last_chunk_was_resolved() -> None:
    nodes = [root(), *chain(CHUNK + 5)]
    nodes = [
        replace(n, state="expected")
        if n.uri in {f"r{i}" for i in range(1, CHUNK)}
        else replace(n, state="resolved")
        if n.uri == f"r{CHUNK}"
        else n
        for n in nodes
    ]
    assert plan(nodes, climbs=True).resolve == (f"r{CHUNK + 5}",)


def test_a_leaf_waits_until_it_is_known_whether_the_hosts_above_it_answer() -> None:
    nodes = [root(), node("r1", answers=None), node("r2", "r1"), node("alone", answers=None)]
    found = plan(nodes, climbs=True)
    assert found.wait_for == {"r1.example"}
    assert found.resolve == ("alone",), "its own host is asked by the home alone"


def test_below_a_host_that_does_not_answer_it_goes_from_the_top_down() -> None:
    nodes = [root(), *chain(3)]
    nodes[2] = replace(nodes[2], answers=False)
    found = plan(nodes, climbs=True)
    assert found.resolve == ("r1",)
    assert not found.along


def test_when_a_leaf_is_lost_its_parent_is_the_next_leaf() -> None:
    nodes = [root(), *chain(3)]
    nodes[1:] = [replace(n, state="expected") for n in nodes[1:3]] + [
        replace(nodes[3], state="not_obtained")
    ]
    found = plan(nodes, climbs=True)
    assert found.resolve == ("r2",)
    assert found.along == ("r1",)


def test_what_hangs_below_a_lost_reply_is_unreachable_with_a_reason() -> None:
    nodes = [root(), *chain(3)]
    nodes[1] = replace(nodes[1], state="given_up")
    found = plan(nodes, climbs=False)
    assert not found.resolve
    assert set(found.unreachable) == {"r2", "r3"}
    assert all(found.unreachable.values())


def test_what_hangs_below_a_deleted_reply_is_unreachable_and_the_rest_comes() -> None:
    nodes = [root(), *chain(4), node("beside", "r1")]
    nodes[2] = replace(nodes[2], gone=True)
    found = plan(nodes, climbs=True)
    assert set(found.resolve) == {"beside"}
    assert set(found.unreachable) == {"r2", "r3", "r4"}


def test_a_deleted_reply_that_the_home_still_has_blocks_nothing() -> None:
    nodes = [root(), node("r1", gone=True, state="already_there"), node("r2", "r1")]
    assert plan(nodes, climbs=True).resolve == ("r2",)


@pytest.mark.parametrize("climbs", [True, False])
def test_a_reply_whose_author_opts_out_is_never_resolved_by_name(climbs: bool) -> None:
    nodes = [root(), node("r1", opted_out=True), node("r2")]
    found = plan(nodes, climbs=climbs)
    assert found.resolve == ("r2",)
    assert "nobot" in found.unreachable["r1"]


def test_an_opted_out_reply_in_the_middle_is_left_to_the_home_that_fetches_it() -> None:
    nodes = [root(), *chain(3)]
    nodes[2] = replace(nodes[2], opted_out=True)
    assert plan(nodes, climbs=True).resolve == ("r3",)
    below = plan(nodes, climbs=False)
    assert below.resolve == ("r1",)
    assert set(below.unreachable) == {"r2", "r3"}


@pytest.mark.parametrize("opted_out", range(1, CHUNK + 10))
def test_no_chunk_of_a_long_chain_ends_at_an_opted_out_reply(opted_out: int) -> None:
    length = CHUNK + 10
    nodes = [root(), *chain(length)]
    nodes[opted_out] = replace(nodes[opted_out], opted_out=True)
    found = plan(nodes, climbs=True)
    assert f"r{opted_out}" not in found.resolve
    assert found.resolve


@pytest.mark.parametrize("state", ["resolved", "expected"])
def test_what_is_on_its_way_is_not_asked_for_again(state: DeliveryState) -> None:
    nodes = [root(), *chain(2)]
    nodes[1] = replace(nodes[1], state=state)
    nodes[2] = replace(nodes[2], state="resolved")
    assert not plan(nodes, climbs=True).resolve


def _named(count: int, prefix: str = "n") -> list[Node]:
    return [
        node(f"{prefix}{n}", host="victim.example", listed_by="hostile.example")
        for n in range(count)
    ]


def test_of_what_one_host_names_on_another_only_ten_are_tried_before_one_is_confirmed() -> None:
    assert len(plan([root(), *_named(50)], climbs=True).resolve) == FIRST_TRUST
    pair = ("hostile.example", "victim.example")
    tried = plan([root(), *_named(50)], climbs=True, trust={pair: Trust(refuted=4, open=3)})
    assert len(tried.resolve) == FIRST_TRUST - 7


def test_a_source_whose_first_ten_names_were_refuted_is_believed_no_further() -> None:
    pair = ("hostile.example", "victim.example")
    found = plan([root(), *_named(5)], climbs=True, trust={pair: Trust(refuted=FIRST_TRUST)})
    assert not found.resolve
    assert len(found.unreachable) == 5
    assert all("hostile.example" in why for why in found.unreachable.values())


def test_names_that_wait_for_others_to_be_confirmed_are_not_given_up() -> None:
    pair = ("hostile.example", "victim.example")
    found = plan([root(), *_named(5)], climbs=True, trust={pair: Trust(open=FIRST_TRUST)})
    assert not found.resolve
    assert not found.unreachable


def test_each_confirmed_name_earns_ten_more() -> None:
    pair = ("hostile.example", "victim.example")
    found = plan([root(), *_named(50)], climbs=True, trust={pair: Trust(confirmed=2)})
    assert len(found.resolve) == 3 * FIRST_TRUST


@pytest.mark.parametrize("state", [None, "pending", "expected"])
def test_trust_is_counted_where_what_one_host_named_on_another_may_be_resolved(
    state: DeliveryState | None,
) -> None:
    (named,) = _named(1)
    assert needs_trust(replace(named, state=state))
    assert not needs_trust(replace(named, state="delivered"))
    assert not needs_trust(node("own", state=state))


def test_a_hosts_word_about_its_own_posts_needs_no_trust() -> None:
    nodes = [node(f"n{n}", host="a.example", listed_by="a.example") for n in range(30)]
    assert len(plan([root(), *nodes], climbs=True).resolve) == 30


def test_a_cycle_made_up_by_a_host_hangs_nothing_and_the_rest_comes() -> None:
    nodes = [root(), node("a", "b"), node("b", "a"), node("self", "self"), node("good")]
    for climbs in (True, False):
        assert plan(nodes, climbs=climbs).resolve == ("good",)


def test_a_reply_whose_parent_is_not_known_is_resolved_by_itself() -> None:
    nodes = [root(), node("loose", None, placed=False), node("below", "unknown")]
    assert set(plan(nodes, climbs=True).resolve) == {"loose", "below"}
