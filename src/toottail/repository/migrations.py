"""The schema's history: numbered SQL files, each applied once, in order, in a transaction.

A file is ``NNNN_what_it_does.sql`` in ``migrations_sql``. PgQueuer's tables come after ours and are
brought up to date in the same step, by PgQueuer itself.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pgqueuer.queries import Queries

from toottail.errors import SchemaMismatch

_FOLDER = Path(__file__).with_name("migrations_sql")
_FILE_NAME = re.compile(r"(\d{4})_([a-z0-9_]+)\.sql")
# Any number will do, if nothing else in the database uses it: the letters "tootmig".
_ADVISORY_LOCK = 0x746F6F746D6967

_TABLE = """
CREATE TABLE IF NOT EXISTS schema_migrations (
    number integer PRIMARY KEY,
    name text NOT NULL,
    applied_at timestamptz NOT NULL DEFAULT now()
)
"""


@dataclass(frozen=True)
class Migration:
    """One step of the schema."""

    number: int
    name: str
    sql: str


def read_migrations(folder: Path = _FOLDER) -> tuple[Migration, ...]:
    """The migrations in ``folder``, by number. Raises `ValueError` unless they go 1, 2, 3, …"""
    found = []
    for path in sorted(folder.glob("*.sql")):
        match = _FILE_NAME.fullmatch(path.name)
        if match is None:
            raise ValueError(f"{path}: a migration is named NNNN_what_it_does.sql")
        found.append(Migration(int(match[1]), match[2], path.read_text(encoding="utf-8")))
    if [step.number for step in found] != list(range(1, len(found) + 1)):
        raise ValueError(f"{folder}: the migrations' numbers must go 1, 2, 3, …")
    return tuple(found)


async def migrate(connection: Any, migrations: Sequence[Migration] | None = None) -> list[str]:
    """Bring the schema up to date; gives the names of what was applied, in order.

    ``connection`` is one asyncpg connection outside a transaction. Several processes may do this
    at once: they wait for each other. Raises `SchemaMismatch` for a newer schema than ours.
    """
    steps = read_migrations() if migrations is None else migrations
    await connection.execute("SELECT pg_advisory_lock($1)", _ADVISORY_LOCK)
    try:
        await connection.execute(_TABLE)
        at = await _number(connection)
        _refuse_newer(at, steps)
        applied = []
        for step in steps[at:]:
            async with connection.transaction():
                await connection.execute(step.sql)
                await connection.execute(
                    "INSERT INTO schema_migrations (number, name) VALUES ($1, $2)",
                    step.number,
                    step.name,
                )
            applied.append(f"{step.number:04}_{step.name}")
        if await _bring_up_pgqueuer(connection):
            applied.append("pgqueuer")
        return applied
    finally:
        await connection.execute("SELECT pg_advisory_unlock($1)", _ADVISORY_LOCK)


async def is_current(connection: Any, migrations: Sequence[Migration] | None = None) -> bool:
    """Whether there is nothing to migrate. Raises `SchemaMismatch` for a newer schema than ours."""
    steps = read_migrations() if migrations is None else migrations
    if await connection.fetchval("SELECT to_regclass('schema_migrations')") is None:
        return False
    at = await _number(connection)
    _refuse_newer(at, steps)
    if at < len(steps):
        return False
    plan = await Queries.from_asyncpg_connection(connection).plan_upgrade()
    return not plan.statements


async def check(connection: Any, migrations: Sequence[Migration] | None = None) -> None:
    """Raises `SchemaMismatch`, saying what to do, unless the schema is just the one we know."""
    if not await is_current(connection, migrations):
        raise SchemaMismatch(
            "The database has an older schema than this version of TootTail needs, or none. "
            "Run: toottail migrate"
        )


async def _number(connection: Any) -> int:
    number = await connection.fetchval("SELECT coalesce(max(number), 0) FROM schema_migrations")
    return int(number)


def _refuse_newer(at: int, steps: Sequence[Migration]) -> None:
    if at > len(steps):
        raise SchemaMismatch(
            f"The database was made by a newer version of TootTail (schema {at}, this program "
            f"knows {len(steps)}). Upgrade this program."
        )


async def _bring_up_pgqueuer(connection: Any) -> bool:
    queries = Queries.from_asyncpg_connection(connection)
    if not await queries.schema_is_installed():
        # Together or not at all: PgQueuer cannot install over a half of itself.
        async with connection.transaction():
            await queries.install()
        return True
    return bool((await queries.apply_upgrade()).statements)
