"""``toottail backup`` and ``toottail restore``: a drill, and what is refused."""

from __future__ import annotations

import json
import shutil
import zipfile
from pathlib import Path

import pytest

from tests.cli.conftest import OpenWorld
from tests.cli.shell import Shell
from tests.cli.test_members_served import until
from toottail.repository.migrations import read_migrations

OTHER_KEY = "C" * 43 + "="


def lose(shell: Shell, *, key: bool = False) -> None:
    """The disk is gone; the key, which was kept apart, is put back unless ``key``."""
    kept = (shell.data_dir / "secret.key").read_bytes()
    shutil.rmtree(shell.data_dir)
    if not key:
        shell.data_dir.mkdir(mode=0o711)
        (shell.data_dir / "secret.key").write_bytes(kept)


def test_a_drill_backup_while_it_serves_then_loss_then_an_old_backup_goes_on(
    bare_shell: Shell, open_world: OpenWorld, tmp_path: Path
) -> None:
    sim = open_world("tiny", "--home", "gotosocial", "--latency-scale", "0")
    bare_shell.joins(sim, token=None)
    members = tmp_path / "members.csv"
    members.write_text(f"home,account,token\n{sim.home},mira,{sim.token}\n")
    assert bare_shell.run("members", "import", str(members)).returncode == 0
    early, late = tmp_path / "early.backup", tmp_path / "late.backup"
    worker = bare_shell.start("worker")
    try:
        # Before anything was delivered, or amid it: whatever this moment is.
        assert bare_shell.run("backup", str(early)).returncode == 0
        until(sim.report, lambda report: report["recovered"] == report["reachable"])
        done = bare_shell.run("backup", str(late))
    finally:
        worker.terminate()
        worker.communicate(timeout=60)
    assert done.returncode == 0, done.stderr
    assert "secret.key is not in it" in done.stdout
    assert late.stat().st_mode & 0o777 == 0o600
    before = sim.report()
    assert before["recovered"] == before["reachable"] > 0

    lose(bare_shell)
    tried = bare_shell.run("restore", "--dry-run", str(early))
    assert (tried.returncode, "nothing was changed" in tried.stdout) == (0, True), tried.stderr
    done = bare_shell.run("restore", str(early))
    assert done.returncode == 0, done.stderr
    assert "what was decided since then is forgotten" in done.stdout
    worker = bare_shell.start("worker")
    try:

        def at_work() -> bool:
            workers = bare_shell.run_json("lanes")["workers"]
            return any(one["alive"] for one in workers)

        def through() -> bool:
            shown = bare_shell.run_json("members", "show", f"@mira@{sim.home}")
            return bool(shown["conversations"] and shown["whole"] == shown["conversations"])

        assert until(at_work, bool)
        assert until(through, bool)
    finally:
        worker.terminate()
        _, errors = worker.communicate(timeout=60)
    assert (worker.returncode, errors) == (0, "")
    after = sim.report()
    assert after["recovered"] == after["reachable"], "nothing breaks, nothing is lost"


@pytest.fixture
def with_a_member(bare_shell: Shell, tmp_path: Path) -> Shell:
    """A small embedded database with one member."""
    members = tmp_path / "members.csv"
    members.write_text("home,account,token\nhome.example,mira,token-of-mira\n")
    assert bare_shell.run("members", "import", str(members)).returncode == 0
    return bare_shell


def test_what_is_damaged_strange_or_in_the_way_is_refused_and_changes_nothing(
    with_a_member: Shell, tmp_path: Path
) -> None:
    shell, file = with_a_member, tmp_path / "a.backup"
    assert shell.run("backup", str(file)).returncode == 0
    assert "already there" in shell.run("backup", str(file)).stderr
    assert shell.run("backup", "--force", str(file)).returncode == 0
    assert b"token-of-mira" not in b"".join(
        zipfile.ZipFile(file).read(name) for name in zipfile.ZipFile(file).namelist()
    )
    occupied = shell.run("restore", str(file))
    assert (occupied.returncode, "is not empty" in occupied.stderr) == (2, True)
    lose(shell)
    refusals = {
        "its end is missing": file.read_bytes()[:-100],
        "was damaged": spoiled(file.read_bytes()),
    }
    for why, content in refusals.items():
        broken = tmp_path / "broken.backup"
        broken.write_bytes(content)
        done = shell.run("restore", str(broken))
        assert (done.returncode, why in done.stderr) == (2, True), done.stderr
    changed = rewritten(file, tmp_path / "later.backup", schema=len(read_migrations()) + 1)
    assert "Upgrade this program" in shell.run("restore", str(changed)).stderr
    assert not (shell.data_dir / "database").exists(), "nothing was even started"
    strange = shell.run("restore", str(file), TOOTTAIL_SECRET_KEYS=OTHER_KEY)
    assert (strange.returncode, "do not open what is stored" in strange.stderr) == (2, True)
    assert shell.run("restore", str(file)).returncode == 0, "what was refused left nothing behind"
    assert "@mira@home.example" in shell.run("members", "list").stdout


def test_a_backup_with_its_key_needs_nothing_else(with_a_member: Shell, tmp_path: Path) -> None:
    shell, with_key, without = with_a_member, tmp_path / "with.backup", tmp_path / "out.backup"
    assert shell.run("backup", str(without)).returncode == 0
    told = shell.run("backup", "--with-key", str(with_key)).stdout
    assert "whoever has the file has all tokens" in told
    key = (shell.data_dir / "secret.key").read_text().strip()
    for file in (with_key, without):
        keys = json.loads(zipfile.ZipFile(file).read("manifest.json"))["keys"]
        assert keys == ([key] if file == with_key else [])
    lose(shell, key=True)
    assert "There is no secret key" in shell.run("restore", str(without)).stderr
    assert shell.run("restore", str(with_key)).returncode == 0
    assert (shell.data_dir / "secret.key").read_text().strip() == key
    assert (shell.data_dir / "secret.key").stat().st_mode & 0o777 == 0o600
    assert "@mira@home.example" in shell.run("members", "list").stdout


def spoiled(content: bytes) -> bytes:
    """The same with a bit turned in the middle of a table's rows."""
    at = content.index(b"tables/members") + len("tables/members") + 60
    return content[:at] + bytes([content[at] ^ 1]) + content[at + 1 :]


def rewritten(file: Path, to: Path, **changes: object) -> Path:
    """The same backup with another manifest."""
    with zipfile.ZipFile(file) as old, zipfile.ZipFile(to, "w") as new:
        for name in old.namelist():
            content = old.read(name)
            if name == "manifest.json":
                content = json.dumps(json.loads(content) | changes).encode()
            new.writestr(name, content)
    return to
