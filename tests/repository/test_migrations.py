"""The schema's history: in order, each once, all or nothing, by one process at a time."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import asyncpg
import pytest
import pytest_asyncio

from toottail.errors import SchemaMismatch
from toottail.repository import migrations
from toottail.repository.database import connector
from toottail.repository.migrations import Migration, check, migrate, read_migrations
from toottail.types.domains import list_key, shown_list

FIRST = Migration(1, "fruit", "CREATE TABLE fruit (name text); INSERT INTO fruit VALUES ('fig')")
SECOND = Migration(2, "more_fruit", "INSERT INTO fruit VALUES ('plum')")
BROKEN = Migration(2, "broken", "INSERT INTO fruit VALUES ('plum'); SELECT 1 / 0")


@pytest_asyncio.fixture
async def empty(database_url: str) -> AsyncIterator[Any]:
    """A connection to a database in which nothing was ever made."""
    connection = await connector(database_url)()
    await connection.execute("DROP SCHEMA public CASCADE; CREATE SCHEMA public")
    yield connection
    await connection.close()


async def fruit(connection: Any) -> list[str]:
    return [row["name"] for row in await connection.fetch("SELECT name FROM fruit ORDER BY 1")]


async def test_steps_are_applied_in_order_and_once(empty: Any) -> None:
    assert await migrate(empty, [FIRST]) == ["0001_fruit", "pgqueuer"]
    assert await migrate(empty, [FIRST, SECOND]) == ["0002_more_fruit"]
    assert await migrate(empty, [FIRST, SECOND]) == []
    assert await fruit(empty) == ["fig", "plum"]


async def test_a_step_that_fails_leaves_nothing_of_itself(empty: Any) -> None:
    with pytest.raises(asyncpg.DivisionByZeroError):
        await migrate(empty, [FIRST, BROKEN])
    assert await fruit(empty) == ["fig"]
    assert await migrate(empty, [FIRST, SECOND]) == ["0002_more_fruit", "pgqueuer"]


async def test_processes_that_migrate_at_once_wait_for_each_other(
    empty: Any, database_url: str
) -> None:
    slow = Migration(1, "fruit", f"{FIRST.sql}; SELECT pg_sleep(0.2)")
    other = await connector(database_url)()
    try:
        done = await asyncio.gather(migrate(empty, [slow]), migrate(other, [slow]))
    finally:
        await other.close()
    assert sorted(map(len, done)) == [0, 2]
    assert await fruit(empty) == ["fig"]


async def test_only_the_schema_we_know_passes_the_check(empty: Any) -> None:
    with pytest.raises(SchemaMismatch, match="Run: toottail migrate"):
        await check(empty, [FIRST])
    await migrate(empty, [FIRST, SECOND])
    await check(empty, [FIRST, SECOND])
    with pytest.raises(SchemaMismatch, match="newer version of TootTail"):
        await check(empty, [FIRST])
    with pytest.raises(SchemaMismatch, match="Run: toottail migrate"):
        await check(empty, [FIRST, SECOND, Migration(3, "later", "SELECT 1")])


async def test_pgqueuers_missing_parts_are_noticed_and_put_back(empty: Any) -> None:
    await migrate(empty, [FIRST])
    await empty.execute("ALTER TABLE pgqueuer DROP COLUMN headers")
    with pytest.raises(SchemaMismatch, match="Run: toottail migrate"):
        await check(empty, [FIRST])
    assert await migrate(empty, [FIRST]) == ["pgqueuer"]
    await check(empty, [FIRST])


def test_the_migrations_of_the_package_are_well_named_and_numbered() -> None:
    assert read_migrations()


@pytest.mark.parametrize("names", [["0002_b.sql"], ["0001_a.sql", "0001_b.sql"], ["1_a.sql"]])
def test_misnumbered_migrations_are_refused(tmp_path: Path, names: list[str]) -> None:
    for name in names:
        (tmp_path / name).write_text("SELECT 1")
    with pytest.raises(ValueError, match="migration"):
        migrations.read_migrations(tmp_path)


async def test_what_was_read_of_timelines_before_sources_is_kept(empty: Any) -> None:
    steps = read_migrations()
    await migrate(empty, steps[:2])
    await empty.execute(
        "INSERT INTO members (home, token_fingerprint, token_sealed, newest_id, depth, collect_at)"
        " VALUES ('home.example', 'f', 's', '77', 120, now());"
        "INSERT INTO runs (id, member_id, wanted, collected, statuses_read)"
        " SELECT gen_random_uuid(), id, 400, true, 120 FROM members"
    )
    await migrate(empty, steps)
    row = await empty.fetchrow(
        "SELECT kind, home, newest_id, depth, collect_at IS NOT NULL FROM sources"
    )
    assert tuple(row) == ("home", "home.example", "77", 120, True)
    row = await empty.fetchrow("SELECT kind, wanted, collected, read FROM run_sources")
    assert tuple(row) == ("home", 400, True, 120)


async def test_lists_lose_the_secrets_in_their_names_and_are_still_told_apart(empty: Any) -> None:
    steps = read_migrations()
    (number,) = [step.number for step in steps if step.name == "list_names"]
    await migrate(empty, steps[: number - 1])
    names = ["/etc/list.csv?x", "https://a.example/l", "https://me:s3cret@a.example/l?k=1#s3cret"]
    names += ["https://a.example/l?k=s3cret"]
    await empty.executemany(
        "INSERT INTO domain_lists (kind, name) VALUES ('block', $1)", [[name] for name in names]
    )
    await migrate(empty, steps)
    rows = await empty.fetch("SELECT key, name FROM domain_lists WHERE kind = 'block' ORDER BY id")
    assert [row["name"] for row in rows] == [shown_list(name) for name in names]
    assert [row["key"] for row in rows] == [list_key(name) for name in names]
    assert {row["name"] for row in rows[2:]} == {"https://a.example/l?…"}
