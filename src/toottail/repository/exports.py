"""All that is stored about one member, for the member."""

from __future__ import annotations

from datetime import datetime, timedelta

from toottail.repository.database import Connection, Row

# Of what is secret, or stands for it, only that it is there.
_MEMBER = """
SELECT id, home, account, account_id, named, scopes, active_until::text AS active_until, problem,
    created_at, profile_posts, profile_again, with_conversations, tag_servers, paused_why,
    paused_at, failing_since, delete_at, seen_at, read_at, markers_at, marked, slice, slice_to
FROM members WHERE id = $1 AND served
"""

_SOURCES = """
SELECT kind, name, enabled, entries, ref, collect_at, newest_id, depth, read_at, told, off_until,
    streamed, anew_at, since, tries, page_at, page_max_id, page_newest_id, page_read,
    page_runs::text[] AS page_runs
FROM sources WHERE member_id = $1 ORDER BY kind, name
"""

_CONVERSATIONS = """
SELECT root_uri AS root, watchers.seen_at
FROM watchers JOIN conversations ON conversations.id = conversation_id
WHERE member_id = $1 ORDER BY seen_at DESC
"""

_STREAMS = """
SELECT claimed_at, up_since, retry_at, failures, problem, place, asked_at
FROM streams WHERE member_id = $1
"""

_PROFILES = """
SELECT kind, name, host, stage, again_at FROM feed_watches JOIN feeds ON feeds.id = feed_id
WHERE member_id = $1 ORDER BY kind, name, host
"""

_RUNS = """
SELECT started_at, ended_at, statuses_read, problem
FROM runs WHERE member_id = $1 ORDER BY started_at
"""

_SESSIONS = """
SELECT created_at, seen_at, expires_at FROM sessions WHERE member_id = $1 ORDER BY created_at
"""


async def of_member(conn: Connection, member_id: int) -> dict[str, object]:
    """All rows of a member of the service, by what they are; times as ISO 8601."""
    (member,) = await conn.fetch(_MEMBER, member_id)
    found: dict[str, object] = {"member": _plain(member)}
    for name, statement in (
        ("sources", _SOURCES),
        ("streams", _STREAMS),
        ("conversations", _CONVERSATIONS),
        ("profiles", _PROFILES),
        ("runs", _RUNS),
        ("sessions", _SESSIONS),
    ):
        found[name] = [_plain(row) for row in await conn.fetch(statement, member_id)]
    return found


def _plain(row: Row) -> dict[str, object]:
    return {key: _value(value) for key, value in row.items()}


def _value(value: object) -> object:
    if isinstance(value, datetime):
        return value.isoformat()
    return value.total_seconds() if isinstance(value, timedelta) else value
