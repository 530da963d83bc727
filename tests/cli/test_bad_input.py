"""Bad input: said clearly, with what to do, an exit code, and never a traceback."""

from __future__ import annotations

import asyncio
import os
import subprocess
from pathlib import Path

import asyncpg
import pytest

from tests.cli.conftest import OpenWorld
from tests.cli.shell import Shell
from toottail.simulator.process import SimulatorProcess


def told(done: subprocess.CompletedProcess[str], code: int, *words: str) -> None:
    assert done.returncode == code, done.stderr
    assert "Traceback" not in done.stderr
    for word in words:
        assert word in done.stderr


@pytest.mark.parametrize("home", ["example", "127.0.0.1", "ex ample.social", "home.local", ""])
def test_a_home_that_is_no_server_name_is_said_to_be_none(shell: Shell, home: str) -> None:
    told(shell.run("fetch", home), 2, "is not the name of a server", "example.social")


def test_a_home_that_does_not_answer_ends_the_run(
    shell: Shell, quick_world: SimulatorProcess
) -> None:
    shell.joins(quick_world)
    quick_world.scene(faults={"host1.example": [{"kind": "dead"}]})
    done = shell.run("fetch", "host1.example", "--json")
    told(done, 1, "host1.example", "does not answer")
    assert '"finished": false' in done.stdout


@pytest.mark.parametrize("kind", ["malformed", "huge", "loop"])
def test_a_home_that_answers_garbage_ends_the_run(
    shell: Shell, quick_world: SimulatorProcess, kind: str
) -> None:
    shell.joins(quick_world)
    quick_world.scene(faults={"host1.example": [{"kind": kind}]})
    told(shell.run("fetch", "host1.example"), 1, "host1.example")


def test_a_server_without_the_api_is_said_to_be_no_home_for_this(
    shell: Shell, open_world: OpenWorld
) -> None:
    sim = open_world("small")
    told(shell.joins(sim).run("fetch", "host20.example"), 1, "host20.example", "Mastodon")


def test_a_home_whose_name_nobody_knows_is_said_to_have_no_address(shell: Shell) -> None:
    shell.environment["TOOTTAIL_TOKEN"] = "any"
    told(shell.run("fetch", "nowhere.invalid-name.example"), 1, "nowhere.invalid-name.example")


@pytest.mark.parametrize("wrong", ["--limit=0", "--limit=many", "--max-wait=soon", "--nonsense"])
def test_a_wrong_option_is_named(shell: Shell, wrong: str) -> None:
    told(shell.run("fetch", "example.social", wrong), 2, wrong.partition("=")[0])


def test_a_malformed_config_file_is_said_with_file_line_and_key(
    shell: Shell, tmp_path: Path
) -> None:
    cases = {
        "home_in_flight = 4\nhome_in_flight = = 5\n": ("line 2",),
        '\nhome_in_flight = "many"\n': ("line 2", "key home_in_flight"),
        "home_in_fligth = 2\n": ("line 1", "key home_in_fligth", "is home_in_flight meant?"),
    }
    for number, (content, words) in enumerate(cases.items()):
        file = tmp_path / f"{number}.toml"
        file.write_text(content)
        done = shell.run("fetch", "example.social", "--config", str(file))
        told(done, 2, str(file), *words)
    told(shell.run("migrate", "--config", str(tmp_path / "none.toml")), 2, "none.toml")
    told(shell.run("migrate", TOOTTAIL_LEASE="0"), 2, "TOOTTAIL_LEASE")
    told(shell.run("migrate", TOOTTAIL_LOG="loud"), 2, "TOOTTAIL_LOG", "debug")
    done = shell.run("migrate", TOOTTAIL_TRUSTED_PROXIES="proxy")
    told(done, 2, "TOOTTAIL_TRUSTED_PROXIES: 'proxy'", "such as 10.0.0.0/8")


def test_a_misspelt_variable_is_not_passed_over(shell: Shell) -> None:
    # Else a service that was meant to be by invitation would be open.
    done = shell.run("migrate", TOOTTAIL_SIGN_UP="invite")
    told(done, 2, "TOOTTAIL_SIGN_UP:", "is TOOTTAIL_SIGN_UPS meant?")


def test_variables_of_others_with_our_name_in_front_are_let_be(shell: Shell) -> None:
    # Kubernetes gives these to all containers beside a service that is called so.
    others = {"TOOTTAIL_SERVICE_HOST": "10.0.0.1", "TOOTTAIL_SERVICE_PORT": "80"}
    assert shell.run("migrate", **others).returncode == 0


def test_a_database_of_another_version_is_said_to_be_one(shell: Shell, database_url: str) -> None:
    asyncio.run(_execute(database_url, "INSERT INTO schema_migrations VALUES (999, 'later')"))
    told(shell.run("explain", "https://a.example/1"), 1, "newer version", "Upgrade")
    told(shell.run("migrate"), 1, "newer version")
    asyncio.run(_execute(database_url, "DROP TABLE schema_migrations"))
    told(shell.run("explain", "https://a.example/1"), 1, "toottail migrate")


def test_a_database_that_is_not_there_is_named_without_its_password(shell: Shell) -> None:
    url = "postgresql://me:hush@127.0.0.1:1/none"
    done = shell.run("explain", "https://a.example/1", DATABASE_URL=url)
    told(done, 1, "127.0.0.1:1", "DATABASE_URL")
    assert "hush" not in done.stderr


def test_a_data_folder_that_cannot_be_used_is_named(bare_shell: Shell, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    done = bare_shell.run("migrate", TOOTTAIL_DATA_DIR=str(tmp_path / "file" / "data"))
    told(done, 1, str(tmp_path / "file"), "TOOTTAIL_DATA_DIR")


@pytest.mark.skipif(os.geteuid() != 0, reason="mounting a small disk takes root")
def test_a_full_disk_is_said_to_be_full(bare_shell: Shell, data_dir: Path) -> None:
    data_dir.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=20m,mode=0711", "tmpfs", str(data_dir)]
    mounted = subprocess.run(mount, capture_output=True, text=True, check=False)
    if mounted.returncode != 0:
        pytest.skip(f"NOT TESTED HERE: cannot mount a small disk ({mounted.stderr.strip()})")
    try:
        told(bare_shell.run("migrate"), 1, "no space is left")
    finally:
        subprocess.run(["umount", "--lazy", str(data_dir)], check=True)


def test_a_fault_of_ours_is_one_line_unless_more_is_asked_for(shell: Shell, tmp_path: Path) -> None:
    # A module of that name goes before the real one, and fails in a way nobody foresaw.
    (tmp_path / "uvloop.py").write_text("raise RuntimeError('what nobody foresaw')\n")
    short = shell.run("migrate", PYTHONPATH=str(tmp_path))
    assert short.returncode == 1
    assert "RuntimeError: what nobody foresaw" in short.stderr
    assert "--verbose" in short.stderr
    assert "Traceback" not in short.stderr
    full = shell.run("migrate", "--verbose", PYTHONPATH=str(tmp_path))
    assert full.returncode == 1
    assert "Traceback" in full.stderr


async def _execute(url: str, statement: str) -> None:
    connection = await asyncpg.connect(url)
    await connection.execute(statement)
    await connection.close()
