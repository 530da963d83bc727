"""When the sources of served members are read again: pure functions, ``now`` always given.

Each member has a place of their own within a period, so that members do not come all at once, not
even after a night in which nothing was read. Whoever reads is read for every five minutes; for who
is away it becomes less and less, for each reading keeps their account active at home.
"""

from __future__ import annotations

import zlib
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta

from toottail.repository.sources import DueSource

FASTEST = timedelta(minutes=5)
"""How often the timeline of somebody who reads is read."""
WEEKLY = timedelta(days=7)
AWAY_AFTER = timedelta(days=1)
"""Who was seen to read within this time is there."""
WEEKLY_AFTER = timedelta(days=14)
STOPS_AFTER = timedelta(days=60)
"""For who has been away so long nothing is read any more."""
SHARE = 0.5
"""The part of a home's limit for all of us together that reading sources may take."""

_BESIDE_STREAM = timedelta(hours=1)
_PERIODS = {
    "home": FASTEST,
    "list": timedelta(minutes=15),
    "notifications": timedelta(minutes=15),
    "hashtag": timedelta(minutes=15),
    "hashtags": timedelta(minutes=15),
    "lists": timedelta(hours=1),  # which lists there are; what is on them is read by itself
    "bookmarks": timedelta(minutes=30),
    "favourites": timedelta(minutes=30),
    "replied": timedelta(minutes=30),
    "streamed": _BESIDE_STREAM,  # a home timeline that a stream shows
}
_PROFILES = timedelta(hours=6)
# A day away: 5 minutes; two: 15; five: an hour; a fortnight: 6 hours.
_SLOWING = 1.6
# Who shows nothing of their reading may be there all the same.
_UNSEEN_AT_LEAST, _UNSEEN_AT_MOST = timedelta(minutes=15), timedelta(hours=1)
_MARKERS_EVERY = timedelta(hours=1)
_MARKERS_WHERE_NONE = timedelta(days=1)
_FIRST_RETRY = timedelta(seconds=15)
_LONGEST_RETRY = timedelta(hours=1)
_BEGINNING = datetime(2026, 1, 1, tzinfo=UTC)


def period(kind: str) -> timedelta:
    """How often a source of this kind is read at most; what gives profiles changes slowly."""
    return _PERIODS.get(kind, _PROFILES)


def pace(away: timedelta, *, marked: bool | None = True) -> timedelta | None:
    """How often something is read for a member who was last seen so long ago; None: not any more.

    ``marked``: whether the home tells when they read. Where it does not (False), they may be there
    without our seeing it, and nothing is stopped.
    """
    if away <= AWAY_AFTER:
        return FASTEST
    slowed = FASTEST * float((away / AWAY_AFTER) ** _SLOWING) if away < WEEKLY_AFTER else WEEKLY
    if marked is False:
        return min(max(slowed, _UNSEEN_AT_LEAST), _UNSEEN_AT_MOST)
    return slowed if away < STOPS_AFTER else None


def asks_markers(now: datetime, *, asked_at: datetime | None, marked: bool | None) -> bool:
    """Whether a member's markers are worth a request; ``asked_at`` is when they last were."""
    every = _MARKERS_WHERE_NONE if marked is False else _MARKERS_EVERY
    return asked_at is None or now - asked_at >= every


def quickest(sources: Mapping[str, int], requests: int, seconds: float) -> timedelta:
    """The shortest period at a home that allows all members together so many ``requests``.

    ``sources`` counts, by kind, those of members who are there. None is read more often than that;
    with those whose kind has a longer period they take `SHARE` of the limit at most.
    """
    rate = requests * SHARE / seconds
    counts: dict[float, int] = {}
    for kind, count in sources.items():
        own = period(kind).total_seconds()
        counts[own] = counts.get(own, 0) + count
    rest = sum(count / own for own, count in counts.items())
    if rest <= rate:
        return FASTEST
    stretched = 0
    periods = sorted(counts)
    for own, longer in zip(periods, [*periods[1:], float("inf")], strict=True):
        stretched += counts[own]
        rest -= counts[own] / own
        if rest < rate and (needed := stretched / (rate - rest)) <= longer:
            return timedelta(seconds=needed)
    raise AssertionError("the last one has no longer one beside it")


def next_reading(
    now: datetime, *, kind: str, member_id: int, at_least: timedelta = FASTEST
) -> datetime:
    """When a source that was just read is due again: half a period to one and a half from now.

    From then on a whole period lies between two readings: that of its kind, or ``at_least``.
    """
    whole = max(period(kind), at_least)
    place = whole * (zlib.crc32(f"{kind} {member_id}".encode()) / 2**32)
    earliest = now + whole / 2
    since = (earliest - _BEGINNING - place) % whole
    return earliest + (whole - since)


def again(due: DueSource, now: datetime, home_allows: timedelta = FASTEST) -> datetime | None:
    """The same for a source just read; None where nothing is read for its member by itself.

    ``home_allows``: see `quickest`.
    """
    wanted = pace(now - due.seen_at, marked=due.marked)
    if not due.served or wanted is None:
        return None
    at_least = max(wanted, home_allows)
    return next_reading(now, kind=due.kind, member_id=due.member_id, at_least=at_least)


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
