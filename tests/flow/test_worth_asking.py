"""When the home's context is asked for: only where one request pays."""

from __future__ import annotations

import pytest

from tests.flow.trees import ROOT, chain, node, root
from toottail.flow.compare import worth_asking
from toottail.repository.deliveries import DueWatch
from toottail.types.trees import Node


def watch(
    *, stage: str = "compare", shown: int | None = 2, anchor: str = ROOT, root_id: str | None = "1"
) -> DueWatch:
    return DueWatch(
        home="home.example",
        conversation_id=1,
        anchor_uri=anchor,
        anchor_id="1",
        anchor_parent=None,
        root_id=root_id,
        shown=shown,
        stage=stage,
        verifies=0,
        unproven=False,
        tries=0,
        root_uri=ROOT,
        root_host="root.example",
        created_at=None,
        problem=None,
        members=(1,),
    )


MANY: list[Node] = [root(), *chain(3), node("beside"), node("else")]


def test_a_home_that_shows_some_replies_is_asked_which() -> None:
    assert worth_asking(watch(shown=2), MANY)


def test_a_home_that_shows_no_reply_below_the_root_is_not_asked_what_it_has() -> None:
    assert not worth_asking(watch(shown=0), MANY)


@pytest.mark.parametrize("length", [1, 3])
def test_one_missing_leaf_is_resolved_rather_than_compared(length: int) -> None:
    assert not worth_asking(watch(), [root(), *chain(length)])


def test_a_conversation_seen_through_a_reply_is_compared_whatever_the_root_shows() -> None:
    assert worth_asking(watch(anchor="r1", shown=None, root_id=None), MANY)


def test_a_count_that_is_not_known_is_no_proof_of_nothing() -> None:
    assert worth_asking(watch(shown=None), MANY)


def test_a_missing_root_makes_the_count_worthless() -> None:
    nodes = [root(None), *MANY[1:]]
    assert worth_asking(watch(shown=0), nodes)


def test_what_a_home_fetched_by_itself_is_always_read() -> None:
    assert worth_asking(watch(stage="refresh", shown=0), [root(), *chain(1)])
