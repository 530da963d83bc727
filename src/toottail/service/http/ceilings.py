"""Limits kept in this process's memory, where asking the database would be what they protect."""

from __future__ import annotations

from collections import OrderedDict

from toottail.service.allowances import Rate

READING = Rate(60, 120, 60)
"""Requests of one address that cost the database something, whoever is signed in."""
MOST_REMEMBERED = 20_000
"""Visitors remembered at once; the one not seen for longest is forgotten."""


class Ceiling:
    """So much for each visitor; a pure object, told the time (in seconds, of any clock)."""

    def __init__(self, rate: Rate) -> None:
        self._burst = rate.at_once * rate.period / rate.per_period
        self._each = rate.period / rate.per_period
        self._used_up: OrderedDict[str, float] = OrderedDict()

    def use(self, whom: str, now: float) -> float:
        """Counts one use; 0, or the seconds to wait where it is one too many (not counted)."""
        used_up = max(self._used_up.pop(whom, now), now)
        wait = used_up + self._each - self._burst - now
        self._used_up[whom] = used_up if wait > 0 else used_up + self._each
        if len(self._used_up) > MOST_REMEMBERED:
            self._used_up.popitem(last=False)
        return max(0.0, wait)
