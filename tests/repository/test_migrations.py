"""The schema's history: in order, each once, all or nothing, by one process at a time."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import asyncpg
import pytest
import pytest_asyncio

from toottail.errors import DatabaseUnavailable, SchemaMismatch
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


EXPANDED = Migration(2, "beside", "-- expand\nALTER TABLE fruit ADD colour text")
INDEXED = Migration(
    2,
    "index",
    "-- expand, by itself\nCREATE INDEX CONCURRENTLY IF NOT EXISTS fruit_name ON fruit (name)",
)


async def test_older_programs_go_on_beside_what_was_only_added(empty: Any) -> None:
    await migrate(empty, [FIRST, EXPANDED])
    await check(empty, [FIRST])
    assert await migrate(empty, [FIRST]) == []
    assert await migrations.number(empty) == 2


@pytest.mark.parametrize(("since", "allowed"), [("0001", True), ("0002", False)])
async def test_a_contraction_lets_those_go_on_that_know_enough(
    empty: Any, since: str, allowed: bool
) -> None:
    third = Migration(3, "drop", f"-- contract, since {since}\nDELETE FROM fruit")
    await migrate(empty, [FIRST, EXPANDED, third])
    await check(empty, [FIRST, EXPANDED])
    if allowed:
        await check(empty, [FIRST])
        return
    for refused in (check, migrate):
        with pytest.raises(SchemaMismatch, match="newer version"):
            await refused(empty, [FIRST])


async def test_steps_from_before_there_was_such_a_word_let_nobody_go_on(empty: Any) -> None:
    await migrate(empty, [FIRST, SECOND])
    await empty.execute("ALTER TABLE schema_migrations DROP COLUMN oldest")
    with pytest.raises(SchemaMismatch, match="newer version"):
        await check(empty, [FIRST])
    third = Migration(3, "beside", EXPANDED.sql)
    await migrate(empty, [FIRST, SECOND, third])
    await check(empty, [FIRST, SECOND])
    with pytest.raises(SchemaMismatch, match="newer version"):
        await check(empty, [FIRST])


async def test_a_table_that_is_in_use_is_waited_for_in_short_turns(
    empty: Any, database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(migrations, "LOCK_TIMEOUT", 0.1)
    monkeypatch.setattr(migrations, "_BETWEEN_TRIES", 0.1)
    monkeypatch.setattr(migrations, "_TRIES", 3)
    await migrate(empty, [FIRST])
    reader = await connector(database_url)()
    async with reader.transaction():
        await reader.execute("SELECT FROM fruit")
        with pytest.raises(DatabaseUnavailable, match="was in use"):
            await migrate(empty, [FIRST, EXPANDED])
        monkeypatch.setattr(migrations, "_TRIES", 1_000)
        waiting = asyncio.create_task(migrate(empty, [FIRST, EXPANDED]))
        # Who comes after it does not stand in line for long.
        other = await connector(database_url)()
        for _ in range(5):
            await other.execute("SELECT FROM fruit", timeout=10)
            await asyncio.sleep(0.05)
        await other.close()
        assert not waiting.done()
    assert await waiting == ["0002_beside"]
    await reader.close()
    assert await empty.fetchval("SHOW lock_timeout") == "0"


async def test_an_index_that_was_broken_off_is_made_again(empty: Any) -> None:
    await migrate(empty, [FIRST])
    await empty.execute("INSERT INTO fruit VALUES ('fig')")
    with pytest.raises(asyncpg.UniqueViolationError):
        await empty.execute("CREATE UNIQUE INDEX CONCURRENTLY fruit_name ON fruit (name)")
    assert await migrate(empty, [FIRST, INDEXED]) == ["0002_index"]
    valid = "SELECT indisvalid, indisunique FROM pg_index WHERE indexrelid = 'fruit_name'::regclass"
    assert tuple(await empty.fetchrow(valid)) == (True, False)


async def test_an_index_beside_the_work_is_made_while_others_want_to_migrate_too(
    empty: Any, database_url: str
) -> None:
    await migrate(empty, [FIRST])
    other = await connector(database_url)()
    try:
        done = await asyncio.wait_for(
            asyncio.gather(migrate(empty, [FIRST, INDEXED]), migrate(other, [FIRST, INDEXED])), 30
        )
    finally:
        await other.close()
    assert sorted(map(len, done)) == [0, 1]


JUDGED_FROM = 20
"""Migrations before were made when all processes were upgraded together."""


def faults(step: Migration) -> list[str]:
    """What must not be in a migration that is applied while workers go on."""
    lines = step.sql.splitlines()
    sql = " ".join(line.partition("--")[0] for line in lines)
    found = []
    if migrations._HEAD.match(step.sql) is None:
        found.append("its first line does not say who may run beside it (docs/upgrading.md)")
    made = set(re.findall(r"CREATE TABLE (\w+)", sql))
    indexed = re.findall(r"INDEX (?:IF NOT EXISTS )?\w* ?ON (?:ONLY )?(\w+)", sql)
    found += [
        f"makes an index on {table} without CONCURRENTLY" for table in indexed if table not in made
    ]
    for table, what in re.findall(r"ALTER TABLE (?:ONLY )?(\w+) ([^;]*)", sql):
        found += [f"{table}: {why}" for form, why in SLOW.items() if re.search(form, what)]
    if "CONCURRENTLY" in sql and not (step.by_itself and sql.count(";") <= 1):
        found.append("CONCURRENTLY wants `-- expand, by itself`, and one statement")
    contracts = re.search(r"DROP (TABLE|COLUMN|FUNCTION)|\bRENAME\b", sql)
    if contracts and step.oldest == 0:
        found.append(f"{contracts[0]} is no expansion: older programs may use it")
    return found


SLOW = {
    r"(ALTER|SET DATA) (COLUMN )?\w+ (SET DATA )?TYPE": "a new type writes the table anew",
    r"ADD (COLUMN )?\w+ [^,]*DEFAULT (random|gen_random_uuid|clock_timestamp|nextval)": (
        "a default that differs by row writes the table anew"
    ),
    r"GENERATED ALWAYS AS \(.*STORED": "a stored column writes the table anew",
    r"ADD (CONSTRAINT \w+ )?(CHECK|FOREIGN KEY)(?!.*NOT VALID)": (
        "reads the table under a lock: add it NOT VALID, and validate it in the next migration"
    ),
    r"ADD (CONSTRAINT \w+ )?(UNIQUE|PRIMARY KEY) \(": "makes an index: first one CONCURRENTLY",
    r"ALTER (COLUMN )?\w+ SET NOT NULL": "reads the table under a lock: a CHECK, NOT VALID, first",
    r"ADD (COLUMN )?\w+ (?![^,]*DEFAULT)[^,]*NOT NULL": "older programs give no value for it",
}


def test_new_migrations_can_be_applied_while_workers_go_on() -> None:
    found = {
        step.name: wrong
        for step in read_migrations()
        if step.number >= JUDGED_FROM and (wrong := faults(step))
    }
    assert found == {}


@pytest.mark.parametrize(
    ("sql", "why"),
    [
        ("ALTER TABLE a ADD b integer", "does not say who"),
        ("-- expand\nCREATE INDEX a_b ON a (b)", "without CONCURRENTLY"),
        ("-- expand\nCREATE INDEX CONCURRENTLY IF NOT EXISTS a_b ON a (b)", "by itself"),
        ("-- expand\nALTER TABLE a ALTER COLUMN b TYPE bigint", "new type"),
        ("-- expand\nALTER TABLE a ADD b uuid DEFAULT gen_random_uuid()", "differs by row"),
        ("-- expand\nALTER TABLE a ADD CONSTRAINT c CHECK (b > 0)", "NOT VALID"),
        ("-- expand\nALTER TABLE a ADD UNIQUE (b)", "makes an index"),
        ("-- expand\nALTER TABLE a ADD b integer NOT NULL", "give no value"),
        ("-- expand\nALTER TABLE a DROP COLUMN b", "no expansion"),
    ],
)
def test_what_would_stop_workers_is_found(sql: str, why: str) -> None:
    assert any(why in fault for fault in faults(Migration(20, "new", sql)))


@pytest.mark.parametrize(
    "sql",
    [
        "-- expand\nALTER TABLE a ADD COLUMN b integer NOT NULL DEFAULT 0, ADD c timestamptz",
        "-- expand\nCREATE TABLE a (b integer); CREATE INDEX a_b ON a (b)",
        "-- expand, by itself\nCREATE INDEX CONCURRENTLY IF NOT EXISTS a_b ON a (b)",
        "-- contract, since 0020\nALTER TABLE a DROP COLUMN b",
        "-- expand\nALTER TABLE a ADD CONSTRAINT c CHECK (b > 0) NOT VALID",
    ],
)
def test_what_stops_nobody_is_let_through(sql: str) -> None:
    assert faults(Migration(21, "new", sql)) == []
