"""``toottail import``: everything taken over, nothing lost, and no token shown."""

from __future__ import annotations

import json
import stat
import tomllib
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from tests.cli.shell import Shell
from toottail.repository.database import Database
from toottail.simulator.process import SimulatorProcess

TOKEN = "a-5ecret-token"
PING = "http://127.0.0.1:3001/push-5ecret?status=up"


def config(folder: Path, **options: Any) -> Path:
    file = folder / "config.json"
    least = {"server": "example.social", "access-token": TOKEN, "home-timeline-length": 75}
    file.write_text(json.dumps(least | options))
    return file


def fedifetcher(shell: Shell, folder: Path, *more: str, **options: Any) -> tuple[int, str, Path]:
    """Exit code, all that was shown, and where the configuration should be."""
    out = folder / "moved.toml"
    done = shell.run(
        "import", "fedifetcher", str(config(folder, **options)), "--out", str(out), *more
    )
    assert "Traceback" not in done.stderr
    assert TOKEN not in done.stdout + done.stderr
    return done.returncode, done.stdout + done.stderr, out


def test_the_files_that_are_written_are_for_their_owner_only(shell: Shell, tmp_path: Path) -> None:
    code, told, out = fedifetcher(
        shell,
        tmp_path,
        **{
            "access-token": [TOKEN, "another"],
            "instance-blocklist": "bad.example",
            "on-done": PING,
        },
    )
    assert code == 0, told
    files = sorted(path.name for path in tmp_path.iterdir() if path.name != "config.json")
    expected = ["moved-1.token", "moved-2.token", "moved-blocklist.txt", "moved.toml"]
    assert [name for name in files if name != "data"] == expected
    for name in expected:
        assert stat.S_IMODE((tmp_path / name).stat().st_mode) == 0o600
    assert (tmp_path / "moved-1.token").read_text() == f"{TOKEN}\n"
    written = out.read_text()
    assert TOKEN not in written
    values = tomllib.loads(written)
    assert values["on_done"] == PING
    assert values["lan_monitors"] == ["127.0.0.1:3001"]
    assert values["blocklists"] == [str(tmp_path / "moved-blocklist.txt")]
    assert [one["home"] for one in values["account"]] == ["example.social"] * 2
    assert [one["token_file"] for one in values["account"]] == expected[:2]
    assert "push-5ecret" not in told


def test_every_option_is_told_of(shell: Shell, tmp_path: Path) -> None:
    code, told, _ = fedifetcher(shell, tmp_path, **{"lock-hours": 24, "max-bookmark": 1})
    assert code == 0
    for words in ("source home=75", "mentioned", "lock-hours", "no such option", "--dry-run"):
        assert words in told


def test_nothing_is_replaced_unless_that_was_asked_for(shell: Shell, tmp_path: Path) -> None:
    mine = tmp_path / "moved-1.token"
    mine.write_text("mine")
    code, told, out = fedifetcher(shell, tmp_path)
    assert code == 2
    assert f"{mine}: already there" in told
    assert mine.read_text() == "mine"
    assert not out.exists()
    code, told, out = fedifetcher(shell, tmp_path, "--force")
    assert code == 0, told
    assert mine.read_text() == f"{TOKEN}\n"
    assert out.exists()


def test_bad_input_is_named_and_leaves_nothing_behind(shell: Shell, tmp_path: Path) -> None:
    code, told, out = fedifetcher(shell, tmp_path, **{"max-bookmarks": "many"})
    assert (code, "config.json: max-bookmarks" in told) == (2, True)
    code, told, out = fedifetcher(shell, tmp_path, "--state", str(tmp_path / "none"))
    assert (code, "none: is no folder" in told) == (2, True)
    (tmp_path / "config.json").unlink()
    assert list(tmp_path.iterdir()) in ([], [tmp_path / "data"])
    assert not out.exists()
    folder = tmp_path / "nowhere"
    code, told, out = fedifetcher(shell, tmp_path, "--out", str(folder / "x.toml"))
    assert (code, "cannot be written (No such file" in told) == (2, True)


def test_the_environment_alone_is_enough(shell: Shell, tmp_path: Path) -> None:
    out = tmp_path / "moved.toml"
    done = shell.run(
        "import", "fedifetcher", "--out", str(out),
        FF_SERVER="example.social", FF_ACCESS_TOKEN=TOKEN, FF_MAX_BOOKMARKS="5",
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    (account,) = tomllib.loads(out.read_text())["account"]
    assert account["sources"] == ["bookmarks=5"]


async def test_profiles_that_fedifetcher_has_done_are_left_alone_for_their_time(
    shell: Shell, tmp_path: Path, database: Database
) -> None:
    state = tmp_path / "artifacts"
    state.mkdir()
    now = datetime.now(UTC)
    checked = {
        "ann@one.example": str(now - timedelta(days=1)),
        "old@one.example": str(now - timedelta(days=8)),
    }
    (state / "recently_checked_users").write_text(json.dumps(checked))
    for _ in range(2):
        code, told, _ = fedifetcher(shell, tmp_path, "--state", str(state), "--force")
        assert code == 0, told
    assert "recently_checked_users" in told
    async with database.connection() as conn:
        rows = await conn.fetch(
            "SELECT name, host, home, stage, again_at FROM feed_watches JOIN feeds ON id = feed_id"
        )
    (row,) = [dict(row.items()) for row in rows]
    assert row.pop("again_at") == now + timedelta(days=6)
    assert row == {
        "name": "ann@one.example",
        "host": "one.example",
        "home": "example.social",
        "stage": "done",
    }


def test_what_was_moved_over_runs(
    shell: Shell, quick_world: SimulatorProcess, tmp_path: Path
) -> None:
    shell.joins(quick_world, token=None)
    options = {"server": quick_world.home, "access-token": quick_world.token}
    code, told, out = fedifetcher(shell, tmp_path, **options, **{"max-bookmarks": 40})
    assert code == 0, told
    assert quick_world.token not in told
    done = shell.run("fetch", "--config", str(out))
    assert done.returncode == 0, done.stderr
    report = quick_world.report()
    assert report["recovered"] == report["reachable"] > 10


def test_hashtags_and_servers_of_getmoarfediverse_are_taken_over(
    shell: Shell, tmp_path: Path
) -> None:
    file, out = tmp_path / "config.json", tmp_path / "moved.toml"
    file.write_text(
        json.dumps({"FakeRelayApiKey": TOKEN, "Tags": ["cats"], "Instances": ["one.example"]})
    )
    wanting = shell.run("import", "getmoarfediverse", str(file), "--out", str(out))
    assert (wanting.returncode, "--home" in wanting.stderr) == (2, True)
    more = ("--home", "example.social", "--out", str(out))
    done = shell.run("import", "getmoarfediverse", str(file), *more)
    assert done.returncode == 0, done.stderr
    assert TOKEN not in done.stdout
    (account,) = tomllib.loads(out.read_text())["account"]
    assert account["sources"] == ["hashtag:cats=40"]
    assert account["tag_servers"] == ["one.example"]
    assert f"{tmp_path / 'moved-1.token'}" in done.stdout


@pytest.mark.parametrize("program", ["fedifetcher", "getmoarfediverse"])
def test_a_file_that_is_not_there_is_named(shell: Shell, tmp_path: Path, program: str) -> None:
    done = shell.run("import", program, str(tmp_path / "none.json"))
    assert done.returncode == 2
    assert "none.json: cannot be read (No such file or directory)" in done.stderr
