"""What other programs did for a member before, as far as it saves work."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from toottail.repository.database import Connection

_REMEMBER = """
WITH given AS (
    SELECT * FROM unnest($3::text[], $4::text[], $5::timestamptz[]) AS t (host, name, again_at)
),
known AS (
    INSERT INTO feeds (host, kind, name, state)
    SELECT host, 'profile', name, 'known' FROM given ORDER BY host, name
    ON CONFLICT (host, kind, name) DO UPDATE SET name = EXCLUDED.name
    RETURNING id, host, name
)
INSERT INTO feed_watches (home, feed_id, member_id, stage, again_at)
SELECT $1, id, $2, 'done', again_at FROM known JOIN given USING (host, name)
ON CONFLICT (home, feed_id) DO NOTHING
"""


async def remember_profiles(
    conn: Connection, home: str, member_id: int, again_at: Mapping[str, datetime]
) -> None:
    """Keeps ``home`` from wanting profiles (``user@host``) before a time that each has.

    What TootTail has wanted or fetched itself stays as it is.
    """
    names = list(again_at)
    hosts = [name.rpartition("@")[2] for name in names]
    await conn.execute(_REMEMBER, home, member_id, hosts, names, list(again_at.values()))
