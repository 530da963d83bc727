"""``toottail secrets reseal``."""

from __future__ import annotations

from pathlib import Path

from toottail.cli import loop
from toottail.repository.database import open_database
from toottail.repository.resealing import Resealed
from toottail.repository.resealing import reseal as seal_anew
from toottail.repository.sealing import open_sealer
from toottail.settings import Settings, load


def reseal(config: Path | None) -> int:
    """Does it, and says what was done; the exit code. Raises `TootTailError` or `Interrupted`."""
    done = loop.run(_reseal(load(config)))
    for what, number in done.sealed.items():
        print(f"{what}: {number} sealed under the first key")
    for what, number in done.unreadable.items():
        print(f"{what}: {number} cannot be opened with any of these keys, and were left alone")
    if done.unreadable:
        return 1
    print("older keys open nothing any more: take them out of all processes' settings")
    return 0


async def _reseal(settings: Settings) -> Resealed:
    sealer = open_sealer(settings)
    async with open_database(settings) as database:
        return await seal_anew(database, sealer)
