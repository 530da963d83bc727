"""Ceilings: so much at once, then at a pace; nobody is remembered for ever."""

from __future__ import annotations

import pytest

from toottail.service.allowances import Rate
from toottail.service.http import ceilings
from toottail.service.http.ceilings import Ceiling


def test_what_was_used_comes_back_with_time_and_waiting_is_told_exactly() -> None:
    ceiling = Ceiling(Rate(3, 6, 60))
    assert [ceiling.use("a", 100.0) for _ in range(5)] == [0, 0, 0, 10, 10]
    assert ceiling.use("a", 109.0) == 1
    assert ceiling.use("a", 110.0) == 0
    assert ceiling.use("a", 110.0) == 10
    assert [ceiling.use("a", 10_000.0) for _ in range(4)] == [0, 0, 0, 10]


def test_visitors_do_not_use_up_what_is_anothers() -> None:
    ceiling = Ceiling(Rate(1, 1, 60))
    assert ceiling.use("a", 0.0) == 0
    assert ceiling.use("a", 0.0) > 0
    assert ceiling.use("b", 0.0) == 0


def test_who_was_not_seen_for_longest_is_forgotten_first(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ceilings, "MOST_REMEMBERED", 2)
    ceiling = Ceiling(Rate(1, 1, 60))
    assert [ceiling.use(whom, 0.0) for whom in ("a", "b")] == [0, 0]
    assert ceiling.use("a", 0.0) > 0
    assert ceiling.use("c", 0.0) == 0
    assert ceiling.use("a", 0.0) > 0
    assert ceiling.use("b", 0.0) == 0
