"""What is known of home software: how it fetches what it is asked to resolve.

Seen on running servers (GoToSocial of October 2025, Takahē 0.11, Hollo 0.6) or read in Mastodon's
source, as each row says. Of everything else nothing is known, and the flow finds out by trying.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from toottail.servers.nodeinfo import Software

Streaming = Literal["events", "socket"]


@dataclass(frozen=True, slots=True)
class HomeTraits:
    """How one kind of home behaves.

    ``fetches_ancestors``: whether resolving a reply brings what it replies to, all the way up.
    ``settle``: seconds after a resolve until its ancestors are there.
    ``fetches_replies_from``: the version from which an authenticated context of a remote post makes
    the home fetch part of its replies by itself, None where none does.
    ``counts_replies``: whether a ``replies_count`` of 0 means that the home shows no reply; some
    say 0 of remote posts whose replies they have.
    ``limits_address``: whether all members and visitors from one address share one limit.
    ``search_scope``: the scope that a resolving search needs.
    ``streaming``: how the home tells its members what is new in their timelines as it comes: by
    server-sent events, over a WebSocket, or not at all as far as is known.
    ``made_at``: where, in the home's own pages, a member makes a token.
    ``source``: how this is known.
    """

    fetches_ancestors: Literal["yes", "no", "unknown"] = "unknown"
    settle: float = 3.0
    fetches_replies_from: tuple[int, ...] | None = None
    counts_replies: bool = False
    limits_address: bool = False
    search_scope: str = "read:search"
    streaming: Streaming | None = None
    made_at: str = "the page for applications in its settings"
    source: str = "nothing known"

    def fetches_replies_itself(self, software: Software) -> bool:
        """Whether ``software`` is of such a version."""
        return self.fetches_replies_from is not None and software.at_least(
            *self.fetches_replies_from
        )


_MASTODON = HomeTraits(
    fetches_ancestors="yes",
    settle=3.0,
    fetches_replies_from=(4, 5),
    counts_replies=True,
    streaming="events",
    made_at="Preferences → Development → New application",
    source="read in its source: one job for each level",
)

HOME_TRAITS: dict[str, HomeTraits] = {
    "mastodon": _MASTODON,
    "hometown": _MASTODON,
    "gotosocial": HomeTraits(
        fetches_ancestors="yes",
        settle=0.0,
        limits_address=True,
        streaming="socket",
        made_at="Settings → User → Applications",
        source="seen: all ancestors before the answer, descendants within 1 s",
    ),
    "takahe": HomeTraits(
        fetches_ancestors="yes",
        settle=2.5,
        search_scope="read",
        source="seen: all ancestors, after 2 to 5 s; read:search is refused, read works",
    ),
    "hollo": HomeTraits(
        fetches_ancestors="yes",
        settle=0.5,
        source="seen: all ancestors; a resolve takes 0.5 s and now and then answers 500",
    ),
    "iceshrimp.net": HomeTraits(
        fetches_ancestors="yes",
        settle=0.0,
        source="read in its source of February 2025: up to 100 ancestors before the answer",
    ),
}

STREAMING = tuple(sorted(name for name, traits in HOME_TRAITS.items() if traits.streaming))
"""The software of homes that offer streams."""


def traits_of(software: Software) -> HomeTraits:
    """What is known of ``software`` as a home."""
    return HOME_TRAITS.get(software.name, HomeTraits())
