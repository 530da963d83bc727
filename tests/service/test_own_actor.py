"""The actor in force, and the key that all processes of the service share."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
from pydantic import SecretStr

from toottail.errors import SettingsError
from toottail.repository.database import Database
from toottail.repository.sealing import Sealer
from toottail.servers.signatures import make_key
from toottail.service.opening import open_service
from toottail.service.own_actor import OwnActor, open_actor, with_address
from toottail.settings import Settings

KEY, OTHER_KEY = "A" * 43 + "=", "B" * 43 + "="
URL = "https://tail.example.org"


def settings(folder: Path, **more: object) -> Settings:
    folder.mkdir(exist_ok=True)
    given = {"data_dir": folder, "service_url": URL, "secret_keys": SecretStr(KEY)} | more
    return Settings.model_validate(given)


async def opened(database: Database, folder: Path, **more: object) -> OwnActor:
    return await open_actor(settings(folder, **more), database, Sealer([KEY]))


def pem(own: OwnActor) -> str:
    assert own.actor is not None
    assert own.signer is not None
    assert own.signer.public_pem == own.actor.public_pem
    return own.actor.public_pem


def files(folder: Path) -> list[Path]:
    return list(folder.rglob("*"))


async def test_its_address_follows_from_the_services(database: Database, tmp_path: Path) -> None:
    own = await opened(database, tmp_path)
    assert own.settings.actor_url == f"{URL}/actor"
    assert own.actor is not None
    assert own.actor.handle == "actor@tail.example.org"
    assert own.signer is not None
    assert own.signer.key_id == f"{URL}/actor#main-key"


@pytest.mark.parametrize(
    "given",
    [
        {},
        {"service_url": "http://localhost:8080"},
        {"service_url": "https://tail.example.org:8443"},
        {"service_url": "https://localhost"},
    ],
)
def test_a_service_that_others_cannot_find_has_no_actor(given: dict[str, str]) -> None:
    assert with_address(Settings.model_validate(given)).actor_url is None


def test_an_actor_that_was_named_stays_the_one() -> None:
    named = Settings(service_url=URL, actor_url="https://other.example.org/users/tail")
    assert with_address(named) is named


async def test_the_key_is_made_once_for_all_processes(database: Database, tmp_path: Path) -> None:
    both = await asyncio.gather(*(opened(database, tmp_path / name) for name in ("a", "b")))
    later = await opened(database, tmp_path / "c")
    assert len({pem(own) for own in (*both, later)}) == 1
    assert not any(path.suffix == ".pem" for path in await asyncio.to_thread(files, tmp_path))


async def test_the_key_in_the_data_folder_is_taken_over_and_then_not_needed(
    database: Database, tmp_path: Path
) -> None:
    first = settings(tmp_path / "a")
    make_key(first.data_dir / "actor.pem")
    own = await open_actor(first, database, Sealer([KEY]))
    elsewhere = await opened(database, tmp_path / "b")
    assert pem(own) == pem(elsewhere)
    (first.data_dir / "actor.pem").unlink()
    make_key(first.data_dir / "actor.pem")
    assert pem(await open_actor(first, database, Sealer([KEY]))) == pem(own)


async def test_a_named_key_file_goes_first_once_it_is_there(
    database: Database, tmp_path: Path
) -> None:
    file = tmp_path / "key.pem"
    shared = await opened(database, tmp_path / "a", actor_key_file=file)
    make_key(file)
    own = await opened(database, tmp_path / "a", actor_key_file=file)
    assert pem(own) != pem(shared)
    file.write_text("nothing of use")
    with pytest.raises(SettingsError, match=r"key\.pem: holds no RSA key"):
        await opened(database, tmp_path / "a", actor_key_file=file)


async def test_a_broken_key_is_not_taken_over(database: Database, tmp_path: Path) -> None:
    (tmp_path / "actor.pem").write_text("nothing of use")
    with pytest.raises(SettingsError, match=r"actor\.pem: holds no RSA key"):
        await opened(database, tmp_path)
    (tmp_path / "actor.pem").unlink()
    assert pem(await opened(database, tmp_path))


async def test_the_open_service_signs_with_it(database: Database, tmp_path: Path) -> None:
    async with open_service(settings(tmp_path), database) as service:
        assert service.door.signs
        assert service.actor is not None
        assert service.settings.actor_url == service.actor.url
        assert service.origin == URL
    local = settings(tmp_path, service_url="http://localhost:1")
    async with open_service(local, database) as service:
        assert not service.door.signs
        assert service.actor is None


async def test_a_process_with_another_key_does_not_start(
    database: Database, tmp_path: Path
) -> None:
    async with open_service(settings(tmp_path), database):
        pass
    other = settings(tmp_path, secret_keys=SecretStr(OTHER_KEY))
    with pytest.raises(SettingsError, match="need the same keys"):
        async with open_service(other, database):
            pass
    both = settings(tmp_path, secret_keys=SecretStr(f"{OTHER_KEY},{KEY}"))
    async with open_service(both, database) as service:
        assert service.actor is not None
