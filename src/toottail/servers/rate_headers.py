"""What servers say about their limits in the headers of an answer.

`X-RateLimit-Reset` is ISO 8601 (Mastodon, GoToSocial), seconds since the epoch, or seconds from
now; `Retry-After` is seconds or an HTTP date. Their clock may differ from ours: `clock_ahead`
follows it by the `Date` header.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from functools import lru_cache

_LONGEST_WAIT = 86400.0
_EPOCH_SECONDS_FROM = 1_000_000_000


@dataclass(frozen=True, slots=True)
class Told:
    """A limit as told: ``reset`` in seconds since the epoch, on the server's clock."""

    requests: int
    remaining: int
    reset: float


def read_limit(headers: Mapping[str, str], now: float) -> Told | None:
    """The limit that ``headers`` tell of, None where they tell none that can be used."""
    limit = headers.get("X-RateLimit-Limit")
    remaining = headers.get("X-RateLimit-Remaining")
    when = headers.get("X-RateLimit-Reset")
    if limit is None or remaining is None or when is None:
        return None
    reset = _moment(when, now)
    try:
        # Some send "300, 300;window=300": the first number is the limit.
        told = (int(limit.split(",")[0]), int(remaining.split(",")[0]))
    except ValueError:
        return None
    if reset is None or told[0] < 1 or reset > now + _LONGEST_WAIT:
        return None
    return Told(min(told[0], 1_000_000), max(0, min(told)), reset)


def read_retry_after(headers: Mapping[str, str], now: float) -> float | None:
    """When to come back, None where the host does not say; at most a day from now."""
    value = headers.get("Retry-After")
    moment = _moment(value, now) if value else None
    return None if moment is None else min(moment, now + _LONGEST_WAIT)


def clock_ahead(headers: Mapping[str, str], now: float, known: float | None) -> float | None:
    """Seconds the server's clock is at least ahead of ours: ``known``, and one more `Date`.

    A Date is cut to the second and arrives late, so the clock is at least ``Date - now`` ahead and
    less than a second more; many answers narrow it down from below. Taking the lower end, we
    never think that a window of the server has ended before it has.
    """
    date = _http_date(headers.get("Date", ""))
    if date is None:
        return known
    if known is None or known > date - now + 1:  # the second: a clock was set
        return date - now
    return max(known, date - now)


def _moment(value: str, now: float) -> float | None:
    text = value.strip()
    try:
        number = float(text)
    except ValueError:
        return _date(text)
    if not 0 <= number < 1e11:
        return None
    return number if number >= _EPOCH_SECONDS_FROM else now + number


def _date(text: str) -> float | None:
    try:
        moment = datetime.fromisoformat(text)
        return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()
    except (ValueError, OverflowError):
        return _http_date(text)


@lru_cache(maxsize=256)  # answers of one second share their Date
def _http_date(text: str) -> float | None:
    try:
        return parsedate_to_datetime(text).timestamp()
    except (ValueError, TypeError, OverflowError):
        return None
