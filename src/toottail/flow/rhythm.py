"""When the sources of served members are read again: pure functions, ``now`` always given.

Each member has a place of their own within a period, so that members do not come all at once, not
even after a night in which nothing was read.
"""

from __future__ import annotations

import zlib
from datetime import UTC, datetime, timedelta

from toottail.repository.sources import DueSource

_PERIODS = {
    "home": timedelta(minutes=5),
    "list": timedelta(minutes=15),
    "notifications": timedelta(minutes=15),
    "hashtag": timedelta(minutes=15),
    "hashtags": timedelta(minutes=15),
    "lists": timedelta(hours=1),  # which lists there are; what is on them is read by itself
    "bookmarks": timedelta(minutes=30),
    "favourites": timedelta(minutes=30),
    "replied": timedelta(minutes=30),
}
_PROFILES = timedelta(hours=6)
_BESIDE_STREAM = timedelta(hours=1)
_FIRST_RETRY = timedelta(seconds=15)
_LONGEST_RETRY = timedelta(hours=1)
_BEGINNING = datetime(2026, 1, 1, tzinfo=UTC)


def period(kind: str) -> timedelta:
    """How often a source of this kind is read; what gives profiles changes slowly."""
    return _PERIODS.get(kind, _PROFILES)


def next_reading(now: datetime, *, kind: str, member_id: int) -> datetime:
    """When a source that was just read is due again: half a period to one and a half from now.

    From then on a whole period lies between two readings.
    """
    whole = period(kind)
    place = whole * (zlib.crc32(f"{kind} {member_id}".encode()) / 2**32)
    earliest = now + whole / 2
    since = (earliest - _BEGINNING - place) % whole
    return earliest + (whole - since)


def again(due: DueSource, now: datetime) -> datetime | None:
    """The same for a source just read; None where its member is not served: it is read once."""
    return next_reading(now, kind=due.kind, member_id=due.member_id) if due.served else None


def beside_stream(now: datetime, *, member_id: int) -> datetime:
    """When a timeline is read again that a stream shows: only in case that something was missed.

    Between three quarters of an hour and one, each member at a moment of their own.
    """
    return now + _BESIDE_STREAM * (0.75 + zlib.crc32(f"{member_id}".encode()) / 2**34)


def after_failure(now: datetime, *, tries: int) -> datetime:
    """When a source is tried again that could not be read ``tries`` times before this one."""
    return now + min(_FIRST_RETRY * (1 << min(tries, 20)), _LONGEST_RETRY)


def home_again(now: datetime, failing_since: datetime) -> datetime:
    """When a home is asked again that has been of no use for so long."""
    wait = (now - failing_since) / 4
    return now + min(max(wait, timedelta(minutes=1)), _LONGEST_RETRY)
