"""Several accounts in one file: read with care, served in one run, none stopping another."""

from __future__ import annotations

import json
import stat
from datetime import timedelta
from pathlib import Path

import pytest

from tests.cli.shell import Shell
from toottail.cli.accounts import read_accounts
from toottail.errors import SettingsError
from toottail.simulator.process import SimulatorProcess
from toottail.types.sources import Source

GOOD = 'home = "example.social"\ntoken_file = "token"\n'


def write(folder: Path, text: str) -> Path:
    file = folder / "toottail.toml"
    file.write_text(text)
    return file


def test_an_account_says_its_home_its_token_and_what_to_read(tmp_path: Path) -> None:
    file = write(
        tmp_path,
        "home_in_flight = 2\n[[account]]\n"
        'home = "@mira@Example.Social"\ntoken_file = "mira.token"\n'
        'sources = ["home=40", "list:Friends", "account:@ann@a.example"]\nprofile_posts = 5\n'
        'profile_again = "12h"\nwith_conversations = true\ntag_servers = ["b.example"]\n'
        '[[account]]\nhome = "other.example"\ntoken_env = "OTHER"\n',
    )
    mira, other = read_accounts(file)
    assert (mira.home, mira.named) == ("example.social", "mira")
    assert mira.token_file == tmp_path / "mira.token"
    assert mira.choices.sources == (
        Source("home", entries=40),
        Source("list", "Friends", 100),
        Source("account", "ann@a.example", 1),
    )
    assert mira.choices.profile_posts == 5
    assert mira.choices.profile_again == timedelta(hours=12)
    assert mira.choices.with_conversations
    assert mira.choices.tag_servers == ("b.example",)
    assert (other.named, other.token_env) == (None, "OTHER")
    assert other.choices.sources == (Source("home", entries=200),)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (GOOD.replace("example.social", "localhost"), ("account 1 (localhost)", "key home")),
        ('home = "a.example"\n', ("account 1 (a.example)", "token_file or token_env")),
        (GOOD + 'token_env = "X"\n', ("token_file or token_env",)),
        (GOOD + 'sources = ["hom"]\n', ("key sources", "'hom' is no source", "bookmarks")),
        (GOOD + 'sources = ["list"]\n', ("key sources", "list:NAME")),
        (GOOD + 'sources = ["lists:x"]\n', ("key sources", "takes no name")),
        (GOOD + 'sources = ["home=0"]\n', ("key sources", "from 1 to")),
        (GOOD + 'sources = ["account:ann"]\n', ("key sources", "account:@ann@example.social")),
        (GOOD + 'profile_again = "soon"\n', ("key profile_again", "7d")),
        (GOOD + "profile_posts = 99\n", ("key profile_posts", "40")),
        (GOOD + 'tag_server = ["b.example"]\n', ("key tag_server",)),
    ],
)
def test_a_mistake_is_named_with_file_account_and_key(
    tmp_path: Path, text: str, words: tuple[str, ...]
) -> None:
    file = write(tmp_path, "[[account]]\n" + text)
    with pytest.raises(SettingsError) as raised:
        read_accounts(file)
    for word in (str(file), *words):
        assert word in str(raised.value)


def test_single_brackets_are_said_to_be_too_few(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="double brackets"):
        read_accounts(write(tmp_path, "[account]\n" + GOOD))


def test_one_run_serves_all_accounts_and_names_those_that_fail_without_their_token(
    shell: Shell, quick_world: SimulatorProcess, tmp_path: Path
) -> None:
    shell.joins(quick_world, token=None)
    (tmp_path / "good").write_text(quick_world.token)
    (tmp_path / "bad").write_text("made-up-secret-token")
    (tmp_path / "good").chmod(stat.S_IRUSR)
    home = quick_world.home
    file = write(
        tmp_path,
        f'[[account]]\nhome = "@mira@{home}"\ntoken_file = "good"\n'
        f'[[account]]\nhome = "@nora@{home}"\ntoken_file = "bad"\n'
        f'[[account]]\nhome = "@olga@{home}"\ntoken_env = "NOT_SET"\n',
    )
    done = shell.run("fetch", "--config", str(file), "--json")
    assert done.returncode == 2, done.stderr
    found = json.loads(done.stdout)
    mira, nora, olga = found["accounts"]
    assert mira["finished"] is True
    assert mira["delivered"] == found["delivered"] > 10
    assert nora["home"] == f"nora@{home}"
    assert "does not take the token" in nora["problem"]
    assert "NOT_SET is not set" in olga["problem"]
    assert found["finished"] is False
    assert "made-up-secret-token" not in done.stdout + done.stderr
    assert quick_world.token not in done.stdout + done.stderr
    told = shell.run("fetch", "--config", str(file), "--dry-run")
    assert "1 of 3 accounts finished" in told.stdout


def test_without_a_home_and_without_accounts_it_is_said_what_to_name(shell: Shell) -> None:
    done = shell.run("fetch")
    assert done.returncode == 2
    assert "[[account]]" in done.stderr


def test_what_is_not_read_is_listed_with_the_reason(
    shell: Shell, quick_world: SimulatorProcess
) -> None:
    shell.joins(quick_world)
    done = shell.run("fetch", quick_world.home, "--sources", "home,bookmarks")
    assert done.returncode == 0, done.stderr
    assert "bookmarks was not read: the token lacks the scope read:bookmarks" in done.stdout
    (bookmarks, home) = shell.run_json("sources")["sources"]
    assert bookmarks["problem"] == "the token lacks the scope read:bookmarks"
    assert home["problem"] is None
    assert "read:bookmarks" in shell.run("sources").stdout
    assert "follow_requests" in shell.run("sources", "--all").stdout


def test_a_token_file_without_a_server_is_refused_not_forgotten(
    tmp_path: Path, shell: Shell
) -> None:
    file = write(tmp_path, f"[[account]]\n{GOOD}")
    token = tmp_path / "another"
    done = shell.run("fetch", "--config", str(file), "--token-file", str(token))
    assert done.returncode == 2
    assert "--token-file is for a server that is named at the shell" in done.stderr
