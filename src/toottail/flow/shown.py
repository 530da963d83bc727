"""What of a status that a home shows its member is ours to touch."""

from __future__ import annotations

from datetime import datetime

from toottail.flow.look_again import first_turn
from toottail.repository.timelines import Seen
from toottail.servers.homes import HomeStatus


def seen_of(shown: HomeStatus, now: datetime) -> Seen | None:
    """The status that a timeline entry is about; None for what is not ours to touch."""
    status = shown.boost_of or shown
    if not (shown.public and status.public) or status.host is None:
        return None
    return as_seen(status, first_turn(now, status.created_at, status.replies_count))


def as_seen(status: HomeStatus, turn: datetime | None = None) -> Seen:
    """A status as it is stored; ``turn`` as in `Seen`."""
    return Seen(
        uri=status.uri,
        host=status.host,
        url=status.url,
        local_id=status.local_id,
        parent_id=status.in_reply_to_id,
        replies_count=status.replies_count,
        created_at=status.created_at,
        opted_out=status.opted_out,
        turn=turn,
    )
