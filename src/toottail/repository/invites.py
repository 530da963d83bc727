"""Invites, by the digest of their code."""

from __future__ import annotations

from datetime import datetime

from toottail.repository.database import Connection

_GOOD = """
SELECT true FROM invites
WHERE digest = $1 AND uses_left > 0 AND (expires_at IS NULL OR expires_at > now())
"""

_SPEND = """
UPDATE invites SET uses_left = uses_left - 1
WHERE digest = $1 AND uses_left > 0 AND (expires_at IS NULL OR expires_at > now())
RETURNING true
"""


async def make(
    conn: Connection, digest: bytes, note: str, uses: int, expires_at: datetime | None
) -> None:
    """Stores a new invite for so many new members."""
    await conn.execute(
        "INSERT INTO invites (digest, note, uses_left, expires_at) VALUES ($1, $2, $3, $4)",
        digest,
        note,
        uses,
        expires_at,
    )


async def is_good(conn: Connection, digest: bytes) -> bool:
    """Whether somebody may still come in with it."""
    return bool(await conn.fetchval(_GOOD, digest))


async def spend(conn: Connection, digest: bytes) -> bool:
    """Counts one who comes in with it, in the caller's transaction; False where it is no good."""
    return bool(await conn.fetchval(_SPEND, digest))
