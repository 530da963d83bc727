"""Whole databases, copied: every table, one moment, all or nothing."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import asyncpg
import pytest
import pytest_asyncio

from tests.repository import rows
from toottail.errors import StorageError, UsageError
from toottail.repository import catalogue, migrations, transfer
from toottail.repository.catalogue import Table
from toottail.repository.database import Database, connector
from toottail.repository.embedded import EmbeddedPostgres

TARGET = "transfer_target"


@pytest_asyncio.fixture
async def source(database_url: str) -> AsyncIterator[Any]:
    connection = await connector(database_url)()
    yield connection
    await connection.close()


@pytest_asyncio.fixture
async def target(postgres: EmbeddedPostgres) -> AsyncIterator[Any]:
    """A database in which nothing was ever made."""
    admin = await postgres.connect()
    await admin.execute(f"CREATE DATABASE {TARGET}")
    connection = await postgres.connect(TARGET)
    yield connection
    await connection.close()
    await admin.execute(f"DROP DATABASE {TARGET} WITH (FORCE)")
    await admin.close()


async def no_check() -> None:
    """Content with whatever came."""


def silent(_table: str, _size: int) -> None:
    """Says nothing."""


async def filled(database: Database) -> None:
    """A member, a conversation of many statuses, a few other rows, a sequence that has moved."""
    async with database.connection() as conn:
        number = await rows.watch(conn, "https://a.example/1", "1")
        member_id = await conn.fetchval("SELECT id FROM members")
        await rows.run(conn, member_id)
        await conn.execute(
            "INSERT INTO statuses (conversation_id, uri, host, placed, listed_by)"
            " SELECT $1, 'https://a.example/more/' || n, 'a.example', true, 'a.example'"
            " FROM generate_series(1, 5000) AS n",
            number,
        )
        await conn.execute(
            "INSERT INTO earlier_registrations (home, client_id, secret_sealed)"
            " VALUES ('home.example', 'id', 'sealed')"
        )
        await conn.execute("SELECT nextval('lane_beginnings') FROM generate_series(1, 7)")


async def everything(conn: Any) -> dict[str, list[str]]:
    """All rows of all tables as text, in an order of their own."""
    return {
        table.name: [
            row[0]
            for row in await conn.fetch(
                f'SELECT (t.*)::text COLLATE "C" AS row FROM "{table.name}" AS t ORDER BY 1'
            )
        ]
        for table in await catalogue.tables(conn)
    }


async def copy(source: Any, target: Any, **more: Any) -> None:
    async with transfer.snapshot(source) as contents:
        await transfer.fill(target, contents, transfer.piped(source), silent, no_check, **more)


async def test_all_rows_sequences_and_generated_columns_arrive(
    database: Database, source: Any, target: Any
) -> None:
    await filled(database)
    await copy(source, target)
    there = await everything(target)
    assert there == await everything(source)
    assert len(there["statuses"]) == 5_001
    assert await catalogue.sequences(target) == await catalogue.sequences(source)
    assert await target.fetchval("SELECT nextval('lane_beginnings')") == 7


async def test_what_guards_the_tables_is_there_again(
    database: Database, source: Any, target: Any
) -> None:
    await filled(database)
    await copy(source, target)
    assert await catalogue.references(target) == await catalogue.references(source)
    switched_off = "SELECT count(*) FROM pg_trigger WHERE tgenabled = 'D'"
    assert await target.fetchval(switched_off) == 0
    # The trigger that takes a home's earlier clients away with its last member is at work.
    await target.execute("DELETE FROM members")
    assert await target.fetchval("SELECT count(*) FROM earlier_registrations") == 0
    assert await target.fetchval("SELECT count(*) FROM watchers") == 0


async def test_what_comes_after_the_moment_is_not_copied(
    database: Database, source: Any, target: Any
) -> None:
    await filled(database)
    async with transfer.snapshot(source) as contents:
        async with database.connection() as conn:
            await conn.execute("DELETE FROM statuses")
        await transfer.fill(target, contents, transfer.piped(source), silent, no_check)
    assert await target.fetchval("SELECT count(*) FROM statuses") == 5_001


async def test_a_migration_that_is_under_way_is_copied_with_all_that_it_does(
    database: Database, source: Any, target: Any
) -> None:
    await filled(database)
    before = 0
    migrating = await database.pool.acquire()
    async with migrating.transaction():
        await migrating.execute("ALTER TABLE runs ADD COLUMN more text; DELETE FROM statuses")

        async def tables() -> dict[str, tuple[int, tuple[str, ...]]]:
            async with transfer.snapshot(source) as contents:
                return {one.name: (n, one.columns) for one, n in contents.tables.items()}

        reading = asyncio.create_task(tables())
        while not before:
            before = await target.fetchval("SELECT count(*) FROM pg_locks WHERE NOT granted")
    await database.pool.release(migrating)
    found = await asyncio.wait_for(reading, 30)
    assert found["statuses"][0] == 0
    assert "more" in found["runs"][1]


async def test_while_it_is_held_still_nobody_writes(database: Database, source: Any) -> None:
    async with transfer.snapshot(source, still=True), database.connection() as conn:
        with pytest.raises(TimeoutError):
            await conn.execute("INSERT INTO allowances VALUES ('a', now())", timeout=0.5)
    async with database.connection() as conn:
        await conn.execute("INSERT INTO allowances VALUES ('a', now())")


async def test_what_migrations_put_into_tables_is_known(source: Any) -> None:
    for table in await catalogue.tables(source):
        there = catalogue.FROM_THE_START.get(table.name)
        wanted = f'SELECT count(*) FROM "{table.name}" WHERE {there}' if there else "SELECT 0"
        assert await catalogue.count(source, table) == await source.fetchval(wanted), table.name


async def test_a_target_with_rows_or_tables_of_others_is_refused(
    database: Database, source: Any, target: Any
) -> None:
    await copy(source, target)
    await target.execute("INSERT INTO allowances VALUES ('theirs', now())")
    with pytest.raises(UsageError, match="not empty: there are rows in allowances"):
        await copy(source, target)
    assert await target.fetchval("SELECT count(*) FROM allowances") == 1
    await target.execute("DROP SCHEMA public CASCADE; CREATE SCHEMA public; CREATE TABLE x (n int)")
    with pytest.raises(UsageError, match="has a table x of others"):
        await copy(source, target)


async def test_of_two_that_fill_a_database_one_is_refused(
    source: Any, target: Any, postgres: EmbeddedPostgres
) -> None:
    await migrations.migrate(target)
    second = await postgres.connect(TARGET)
    async with transfer.snapshot(source) as contents, target.transaction():
        await target.execute("LOCK TABLE runs IN ACCESS EXCLUSIVE MODE")
        with pytest.raises(UsageError, match="is being filled"):
            async with second.transaction():
                await transfer.load(second, contents, transfer.piped(source), silent)
    await second.close()


async def test_where_rows_are_lost_on_the_way_nothing_is_kept(
    database: Database, source: Any, target: Any
) -> None:
    await filled(database)
    async with transfer.snapshot(source) as contents:
        wrong = transfer.Contents(
            contents.schema,
            {table: n + (table.name == "runs") for table, n in contents.tables.items()},
            contents.sequences,
        )
        with pytest.raises(StorageError, match="runs: 2 rows were announced, 1 came"):
            await transfer.fill(target, wrong, transfer.piped(source), silent, no_check)
    assert await catalogue.with_rows(target, await catalogue.tables(target)) == []
    assert await catalogue.references(target) == await catalogue.references(source)


async def test_a_source_that_fails_halfway_is_an_error_and_not_the_end(
    database: Database, source: Any, target: Any
) -> None:
    await filled(database)

    async def broken(_table: Table) -> Any:
        yield b"PGCOPY\n\xff\r\n\0" + bytes(8)
        raise ConnectionError("the line broke")

    async with transfer.snapshot(source) as contents:
        with pytest.raises(ConnectionError, match="the line broke"):
            await asyncio.wait_for(
                transfer.fill(target, contents, broken, silent, no_check), timeout=30
            )
    async with transfer.snapshot(source) as contents:
        await transfer.fill(target, contents, transfer.piped(source), silent, no_check)
    assert await target.fetchval("SELECT count(*) FROM statuses") == 5_001


async def test_what_goes_wrong_at_the_source_is_told(source: Any) -> None:
    pieces = transfer.piped(source)(Table("nothing", ("a",), ("text",)))
    with pytest.raises(asyncpg.UndefinedTableError):
        await asyncio.wait_for(anext(pieces), 20)


async def test_others_at_work_are_noticed(database: Database, source: Any) -> None:
    with pytest.raises(UsageError, match="is in use"):
        await transfer.refuse_others(source, "The database")
    database.pool.terminate()
    for _ in range(100):
        if not await source.fetchval(transfer._OTHERS):
            break
        await asyncio.sleep(0.05)
    await transfer.refuse_others(source, "The database")
