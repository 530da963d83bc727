"""Which tables there are, by what the database itself says: a new one is never left behind.

PgQueuer's are not among them: their rows are rung for anew from what is due in ours.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

# By name, so that what is told of two databases can be compared.
_TABLES = """
SELECT relname AS name, array_agg(attname::text ORDER BY attname) AS columns,
    array_agg(format_type(atttypid, atttypmod) ORDER BY attname) AS types
FROM pg_class JOIN pg_attribute ON attrelid = pg_class.oid
WHERE relnamespace = current_schema()::regnamespace AND relkind = 'r'
    AND attnum > 0 AND NOT attisdropped AND attgenerated = ''
    AND relname <> 'schema_migrations' AND NOT starts_with(relname, 'pgqueuer')
GROUP BY relname ORDER BY relname
"""

FROM_THE_START = {"domain_lists": "kind = 'hand'"}
"""Which rows of which tables migrations put there: a database with those alone is empty."""

_SEQUENCES = """
SELECT relname AS name FROM pg_class
WHERE relnamespace = current_schema()::regnamespace AND relkind = 'S'
    AND NOT starts_with(relname, 'pgqueuer')
ORDER BY relname
"""

_REFERENCES = """
SELECT relname AS table, conname AS name, pg_get_constraintdef(pg_constraint.oid) AS definition
FROM pg_constraint JOIN pg_class ON pg_class.oid = conrelid
WHERE relnamespace = current_schema()::regnamespace AND contype = 'f' ORDER BY conname
"""

_ANYTHING = """
SELECT relname FROM pg_class
WHERE relnamespace = current_schema()::regnamespace AND relkind IN ('r', 'p', 'v', 'm', 'f')
ORDER BY relname LIMIT 1
"""


@dataclass(frozen=True, slots=True)
class Table:
    """A table of ours: its columns that are stored as they were given, and their types."""

    name: str
    columns: tuple[str, ...]
    types: tuple[str, ...]

    @property
    def quoted(self) -> str:
        """The columns as a list in SQL."""
        return ", ".join(f'"{column}"' for column in self.columns)


@dataclass(frozen=True, slots=True)
class Reference:
    """A foreign key: the table that has it, its name and its definition in SQL."""

    table: str
    name: str
    definition: str


async def tables(conn: Any) -> tuple[Table, ...]:
    """Our tables, by name. ``conn`` is an asyncpg connection, here and below."""
    rows = await conn.fetch(_TABLES)
    return tuple(Table(row["name"], tuple(row["columns"]), tuple(row["types"])) for row in rows)


async def references(conn: Any) -> list[Reference]:
    """Our tables' foreign keys."""
    return [Reference(*row.values()) for row in await conn.fetch(_REFERENCES)]


async def sequences(conn: Any) -> dict[str, tuple[int, bool]]:
    """Each sequence's last number, and whether that was given away; no snapshot holds these."""
    found = {}
    for row in await conn.fetch(_SEQUENCES):
        at = await conn.fetchrow(f'SELECT last_value, is_called FROM "{row["name"]}"')  # noqa: S608
        found[row["name"]] = (at["last_value"], at["is_called"])
    return found


async def count(conn: Any, table: Table) -> int:
    """How many rows a table has."""
    number: int = await conn.fetchval(f'SELECT count(*) FROM "{table.name}"')  # noqa: S608
    return number


async def with_rows(conn: Any, of: Sequence[Table]) -> list[str]:
    """The names of those with rows that are not there from the start."""
    there = 'SELECT EXISTS (SELECT FROM "{}" WHERE NOT ({}))'
    return [
        one.name
        for one in of
        if await conn.fetchval(there.format(one.name, FROM_THE_START.get(one.name, "false")))
    ]


async def anything(conn: Any) -> str | None:
    """The name of some table or view, whosoever it is; None where there is none."""
    name: str | None = await conn.fetchval(_ANYTHING)
    return name
