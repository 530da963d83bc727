"""Opens the service: what all its uses share in this process."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from toottail.errors import SettingsError
from toottail.repository import service_secrets
from toottail.repository.database import Database
from toottail.repository.sealing import Sealer, open_sealer
from toottail.servers.door import Door
from toottail.service.context import Service
from toottail.service.own_actor import open_actor
from toottail.settings import Settings

KEY_CHECK = "key_check"
"""A known text, sealed: whether this process has a key that the others have."""


@asynccontextmanager
async def open_service(settings: Settings, database: Database) -> AsyncIterator[Service]:
    """The service, open for as long as the block lasts.

    Raises `SettingsError`, for one where this process's secret keys are not those with which the
    database's tokens were sealed.
    """
    sealer = open_sealer(settings)
    await _check_key(database, sealer)
    own = await open_actor(settings, database, sealer)
    async with Door(own.settings, signer=own.signer) as door:
        yield Service(own.settings, database, door, sealer, own.actor)


async def _check_key(database: Database, sealer: Sealer) -> None:
    async with database.connection() as conn:
        sealed = await service_secrets.keep_first(conn, KEY_CHECK, sealer.seal(KEY_CHECK))
    try:
        sealer.open(sealed)
    except SettingsError as error:
        raise SettingsError(
            f"{error}\nAll processes of a service need the same keys: with the database on a "
            "server, give each of them the same TOOTTAIL_SECRET_KEYS."
        ) from None
