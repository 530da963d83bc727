"""The newcomer's path: ``make run``, and the environment it sets up."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

CHECKOUT = Path(__file__).parents[2]


def make(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ["make", "--no-print-directory", *arguments],
        cwd=CHECKOUT,
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        check=False,
    )


def test_make_run_shows_the_demonstration_wherever_the_home_folder_is() -> None:
    planned = make("--dry-run", "run", HOME="/somewhere")
    assert planned.stdout.splitlines()[-1] == ".venv/bin/toottail demo"


def test_make_run_with_a_home_serves_the_account_there() -> None:
    planned = make("--dry-run", "run", "HOME=example.social")
    assert planned.stdout.splitlines()[-1] == '.venv/bin/toottail fetch "example.social"'


def test_a_server_named_home_does_not_become_the_home_folder_of_programs() -> None:
    shown = make("--eval", "show-home: ; @echo $$HOME", "show-home", "HOME=example.social")
    assert Path(shown.stdout.strip()).is_dir()


def test_without_a_fitting_python_it_is_said_what_to_install(tmp_path: Path) -> None:
    (tmp_path / "scripts").mkdir()
    shutil.copy(CHECKOUT / "scripts" / "make-venv", tmp_path / "scripts")
    programs = tmp_path / "bin"
    programs.mkdir()
    for name in ("dirname", "sh"):
        (programs / name).symlink_to(shutil.which(name) or name)
    # As version managers do: the name is there, and only says that it is not.
    old = programs / "python3"
    old.write_text("#!/bin/sh\nexit 1\n")
    old.chmod(0o755)
    done = subprocess.run(
        [tmp_path / "scripts" / "make-venv", "runtime"],
        env={"PATH": str(programs)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1
    assert "Python 3.11 or newer" in done.stderr
    assert "apt install python3-venv" in done.stderr
    assert not (tmp_path / ".venv").exists()
