"""The disk is full while members are served: it is said, and all goes on once there is space."""

from __future__ import annotations

import asyncio
import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path

from tests.cli.conftest import OpenWorld
from tests.cli.shell import Shell
from tests.cli.test_members_served import until
from tests.repository.tenants import NEEDS_ROOT
from tests.repository.test_disk_full import empty, fill, small_disk
from toottail.repository import members
from toottail.repository.database import open_database
from toottail.settings import Settings

pytestmark = NEEDS_ROOT
__all__ = ["small_disk"]


@contextmanager
def kept_full(data_dir: Path) -> Iterator[None]:
    """No space is left as long as the block lasts, whatever PostgreSQL gives up meanwhile."""
    over = threading.Event()

    def top_up() -> None:
        with (data_dir.parent / "ballast").open("ab", buffering=0) as file:
            while not over.wait(0.02):
                disk = os.statvfs(data_dir.parent)
                with suppress(OSError):
                    file.write(bytes(disk.f_bavail * disk.f_frsize))

    thread = threading.Thread(target=top_up)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()
        empty(data_dir)


async def resume_the_member(data_dir: Path) -> None:
    async with open_database(Settings(data_dir=data_dir)) as database:
        (row,) = await database.pool.fetch("SELECT id FROM members")
        fill(data_dir, leave=0)
        async with database.transaction() as conn:
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
            asyncio.run(resume_the_member(small_disk))
            with kept_full(small_disk):
                said = until(log.read_text, lambda text: "no space is left" in text)
                # To another disk: nothing is written here for it.
                backed_up = shell.run("backup", str(tmp_path / "a.backup"))
                before = sim.report()
                assert worker.poll() is None, "it waits"
            report = until(sim.report, lambda report: report["recovered"] == report["reachable"])
        finally:
            worker.terminate()
            worker.communicate(timeout=60)
    assert "no space is left" in said
    assert backed_up.returncode == 0, backed_up.stderr
    assert before["recovered"] < before["reachable"]
    assert report["recovered"] == report["reachable"]
    assert worker.returncode == 0
