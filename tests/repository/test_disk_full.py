"""A full disk, at the start or later: said as such, and survived once there is space again."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.repository.tenants import NEEDS_ROOT, is_running
from toottail.errors import DiskFull
from toottail.repository.database import Database, open_database
from toottail.repository.embedded import EmbeddedPostgres
from toottail.settings import Settings

pytestmark = NEEDS_ROOT


@pytest.fixture
def small_disk() -> Iterator[Path]:
    """A data folder on a file system of its own, of 100 MB."""
    folder = Path("/var/tmp") / f"toottail-disk-{os.getpid()}"
    folder.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=100m,mode=0711", "tmpfs", folder],
        capture_output=True,
        text=True,
        check=False,
    )
    if mounted.returncode != 0:
        folder.rmdir()
        pytest.skip(f"NOT TESTED HERE: cannot mount a small disk ({mounted.stderr.strip()})")
    yield folder / "data"
    subprocess.run(["umount", "--lazy", folder], check=True)
    folder.rmdir()


async def test_a_disk_too_small_to_begin_with_is_said_to_be_full(small_disk: Path) -> None:
    fill(small_disk, leave=8 << 20)
    with pytest.raises(DiskFull, match="no space is left"):
        await EmbeddedPostgres(small_disk).__aenter__()
    empty(small_disk)
    async with EmbeddedPostgres(small_disk):
        pass


async def test_a_disk_that_fills_up_is_an_error_and_work_goes_on_once_there_is_space(
    small_disk: Path,
) -> None:
    async with open_database(Settings(data_dir=small_disk)) as database:
        async with database.transaction() as connection:
            await connection.execute("CREATE TABLE notes (note text)")
        fill(small_disk, leave=4 << 20)
        with pytest.raises(DiskFull):
            await write_megabytes(database, 100)
        empty(small_disk)
        await write_megabytes(database, 1)
    assert not is_running(small_disk)


async def test_a_start_on_a_full_disk_is_said_to_fail_for_that(small_disk: Path) -> None:
    async with EmbeddedPostgres(small_disk):
        pass
    fill(small_disk, leave=0)
    with pytest.raises(DiskFull):
        async with open_database(Settings(data_dir=small_disk)):
            pass
    empty(small_disk)
    async with open_database(Settings(data_dir=small_disk)):
        pass


async def write_megabytes(database: Database, count: int) -> None:
    for _ in range(count):
        async with database.transaction() as connection:
            await connection.execute(
                "INSERT INTO notes SELECT repeat(md5(n::text), 32) FROM generate_series(1, 1024) n"
            )


def fill(data_dir: Path, leave: int) -> None:
    disk = os.statvfs(data_dir.parent)
    with (data_dir.parent / "ballast").open("wb") as file:
        os.posix_fallocate(file.fileno(), 0, disk.f_bavail * disk.f_frsize - leave)


def empty(data_dir: Path) -> None:
    (data_dir.parent / "ballast").unlink()
