"""When to look again: rules replayed on synthetic traces of replies over the first 24 hours.

``python -m benchmarks.look_again`` prints a table. The traces follow what is known of replies: a
power law of the root's age with a cut-off, bursts in which replies bring replies, fewer at night,
most posts without any reply and a few with hundreds. They are drawn by another recipe than the one
`toottail.flow.look_again` estimates with, so that it is not judged by its own assumptions.

A delay is the time from a reply to the look that finds it; what no look finds waits for hour 24.
"""

from __future__ import annotations

import argparse
import math
import random
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from statistics import fmean, median

from rich.console import Console
from rich.table import Table

from toottail.flow import look_again

HOUR = 3_600.0
END = 24 * HOUR
FIRST = 120.0
"""Seconds after which a post is seen in somebody's timeline, and looked at first."""
_LEAST_GAP = 60.0
_LIVELY = 10
"""A conversation of so many replies is an active one."""

Rule = Callable[[float, Sequence[float]], float]
"""Given a moment and the replies until then, the moment of the next look (seconds of age)."""


@dataclass(frozen=True, slots=True)
class Result:
    """How one rule did: looks for each conversation, and the delays in seconds."""

    looks: float
    delays: Sequence[float]
    lively: Sequence[float]

    def cells(self) -> tuple[str, ...]:
        """As the table shows it: delays in minutes."""
        ordered = sorted(self.delays)
        late = ordered[int(0.95 * (len(ordered) - 1))]
        of_lively = median(self.lively) if self.lively else math.nan
        numbers = (fmean(ordered), median(ordered), late, of_lively)
        return (f"{self.looks:.1f}", *(f"{number / 60:.1f}" for number in numbers))


# Traces


def traces(count: int, seed: int) -> list[list[float]]:
    """The ages (seconds) at which each of ``count`` conversations gets its replies, in order."""
    source = random.Random(seed)
    return [_trace(source) for _ in range(count)]


def _trace(source: random.Random) -> list[float]:
    born_at = source.random() * 24
    replies: list[float] = []
    for _ in range(_size(source)):
        answers = replies and source.random() < 0.5
        begin = source.choice(replies) if answers else 0.0
        at = _put_off_by_night(source, born_at, begin + _delay(source) * (0.7 if answers else 1.0))
        if at < END:
            replies.append(at)
    return sorted(replies)


def _size(source: random.Random) -> int:
    kind = source.random()
    if kind < 0.7:
        return 0
    if kind < 0.88:
        return 1
    return min(300, int(2 * math.pow(1 - source.random(), -0.9)))


def _delay(source: random.Random) -> float:
    """A power law with an exponential cut-off, by rejection."""
    while True:
        at = 480 * (math.pow(1 - source.random(), -1 / 0.9) - 1)
        if at < END and source.random() < math.exp(-at / (14 * HOUR)):
            return at


def _put_off_by_night(source: random.Random, born_at: float, at: float) -> float:
    for _ in range(12):
        hour = (born_at + at / HOUR) % 24
        awake = 0.25 if hour < 6 else 0.6 if hour < 8 or hour >= 22 else 1.0
        if source.random() < awake:
            break
        at += source.random() * 2 * HOUR
    return at


# Rules


def every_five_minutes(at: float, _replies: Sequence[float]) -> float:
    """The predecessor's rhythm."""
    return at + 300


def by_age(at: float, _replies: Sequence[float]) -> float:
    """FediFetcher's: each minute for an hour, then each ten minutes."""
    return at + (60 if at < HOUR else 600)


def ours(at: float, replies: Sequence[float]) -> float:
    """TootTail's."""
    return at + look_again.gap(at, len(replies), at - replies[-1] if replies else None)


def replay(of: Sequence[Sequence[float]], rule: Rule) -> Result:
    """What a rule costs and brings on these traces."""
    looks = 0
    delays: list[float] = []
    lively: list[float] = []
    for replies in of:
        at, seen, late = FIRST, 0, []
        while at <= END:
            looks += 1
            while seen < len(replies) and replies[seen] <= at:
                late.append(at - replies[seen])
                seen += 1
            at = max(rule(at, replies[:seen]), at + _LEAST_GAP)
        late += [END - reply for reply in replies[seen:]]
        delays += late
        lively += late if len(replies) >= _LIVELY else []
    return Result(looks / len(of), delays, lively)


# With hindsight


def best_for(of: Sequence[Sequence[float]], looks: float) -> Result:
    """The least delay that so many looks could bring to who knows all replies beforehand.

    A price on looks makes conversations independent: each is cut into runs of replies that one
    look, at the last of the run, finds together. The price is searched that brings the number.
    """
    low, high = 0.0, END
    found = _at_price(of, low)
    for _ in range(30):
        if found.looks <= looks and low == 0.0:
            break  # more looks than replies: each is found at once
        price = (low + high) / 2
        found = _at_price(of, price)
        low, high = (price, high) if found.looks > looks else (low, price)
    return found


def _at_price(of: Sequence[Sequence[float]], price: float) -> Result:
    looks = 0
    delays: list[float] = []
    lively: list[float] = []
    for replies in of:
        late: list[float] = []
        for begin, end in _runs(replies, price):
            looks += 1
            late += [replies[end - 1] - reply for reply in replies[begin:end]]
        delays += late
        lively += late if len(replies) >= _LIVELY else []
    return Result(looks / len(of), delays, lively)


def _runs(replies: Sequence[float], price: float) -> Iterator[tuple[int, int]]:
    """The cheapest way to cut replies into runs, by dynamic programming: (begin, end) of each."""
    sums = [0.0]
    for reply in replies:
        sums.append(sums[-1] + reply)
    cost = [0.0]
    begin_of = [0]
    for end in range(1, len(replies) + 1):
        last = replies[end - 1]
        costs = [
            cost[begin] + (end - begin) * last - (sums[end] - sums[begin]) + price
            for begin in range(end)
        ]
        begin_of.append(min(range(end), key=costs.__getitem__))
        cost.append(costs[begin_of[-1]])
    end = len(replies)
    while end:
        yield begin_of[end], end
        end = begin_of[end]


def main() -> None:
    """Prints the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--conversations", type=int, default=4_000)
    parser.add_argument("--seed", type=int, default=1)
    arguments = parser.parse_args()
    of = traces(arguments.conversations, arguments.seed)
    replies = sum(map(len, of))
    table = Table(title=f"{len(of):,} conversations, {replies:,} replies, seed {arguments.seed}")
    table.add_column("rule")
    table.add_column("looks each", justify="right")
    for words in ("mean delay", "median", "95 %", f"median, ≥ {_LIVELY} replies"):
        table.add_column(f"{words} (min)", justify="right")
    own = replay(of, ours)
    table.add_row("every 5 minutes", *replay(of, every_five_minutes).cells())
    table.add_row("FediFetcher's", *replay(of, by_age).cells())
    evenly = replay(of, lambda at, _: at + END / own.looks)
    table.add_row("evenly, as many looks as TootTail", *evenly.cells())
    table.add_row("TootTail's", *own.cells(), style="bold")
    table.add_row("best with hindsight, no more looks", *best_for(of, own.looks).cells())
    Console(width=110).print(table)


if __name__ == "__main__":
    main()
