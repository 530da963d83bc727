"""Opening the database: the embedded one by default, a server by its URL, errors in words."""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import Awaitable, Callable
from pathlib import Path

import asyncpg
import pytest
from pydantic import SecretStr

from tests.repository.tenants import is_running
from toottail.errors import DatabaseUnavailable, DiskFull, SchemaMismatch, StorageError
from toottail.repository.database import Database, migrate_database, open_database, unhurried
from toottail.repository.embedded import EmbeddedPostgres
from toottail.repository.translation import translate, translated
from toottail.settings import Settings


def url_settings(url: str) -> Settings:
    return Settings(database_url=SecretStr(url))


async def test_the_embedded_database_is_migrated_by_itself_and_keeps_its_rows(
    data_dir: Path,
) -> None:
    settings = Settings(data_dir=data_dir)
    async with open_database(settings) as database:
        assert database.embedded
        async with database.transaction() as connection:
            assert await connection.fetchval("SELECT count(*) FROM schema_migrations") > 0
            assert await connection.fetchval("SHOW fsync") == "on"
            await connection.execute("CREATE TABLE kept AS SELECT 7 AS value")
    assert not is_running(data_dir)
    async with open_database(settings) as database, database.connection() as connection:
        assert await connection.fetchval("SELECT value FROM kept") == 7


async def test_two_processes_may_migrate_a_new_database_at_once(data_dir: Path) -> None:
    settings = Settings(data_dir=data_dir)

    async def count() -> int:
        async with open_database(settings) as database, database.connection() as connection:
            return int(await connection.fetchval("SELECT count(*) FROM pgqueuer"))

    assert set(await asyncio.gather(count(), count(), count())) == {0}


async def test_a_long_transaction_that_may_be_long_is_not_ended_and_the_next_one_is(
    database: Database,
) -> None:
    async with database.raw(lambda: None) as connection:
        await connection.execute("SET transaction_timeout = '300ms'")
        async with connection.transaction():
            await unhurried(connection)
            await connection.execute("SELECT pg_sleep(0.5)")
        assert await connection.fetchval("SHOW transaction_timeout") == "300ms"
        assert await connection.fetchval("SHOW statement_timeout") == "30s"
        with pytest.raises((asyncpg.PostgresConnectionError, asyncpg.TransactionTimeoutError)):
            await connection.execute("BEGIN; SELECT pg_sleep(0.5)")


async def test_a_transaction_that_fails_leaves_nothing_behind(database: Database) -> None:
    async with database.connection() as connection:
        await connection.execute("CREATE TABLE notes (note text PRIMARY KEY)")
    with pytest.raises(asyncpg.UniqueViolationError):
        async with database.transaction() as connection:
            await connection.executemany("INSERT INTO notes VALUES ($1)", [["a"], ["a"]])
    async with database.connection() as connection:
        assert await connection.fetch("SELECT * FROM notes") == []


async def test_a_database_by_url_is_opened_when_its_schema_is_ours(
    database_settings: Settings,
) -> None:
    async with open_database(database_settings) as database, database.connection() as connection:
        assert not database.embedded
        assert await connection.fetchval("SHOW statement_timeout") == "30s"


async def test_a_server_with_an_old_schema_is_left_to_toottail_migrate(
    database_settings: Settings, database: Database
) -> None:
    async with database.connection() as connection:
        await connection.execute("DROP SCHEMA public CASCADE; CREATE SCHEMA public")
    with pytest.raises(SchemaMismatch, match="toottail migrate"):
        async with open_database(database_settings):
            pass
    assert "pgqueuer" in await migrate_database(database_settings)
    async with open_database(database_settings):
        pass
    assert await migrate_database(database_settings) == []


async def test_a_newer_schema_asks_for_a_newer_program(
    database_settings: Settings, database: Database
) -> None:
    async with database.connection() as connection:
        await connection.execute("INSERT INTO schema_migrations VALUES (9999, 'the_future')")
    with pytest.raises(SchemaMismatch, match=r"schema 9999.*Upgrade this program"):
        async with open_database(database_settings):
            pass
    with pytest.raises(SchemaMismatch, match="Upgrade this program"):
        await migrate_database(database_settings)


