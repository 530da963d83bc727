"""How late work is done: counted in a few classes, so that counts of many processes add up."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal, get_args

Work = Literal["wake", "collect", "look", "compare", "resolve"]
"""``wake``: that a look is due again was noticed; ``compare``: the home told what it shows."""

WORK: tuple[Work, ...] = get_args(Work)
Delayed = Literal[Work, "reply"]
"""``reply``: from a new reply's posting, by its own server's word, until a home had it."""

BOUNDS = (
    *(0.5, 1.0, 2.0, 5.0, 10.0, 20.0, 30.0),
    *(60.0, 120.0, 300.0, 600.0, 1_200.0, 1_800.0),
    *(3_600.0, 7_200.0, 14_400.0, 28_800.0, 86_400.0, 604_800.0),
)
"""Seconds. What is later than the last is counted with it."""


@dataclass(frozen=True, slots=True)
class DelayRow:
    """How late one kind of work was done in so many hours: median and 95th percentile, in seconds.

    New replies are those that were posted after the home began to watch.
    """

    kind: Delayed
    hours: int
    done: int
    median: float
    late: float


def bound_of(seconds: float) -> float:
    """The least bound that a delay does not exceed."""
    return BOUNDS[min(bisect_left(BOUNDS, seconds), len(BOUNDS) - 1)]


def quantile(counts: Mapping[float, int], share: float) -> float:
    """The delay that a ``share`` of all stayed below, by how many were at most so late.

    Within a class they are taken to be spread evenly. 0 where there are none.
    """
    rank = share * sum(counts.values())
    below = 0.0
    for bound in BOUNDS:
        number = counts.get(bound, 0)
        if number and number >= rank:
            return below + (bound - below) * rank / number
        rank -= number
        below = bound
    return below if any(counts.values()) else 0.0
