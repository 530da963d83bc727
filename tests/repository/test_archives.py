"""Backups of older schemas, and what their files look like."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.repository.test_transfer import everything, filled, no_check, silent, source, target
from toottail.errors import SchemaMismatch, UsageError
from toottail.repository import archives, catalogue, migrations, transfer
from toottail.repository.archives import Archive
from toottail.repository.database import Database

__all__ = ["source", "target"]


async def written(conn: Any, path: Path) -> Archive:
    with path.open("wb") as file:
        await archives.write(conn, file, (), silent)
    return Archive(path)


async def restored(conn: Any, archive: Archive) -> None:
    archive.check(silent)
    contents = archive.manifest.contents
    await transfer.fill(conn, contents, archive.pieces, silent, no_check)
    await migrations.migrate(conn)


async def test_what_comes_back_is_what_was_there(
    database: Database, source: Any, target: Any, tmp_path: Path
) -> None:
    await filled(database)
    before = await everything(source)
    archive = await written(source, tmp_path / "a.backup")
    await database.pool.execute("DELETE FROM members")
    await restored(target, archive)
    assert await everything(target) == before
    assert archive.manifest.schema == len(migrations.read_migrations())


async def test_a_backup_of_an_older_schema_is_brought_up_to_date(
    source: Any, target: Any, tmp_path: Path
) -> None:
    steps = migrations.read_migrations()
    await source.execute("DROP SCHEMA public CASCADE; CREATE SCHEMA public")
    await migrations.migrate(source, steps[:9])
    await source.execute(
        "INSERT INTO domain_lists (kind, name) VALUES ('block', 'https://a.example/l?k=s3cret');"
        "INSERT INTO members (home, token_fingerprint, token_sealed) VALUES ('a.example', 'f', 's')"
    )
    archive = await written(source, tmp_path / "old.backup")
    assert archive.manifest.schema == 9
    await restored(target, archive)
    await migrations.check(target)
    assert await target.fetchval("SELECT read_at IS NOT NULL FROM members")
    names = "SELECT array_agg(name ORDER BY id) FROM domain_lists"
    assert await target.fetchval(names) == ["", "https://a.example/l?…"]
    # The next number is a new one.
    await target.execute(
        "INSERT INTO members (home, token_fingerprint, token_sealed) VALUES ('a.example', 'g', 's')"
    )


async def test_rows_of_an_older_schema_do_not_go_into_newer_tables(
    source: Any, target: Any, tmp_path: Path
) -> None:
    await migrations.migrate(target)
    await source.execute("DROP SCHEMA public CASCADE; CREATE SCHEMA public")
    await migrations.migrate(source, migrations.read_migrations()[:9])
    archive = await written(source, tmp_path / "old.backup")
    with pytest.raises(SchemaMismatch, match="is of 9: give it an empty one"):
        await restored(target, archive)
    assert await catalogue.with_rows(target, await catalogue.tables(target)) == []


async def test_a_file_that_is_none_of_ours_is_said_to_be_none(tmp_path: Path) -> None:
    file = tmp_path / "a.txt"
    file.write_text("hello")
    with pytest.raises(UsageError, match="is no backup"):
        Archive(file)
    with pytest.raises(UsageError, match="cannot be read"):
        Archive(tmp_path / "not-there")


async def test_wherever_a_backup_is_damaged_it_is_said_to_be(source: Any, tmp_path: Path) -> None:
    await source.execute("DROP SCHEMA public CASCADE; CREATE SCHEMA public")
    await migrations.migrate(source, migrations.read_migrations()[:1])
    file = tmp_path / "a.backup"
    await written(source, file)
    whole = file.read_bytes()
    damaged = tmp_path / "damaged.backup"
    refused = 0
    for at in range(0, len(whole), 5):
        damaged.write_bytes(whole[:at] + bytes([whole[at] ^ 0xFF]) + whole[at + 1 :])
        try:
            Archive(damaged).check(silent)
        except UsageError:
            refused += 1
    assert refused > len(whole) / 5 / 2, "only dates and the like may be other ones"
