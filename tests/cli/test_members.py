"""``toottail members``: in, out, and what the operator may do about them."""

from __future__ import annotations

import asyncio
import csv
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.cli.conftest import OpenWorld
from tests.cli.shell import Shell
from toottail.repository.database import connector

HEAD = "home,account,token,sources,paused\n"
OLD, NEW = "A" * 43 + "=", "B" * 43 + "="
Look = Callable[[str], list[dict[str, Any]]]


@pytest.fixture
def look(database_url: str) -> Look:
    """Rows of this test's database, beside the commands."""

    async def rows(query: str) -> list[dict[str, Any]]:
        connection = await connector(database_url)()
        try:
            return [dict(row) for row in await connection.fetch(query)]
        finally:
            await connection.close()

    return lambda query: asyncio.run(rows(query))


@pytest.fixture
def members(tmp_path: Path) -> Path:
    """A file of three members, one of whom paused."""
    file = tmp_path / "members.csv"
    file.write_text(
        HEAD
        + "home.example,mira,token-of-mira,home=80;lists,\n"
        + "home.example,noor,token-of-noor,,member\n"
        + "other.example,mira,token-of-another,,\n"
    )
    return file


def test_members_come_from_a_file_and_are_listed(shell: Shell, members: Path) -> None:
    done = shell.run("members", "import", str(members))
    assert (done.returncode, done.stderr) == (0, "")
    assert "3 new members" in done.stdout
    found = {one["account"]: one for one in shell.run_json("members", "list")["members"]}
    assert list(found) == ["@mira@home.example", "@noor@home.example", "@mira@other.example"]
    assert found["@mira@home.example"]["sources"] == ["home=80", "lists=100"]
    assert found["@noor@home.example"]["state"] == "paused"
    table = shell.run("members", "list", "--home", "home.example").stdout
    assert ("@noor@home.example" in table, "other.example" in table) == (True, False)


def test_who_has_been_away_for_long_is_listed_as_asleep_and_goes_on_when_told_to(
    shell: Shell, members: Path, look: Look
) -> None:
    shell.run("members", "import", str(members))
    look(
        "UPDATE members SET paused_why = 'idle', active_until = NULL,"
        " read_at = '2026-01-02 12:00Z' WHERE home = 'other.example' RETURNING id"
    )
    assert "asleep" in shell.run("members", "list", "--home", "other.example").stdout
    shown = shell.run_json("members", "show", "@mira@other.example")
    assert (shown["state"], shown["read_at"]) == ("asleep", "2026-01-02T12:00:00+00:00")
    assert "until the next visit" in shown["problem"]
    assert shell.run("members", "resume", "@mira@other.example").returncode == 0
    assert shell.run_json("members", "show", "@mira@other.example")["state"] == "working"


def test_the_same_file_again_changes_nothing(shell: Shell, members: Path, look: Look) -> None:
    shell.run("members", "import", str(members))
    before = look("SELECT * FROM members ORDER BY id")
    done = shell.run("members", "import", str(members))
    assert "3 were here already" in done.stdout
    assert look("SELECT * FROM members ORDER BY id") == before


def test_a_new_token_is_taken_only_where_the_old_one_is_of_no_use(
    shell: Shell, members: Path, look: Look
) -> None:
    shell.run("members", "import", str(members))
    look("UPDATE members SET paused_why = 'token' WHERE home = 'other.example' RETURNING id")
    members.write_text(HEAD + "home.example,Mira,newer,,\nother.example,mira,newer,,\n")
    done = shell.run("members", "import", str(members))
    assert "1 were here with a token of no use" in done.stdout
    assert "1 were here already" in done.stdout
    states = look("SELECT home, account, paused_why FROM members ORDER BY home, account")
    assert [row["paused_why"] for row in states] == [None, "member", None]


def test_bad_lines_are_named_and_the_others_taken(shell: Shell, members: Path) -> None:
    members.write_text(members.read_text() + "localhost,x,secret\n\nhome.example,y,sec ret\n")
    done = shell.run("members", "import", str(members))
    assert done.returncode == 1
    assert "3 new members" in done.stdout
    told = done.stderr.splitlines()
    assert [line.partition(":")[0] for line in told] == ["line 5", "line 7"]
    assert "secret" not in done.stderr


