"""When a host that fails is left alone, and for how long.

Two failures in a row open the circuit for 2 s, a third one for 8 s, a fourth one for 30 s; each
further one doubles that, up to an hour: a hiccup costs seconds, a dead host is soon left alone.
When the time is over one request goes through: its success closes the circuit, its failure opens
it again. Times are seconds since the epoch.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

_FAILURES_TO_OPEN = 2
_SHORT_RESTS = (2.0, 8.0)
_FIRST_REST = 30.0
_LONGEST_REST = 3600.0
_LONGEST_PROBE = 60.0


def resting_time(times: int, jitter: float) -> float:
    """Seconds to wait the ``times``-th time in a row; ``jitter`` in 0…1 adds up to a quarter."""
    return min(_LONGEST_REST, _FIRST_REST * 2.0 ** min(times - 1, 20)) * (1 + jitter / 4)


class Circuit:
    """Counts failures in a row, and says from when a request may go out again."""

    __slots__ = ("_changed", "_jitter", "_probe_until", "_rest_until", "failures")

    def __init__(self, jitter: Callable[[], float]) -> None:
        self.failures = 0
        self._rest_until = 0.0
        self._probe_until = 0.0
        self._jitter = jitter
        self._changed = False

    @property
    def is_open(self) -> bool:
        """Whether the host has failed so often that it is left alone."""
        return self.failures >= _FAILURES_TO_OPEN

    def earliest(self, now: float) -> float:
        """The first moment from ``now`` on at which a request may go out."""
        if not self.is_open:
            return now
        return max(now, self._rest_until, self._probe_until)

    def spend(self, now: float) -> None:
        """A request goes out; through an open circuit it is the only one until it is answered."""
        if self.is_open:
            self._probe_until = now + _LONGEST_PROBE

    def succeeded(self) -> None:
        """The host answered."""
        self._changed |= self.failures > 0
        self.failures = 0
        self._probe_until = 0.0

    def failed(self, now: float) -> None:
        """The host did not answer, or has a problem of its own."""
        if self.is_open and now < self._rest_until:
            return  # it was on its way when the circuit opened: nothing new is learnt
        self.failures += 1
        self._changed = True
        self._probe_until = 0.0
        if self.is_open:
            self._rest_until = now + self._rest()

    def _rest(self) -> float:
        times = self.failures - _FAILURES_TO_OPEN
        if times < len(_SHORT_RESTS):
            return _SHORT_RESTS[times] * (1 + self._jitter() / 4)
        return resting_time(times - len(_SHORT_RESTS) + 1, self._jitter())

    def news(self) -> tuple[int, float] | None:
        """Failures in a row and the end of the rest, where they changed since this was asked."""
        if not self._changed:
            return None
        self._changed = False
        return self.failures, self._rest_until

    def state(self) -> list[Any]:
        """All of it as JSON."""
        return [self.failures, self._rest_until]

    def restore(self, state: list[Any]) -> None:
        """Take up a stored state."""
        self.failures, self._rest_until = state
