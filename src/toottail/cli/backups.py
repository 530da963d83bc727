"""``toottail backup`` and ``toottail restore``."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

from toottail.cli import loop
from toottail.cli.new_files import new_file
from toottail.cli.transfers import Through, megabytes, refuse_unreadable
from toottail.errors import SchemaMismatch, SettingsError, UsageError
from toottail.repository import archives, migrations, transfer
from toottail.repository.archives import Archive, Manifest
from toottail.repository.database import is_made, one_connection
from toottail.repository.sealing import (
    KEY_FILE,
    Sealer,
    existing_sealer,
    keep_keys,
    keys_there,
)
from toottail.settings import Settings, load


def backup(file: Path, *, with_key: bool, force: bool, config: Path | None) -> int:
    """Writes the database into ``file``; the exit code. Raises `TootTailError` or `Interrupted`."""
    settings = load(config)
    _refuse_none(settings)
    keys = (keys_there(settings) or []) if with_key else []
    if with_key and not keys:
        raise SettingsError("There is no secret key here that could go along.")

    async def write() -> Manifest:
        async with one_connection(settings) as conn:
            if not await migrations.is_ours(conn):
                raise UsageError("There are no tables of TootTail in the database.")
            return await archives.write(conn, stream, keys, through)

    with new_file(file, force=force) as stream, Through("writing") as through:
        made = loop.run(write())
    tables = len(made.tables)
    size = megabytes(file.stat().st_size)
    print(f"{made.contents.rows} rows of {tables} tables written to {file}, {size}")
    if with_key:
        print("the key is in it: whoever has the file has all tokens")
    elif settings.secret_keys is None:
        print(f"{settings.data_dir / KEY_FILE} is not in it, and it is worth nothing without that")
    return 0


def _refuse_none(settings: Settings) -> None:
    if settings.database_url is None and not is_made(settings):
        raise UsageError(f"{settings.data_dir}: there is no database in it.")


def restore(file: Path, *, dry: bool, config: Path | None) -> int:
    """Fills an empty database from ``file``; the exit code.

    Raises `TootTailError` or `Interrupted`; nothing was changed then.
    """
    settings = load(config)
    archive = Archive(file)
    try:
        made = archive.manifest
        known = len(migrations.read_migrations())
        if made.schema > known:
            raise SchemaMismatch(
                f"{file}: was made by TootTail {made.version} (schema {made.schema}, this program "
                f"knows {known}). Upgrade this program."
            )
        with Through("reading") as through:
            archive.check(through)
        sealer, new_keys = _sealer(settings, made)
        applied = loop.run(_restore(settings, archive, sealer, new_keys, dry=dry))
    finally:
        archive.close()
    _tell(made, applied, dry=dry)
    return 0


def _tell(made: Manifest, applied: list[str], *, dry: bool) -> None:
    age = datetime.now(UTC) - made.made_at
    hours = f"{age.days} days" if age.days > 1 else f"{age.total_seconds() / 3600:.1f} hours"
    what = f"{made.contents.rows} rows of {len(made.tables)} tables"
    when = f"{made.made_at:%Y-%m-%d %H:%M} UTC, {hours} ago"
    if dry:
        print(f"{what}, as of {when}, are whole and would fit; nothing was changed")
        return
    print(f"restored {what}, as of {when}")
    for name in applied:
        print(f"applied {name}")
    print(
        "what was decided since then is forgotten: who left, which servers are to be left alone. "
        "docs/runbook.md tells what to do again"
    )


def _sealer(settings: Settings, made: Manifest) -> tuple[Sealer, list[str]]:
    """What opens the tokens, and the keys that have to be written for that."""
    if keys_there(settings) is None and made.keys:
        return Sealer(made.keys), list(made.keys)
    return existing_sealer(settings), []


async def _restore(
    settings: Settings, archive: Archive, sealer: Sealer, new_keys: list[str], *, dry: bool
) -> list[str]:
    contents = archive.manifest.contents
    if dry and settings.database_url is None and not is_made(settings):
        return []
    async with one_connection(settings) as conn:
        await transfer.refuse_others(conn, "The database")
        if dry:
            await transfer.check_target(conn, contents.schema)
            return []

        async def keys_fit() -> None:
            await refuse_unreadable(conn, sealer)
            # Before the rows count: they must never be there without it.
            if new_keys:
                keep_keys(settings, new_keys)

        with Through("restoring") as through:
            await transfer.fill(conn, contents, archive.pieces, through, keys_fit)
        return await migrations.migrate(conn)