def test_what_is_no_file_of_members_ends_with_exit_code_2(shell: Shell, tmp_path: Path) -> None:
    (tmp_path / "x.csv").write_text("mira,home.example,secret\n")
    for name in ("x.csv", "none.csv"):
        done = shell.run("members", "import", str(tmp_path / name))
        assert done.returncode == 2
        assert name in done.stderr


def test_thousands_are_taken_in_with_progress(shell: Shell, tmp_path: Path, look: Look) -> None:
    file = tmp_path / "many.csv"
    file.write_text(
        HEAD + "".join(f"h{n % 50}.example,m{n},token-{n},home,\n" for n in range(3_000))
    )
    done = shell.run("members", "import", str(file))
    assert done.returncode == 0, done.stderr
    assert "3000 new members" in done.stdout
    assert done.stderr.splitlines()[-1] == "3000 read"
    (row,) = look("SELECT count(*) AS n FROM members WHERE served AND active_until = 'infinity'")
    assert row["n"] == 3_000


@pytest.mark.parametrize("kind", ["csv", "json"])
def test_what_is_exported_can_be_imported_elsewhere(
    shell: Shell, members: Path, tmp_path: Path, look: Look, kind: str
) -> None:
    shell.run("members", "import", str(members))
    before = shell.run_json("members", "list")
    file = tmp_path / f"out.{kind}"
    done = shell.run("members", "export", str(file), "--with-tokens")
    assert done.returncode == 0, done.stderr
    assert file.stat().st_mode & 0o777 == 0o600
    assert "token-of-mira" in file.read_text()
    look("DELETE FROM members RETURNING id")
    assert "3 new members" in shell.run("members", "import", str(file)).stdout
    after = shell.run_json("members", "list")
    kept = ("account", "state", "sources")
    assert [[one[key] for key in kept] for one in after["members"]] == [
        [one[key] for key in kept] for one in before["members"]
    ]


def test_an_export_holds_no_token_unless_asked_for(
    shell: Shell, members: Path, tmp_path: Path
) -> None:
    shell.run("members", "import", str(members))
    file = tmp_path / "out.csv"
    done = shell.run("members", "export", str(file))
    with file.open() as stream:
        rows = list(csv.DictReader(stream))
    assert [row["account"] for row in rows] == ["mira", "noor", "mira"]
    assert "token-of" not in file.read_text() + done.stdout + done.stderr
    again = shell.run("members", "export", str(file))
    assert (again.returncode, "already there" in again.stderr) == (2, True)
    assert shell.run("members", "export", str(file), "--force").returncode == 0
    assert shell.run("members", "export", str(tmp_path / "out.txt")).returncode == 2


def test_an_empty_service_exports_an_empty_file(shell: Shell, tmp_path: Path) -> None:
    file = tmp_path / "out.json"
    assert shell.run("members", "export", str(file)).returncode == 0
    assert json.loads(file.read_text()) == []


def test_no_command_shows_a_token_and_the_database_has_none_in_the_clear(
    shell: Shell, members: Path, look: Look
) -> None:
    shown = ""
    for arguments in (
        ("import", str(members)),
        ("list", "--json"),
        ("show", "@mira@home.example"),
        ("show", "@noor@home.example", "--json"),
    ):
        done = shell.run("members", *arguments)
        assert done.returncode == 0, done.stderr
        shown += done.stdout + done.stderr
    tables = look("SELECT tablename AS t FROM pg_tables WHERE schemaname = 'public'")
    dump = "".join(
        row["r"] for table in tables for row in look(f"SELECT t::text AS r FROM {table['t']} AS t")
    )
    assert "home.example" in dump
    for secret in ("token-of-mira", "token-of-noor", "token-of-another"):
        assert secret not in shown + dump
        assert secret.encode().hex() not in dump


