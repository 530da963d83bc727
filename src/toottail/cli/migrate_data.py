"""``toottail migrate-data``: from the embedded database to a PostgreSQL server, or back."""

from __future__ import annotations

from contextlib import nullcontext
from pathlib import Path

from toottail.cli import loop
from toottail.cli.transfers import Through, refuse_unreadable
from toottail.errors import SchemaMismatch, UsageError
from toottail.repository import migrations, transfer
from toottail.repository.database import is_made, one_connection
from toottail.repository.sealing import KEY_FILE, existing_sealer
from toottail.repository.transfer import Contents
from toottail.settings import Settings, load


def migrate_data(*, back: bool, dry: bool, config: Path | None) -> int:
    """Moves all rows, and says so; the exit code. Raises `TootTailError` or `Interrupted`."""
    settings = load(config)
    moved = loop.run(_move(settings, back=back, dry=dry))
    for table, rows in moved.tables.items():
        if rows:
            print(f"{table.name}: {rows}")
    if dry:
        print(f"{moved.rows} rows of {len(moved.tables)} tables would move; nothing was changed")
        return 0
    print(f"moved {moved.rows} rows of {len(moved.tables)} tables; there are as many here as there")
    if back:
        print("the server's database is as it was: start everything without DATABASE_URL now")
    else:
        print(
            f"{settings.data_dir / 'database'} is as it was: start everything with DATABASE_URL now"
        )
    if settings.secret_keys is None:
        print(
            f"the key stays in {settings.data_dir / KEY_FILE}: processes on other machines need it "
            "as TOOTTAIL_SECRET_KEYS"
        )
    return 0


async def _move(settings: Settings, *, back: bool, dry: bool) -> Contents:
    if settings.database_url is None:
        raise UsageError(
            "DATABASE_URL is not set: it names the server, as for the service that will run on it."
        )
    embedded = settings.model_copy(update={"database_url": None})
    if not back and not is_made(embedded):
        raise UsageError(f"{settings.data_dir}: there is no embedded database in it to move.")
    source, target = (settings, embedded) if back else (embedded, settings)
    sealer = existing_sealer(settings)
    # To reach it would make it: whoever only tries wants nothing made.
    missing = dry and back and not is_made(embedded)
    async with (
        one_connection(source) as old,
        nullcontext() if missing else one_connection(target) as new,
    ):
        await _refuse_other_schema(old)
        await transfer.refuse_others(old, "The database that is to move")
        if new is not None:
            await transfer.refuse_others(new, "The database to move to")
        async with transfer.snapshot(old, still=True) as contents:
            await refuse_unreadable(old, sealer)
            if dry:
                if new is not None:
                    await transfer.check_target(new, contents.schema)
                return contents

            async def nobody_came() -> None:
                await transfer.refuse_others(old, "The database that is to move")

            with Through("moving") as through:
                await transfer.fill(new, contents, transfer.piped(old), through, nobody_came)
    return contents


async def _refuse_other_schema(conn: object) -> None:
    await migrations.check(conn)
    known = len(migrations.read_migrations())
    if await migrations.number(conn) != known:
        raise SchemaMismatch("The database was made by a newer version: move it with that one.")
