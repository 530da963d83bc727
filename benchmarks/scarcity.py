"""One host, fewer looks than are due: who goes first, on the synthetic traces of `look_again`.

``python -m benchmarks.scarcity`` prints a table. The conversations begin at random times of one
day; each is due by TootTail's rule, and the host allows a part of the looks that would all be due.
A delay is the time from a reply to the look that finds it; what came before the first look could
have been at that time does not count.
"""

from __future__ import annotations

import argparse
import heapq
import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from statistics import fmean, median

from rich.console import Console
from rich.table import Table

from benchmarks.look_again import END, FIRST, HOUR, traces
from toottail.flow import look_again

_LIVELY = 10
_PARTS = (1.2, 0.6, 0.4, 0.25)


@dataclass(slots=True)
class Conversation:
    """A trace that begins at ``born``, and what was known of it at its last look."""

    born: float
    replies: Sequence[float]
    due: float
    seen: int = 0
    looked: float | None = None
    known: tuple[float, int, float | None] = (0.0, 0, None)
    gap: float = 0.0

    def expected(self, now: float) -> float:
        """Replies that a look at that time is expected to bring."""
        if self.looked is None:
            return look_again.expected(0.0, 0, None, now - self.born)
        return look_again.expected(*self.known, now - self.looked)


@dataclass(slots=True)
class Result:
    """Delays and waits in seconds."""

    delays: list[float] = field(default_factory=list)
    lively: list[float] = field(default_factory=list)
    waits: list[float] = field(default_factory=list)

    def cells(self) -> tuple[str, ...]:
        """As the table shows it."""
        ordered = sorted(self.delays)
        late = ordered[int(0.95 * (len(ordered) - 1))]
        minutes = (fmean(ordered), median(ordered), late, median(self.lively))
        return (*(f"{one / 60:.1f}" for one in minutes), f"{max(self.waits) / HOUR:.1f}")


Order = Callable[[Conversation, float], float]
"""The place of one that is due; the smallest goes first."""


def by_due(one: Conversation, _now: float) -> float:
    """The longest due first."""
    return one.due


def most_expected(one: Conversation, now: float) -> float:
    """Most replies to be expected now first, whatever waits."""
    return -one.expected(now)


def ours(one: Conversation, _now: float) -> float:
    """TootTail's turn."""
    head = look_again.HEAD_START.total_seconds() * one.expected(one.due)
    return one.due - min(head, look_again.LONGEST_HEAD_START.total_seconds())


def replay(
    of: Sequence[Sequence[float]],
    births: Sequence[float],
    each: float,
    order: Order,
    *,
    moves: bool,
) -> Result:
    """Gives a look every ``each`` seconds for two days. ``moves``: places change with time."""
    result = Result()
    made = [Conversation(b, r, b + FIRST) for b, r in zip(births, of, strict=True)]
    future = [(one.due, n) for n, one in enumerate(made)]
    heapq.heapify(future)
    line: list[tuple[float, int]] = []
    for slot in range(int(2 * END / each)):
        now = slot * each
        while future and future[0][0] <= now:
            _, n = heapq.heappop(future)
            heapq.heappush(line, (order(made[n], now), n))
        if moves:
            line = [(order(made[n], now), n) for _, n in line]
            heapq.heapify(line)
        if line:
            _, n = heapq.heappop(line)
            if _look(made[n], now, result):
                heapq.heappush(future, (made[n].due, n))
    for one in made:
        late = [2 * END - one.born - reply for reply in one.replies[one.seen :]]
        result.delays += late
    return result


def _look(one: Conversation, now: float, result: Result) -> bool:
    """Looks, and says whether it will be looked at again."""
    age = now - one.born
    result.waits.append(now - one.due)
    while one.seen < len(one.replies) and one.replies[one.seen] <= age:
        if one.replies[one.seen] > FIRST:
            result.delays.append(age - one.replies[one.seen])
            if len(one.replies) >= _LIVELY:
                result.lively.append(result.delays[-1])
        one.seen += 1
    quiet = age - one.replies[one.seen - 1] if one.seen else None
    one.known, one.looked = (age, one.seen, quiet), now
    one.due = now + look_again.gap(*one.known)
    return age < END


def main() -> None:
    """Prints the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--conversations", type=int, default=400)
    parser.add_argument("--seed", type=int, default=3)
    arguments = parser.parse_args()
    of = traces(arguments.conversations, arguments.seed)
    source = random.Random(arguments.seed)
    births = [source.random() * END for _ in of]
    free = len(replay(of, births, 2.0, by_due, moves=False).waits)
    table = Table(title=f"{len(of):,} conversations, {free:,} looks due, seed {arguments.seed}")
    table.add_column("looks allowed of those due, order")
    for words in ("mean delay", "median", "95 %", f"median, ≥ {_LIVELY} replies"):
        table.add_column(f"{words} (min)", justify="right")
    table.add_column("longest wait (h)", justify="right")
    for part in _PARTS:
        # They are due within a day and a bit.
        each = END / free / part
        for name, order, moves in (
            ("longest due", by_due, False),
            ("most expected, whatever waits", most_expected, True),
            ("TootTail's", ours, False),
        ):
            found = replay(of, births, each, order, moves=moves)
            table.add_row(f"{part:.0%}, {name}", *found.cells())
    Console(width=120).print(table)


if __name__ == "__main__":
    main()
