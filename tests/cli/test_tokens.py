"""The token: where it may come from, and where it must never be seen."""

from __future__ import annotations

from pathlib import Path

from tests.cli.conftest import OpenWorld
from tests.cli.shell import Shell
from toottail.simulator.process import SimulatorProcess

NOWHERE = "nowhere.example"


def test_a_terminal_is_asked_for_the_token_told_where_to_get_one_and_not_shown_it(
    shell: Shell, quick_world: SimulatorProcess
) -> None:
    typed: list[str] = []

    def answer(shown: str) -> str | None:
        if "not shown" in shown and not typed:
            typed.append(quick_world.token)
            return f"{quick_world.token}\n"
        return None

    code, shown = shell.joins(quick_world, token=None).on_a_terminal(
        answer, "fetch", quick_world.home
    )
    assert code == 0, shown
    assert typed
    assert "Preferences → Development" in shown
    assert "read:statuses read:search" in shown
    assert quick_world.token not in shown


def test_without_a_terminal_a_missing_token_is_said_with_what_to_do(shell: Shell) -> None:
    done = shell.run("fetch", NOWHERE)
    assert done.returncode == 2
    assert "--token-file" in done.stderr
    assert "TOOTTAIL_TOKEN" in done.stderr
    assert f"https://{NOWHERE}/settings/applications/new" in done.stderr


def test_a_token_file_goes_before_the_environment(
    shell: Shell, quick_world: SimulatorProcess, tmp_path: Path
) -> None:
    file = tmp_path / "token"
    file.write_text(f"{quick_world.token}\n")
    shell.joins(quick_world, token="of-somebody-else")
    done = shell.run("fetch", quick_world.home, "--token-file", str(file))
    assert done.returncode == 0, done.stderr


def test_a_token_file_that_is_of_no_use_is_named(shell: Shell, tmp_path: Path) -> None:
    cases = {"missing": None, "empty": b" \n", "two": b"one two\n", "binary": b"\xff\xfe\x00"}
    for name, content in cases.items():
        file = tmp_path / name
        if content is not None:
            file.write_bytes(content)
        done = shell.run("fetch", NOWHERE, "--token-file", str(file))
        assert (done.returncode, done.stderr.count("\n")) == (2, 1), done.stderr
        assert done.stderr.startswith(f"toottail: {file}: ")
        assert "one" not in done.stderr.replace(str(file), "").split()


def test_a_wrong_or_revoked_token_is_refused_with_where_to_get_one(
    shell: Shell, quick_world: SimulatorProcess
) -> None:
    wrong = shell.joins(quick_world, token="wrong").run("fetch", quick_world.home)
    quick_world.scene(revoke=True)
    revoked = shell.joins(quick_world).run("fetch", quick_world.home)
    for done in (wrong, revoked):
        assert done.returncode == 2
        assert "Traceback" not in done.stderr
        assert "new token with the scopes" in done.stderr
    assert quick_world.token not in revoked.stderr


def test_a_token_that_lacks_a_scope_is_refused_by_the_name_of_the_scope(
    shell: Shell, open_world: OpenWorld
) -> None:
    sim = open_world("tiny", "--latency-scale", "0", "--scopes", "read:statuses")
    done = shell.joins(sim).run("fetch", sim.home)
    assert done.returncode == 2
    assert "the scope read:search" in done.stderr
    assert "Preferences → Development" in done.stderr


def test_the_token_is_in_no_process_list_environment_log_or_file(
    bare_shell: Shell, open_world: OpenWorld
) -> None:
    sim = open_world("tiny", "--home", "gotosocial", "--latency-scale", "0.3")
    bare_shell.joins(sim).environment["TOOTTAIL_LOG"] = "debug"
    process = bare_shell.start("fetch", sim.home)
    assert process.stderr is not None
    log = process.stderr.readline()
    while sim.home not in log:
        log += process.stderr.readline()
    processes = [folder for folder in Path("/proc").iterdir() if folder.name.isdigit()]
    database = [p for p in processes if str(bare_shell.data_dir) in told(p, "cmdline")]
    assert database, "the database's processes were not found"
    assert [p for p in processes if sim.token in told(p, "cmdline")] == []
    assert [p for p in database if sim.token in told(p, "environ")] == []
    out, rest = process.communicate(timeout=60)
    assert process.returncode == 0, rest
    assert sim.token not in out + log + rest
    assert "debug" in log + rest, "the log was not as chatty as it was meant to be"
    files = [file for file in bare_shell.data_dir.rglob("*") if file.is_file()]
    assert len(files) > 100
    secret = sim.token.encode()
    assert [file for file in files if secret in file.read_bytes()] == []


def told(process: Path, what: str) -> str:
    """What the system tells of a process; nothing where it has gone or is none of ours."""
    try:
        return (process / what).read_text(errors="replace")
    except OSError:
        return ""
