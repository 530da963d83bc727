"""When a conversation is worth another look: pure functions of its age and its replies so far.

What looks are for is a short delay between a reply and its look. With replies arriving at a rate λ
and looks going out at a rate ρ the mean delay is 1/(2ρ), so λ/(2ρ) seconds of delay gather in each
second. Let a look be worth `PRICE` seconds of one reply's delay. Then the sum of both is least for
ρ = √(λ / (2 · PRICE)) (Cho and Garcia-Molina 2003), in all conversations alike: none could be
looked at less, and another one more, to the gain of the whole.

λ is not known and is estimated from two things. Replies thin out as a power law of the root's age,
so that what came so far tells how many may yet come; where nothing came, what usually comes speaks.
And replies bring replies: for a while after each, one more is likelier than the age alone tells.

Where a host allows fewer looks than are due, they stand in line: `turn`. A look that is expected to
bring more goes first; each reply to be expected is worth so much of another's waiting. None waits
for ever: what falls due a day later stands behind it, whatever it is expected to bring.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from datetime import datetime, timedelta

PRICE = 5.0
"""Seconds of one reply's delay that a look may cost."""
LEAST_GAP = timedelta(seconds=60)
"""Nothing is looked at more often, however lively."""
LONGEST_GAP = timedelta(days=1)
"""What is still watched is looked at this often at least."""

HEAD_START = timedelta(hours=6)
"""Where looks stand in line, one reply to be expected goes before so much waiting."""
LONGEST_HEAD_START = timedelta(days=1)
"""What waits for so long goes before all that falls due now."""

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
    rate = _density(age, _SPREAD, _DECAY) * _whole(age, replies)
    if quiet is not None:
        rate += _ECHO * _density(quiet, _ECHO_SPREAD, _ECHO_DECAY)
    return rate


def expected(age: float, replies: int, quiet: float | None, waited: float) -> float:
    """Replies to be expected within ``waited`` seconds after a look; the rest as in `reply_rate`.

    The integral of that rate, as it was known at the look: while nobody looks, that nothing was
    seen says nothing.
    """
    came = _share(age + waited, _SPREAD, _DECAY) - _share(age, _SPREAD, _DECAY)
    number = came * _whole(age, replies)
    if quiet is not None:
        echoed = _share(quiet + waited, _ECHO_SPREAD, _ECHO_DECAY)
        number += _ECHO * (echoed - _share(quiet, _ECHO_SPREAD, _ECHO_DECAY))
    return number


def _whole(age: float, replies: int) -> float:
    """How many replies are to be expected in all, where ``replies`` came until an ``age``."""
    return (_USUAL_REPLIES + replies) / (_USUAL_SHARE + _share(age, _SPREAD, _DECAY))


def _share(t: float, spread: float, decay: float) -> float:
    """How much of what ever comes has come after ``t`` seconds."""
    return 1.0 - math.pow(1.0 + t / spread, -decay)


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


@dataclass(frozen=True, slots=True)
class NextLook:
    """When a conversation is due again, and its ``turn`` among others that are due then."""

    at: datetime
    turn: datetime


def next_look(
    now: datetime, created_at: datetime | None, replies: int, newest_at: datetime | None
) -> NextLook:
    """When to look next at a conversation that was just looked at.

    ``created_at`` is when its root was posted (None: not known, taken as a day ago), ``replies``
    how many it has as far as is known, ``newest_at`` when the last of them was posted.
    """
    age = _age(now, created_at)
    quiet = max((now - newest_at).total_seconds(), 0.0) if newest_at else None
    wait = gap(age, replies, quiet)
    at = now + timedelta(seconds=wait)
    return NextLook(at, turn(at, expected(age, replies, quiet, wait)))


def first_turn(now: datetime, created_at: datetime | None, shown: int | None) -> datetime:
    """The turn of the first look at a conversation whose root a timeline shows now.

    What has come by its age is to be expected, and the ``shown`` replies that the home counts.
    """
    usual = expected(0.0, 0, None, _age(now, created_at))
    return turn(now, usual + max(shown or 0, 0))


def turn(due: datetime, worth: float) -> datetime:
    """The place in line of a look that is due then, with ``worth`` replies to be expected.

    Who has the earlier place goes first.
    """
    return due - HEAD_START * min(worth, LONGEST_HEAD_START / HEAD_START)


def _age(now: datetime, created_at: datetime | None) -> float:
    return max((now - created_at).total_seconds(), 0.0) if created_at else 86_400.0
