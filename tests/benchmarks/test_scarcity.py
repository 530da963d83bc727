"""Who goes first where a host allows fewer looks than are due."""

from __future__ import annotations

from statistics import median

from benchmarks.look_again import END, traces
from benchmarks.scarcity import Result, by_due, most_expected, ours, replay

OF = traces(120, 3)
BIRTHS = [n * END / len(OF) for n in range(len(OF))]
EACH = 60.0
"""Seconds from one look that the host allows to the next: about a third of what is due."""


def test_lively_conversations_are_seen_sooner_and_nothing_waits_for_long() -> None:
    found: dict[str, Result] = {}
    for order in (by_due, most_expected, ours):
        moves = order is most_expected
        found[order.__name__] = replay(OF, BIRTHS, EACH, order, moves=moves)
    due, greedy, own = (found[name] for name in ("by_due", "most_expected", "ours"))
    assert median(own.lively) < median(due.lively) / 2
    assert median(own.delays) < median(due.delays)
    assert max(own.waits) < 3 * max(due.waits)
    assert max(greedy.waits) > 5 * max(due.waits), "without a bound the quiet ones starve"
