"""When a conversation is worth another look: pure functions of its age and its arrivals.

Replies come by a power law: most in the first hour, few after a day. For a rate of change that
decays as t^-p, looks are spaced best at a density of the square root of that rate (Cho and
Garcia-Molina 2003), so the gap between two looks grows with t^(p/2). With p near 1 the gap is
proportional to the square root of the time since something last happened.
"""

from __future__ import annotations

from datetime import datetime, timedelta

LEAST_GAP = timedelta(minutes=2)
"""Nothing is looked at more often, however lively."""
LONGEST_GAP = timedelta(days=1)
"""What is still watched is looked at this often at least."""
WATCHED_FOR = timedelta(days=7)
"""A watch ends this long after the last arrival."""


def next_look(now: datetime, created_at: datetime | None, arrived_at: datetime | None) -> datetime:
    """When to look next at a conversation that was just looked at.

    ``created_at`` is when its root was posted (None: not known, taken as a day ago),
    ``arrived_at`` when a look last found a new reply (None: never).
    """
    born = created_at or now - timedelta(days=1)
    since = max(now - max(born, arrived_at or born), timedelta(0))
    minutes = 2.0 * (1.0 + since / timedelta(minutes=10)) ** 0.5
    return now + min(max(timedelta(minutes=minutes), LEAST_GAP), LONGEST_GAP)
