"""The sources that pages offer, in the order in which they offer them."""

from __future__ import annotations

from collections.abc import Sequence

from toottail.types.sources import KINDS, Kind

_OFFERED = (
    "home",
    "lists",
    "notifications",
    "bookmarks",
    "favourites",
    "replied",
    "followings",
    "followers",
    "follow_requests",
    "list_accounts",
    "notifiers",
    "mentioned",
    "boosted",
)


def offered() -> Sequence[Kind]:
    """Kinds of sources that need no name and nothing that only an operator can set."""
    return [KINDS[word] for word in _OFFERED]
