"""Wishes of admins to be left alone, as far as the operator has to decide."""

from __future__ import annotations

from toottail.repository.database import Connection
from toottail.types.service import OptOut

# Said again it is the same wish, so that nobody fills the list with one server.
_ASK = """
WITH again AS (
    UPDATE opt_outs SET contact = $2, words = $3 WHERE host = $1 AND state = 'open' RETURNING id
)
INSERT INTO opt_outs (host, contact, words)
SELECT $1, $2, $3 WHERE NOT EXISTS (SELECT FROM again)
"""

_DONE = """
WITH waiting AS (
    UPDATE opt_outs SET state = 'done', decided_at = now(), contact = $2, words = $3
    WHERE host = $1 AND state = 'open' RETURNING id
)
INSERT INTO opt_outs (host, contact, words, state, decided_at)
SELECT $1, $2, $3, 'done', now() WHERE NOT EXISTS (SELECT FROM waiting)
"""

_OPEN = """
SELECT id, host, contact, words, created_at FROM opt_outs WHERE state = 'open' ORDER BY id
LIMIT 500
"""

_DECIDE = """
UPDATE opt_outs SET state = $2, decided_at = now() WHERE id = $1 AND state = 'open' RETURNING host
"""


async def ask(conn: Connection, host: str, contact: str, words: str) -> None:
    """Stores a wish for the operator to decide."""
    await conn.execute(_ASK, host, contact, words)


async def note_done(conn: Connection, host: str, contact: str, words: str) -> None:
    """Stores a wish that the server itself has proven, and that was done."""
    await conn.execute(_DONE, host, contact, words)


async def waiting(conn: Connection) -> list[OptOut]:
    """The wishes that wait, the oldest first."""
    return [OptOut(**row) for row in await conn.fetch(_OPEN)]


async def decide(conn: Connection, number: int, state: str) -> str | None:
    """Ends a wish as ``done`` or ``declined``; returns the host, None where none such waits."""
    host: str | None = await conn.fetchval(_DECIDE, number, state)
    return host
