"""What a process counts of its own doing since it began, for monitors: plain sums in memory.

Everything is by words of a few: no host, no member and nothing that others made up is among them.
"""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter
from collections.abc import Sequence
from typing import Literal, Protocol, get_args

RequestClass = Literal["home", "origin", "signed", "stream"]
"""Whom a request asks: a home in the name of members, any other host anonymously or signed by our
actor, or a home for a stream."""
Wait = Literal["limit", "asked", "pace", "failing"]
"""Why a request was put off: its limit is used up, the host asked for it (429, Retry-After), its
robots.txt wants pauses, or it failed too often in a row."""
Yield = Literal["new", "nothing", "gone", "refused", "failed", "later"]
"""What a look brought; ``later``: it is tried again."""
Outcome = Literal["delivered", "resolved", "not_obtained", "given_up", "home_failed"]
"""What one resolve brought; ``resolved``: the home has it, its place there is not proven yet."""
Ending = Literal["drained", "turn over", "stopped", "lost", "database", "fault"]
"""Why the visit of a lane ended."""

Part = Literal["api", "pages", "actor"]
"""What a visitor asked for."""

_EXACT = frozenset({401, 403, 404, 410, 429})
_USUAL = ("2xx", "429", "5xx", "none")
FAST = (0.001, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0)
SLOW = (0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0)
LONG = (0.1, 0.5, 1.0, 2.0, 5.0, 10.0, 20.0, 30.0, 60.0)


class Spread:
    """How long something took, in seconds, by classes up to ``bounds`` and one beyond."""

    __slots__ = ("bounds", "counts", "total")

    def __init__(self, bounds: Sequence[float]) -> None:
        self.bounds = tuple(bounds)
        self.counts = [0] * (len(self.bounds) + 1)
        self.total = 0.0

    def note(self, seconds: float, times: int = 1) -> None:
        """It took so long, so many times."""
        self.counts[bisect_left(self.bounds, seconds)] += times
        self.total += seconds * times

    def buckets(self) -> list[tuple[str, float]]:
        """(upper bound, how many took at most that), as Prometheus has them."""
        found, below = [], 0
        for bound, number in zip((*self.bounds, float("inf")), self.counts, strict=True):
            below += number
            found.append(("+Inf" if bound == float("inf") else f"{bound:g}", float(below)))
        return found


class VisitCounts:
    """What the visit of one lane did."""

    def __init__(self) -> None:
        self.steps: Counter[str] = Counter()
        self.looks: Counter[Yield] = Counter()
        self.resolves: Counter[Outcome] = Counter()
        self.put_off = 0
        """Steps for which the host's budget had no request."""
        self.failed = 0
        """Steps that ended by a fault of the host."""


class Working(Protocol):
    """The worker in this process."""

    @property
    def held(self) -> int:
        """Lanes that it holds."""
        ...

    @property
    def takes_lanes(self) -> bool:
        """Whether it takes new ones: it has the memory, and a database."""
        ...


class Counts:
    """Requests to other servers, answers to visitors, and what the lanes of this process did."""

    def __init__(self) -> None:
        self.requests: Counter[tuple[RequestClass, str]] = Counter(
            {(kind, status): 0 for kind in get_args(RequestClass) for status in _USUAL}
        )
        self.request_seconds: dict[RequestClass, Spread] = {
            kind: Spread(SLOW) for kind in get_args(RequestClass)
        }
        self.body_bytes: Counter[RequestClass] = Counter(dict.fromkeys(get_args(RequestClass), 0))
        # From zero on: of a series that begins with its first event Prometheus sees no increase.
        self.waits: Counter[Wait] = Counter(dict.fromkeys(get_args(Wait), 0))
        self.answers: Counter[tuple[Part, str]] = Counter(
            {(part, status): 0 for part in get_args(Part) for status in ("2xx", "5xx")}
        )
        self.answer_seconds: dict[Part, Spread] = {part: Spread(FAST) for part in get_args(Part)}
        self.looks: Counter[Yield] = Counter(dict.fromkeys(get_args(Yield), 0))
        self.resolves: Counter[Outcome] = Counter(dict.fromkeys(get_args(Outcome), 0))
        self.steps: Counter[str] = Counter()
        self.visits: Counter[Ending] = Counter(dict.fromkeys(get_args(Ending), 0))
        self.visit_seconds = Spread(LONG)
        self.worker: Working | None = None

    def request(self, kind: RequestClass, status: int | None, seconds: float) -> None:
        """A request was answered with ``status``, or not at all (None), after so long."""
        self.requests[kind, status_word(status)] += 1
        self.request_seconds[kind].note(seconds)

    def answer(self, part: Part, status: int | None, seconds: float | None) -> None:
        """A visitor was answered; ``seconds`` is None for what goes on, as streams of events do."""
        self.answers[part, status_word(status)] += 1
        if seconds is not None:
            self.answer_seconds[part].note(seconds)

    def visit(self, done: VisitCounts, ended: Ending, seconds: float) -> None:
        """A visit is over."""
        self.visits[ended] += 1
        self.visit_seconds.note(seconds)
        self.steps.update(done.steps)
        self.looks.update(done.looks)
        self.resolves.update(done.resolves)


class PoolUse:
    """How the connections of one pool to the database are used."""

    def __init__(self) -> None:
        self.waiting = 0
        """Who waits for one now."""
        self.in_use = 0
        self.wait_seconds = Spread(FAST)
        self.use_seconds = Spread(FAST)
        """From getting a connection to giving it back: one transaction, or a few reads."""


def status_word(status: int | None) -> str:
    """A status as a label: those that say something of our manners by number, others by class."""
    if status is None:
        return "none"
    if status in _EXACT:
        return str(status)
    return f"{status // 100}xx" if 100 <= status < 600 else "other"
