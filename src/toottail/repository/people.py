"""Members as pages show them: to themselves and to the operator."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from toottail.repository.database import Connection

_ONE = """
SELECT id, home, coalesce(nullif(account, ''), named, '') AS account, scopes, tag_servers,
    paused_why, problem, created_at, delete_at
FROM members WHERE id = $1 AND served
"""

# Whoever the operator may have to help comes first.
_ALL = """
SELECT id, home, coalesce(nullif(account, ''), named, '') AS account, scopes, tag_servers,
    paused_why, problem, created_at, delete_at
FROM members WHERE served
ORDER BY coalesce(paused_why, '') NOT IN ('token', 'home'), id DESC LIMIT $1
"""


@dataclass(frozen=True, slots=True)
class PersonRow:
    """A member as stored; ``scopes`` are their token's, None where the home does not tell."""

    id: int
    home: str
    account: str
    scopes: str | None
    tag_servers: Sequence[str]
    paused_why: str | None
    problem: str | None
    created_at: datetime
    delete_at: datetime | None


async def one(conn: Connection, member_id: int) -> PersonRow | None:
    """A member of the service; None where there is no such one (any more)."""
    row = await conn.fetchrow(_ONE, member_id)
    return PersonRow(**row) if row else None


async def newest(conn: Connection, most: int) -> list[PersonRow]:
    """Members of the service: those whose token or home fails, then those who came last."""
    return [PersonRow(**row) for row in await conn.fetch(_ALL, most)]
