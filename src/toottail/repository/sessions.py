"""Sessions of members, by the digest of their cookie."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

from toottail.repository.database import Connection

_START = """
INSERT INTO sessions (digest, member_id, expires_at) VALUES ($1, $2, now() + $3::interval)
"""

_FIND = """
SELECT members.id AS member_id, coalesce(nullif(account, ''), named, '') AS account, home,
    sessions.seen_at < now() - $2::interval AS stale
FROM sessions JOIN members ON members.id = member_id
WHERE digest = $1 AND expires_at > now()
"""

_TOUCH = """
WITH touched AS (
    UPDATE sessions SET seen_at = now(), expires_at = now() + $2::interval
    WHERE digest = $1 AND expires_at > now() RETURNING member_id
)
UPDATE members SET seen_at = now() FROM touched WHERE id = member_id
"""


@dataclass(frozen=True, slots=True)
class Found:
    """Whose session it is; ``stale``: its last use was not noted for a while."""

    member_id: int
    account: str
    home: str
    stale: bool


async def start(conn: Connection, digest: bytes, member_id: int, lasts: timedelta) -> None:
    """Begins a session of a member."""
    await conn.execute(_START, digest, member_id, lasts)
    await conn.execute("UPDATE members SET seen_at = now() WHERE id = $1", member_id)


async def find(conn: Connection, digest: bytes, stale_after: timedelta) -> Found | None:
    """Whose session it is; None where there is none, or it has ended."""
    row = await conn.fetchrow(_FIND, digest, stale_after)
    return None if row is None else Found(**dict(row.items()))


async def touch(conn: Connection, digest: bytes, lasts: timedelta) -> None:
    """Notes that a session is used, which makes it last so much longer."""
    await conn.execute(_TOUCH, digest, lasts)


async def end(conn: Connection, digest: bytes) -> None:
    """Ends one session."""
    await conn.execute("DELETE FROM sessions WHERE digest = $1", digest)


async def end_all(conn: Connection, member_id: int) -> None:
    """Ends all sessions of a member."""
    await conn.execute("DELETE FROM sessions WHERE member_id = $1", member_id)
