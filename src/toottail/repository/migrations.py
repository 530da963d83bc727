"""The schema's history: numbered SQL files, each applied once, in order, in a transaction.

A file is ``NNNN_what_it_does.sql`` in ``migrations_sql``. PgQueuer's tables come after ours and are
brought up to date in the same step, by PgQueuer itself.

The first line of a file says what older programs can do with the schema that it makes:

    -- expand                    they go on beside it, as they are
    -- contract, since 0023      only those that know schema 23, or a later one
    -- expand, by itself         the same as `expand`; one statement that no transaction can hold:
                                 CREATE INDEX CONCURRENTLY IF NOT EXISTS, or DROP INDEX CONCURRENTLY

The database keeps the number, and whoever meets a newer schema goes by it.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import asyncpg
from pgqueuer.queries import Queries

from toottail.errors import DatabaseUnavailable, SchemaMismatch

_FOLDER = Path(__file__).with_name("migrations_sql")
_FILE_NAME = re.compile(r"(\d{4})_([a-z0-9_]+)\.sql")
_HEAD = re.compile(r"-- (?:expand(?P<alone>, by itself)?|contract, since (?P<since>\d{4}))\n")
_INDEX = re.compile(r"CREATE (?:UNIQUE )?INDEX CONCURRENTLY IF NOT EXISTS (\w+)")
# Any number will do, if nothing else in the database uses it: the letters "tootmig".
_ADVISORY_LOCK = 0x746F6F746D6967

LOCK_TIMEOUT = 3.0
"""Seconds to wait for a table. Longer, and all who come after stand in line behind us."""
_TRIES = 40
_POLL = 0.1
_BETWEEN_TRIES = 1.5

_TRY_LOCK = "SELECT pg_try_advisory_lock($1)"

_TABLE = """
CREATE TABLE IF NOT EXISTS schema_migrations (
    number integer PRIMARY KEY,
    name text NOT NULL,
    applied_at timestamptz NOT NULL DEFAULT now()
)
"""

# `oldest`: the schema that a program must know to work with this one; NULL: this one itself.
_OLDEST = "ALTER TABLE schema_migrations ADD COLUMN IF NOT EXISTS oldest integer"

_HAS_OLDEST = """
SELECT EXISTS (SELECT FROM pg_attribute WHERE attrelid = 'schema_migrations'::regclass
    AND attname = 'oldest' AND NOT attisdropped)
"""

_MUST_KNOW = "SELECT max(coalesce(oldest, number)) FROM schema_migrations WHERE number > $1"

_DONE = "INSERT INTO schema_migrations (number, name, oldest) VALUES ($1, $2, $3)"

_BROKEN_INDEX = """
SELECT FROM pg_index WHERE indexrelid = to_regclass($1) AND NOT indisvalid
"""


@dataclass(frozen=True, slots=True)
class Migration:
    """One step of the schema."""

    number: int
    name: str
    sql: str

    @property
    def oldest(self) -> int:
        """The schema that a program must know to go on after this step."""
        head = _HEAD.match(self.sql)
        if head is None:
            return self.number
        return int(head["since"]) if head["since"] else 0

    @property
    def by_itself(self) -> bool:
        """Whether it cannot be in a transaction."""
        head = _HEAD.match(self.sql)
        return head is not None and head["alone"] is not None


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
    at once: they wait for each other; and others may be at work. A newer schema that we can work
    with is left as it is. Raises `SchemaMismatch` for one that we cannot, and
    `DatabaseUnavailable` where a table is never free.
    """
    steps = read_migrations() if migrations is None else migrations
    # Asked again and again: who stands in line holds a snapshot, which an index that is made beside
    # the work waits for in turn.
    while not await connection.fetchval(_TRY_LOCK, _ADVISORY_LOCK):  # noqa: ASYNC110
        await asyncio.sleep(_POLL)
    try:
        await connection.execute(_TABLE)
        at = await number(connection)
        if at > len(steps):
            await _refuse_unless_beside(connection, at, len(steps))
            return []
        if not await connection.fetchval(_HAS_OLDEST):
            await connection.execute(_OLDEST)
        applied = []
        for step in steps[at:]:
            await _apply_when_free(connection, step)
            applied.append(f"{step.number:04}_{step.name}")
        if await _bring_up_pgqueuer(connection):
            applied.append("pgqueuer")
        return applied
    finally:
        await connection.execute("SELECT pg_advisory_unlock($1)", _ADVISORY_LOCK)


