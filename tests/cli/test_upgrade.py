"""An upgrade stops nobody: a worker of the schema before goes on beside the new one."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from tests.cli.conftest import OpenWorld
from tests.cli.shell import Shell
from tests.cli.test_members_served import until
from toottail.repository.migrations import read_migrations

CHECKOUT = Path(__file__).parents[2]
MIGRATIONS = "src/toottail/repository/migrations_sql"


@pytest.fixture
def older(tmp_path: Path) -> Path:
    """The code as it was before the newest migration came, taken from the history."""
    commit = _git("log", "-1", "--first-parent", "--diff-filter=A", "--format=%P", "--", MIGRATIONS)
    if not commit:
        pytest.skip("NOT TESTED HERE: the code of the schema before is only in the git history")
    folder = tmp_path / "older"
    folder.mkdir()
    archive = tmp_path / "older.tar"
    with archive.open("wb") as file:
        subprocess.run(
            ["git", "archive", commit.split()[0], "src"], cwd=CHECKOUT, stdout=file, check=True
        )
    subprocess.run(["tar", "-x", "-f", archive, "-C", folder], check=True)
    return folder / "src"


def _git(*arguments: str) -> str:
    try:
        done = subprocess.run(
            ["git", *arguments], cwd=CHECKOUT, capture_output=True, text=True, check=False
        )
    except FileNotFoundError:
        return ""
    return done.stdout.strip() if done.returncode == 0 else ""


def test_a_worker_of_the_schema_before_serves_on_while_and_after_it_is_migrated(
    bare_shell: Shell, older: Path, open_world: OpenWorld, tmp_path: Path
) -> None:
    sim = open_world("tiny", "--home", "gotosocial", "--latency-scale", "0")
    bare_shell.joins(sim, token=None)
    before = Shell(bare_shell.data_dir, bare_shell.environment | {"PYTHONPATH": str(older)})
    applied = before.run("migrate")
    assert applied.returncode == 0, applied.stderr
    newest = read_migrations()[-1]
    step = f"{newest.number:04}_{newest.name}"
    assert step not in applied.stdout, "that was the code of today"
    worker = before.start("worker")
    try:
        until(lambda: before.run_json("lanes")["workers"], bool)
        migrated = bare_shell.run("migrate")
        assert migrated.returncode == 0, migrated.stderr
        assert f"applied {step}" in migrated.stdout
        members = tmp_path / "members.csv"
        members.write_text(f"home,account,token\n{sim.home},mira,{sim.token}\n")
        assert bare_shell.run("members", "import", str(members)).returncode == 0
        report = until(sim.report, lambda report: report["recovered"] > 0)
        assert worker.poll() is None
    finally:
        worker.terminate()
        _, errors = worker.communicate(timeout=60)
    assert (worker.returncode, errors) == (0, "")
    assert report["recovered"] > 0
    if "oldest" in (older / "toottail/repository/migrations.py").read_text():
        # Who is started again beside it is let in, or told why not.
        again = before.run("lanes")
        assert again.returncode == (0 if newest.oldest < newest.number else 1), again.stderr
