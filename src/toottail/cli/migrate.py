"""``toottail migrate``: the database's tables, brought up to date."""

from __future__ import annotations

from pathlib import Path

from toottail.cli import loop
from toottail.repository.database import migrate_database
from toottail.settings import load


def migrate(config: Path | None) -> int:
    """Does it, and says what was done. Raises `TootTailError` or `Interrupted`."""
    applied = loop.run(migrate_database(load(config)))
    for name in applied:
        print(f"applied {name}")
    if not applied:
        print("nothing to do: the tables are up to date")
    return 0
