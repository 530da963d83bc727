"""Rules about domains: lists of the operator's and of homes, and what they mean for a host."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from toottail.repository.database import Connection
from toottail.types.domains import DomainRule, digest_of, list_key, shown_list

ListKind = Literal["hand", "block", "allow", "home"]

_BARRED = "SELECT barred FROM standing(ARRAY[$1::text], NULL)"

_BARRED_AND_HOME = """
SELECT barred, EXISTS (SELECT FROM members WHERE home = $1 AND active_until > $2) AS home
FROM standing(ARRAY[$1::text], NULL)
"""

_CLOSED = "SELECT host FROM standing($1::text[], $2) WHERE barred IS NOT NULL OR shut_out"

_LISTS = """
SELECT kind, name, read_at, tried_at, problem,
    (SELECT count(*) FROM domain_rules WHERE list_id = domain_lists.id) AS domains
FROM domain_lists
"""

_ALL = f"{_LISTS} ORDER BY kind, name, id"

_ONE = f"{_LISTS} WHERE kind = $1 AND key = $2"

_ENTER = """
INSERT INTO domain_lists (kind, key, name, read_at, tried_at) VALUES ($1, $2, $3, $4, $4)
ON CONFLICT (kind, key) DO UPDATE SET read_at = $4, tried_at = $4, problem = NULL
RETURNING id
"""

_EMPTY = "DELETE FROM domain_rules WHERE list_id = $1"

_FILL = """
INSERT INTO domain_rules (list_id, digest, domain, severity, why)
SELECT $1, * FROM unnest($2::bytea[], $3::text[], $4::text[], $5::text[])
"""

_UNREAD = """
UPDATE domain_lists SET tried_at = $3, problem = $4 WHERE kind = $1 AND key = $2 RETURNING true
"""

_FORGET_OTHERS = """
DELETE FROM domain_lists WHERE kind IN ('block', 'allow')
    AND NOT (kind, key) IN (SELECT * FROM unnest($1::text[], $2::bytea[]))
"""

_BLOCK = """
INSERT INTO domain_rules (list_id, digest, domain, severity, why)
SELECT id, $1, $2, 'suspend', $3 FROM domain_lists WHERE kind = 'hand'
ON CONFLICT (digest, list_id) DO UPDATE SET why = coalesce($3, domain_rules.why)
"""

_UNBLOCK = """
DELETE FROM domain_rules USING domain_lists
WHERE domain_lists.id = list_id AND kind = 'hand' AND digest = $1 RETURNING true
"""


@dataclass(frozen=True, slots=True)
class DomainList:
    """A list as it is kept: ``domains`` rules read at ``read_at``; ``problem`` says why they could
    not be read anew at ``tried_at``. ``name`` is what may be shown: two may have the same."""

    kind: ListKind
    name: str
    read_at: datetime | None
    tried_at: datetime | None
    problem: str | None
    domains: int


async def barred(conn: Connection, host: str) -> str | None:
    """Why the operator wants ``host`` neither asked nor named, in words; None where nothing is."""
    why: str | None = await conn.fetchval(_BARRED, host)
    return why


async def barred_and_home(conn: Connection, host: str, now: datetime) -> tuple[str | None, bool]:
    """What `barred` tells, and whether the host is the home of somebody for whom work is done."""
    (row,) = await conn.fetch(_BARRED_AND_HOME, host, now)
    return row["barred"], row["home"]


async def closed(conn: Connection, home: str, hosts: Sequence[str]) -> set[str]:
    """Those of ``hosts`` that are barred, or blocked by ``home``: nothing of theirs is brought."""
    return {row["host"] for row in await conn.fetch(_CLOSED, list(hosts), home)}


async def lists(conn: Connection) -> list[DomainList]:
    """All lists that are kept."""
    return [DomainList(**row) for row in await conn.fetch(_ALL)]


async def kept(conn: Connection, kind: ListKind, name: str) -> DomainList | None:
    """What is kept of the list whose whole name, secrets included, is ``name``."""
    row = await conn.fetchrow(_ONE, kind, list_key(name))
    return DomainList(**row) if row is not None else None


async def store(
    conn: Connection, kind: ListKind, name: str, rules: Sequence[DomainRule], now: datetime
) -> None:
    """Replaces what a list says, in the caller's transaction.

    Of its whole ``name`` only what may be shown is stored, and a digest.
    """
    number = await conn.fetchval(_ENTER, kind, list_key(name), shown_list(name), now)
    await conn.execute(_EMPTY, number)
    await conn.execute(
        _FILL,
        number,
        [rule.digest for rule in rules],
        [rule.domain for rule in rules],
        [rule.severity for rule in rules],
        [rule.why for rule in rules],
    )


async def note_unread(
    conn: Connection, kind: ListKind, name: str, problem: str, now: datetime
) -> bool:
    """Notes why a list could not be read; False where there is no earlier copy of it."""
    return bool(await conn.fetchval(_UNREAD, kind, list_key(name), now, problem))


async def forget_others(conn: Connection, wanted: Sequence[tuple[ListKind, str]]) -> None:
    """Drops the operator's lists that are no longer among the settings."""
    kinds, keys = [kind for kind, _ in wanted], [list_key(name) for _, name in wanted]
    await conn.execute(_FORGET_OTHERS, kinds, keys)


async def block(conn: Connection, domain: str, why: str | None) -> None:
    """Blocks a domain and its subdomains, by the operator's own hand."""
    await conn.execute(_BLOCK, digest_of(domain), domain, why)


async def unblock(conn: Connection, domain: str) -> bool:
    """Takes such a block back; False where there was none."""
    return bool(await conn.fetchval(_UNBLOCK, digest_of(domain)))
