"""Our own actor: its address, and the key pair that all processes of the service share.

The key is made at the first start and kept sealed in the database. A key file goes first: one that
is named in the settings always, the one in the data folder (which ``toottail actor`` makes) at the
first start, from where it is taken over. Servers remember the first key they see, so it is never
changed by itself.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from pathlib import Path

from pydantic import ValidationError

from toottail.errors import SettingsError
from toottail.repository import service_secrets
from toottail.repository.database import Database
from toottail.repository.sealing import Sealer
from toottail.servers.actor import Actor, actor_of
from toottail.servers.signatures import KEY_FILE, Signer, new_key, signer_of
from toottail.settings import Settings

_SECRET = "actor_key"  # noqa: S105 — a name, not a secret
_IN_DATABASE = "the actor's key in the database"


@dataclass(frozen=True, slots=True)
class OwnActor:
    """The settings in force, with the actor's address; ``actor`` is None where there is none."""

    settings: Settings
    actor: Actor | None = None
    signer: Signer | None = None


async def open_actor(settings: Settings, database: Database, sealer: Sealer) -> OwnActor:
    """The actor in force, its key made where there was none.

    Raises `SettingsError` where a key file holds no key or the stored one cannot be opened.
    """
    known = with_address(settings)
    if known.actor_url is None:
        return OwnActor(known)
    named = known.actor_key_file
    if named is not None and await asyncio.to_thread(named.exists):
        pem, where = await asyncio.to_thread(_read, named), str(named)
    else:
        pem, where = await _shared_key(known, database, sealer), _IN_DATABASE
    signer = signer_of(known.actor_url, pem, where)
    return OwnActor(known, actor_of(known, signer.public_pem), signer)


def with_address(settings: Settings) -> Settings:
    """The settings with the actor's address, where the service has a public one."""
    if settings.actor_url is not None or not settings.has_service_url:
        return settings
    try:
        # On an odd port, or under a name that is no public one, others could not find it.
        named = Settings(actor_url=f"{settings.service_url}/actor")
    except ValidationError:
        return settings
    return settings.model_copy(update={"actor_url": named.actor_url})


async def _shared_key(settings: Settings, database: Database, sealer: Sealer) -> bytes:
    async with database.connection() as conn:
        sealed = await service_secrets.get(conn, _SECRET)
    if sealed is None:
        pem = await asyncio.to_thread(_first_key, settings)
        async with database.connection() as conn:
            sealed = await service_secrets.keep_first(conn, _SECRET, sealer.seal(pem.decode()))
    return sealer.open(sealed).encode()


def _first_key(settings: Settings) -> bytes:
    path = settings.data_dir / KEY_FILE
    if not path.exists():
        return new_key()
    pem = _read(path)
    assert settings.actor_url is not None
    # What is kept for good is checked first.
    signer_of(settings.actor_url, pem, str(path))
    return pem


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise SettingsError(f"{path}: the actor's key cannot be read ({error.strerror})") from None