@pytest.mark.parametrize(
    "url",
    [
        "postgresql://me:hush-hush@127.0.0.1:1/toottail",
        "postgresql://me@127.0.0.1:1/toottail?password=hush-hush",
        "postgresql://me:hush-hush@127.0.0.1:notaport/toottail",
        "postgresql://me:hush-hush@[broken/toottail",
        "mysql://me:hush-hush@127.0.0.1/toottail",
        "hush-hush",
        "postgresql://me:hush/hush@127.0.0.1/toottail",
        "postgresql://me:1/hush@127.0.0.1/toottail",
        "postgresql://me:1#hush@127.0.0.1/toottail",
        "postgresql://me:hush%2Dhush@127.0.0.1:1/toottail?sslmode=hush-hush",
    ],
)
async def test_an_unreachable_server_is_named_without_its_password(url: str) -> None:
    with pytest.raises(DatabaseUnavailable, match="DATABASE_URL") as caught:
        async with open_database(url_settings(url)):
            pass
    shown = f"{caught.value} {caught.value.__cause__ or ''}"
    assert "hush" not in shown


async def test_a_servers_refusal_that_repeats_the_password_is_shown_without_it(
    postgres: EmbeddedPostgres,
) -> None:
    url = f"postgresql://hush%21:hush%21@/postgres?host={postgres.host}"
    with pytest.raises(DatabaseUnavailable, match="authentication failed") as caught:
        async with open_database(url_settings(url)):
            pass
    assert "hush" not in str(caught.value)


async def test_an_unknown_database_on_a_server_is_named(postgres: EmbeddedPostgres) -> None:
    url = f"postgresql://toottail@/nowhere?host={postgres.host}"
    with pytest.raises(DatabaseUnavailable, match='"nowhere" does not exist'):
        async with open_database(url_settings(url)):
            pass


async def test_a_lost_connection_is_a_storage_error_and_the_next_one_works(
    database: Database,
) -> None:
    with pytest.raises(DatabaseUnavailable, match="lost"):
        async with database.connection() as connection:
            await connection.execute("SELECT pg_terminate_backend(pg_backend_pid())")
    async with database.connection() as connection:
        assert await connection.fetchval("SELECT 1") == 1


@pytest.mark.parametrize("pause", [time.sleep, asyncio.sleep])
async def test_a_process_that_stood_still_in_a_transaction_finds_its_connection_lost(
    database: Database, pause: Callable[[float], Awaitable[None] | None]
) -> None:
    async def stand_still() -> None:
        async with database.transaction() as connection:
            await connection.execute("SET LOCAL idle_in_transaction_session_timeout = 50")
            if (waiting := pause(0.4)) is not None:
                await waiting

    with pytest.raises(DatabaseUnavailable, match="lost"):
        await stand_still()
    async with database.connection() as connection:
        assert await connection.fetchval("SELECT 1") == 1


@pytest.mark.parametrize(
    "error",
    [
        asyncpg.IdleInTransactionSessionTimeoutError("terminating connection"),
        asyncpg.TransactionTimeoutError("terminating connection"),
        asyncpg.InternalClientError("cannot switch to state 15; another operation (2)"),
        asyncpg.QueryCanceledError("canceling statement due to statement timeout"),
    ],
)
def test_what_a_process_meets_that_stood_still_stops_one_step_and_no_engine(
    error: Exception,
) -> None:
    with pytest.raises(DatabaseUnavailable), translated():
        raise error


@pytest.mark.parametrize(
    ("error", "meaning"),
    [
        (asyncpg.DiskFullError("could not extend file"), DiskFull),
        (OSError(28, os.strerror(28), "/data"), DiskFull),
        (asyncpg.CrashShutdownError("terminating"), DatabaseUnavailable),
        (asyncpg.InterfaceError("connection is closed"), DatabaseUnavailable),
        (asyncpg.TooManyConnectionsError("sorry"), DatabaseUnavailable),
        (TimeoutError(), DatabaseUnavailable),
        (asyncpg.UniqueViolationError("duplicate key"), StorageError),
    ],
)
def test_every_refusal_has_a_meaning(error: Exception, meaning: type[StorageError]) -> None:
    assert type(translate(error)) is meaning


def test_mistakes_in_the_use_of_the_driver_are_not_hidden() -> None:
    with pytest.raises(asyncpg.InterfaceError), translated():
        raise asyncpg.InterfaceError("another operation is in progress")