def test_after_a_change_of_keys_the_old_one_is_not_needed(
    shell: Shell, members: Path, tmp_path: Path
) -> None:
    shell.run("members", "import", str(members), TOOTTAIL_SECRET_KEYS=OLD)
    both = {"TOOTTAIL_SECRET_KEYS": f"{NEW},{OLD}"}
    done = shell.run("secrets", "reseal", **both)
    assert done.returncode == 0, done.stderr
    assert "tokens: 3 sealed under the first key" in done.stdout
    only_new = {"TOOTTAIL_SECRET_KEYS": NEW}
    again = shell.run("members", "import", str(members), **only_new)
    assert "3 were here already" in again.stdout
    file = tmp_path / "out.csv"
    shell.run("members", "export", str(file), "--with-tokens", **only_new)
    assert "token-of-noor" in file.read_text()
    refused = shell.run("members", "export", str(file), "--force", TOOTTAIL_SECRET_KEYS=OLD)
    assert refused.returncode == 2
    assert "TOOTTAIL_SECRET_KEYS" in refused.stderr


def test_a_member_is_added_after_asking_their_home(shell: Shell, open_world: OpenWorld) -> None:
    sim = open_world("tiny", "--scopes", "read", "--latency-scale", "0")
    shell.joins(sim)
    wrong = shell.run("members", "add", f"@noor@{sim.home}")
    assert (wrong.returncode, "nobody was added" in wrong.stderr) == (2, True)
    refused = shell.run("members", "add", f"@mira@{sim.home}", TOOTTAIL_TOKEN="nonsense")
    assert refused.returncode == 2
    assert shell.run_json("members", "list")["members"] == []
    done = shell.run("members", "add", f"@mira@{sim.home}", "--sources", "home=80,lists")
    assert done.returncode == 0, done.stderr
    assert f"@mira@{sim.home} is served from now on" in done.stdout
    (one,) = shell.run_json("members", "list")["members"]
    assert one["sources"] == ["home=80", "lists=100"]
    assert one["scopes"] == "read"
    assert sim.token not in done.stdout + done.stderr
    again = shell.run("members", "add", f"@mira@{sim.home}")
    assert "was here already" in again.stdout


def test_a_home_that_does_not_answer_adds_nobody(shell: Shell, open_world: OpenWorld) -> None:
    shell.joins(open_world("tiny"))
    done = shell.run("members", "add", "@mira@nobody.example")
    assert done.returncode == 1
    assert "nobody was added" in done.stderr


def test_a_member_is_paused_resumed_and_removed(
    shell: Shell, open_world: OpenWorld, look: Look
) -> None:
    sim = open_world("tiny", "--scopes", "read", "--latency-scale", "0")
    shell.joins(sim).run("members", "add", f"@mira@{sim.home}")
    name = f"@mira@{sim.home}"
    assert shell.run("members", "pause", name).returncode == 0
    (one,) = shell.run_json("members", "list")["members"]
    assert (one["state"], one["paused_by"]) == ("paused", "operator")
    number = str(one["id"])
    assert shell.run("members", "resume", number).returncode == 0
    assert shell.run_json("members", "show", number)["state"] == "working"
    unsure = shell.run("members", "remove", name)
    assert (unsure.returncode, "--yes" in unsure.stderr) == (2, True)
    done = shell.run("members", "remove", name, "--yes")
    assert done.returncode == 0, done.stderr
    assert "all that was stored is deleted" in done.stdout
    assert look("SELECT id FROM members") == []
    gone = shell.run("members", "show", name)
    assert (gone.returncode, "no such member" in gone.stderr) == (2, True)


def test_an_invite_is_shown_once_and_stored_as_a_digest(shell: Shell, look: Look) -> None:
    done = shell.run("members", "invite", "--uses", "3", "--days", "7", "--note", "for the choir")
    assert done.returncode == 0, done.stderr
    code = done.stdout.strip()
    assert len(code) >= 8
    (row,) = look("SELECT t::text AS r, uses_left FROM invites AS t")
    assert row["uses_left"] == 3
    assert code not in row["r"]
    assert code.encode().hex() not in row["r"]
