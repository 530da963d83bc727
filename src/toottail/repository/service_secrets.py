"""Secrets of the service itself, sealed, which all its processes share."""

from __future__ import annotations

from toottail.repository.database import Connection

_GET = "SELECT sealed FROM service_secrets WHERE name = $1"

_KEEP_FIRST = """
INSERT INTO service_secrets (name, sealed) VALUES ($1, $2) ON CONFLICT (name) DO NOTHING
"""


async def get(conn: Connection, name: str) -> bytes | None:
    """The sealed secret of that name; None where there is none."""
    found: bytes | None = await conn.fetchval(_GET, name)
    return found


async def keep_first(conn: Connection, name: str, sealed: bytes) -> bytes:
    """Stores a secret where there is none, and returns the one that is stored then."""
    await conn.execute(_KEEP_FIRST, name, sealed)
    found: bytes = await conn.fetchval(_GET, name)
    return found
