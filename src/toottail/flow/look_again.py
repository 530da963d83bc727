"""When a conversation is worth another look: pure functions of its age and its replies so far.

What looks are for is a short delay between a reply and its look. With replies arriving at a rate λ
and looks going out at a rate ρ the mean delay is 1/(2ρ), so λ/(2ρ) seconds of delay gather in each
second. Let a look be worth `PRICE` seconds of one reply's delay. Then the sum of both is least for
ρ = √(λ / (2 · PRICE)) (Cho and Garcia-Molina 2003), in all conversations alike: none could be
looked at less, and another one more, to the gain of the whole.

λ is not known and is estimated from two things. Replies thin out as a power law of the root's age,
so that what came so far tells how many may yet come; where nothing came, what usually comes speaks.
And replies bring replies: for a while after each, one more is likelier than the age alone tells.
"""

from __future__ import annotations

import math
from datetime import datetime, timedelta

PRICE = 5.0
"""Seconds of one reply's delay that a look may cost."""
LEAST_GAP = timedelta(seconds=60)
"""Nothing is looked at more often, however lively."""
LONGEST_GAP = timedelta(days=1)
"""What is still watched is looked at this often at least."""

# Of all replies that ever come, 1 − (1 + age/SPREAD)^−DECAY have come at an age (in seconds).
_SPREAD, _DECAY = 900.0, 1.2
# How many come is taken for gamma-distributed, as if so many had come of such a share.
_USUAL_REPLIES, _USUAL_SHARE = 0.5, 0.4
# Each reply brings so many more, spread over time in the same way.
_ECHO, _ECHO_SPREAD, _ECHO_DECAY = 0.5, 480.0, 0.9


def reply_rate(age: float, replies: int, quiet: float | None) -> float:
    """Replies a second to be expected at an ``age`` of the root, in seconds.

    ``replies`` came so far, the last one ``quiet`` seconds before (None: none came).
    """
    share = 1.0 - math.pow(1.0 + age / _SPREAD, -_DECAY)
    density = _density(age, _SPREAD, _DECAY)
    rate = density * (_USUAL_REPLIES + replies) / (_USUAL_SHARE + share)
    if quiet is not None:
        rate += _ECHO * _density(quiet, _ECHO_SPREAD, _ECHO_DECAY)
    return rate


def _density(t: float, spread: float, decay: float) -> float:
    return decay / spread * math.pow(1.0 + t / spread, -1.0 - decay)


def gap(age: float, replies: int, quiet: float | None) -> float:
    """Seconds from one look to the next; the arguments are those of `reply_rate`."""
    best = 0.0
    for _ in range(3):
        # The rate falls while we wait: that in the middle of the gap is the one that counts.
        later = best / 2
        silence = quiet + later if quiet is not None else None
        best = math.sqrt(2 * PRICE / reply_rate(age + later, replies, silence))
    return min(max(best, LEAST_GAP.total_seconds()), LONGEST_GAP.total_seconds())


def next_look(
    now: datetime, created_at: datetime | None, replies: int, newest_at: datetime | None
) -> datetime:
    """When to look next at a conversation that was just looked at.

    ``created_at`` is when its root was posted (None: not known, taken as a day ago), ``replies``
    how many it has as far as is known, ``newest_at`` when the last of them was posted.
    """
    age = max((now - created_at).total_seconds(), 0.0) if created_at else 86_400.0
    quiet = max((now - newest_at).total_seconds(), 0.0) if newest_at else None
    return now + timedelta(seconds=gap(age, replies, quiet))
