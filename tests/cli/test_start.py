"""Help and version: quick, because they load nothing that only the work needs."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tests.cli.shell import Shell
from toottail import __version__

HEAVY = ("aiohttp", "asyncpg", "pgqueuer", "cryptography")


@pytest.fixture
def shell(tmp_path: Path) -> Shell:
    """No database is needed here."""
    return Shell(tmp_path)


def test_version_prints_the_version(shell: Shell) -> None:
    done = shell.run("--version")
    assert (done.returncode, done.stdout, done.stderr) == (0, f"toottail {__version__}\n", "")


def test_help_names_the_commands_and_the_exit_codes(shell: Shell) -> None:
    done = shell.run("--help")
    assert done.returncode == 0
    for word in ("fetch", "import", "explain", "migrate", "demo", "Exit codes"):
        assert word in done.stdout


def test_help_of_fetch_names_every_option(shell: Shell) -> None:
    shown = shell.run("fetch", "--help").stdout
    options = "limit dry-run json strict max-wait token-file config verbose"
    options += " on-start on-done on-fail"
    for option in options.split():
        assert f"--{option}" in shown
    assert "--token " not in shown


@pytest.mark.parametrize("arguments", [["--version"], ["--help"], ["fetch", "--help"]])
def test_help_and_version_load_nothing_heavy(arguments: list[str]) -> None:
    program = (
        "import sys, toottail.cli\n"
        f"sys.argv = ['toottail', *{arguments!r}]\n"
        "try:\n    toottail.cli.main()\n"
        f"finally:\n    print([m for m in {HEAVY!r} if m in sys.modules], file=sys.stderr)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stderr) == (0, "[]\n")


def test_no_command_at_all_shows_the_help_as_bad_usage(shell: Shell) -> None:
    done = shell.run()
    assert done.returncode == 2
    assert "Usage: toottail" in done.stdout + done.stderr
