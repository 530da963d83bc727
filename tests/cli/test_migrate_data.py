"""``toottail migrate-data``: the embedded database moves to a server, and the service goes on."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from typing import Any
from uuid import uuid4

import pytest

from tests.cli.conftest import OpenWorld
from tests.cli.shell import Shell
from tests.cli.test_members_served import until
from toottail.repository.embedded import EmbeddedPostgres

NEW_KEY = "B" * 43 + "="


@pytest.fixture
def server_url(postgres: EmbeddedPostgres) -> Iterator[str]:
    """The URL of an empty database on a server, as an admin gives one away."""
    name = f"moved_{uuid4().hex}"
    asyncio.run(_execute(postgres, f"CREATE DATABASE {name}"))
    yield f"postgresql://toottail@/{name}?host={postgres.host}&port=5432"
    asyncio.run(_execute(postgres, f"DROP DATABASE {name} WITH (FORCE)"))


async def _execute(server: EmbeddedPostgres, statement: str) -> None:
    connection = await server.connect()
    await connection.execute(statement)
    await connection.close()


def test_what_was_done_is_known_there_and_nothing_is_asked_for_twice(
    bare_shell: Shell, open_world: OpenWorld, server_url: str
) -> None:
    sim = open_world("tiny", "--home", "gotosocial", "--latency-scale", "0")
    bare_shell.joins(sim)
    assert bare_shell.run("fetch", sim.home).returncode == 0
    before = sim.report()
    assert before["recovered"] == before["reachable"] > 0

    refused = bare_shell.run("migrate-data")
    assert (refused.returncode, "DATABASE_URL is not set" in refused.stderr) == (2, True)
    strange = bare_shell.run("migrate-data", DATABASE_URL=server_url, TOOTTAIL_SECRET_KEYS=NEW_KEY)
    assert strange.returncode == 2
    assert "do not open what is stored: 1 tokens" in strange.stderr
    told = bare_shell.run("migrate-data", "--dry-run", DATABASE_URL=server_url)
    assert (told.returncode, "nothing was changed" in told.stdout) == (0, True), told.stderr

    moved = bare_shell.run("migrate-data", DATABASE_URL=server_url)
    assert moved.returncode == 0, moved.stderr
    assert "members: 1\n" in moved.stdout
    assert "processes on other machines need it as TOOTTAIL_SECRET_KEYS" in moved.stdout
    again = bare_shell.run("migrate-data", DATABASE_URL=server_url)
    assert (again.returncode, "is not empty" in again.stderr) == (2, True)

    # Both places know all of it: the one that is left is as it was.
    assert bare_shell.run("fetch", sim.home, DATABASE_URL=server_url).returncode == 0
    assert bare_shell.run("fetch", sim.home).returncode == 0
    after = sim.report()
    assert after["repeated_resolves"] == 0
    assert after["recovered"] == before["recovered"]


def test_members_are_served_on_at_the_server_and_after_the_way_back(
    bare_shell: Shell, open_world: OpenWorld, server_url: str, tmp_path: Any
) -> None:
    sim = open_world("tiny", "--home", "gotosocial", "--latency-scale", "0")
    bare_shell.joins(sim, token=None)
    file = tmp_path / "members.csv"
    # Nothing is done for them before they are there.
    file.write_text(f"home,account,token,sources,paused\n{sim.home},mira,{sim.token},,member\n")
    assert bare_shell.run("members", "import", str(file)).returncode == 0
    worker = bare_shell.start("worker")
    try:
        until(lambda: bare_shell.run_json("lanes")["workers"], bool)
        busy = bare_shell.run("migrate-data", DATABASE_URL=server_url)
        assert busy.returncode == 2
        assert "stop the service" in busy.stderr
    finally:
        worker.terminate()
        worker.communicate(timeout=60)
    assert bare_shell.run("migrate-data", DATABASE_URL=server_url).returncode == 0
    there = Shell(tmp_path / "elsewhere", bare_shell.environment | {"DATABASE_URL": server_url})
    there.environment["TOOTTAIL_DATA_DIR"] = str(bare_shell.data_dir)
    assert sim.report()["recovered"] == 0
    assert there.run("members", "resume", f"@mira@{sim.home}").returncode == 0
    worker = there.start("worker")
    try:
        report = until(sim.report, lambda report: report["recovered"] == report["reachable"])
    finally:
        worker.terminate()
        _, errors = worker.communicate(timeout=60)
    assert (worker.returncode, errors) == (0, "")
    assert report["recovered"] == report["reachable"] > 0
    assert report["repeated_resolves"] == 0
    # Back, into a folder that has only the key.
    home = bare_shell.data_dir.parent / "new"
    home.mkdir(mode=0o711)
    (home / "secret.key").write_bytes((bare_shell.data_dir / "secret.key").read_bytes())
    back = bare_shell.run(
        "migrate-data", "--back", DATABASE_URL=server_url, TOOTTAIL_DATA_DIR=str(home)
    )
    assert back.returncode == 0, back.stderr
    shown = bare_shell.run("members", "list", TOOTTAIL_DATA_DIR=str(home)).stdout
    assert f"@mira@{sim.home}" in shown


def test_to_try_the_way_back_makes_no_database(bare_shell: Shell, server_url: str) -> None:
    assert bare_shell.run("migrate", DATABASE_URL=server_url).returncode == 0
    told = bare_shell.run(
        *("migrate-data", "--back", "--dry-run"),
        DATABASE_URL=server_url,
        TOOTTAIL_SECRET_KEYS=NEW_KEY,
    )
    assert (told.returncode, "nothing was changed" in told.stdout) == (0, True), told.stderr
    assert not (bare_shell.data_dir / "database").exists()
