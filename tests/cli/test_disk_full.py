"""The disk is full while members are served: it is said, and all goes on once there is space."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from pathlib import Path

import pytest

from tests.cli.conftest import OpenWorld
from tests.cli.shell import Shell
from tests.cli.test_members_served import until
from tests.repository.tenants import NEEDS_ROOT
from tests.repository.test_disk_full import empty, fill, small_disk, write_megabytes
from toottail.errors import DiskFull
from toottail.repository import members
from toottail.repository.database import Database, open_database
from toottail.settings import Settings

pytestmark = NEEDS_ROOT
__all__ = ["small_disk"]

A_PAGE = "INSERT INTO notes SELECT repeat(md5(n::text), 32) FROM generate_series(1, 7) n"


async def take_the_last_pages(database: Database) -> None:
    for _ in range(1_000):
        async with database.transaction() as conn:
            await conn.execute(A_PAGE)


async def let_no_page_be_free_and_resume_the_member(data_dir: Path) -> None:
    async with open_database(Settings(data_dir=data_dir)) as database:
        await database.pool.execute("CREATE TABLE notes (note text)")
        fill(data_dir, leave=1 << 20)
        with pytest.raises(DiskFull):
            await write_megabytes(database, 100)
        with pytest.raises(DiskFull):
            await take_the_last_pages(database)
        async with database.transaction() as conn:
            (row,) = await conn.fetch("SELECT id FROM members")
            await members.resume(conn, row["id"], datetime.now(UTC))


def test_a_worker_survives_a_full_disk_and_serves_on_once_there_is_space(
    small_disk: Path, open_world: OpenWorld, tmp_path: Path
) -> None:
    sim = open_world("tiny", "--home", "gotosocial", "--latency-scale", "0")
    shell = Shell(small_disk).joins(sim, token=None)
    file, log = tmp_path / "members.csv", tmp_path / "worker.log"
    file.write_text(f"home,account,token,sources,paused\n{sim.home},mira,{sim.token},,member\n")
    assert shell.run("members", "import", str(file)).returncode == 0
    with log.open("w") as errors:
        worker = shell.start("worker", errors=errors)
        try:
            until(lambda: shell.run_json("lanes")["workers"], bool)
            asyncio.run(let_no_page_be_free_and_resume_the_member(small_disk))
            said = until(log.read_text, lambda text: "no space is left" in text)
            # To another disk: nothing is written here for it.
            backed_up = shell.run("backup", str(tmp_path / "a.backup"))
            before = sim.report()
            assert worker.poll() is None, "it waits"
            empty(small_disk)
            report = until(sim.report, lambda report: report["recovered"] == report["reachable"])
        finally:
            worker.terminate()
            worker.wait(60)
    assert "no space is left" in said
    assert backed_up.returncode == 0, backed_up.stderr
    assert before["recovered"] < before["reachable"]
    assert report["recovered"] == report["reachable"]
    assert worker.returncode == 0
