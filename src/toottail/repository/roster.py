"""The members of the service as the operator's shell lists them, and takes them in and out."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from toottail.repository.database import Connection

_BLOCK = 500

_COLUMNS = """
SELECT m.id, m.home, coalesce(nullif(m.account, ''), m.named, '') AS account, m.token_sealed,
    m.paused_why, m.problem, m.created_at, m.seen_at, m.read_at, m.delete_at, m.scopes,
    ARRAY(SELECT CASE WHEN name = '' THEN kind ELSE kind || ':' || name END || '=' || entries
          FROM sources WHERE member_id = m.id AND enabled AND NOT (kind = 'list' AND EXISTS (
              SELECT FROM sources AS s
              WHERE s.member_id = m.id AND s.kind = 'lists' AND s.enabled))
          ORDER BY kind, name) AS sources
FROM members AS m
"""

_PAGE = f"{_COLUMNS} WHERE served AND m.id > $1 ORDER BY m.id LIMIT {_BLOCK}"

_FIND = f"""{_COLUMNS} WHERE served AND m.home = $1
    AND lower(coalesce(nullif(m.account, ''), m.named, '')) = lower($2) ORDER BY m.id"""

_BY_ID = f"{_COLUMNS} WHERE served AND m.id = $1"

# One and the same account, by its token or by its name.
_KNOWN = """
SELECT id, token_fingerprint = ANY($2::bytea[]) AS same_token, paused_why FROM members
WHERE home = $1 AND served AND (token_fingerprint = ANY($2::bytea[])
    OR lower(coalesce(nullif(account, ''), named)) = lower($3))
ORDER BY same_token DESC, id LIMIT 1
"""


@dataclass(frozen=True, slots=True)
class Enlisted:
    """A member as stored; ``account`` is empty where nobody told it, ``sources`` are words."""

    id: int
    home: str
    account: str
    token_sealed: bytes = field(repr=False)
    paused_why: str | None
    problem: str | None
    created_at: datetime
    seen_at: datetime | None
    read_at: datetime
    delete_at: datetime | None
    scopes: str | None
    sources: Sequence[str]

    @property
    def handle(self) -> str:
        """``@me@example.social``; the home alone where the account is not known."""
        return f"@{self.account}@{self.home}" if self.account else self.home


@dataclass(frozen=True, slots=True)
class Known:
    """A member who is already served: whether with the same token, and why paused."""

    id: int
    same_token: bool
    paused_why: str | None


async def pages(conn: Connection) -> AsyncIterator[list[Enlisted]]:
    """All members, a block at a time, in the order in which they came."""
    last = 0
    while rows := await conn.fetch(_PAGE, last):
        yield [Enlisted(**row) for row in rows]
        last = rows[-1]["id"]


async def find(conn: Connection, home: str, account: str) -> list[Enlisted]:
    """The members with that account's name at a home: one, unless the home was moved."""
    return [Enlisted(**row) for row in await conn.fetch(_FIND, home, account)]


async def get(conn: Connection, member_id: int) -> Enlisted | None:
    """The member with that id."""
    row = await conn.fetchrow(_BY_ID, member_id)
    return None if row is None else Enlisted(**row)


async def known(
    conn: Connection, home: str, fingerprints: Sequence[bytes], account: str
) -> Known | None:
    """The member with this token, else with this account, at a home."""
    row = await conn.fetchrow(_KNOWN, home, list(fingerprints), account)
    return None if row is None else Known(**row)
