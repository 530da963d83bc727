"""The disk is full while members are served: it is said, and all goes on once there is space."""

from __future__ import annotations

from pathlib import Path

from tests.cli.conftest import OpenWorld
from tests.cli.shell import Shell
from tests.cli.test_members_served import until
from tests.repository.tenants import NEEDS_ROOT
from tests.repository.test_disk_full import empty, fill, small_disk

pytestmark = NEEDS_ROOT
__all__ = ["small_disk"]


def test_a_worker_survives_a_full_disk_and_serves_on_once_there_is_space(
    small_disk: Path, open_world: OpenWorld, tmp_path: Path
) -> None:
    sim = open_world("tiny", "--home", "gotosocial", "--latency-scale", "0")
    shell = Shell(small_disk).joins(sim, token=None)
    members = tmp_path / "members.csv"
    members.write_text(f"home,account,token\n{sim.home},mira,{sim.token}\n")
    log = tmp_path / "worker.log"
    shell.environment["TOOTTAIL_WORKER_ALIVE_FILE"] = str(tmp_path / "alive")
    with log.open("w") as errors:
        worker = shell.start("worker", errors=errors)
        try:
            until(lambda: shell.run_json("lanes")["workers"], bool)
            fill(small_disk, leave=0)
            # The first thing that wants to be stored finds it full; who was there is served on.
            taken_in = shell.run("members", "import", str(members))
            full = until(log.read_text, lambda text: "no space is left" in text)
            backed_up = shell.run("backup", str(tmp_path / "a.backup"))
            assert worker.poll() is None, "it waits"
            empty(small_disk)
            if taken_in.returncode != 0:
                assert "no space is left" in taken_in.stderr
                assert shell.run("members", "import", str(members)).returncode == 0
            report = until(sim.report, lambda report: report["recovered"] == report["reachable"])
        finally:
            worker.terminate()
            worker.wait(60)
    assert "no space is left" in full
    assert backed_up.returncode == 0, backed_up.stderr
    assert report["recovered"] == report["reachable"] > 0
    assert worker.returncode == 0