async def is_current(connection: Any, migrations: Sequence[Migration] | None = None) -> bool:
    """Whether there is nothing to migrate; also for a newer schema that we can work with.

    Raises `SchemaMismatch` for one that we cannot.
    """
    steps = read_migrations() if migrations is None else migrations
    if not await is_ours(connection):
        return False
    at = await number(connection)
    if at > len(steps):
        await _refuse_unless_beside(connection, at, len(steps))
        return True
    if at < len(steps):
        return False
    plan = await Queries.from_asyncpg_connection(connection).plan_upgrade()
    return not plan.statements


async def check(connection: Any, migrations: Sequence[Migration] | None = None) -> None:
    """Raises `SchemaMismatch`, saying what to do, unless we can work with the schema."""
    if not await is_current(connection, migrations):
        raise SchemaMismatch(
            "The database has an older schema than this version of TootTail needs, or none. "
            "Run: toottail migrate"
        )


async def is_ours(connection: Any) -> bool:
    """Whether a schema of ours was ever made there."""
    return await connection.fetchval("SELECT to_regclass('schema_migrations')") is not None


async def number(connection: Any) -> int:
    """The schema's number; 0 before the first step."""
    at = await connection.fetchval("SELECT coalesce(max(number), 0) FROM schema_migrations")
    return int(at)


async def _refuse_unless_beside(connection: Any, at: int, known: int) -> None:
    told = await connection.fetchval(_HAS_OLDEST)
    if told and await connection.fetchval(_MUST_KNOW, known) <= known:
        return
    raise SchemaMismatch(
        f"The database was made by a newer version of TootTail (schema {at}, this program "
        f"knows {known}). Upgrade this program."
    )


async def _apply_when_free(connection: Any, step: Migration) -> None:
    """Applies a step, and begins it again where others kept a table for too long."""
    # Who makes an index beside the work may wait: nobody stands in line behind that.
    limit = "0" if step.by_itself else f"{LOCK_TIMEOUT:g}s"
    await connection.execute("SELECT set_config('lock_timeout', $1, false)", limit)
    try:
        for _ in range(_TRIES):
            try:
                return await _apply(connection, step)
            except (asyncpg.LockNotAvailableError, asyncpg.DeadlockDetectedError):
                await asyncio.sleep(_BETWEEN_TRIES)
    finally:
        await connection.execute("RESET lock_timeout")
    raise DatabaseUnavailable(
        f"Schema {step.number}: a table was in use whenever it was to be changed. What was done "
        "before stays; try again when there is less to do, or stop the workers."
    )


async def _apply(connection: Any, step: Migration) -> None:
    if step.by_itself:
        # What was broken off leaves an index behind that nobody uses and every write pays for.
        for name in _INDEX.findall(step.sql):
            if await connection.fetchrow(_BROKEN_INDEX, name) is not None:
                await connection.execute(f'DROP INDEX CONCURRENTLY "{name}"')
        await connection.execute(step.sql)
        await connection.execute(_DONE, step.number, step.name, step.oldest)
        return
    async with connection.transaction():
        await connection.execute(step.sql)
        await connection.execute(_DONE, step.number, step.name, step.oldest)


async def _bring_up_pgqueuer(connection: Any) -> bool:
    queries = Queries.from_asyncpg_connection(connection)
    if not await queries.schema_is_installed():
        # Together or not at all: PgQueuer cannot install over a half of itself.
        async with connection.transaction():
            await queries.install()
        return True
    return bool((await queries.apply_upgrade()).statements)
