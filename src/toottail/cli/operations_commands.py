"""``toottail migrate``, ``migrate-data``, ``backup`` and ``restore``: the database as a whole.

What a command runs on is imported when it is run.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated

import typer

Config = Annotated[
    Path | None,
    typer.Option("--config", metavar="FILE", help="Settings in TOML; also TOOTTAIL_CONFIG."),
]
Dry = Annotated[bool, typer.Option("--dry-run", help="Only check, and tell what would be done.")]
Verbose = Annotated[
    bool, typer.Option("--verbose", "-v", help="Log what is done; also TOOTTAIL_LOG=info or debug.")
]


def add_to(app: typer.Typer) -> None:
    """Gives ``app`` these commands."""
    app.command()(migrate)
    app.command()(migrate_data)
    app.command()(backup)
    app.command()(restore)


def migrate(config: Config = None, verbose: Verbose = False) -> None:
    """Bring the database's tables up to date with this version; workers may go on."""
    _log(verbose=verbose)
    from toottail.cli.migrate import migrate as run_migrate

    raise typer.Exit(run_migrate(config))


def migrate_data(
    back: Annotated[
        bool, typer.Option("--back", help="From the server into the embedded database.")
    ] = False,
    dry_run: Dry = False,
    config: Config = None,
) -> None:
    """Move everything from the embedded database to the server that DATABASE_URL names."""
    _log()
    from toottail.cli.migrate_data import migrate_data as run_migrate_data

    raise typer.Exit(run_migrate_data(back=back, dry=dry_run, config=config))


def backup(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="Where to; only you can read it.")],
    with_key: Annotated[
        bool, typer.Option("--with-key", help="With the key that opens the tokens: guard it.")
    ] = False,
    force: Annotated[bool, typer.Option("--force", help="Replace a file that is there.")] = False,
    config: Config = None,
) -> None:
    """Write the whole database, as it is at this moment, into one file; the service goes on."""
    _log()
    from toottail.cli.backups import backup as run_backup

    raise typer.Exit(run_backup(file, with_key=with_key, force=force, config=config))


def restore(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="As backup wrote it.")],
    dry_run: Dry = False,
    config: Config = None,
) -> None:
    """Fill an empty database from a backup, and bring its tables up to date."""
    _log()
    from toottail.cli.backups import restore as run_restore

    raise typer.Exit(run_restore(file, dry=dry_run, config=config))


def _log(*, verbose: bool = False) -> None:
    """Sets up the log before anything else is imported, for what may fail there."""
    from toottail.cli.logs import configure

    configure(os.environ.get("TOOTTAIL_LOG") or "warning", verbose=verbose)
