"""Everything that is sealed, sealed anew under the first key, so that older ones can go.

Rows are taken in blocks, each in a transaction of its own: the service can go on meanwhile, and who
is interrupted begins again.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from toottail.errors import SettingsError
from toottail.repository.database import Database
from toottail.repository.sealing import Sealer

_BLOCK = 500


@dataclass(frozen=True, slots=True)
class _Sealed:
    """A column of sealed texts, and the column by which its rows are found."""

    what: str
    table: str
    key: str
    kind: str
    column: str

    @property
    def read(self) -> str:
        """Reads the next block after a key."""
        return (
            f"SELECT {self.key} AS key, {self.column} AS sealed FROM {self.table}"  # noqa: S608
            f" WHERE $1::{self.kind} IS NULL OR {self.key} > $1 ORDER BY {self.key}"
            f" LIMIT {_BLOCK}"
        )

    @property
    def write(self) -> str:
        """Writes a block."""
        return (
            f"UPDATE {self.table} SET {self.column} = t.sealed"  # noqa: S608 — names of our own
            f" FROM unnest($1::{self.kind}[], $2::bytea[]) AS t (key, sealed)"
            f" WHERE {self.key} = t.key"
        )


_ALL = (
    _Sealed("tokens", "members", "id", "bigint", "token_sealed"),
    _Sealed("registrations", "registrations", "home", "text", "secret_sealed"),
    # Of two clients at one home: the key must be one that no two rows have.
    _Sealed(
        "earlier registrations",
        "earlier_registrations",
        "(home || ' ' || client_id)",
        "text",
        "secret_sealed",
    ),
    _Sealed("sign-ins under way", "sign_ins", "state_digest", "bytea", "verifier_sealed"),
    _Sealed("secrets of the service", "service_secrets", "name", "text", "sealed"),
)

_THERE = "SELECT to_regclass($1) IS NOT NULL"

_HOMES = "SELECT id, home FROM members WHERE id = ANY($1::bigint[])"

# Who signed in anew under the new key, beside a row of old, already has this mark.
_MARK = """
UPDATE members SET token_fingerprint = t.mark
FROM unnest($1::bigint[], $2::bytea[]) AS t (id, mark)
WHERE members.id = t.id AND token_fingerprint <> t.mark AND NOT EXISTS (
    SELECT FROM members AS other
    WHERE other.home = members.home AND other.token_fingerprint = t.mark)
"""


@dataclass(frozen=True, slots=True)
class Resealed:
    """What was done: how many texts by kind, and how many no key could open."""

    sealed: dict[str, int]
    unreadable: dict[str, int]


async def reseal(
    database: Database, sealer: Sealer, show: Callable[[str, int], None] = lambda _, __: None
) -> Resealed:
    """Seals everything under the first key. ``show`` gets the kind and the number done so far."""
    sealed: dict[str, int] = {}
    unreadable: dict[str, int] = {}
    for one in _ALL:
        last: object = None
        while (block := await _next_block(database, sealer, one, last)) is not None:
            last, done, failed = block
            sealed[one.what] = sealed.get(one.what, 0) + done
            if failed:
                unreadable[one.what] = unreadable.get(one.what, 0) + failed
            show(one.what, sealed[one.what])
    return Resealed(sealed, unreadable)


async def unreadable(conn: Any, sealer: Sealer) -> dict[str, int]:
    """How many sealed texts, by kind, none of the keys opens; nothing is changed.

    ``conn`` is a connection of either kind. What an older schema does not have is left out, and so
    are sign-ins under way, which end by themselves.
    """
    found: dict[str, int] = {}
    for one in _ALL:
        if one.table == "sign_ins" or not await conn.fetchval(_THERE, one.table):
            continue
        last: object = None
        while rows := await conn.fetch(one.read, last):
            last = rows[-1]["key"]
            failed = sum(not sealer.opens(row["sealed"]) for row in rows)
            if failed:
                found[one.what] = found.get(one.what, 0) + failed
    return found


async def _next_block(
    database: Database, sealer: Sealer, one: _Sealed, last: object
) -> tuple[object, int, int] | None:
    """(last key, texts sealed, texts that no key opens) of a block; None after the last one."""
    async with database.transaction() as conn:
        # Nobody else changes them meanwhile.
        rows = await conn.fetch(f"{one.read} FOR UPDATE", last)
        if not rows:
            return None
        anew: dict[object, tuple[str, bytes]] = {}
        for row in rows:
            try:
                text = sealer.open(row["sealed"])
            except SettingsError:
                continue
            anew[row["key"]] = (text, sealer.seal(text))
        await conn.execute(one.write, list(anew), [sealed for _, sealed in anew.values()])
        if one.table == "members":
            homes = {row["id"]: row["home"] for row in await conn.fetch(_HOMES, list(anew))}
            marks = [sealer.fingerprint(homes[key], text) for key, (text, _) in anew.items()]
            await conn.execute(_MARK, list(anew), marks)
        return rows[-1]["key"], len(anew), len(rows) - len(anew)
