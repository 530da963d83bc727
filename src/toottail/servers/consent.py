"""Whether people and servers want us: opt-outs in profiles, and refusals by hosts.

Mastodon shows ``indexable`` and ``discoverable`` of accounts, as ActivityPub actors do; the second
is null for who never chose. An opt-out is what somebody said, so a missing or null value is none.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta

import msgspec

from toottail.servers.entities import ApiAccount, opts_out
from toottail.servers.robots import Robots

FORBIDS_AFTER = 6
"""So many answers of 401 or 403 in a row, and none of another kind, mean that a host refuses us."""
FORBIDS_STILL_AFTER = 3
"""So many when it did so before: robots.txt, nodeinfo and one post."""
_FIRST_PAUSE = {"forbidden": timedelta(hours=6), "too many": timedelta(hours=1)}
_LONGEST_PAUSE = timedelta(days=7)
_WE_ASK_FOR = (
    "/",
    "/.well-known/nodeinfo",
    "/api/v1/statuses/1/context",
    "/api/notes/children",
    "/users/a/statuses/1",
    "/@a/1",
)


def opts_out_of_backfill(account: ApiAccount | None) -> bool:
    """Whether an account's own posts are not to be brought anywhere because of its profile.

    That is so for `nobot`, ``indexable: false`` and ``discoverable: false``.
    """
    return account is not None and (
        opts_out(account) or account.indexable is False or account.discoverable is False
    )


def actor_opts_out_of_backfill(actor: Mapping[str, object]) -> bool:
    """The same of an ActivityPub actor, as decoded from JSON."""
    summary = actor.get("summary")
    note = msgspec.json.encode(summary if isinstance(summary, str) else "")
    return opts_out_of_backfill(
        ApiAccount(
            note=msgspec.Raw(note),
            indexable=_flag(actor.get("indexable")),
            discoverable=_flag(actor.get("discoverable")),
        )
    )


def _flag(value: object) -> bool | None:
    return value if isinstance(value, bool) else None


def leave_alone_until(now: datetime, kind: str, times: int) -> datetime:
    """Until when a host is left alone that refuses us the ``times``-th time in a row, from 1 on.

    ``kind`` is "forbidden" (401 and 403 whatever is asked: from 6 hours on) or "too many" (429
    again and again, without a time to come back: from 1 hour on). It doubles, up to a week.
    """
    doubled: int = 2 ** min(times - 1, 10)
    return now + min(_LONGEST_PAUSE, _FIRST_PAUSE[kind] * doubled)


def forbids(in_a_row: int, refused_times: int) -> bool:
    """Whether so many 401 and 403 in a row mean that the host wants nothing of us."""
    return in_a_row >= (FORBIDS_STILL_AFTER if refused_times else FORBIDS_AFTER)


def shuts_out(robots: Robots) -> bool:
    """Whether a robots.txt keeps us from everything that we would ask for."""
    return not any(robots.allows(path) for path in _WE_ASK_FOR)
