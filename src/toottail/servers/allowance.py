"""One thing a host limits (requests per token, per address …) and how much of it we have used.

Servers count in fixed windows of their own, which they may tell us (`Allowance.told`) or not. As
long as none is told, no span of ``limit.seconds`` sees more requests than our share: that is within
the limit wherever the server's windows begin. Once told, the window is the server's: it ends at
the reset, and at that moment the next request may go.

All times here are seconds since the epoch, on our own clock.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

_STEPS_PER_WINDOW = 60
_LOWERED_FOR = 6 * 3600.0
_USUAL_PERIODS = (1, 10, 60, 300, 600, 900, 1800, 3600, 21600, 86400)


@dataclass(frozen=True, slots=True)
class Limit:
    """``requests`` per ``seconds``, of which we use the part ``share``.

    ``ours_alone`` is False where others count against the same limit (a person's other apps): then
    ``share`` bounds what we send, whatever they do, and what they leave bounds us too.
    """

    requests: int
    seconds: float
    share: float = 1.0
    ours_alone: bool = True

    @property
    def ours(self) -> int:
        """Requests we allow ourselves in one window."""
        return max(1, int(self.requests * self.share + 1e-9))


class Allowance:
    """The use of one limit: what was sent, and what the server told of it."""

    __slots__ = (
        "_default",
        "_lowered_until",
        "_sends",
        "_used",
        "aligned",
        "limit",
        "others",
        "reset",
        "was_told",
    )

    def __init__(self, limit: Limit) -> None:
        self.limit = limit
        self._default = limit
        self._lowered_until = 0.0
        # Neighbouring sends share an entry [first, last, count], so that a long window stays small.
        self._sends: list[list[float]] = []
        self._used = 0
        self.others = 0
        self.reset: float | None = None
        self.aligned = False
        self.was_told = False

    @property
    def used(self) -> int:
        """Requests of ours that count at the last moment looked at."""
        return self._used

    @property
    def room(self) -> int:
        """Requests that may still go out at the last moment looked at; 0 or more."""
        theirs = self.limit.requests - self._used - self.others
        ours = self.limit.ours - self._used - (self.others if self.limit.ours_alone else 0)
        return max(0, min(ours, theirs))

    def advance(self, now: float, in_flight: int) -> None:
        """Let pass what is past: an ended window, sends too old to count.

        A request on its way when the window ended may be counted in the next: ``in_flight`` of
        them are carried over.
        """
        if self.reset is not None and now >= self.reset:
            ended = self.reset
            carried = min(in_flight, self._used)
            self.others = 0
            self._sends = [[now, now, carried]] if carried else []
            self._used = carried
            period = self.limit.seconds
            steps = (now - ended) // period + 1
            self.reset = ended + steps * period if self.aligned else None
        elif self.reset is None and self._sends:
            self._forget(now - self.limit.seconds)
        if self._lowered_until and now >= self._lowered_until:
            self.limit = self._default
            self._lowered_until = 0.0

    def _forget(self, until: float) -> None:
        sends = self._sends
        old = 0
        while old < len(sends) and sends[old][1] <= until:
            self._used -= int(sends[old][2])
            old += 1
        if old:
            del sends[:old]

    def earliest(self, now: float, in_flight: int = 0) -> float:
        """The first moment from ``now`` on at which one more request is within our share."""
        self.advance(now, in_flight)
        if self.room > 0:
            return now
        if self.reset is not None:
            return self.reset
        surplus = 1 + self._used + self.others - self.limit.ours
        for _first, last, count in self._sends:
            surplus -= int(count)
            if surplus <= 0:
                return last + self.limit.seconds
        return now + self.limit.seconds

    def spend(self, now: float, count: int = 1) -> None:
        """Count ``count`` requests as sent now."""
        self._used += count
        sends = self._sends
        if sends and now - sends[-1][0] < self.limit.seconds / _STEPS_PER_WINDOW:
            sends[-1][1] = max(now, sends[-1][1])
            sends[-1][2] += count
        else:
            sends.append([now, now, count])

    def fits(self, requests: int, reset: float, now: float) -> bool:
        """Whether a told limit and reset can be this one's."""
        return requests == self.limit.requests and reset - now <= self.limit.seconds + 2

    def sent_since(self, start: float) -> int:
        """Requests of ours that count and went out after ``start``."""
        return int(sum(count for _first, last, count in self._sends if last > start))

    def told(self, requests: int, remaining: int, reset: float, now: float, in_flight: int) -> None:
        """Take the server's word: this is the limit's state, until ``reset``."""
        self.was_told = True
        self._lowered_until = 0.0
        if requests != self.limit.requests:
            self.limit = replace(self.limit, requests=requests)
        if reset - now > self.limit.seconds + 2:
            self.limit = replace(self.limit, seconds=_usual_period(reset - now))
        if self.reset is None or reset > self.reset + 1:
            self._begin(reset - self.limit.seconds, requests - remaining + in_flight, now)
        self.bound(requests, remaining, reset, in_flight)

    def _begin(self, start: float, most: int, now: float) -> None:
        """Enter a window of the server that began at ``start`` and has seen ``most`` requests."""
        self.others = 0
        self._forget(start)
        if self._used > most:
            self._used = most
            self._sends = [[now, now, most]]

    def bound(self, requests: int, remaining: int, reset: float, in_flight: int) -> None:
        """Send no more than ``remaining`` until ``reset``, whosever limit it is."""
        self.reset = reset
        if self.limit.ours_alone and requests == self.limit.requests:
            # Our own count is exact and has what is on its way; more than it was not ours.
            self.others = max(self.others, requests - remaining - self._used)
        else:
            left = max(0, remaining - in_flight)
            self.others += max(0, self.limit.requests - self._used - self.others - left)

    def lower(self, now: float, at_least: int) -> None:
        """The server refused though we thought there was room: believe in less for some hours.

        After a few requests only it says nothing about the limit: others may have used it up.
        """
        if self._used < at_least:
            return
        requests = max(at_least, self._used * 3 // 4)
        if not self.was_told and requests < self.limit.requests:
            self.limit = replace(self.limit, requests=requests)
            self._lowered_until = now + _LOWERED_FOR

    def share_as(self, limit: Limit) -> None:
        """From now on our share is that of ``limit``; what the server told of it stays."""
        self._default = limit
        self.limit = replace(self.limit, share=limit.share, ours_alone=limit.ours_alone)

    def add(self, state: dict[str, Any], now: float) -> None:
        """Count what was sent elsewhere as well, as another's `state` has it."""
        other = Allowance.from_state(state, self._default)
        for one in (self, other):
            one.advance(now, 0)
        self._sends = sorted([*self._sends, *other._sends])
        self._used += other._used
        self.others = max(self.others, other.others)
        if other.reset is not None and (self.reset is None or other.reset > self.reset):
            self.reset, self.aligned = other.reset, other.aligned
        if other.was_told or other._lowered_until:
            self.limit, self._lowered_until = other.limit, other._lowered_until
            self.was_told |= other.was_told

    def state(self) -> dict[str, Any]:
        """All of it as JSON."""
        sends = [list(entry) for entry in self._sends]
        return {
            "limit": [self.limit.requests, self.limit.seconds],
            "sends": sends,
            "others": self.others,
            "reset": self.reset,
            "aligned": self.aligned,
            "told": self.was_told,
            "lowered_until": self._lowered_until,
        }

    @classmethod
    def from_state(cls, state: dict[str, Any], default: Limit) -> Allowance:
        """The allowance as stored; the share is the one set today."""
        allowance = cls(default)
        if state["told"] or state["lowered_until"]:
            requests, seconds = state["limit"]
            allowance.limit = replace(default, requests=requests, seconds=seconds)
        allowance._lowered_until = state["lowered_until"]
        allowance._sends = [list(entry) for entry in state["sends"]]
        allowance._used = int(sum(entry[2] for entry in allowance._sends))
        allowance.others = state["others"]
        allowance.reset = state["reset"]
        allowance.aligned = state["aligned"]
        allowance.was_told = state["told"]
        return allowance


def _usual_period(at_least: float) -> float:
    return next((period for period in _USUAL_PERIODS if period + 2 >= at_least), at_least)
