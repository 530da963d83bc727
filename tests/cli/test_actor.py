"""``toottail actor``: the key pair, what to serve where, a server for it, a look from outside."""

from __future__ import annotations

import json
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import trustme

from tests.cli.conftest import OpenWorld
from tests.cli.shell import Shell
from toottail.cli.actor_serve import serve
from toottail.errors import UsageError
from toottail.servers.actor import Actor

URL = "https://tail.example/actor"
NAMED = {"TOOTTAIL_ACTOR_URL": URL}


@pytest.fixture
def certificate(tmp_path: Path) -> tuple[Path, Path]:
    """A chain with its key in one file, and who issued it."""
    authority = trustme.CA()
    chain, trusted = tmp_path / "chain.pem", tmp_path / "ca.pem"
    authority.issue_cert("tail.example").private_key_and_cert_chain_pem.write_to_path(str(chain))
    authority.cert_pem.write_to_path(str(trusted))
    return chain, trusted


@contextmanager
def serving(shell: Shell, *options: str) -> Iterator[int]:
    """The port on which ``toottail actor serve`` listens while the block lasts."""
    process = shell.start("actor", "serve", "--listen", "127.0.0.1:0", *options)
    try:
        assert process.stdout is not None
        line = process.stdout.readline()
        yield int(line.partition("127.0.0.1:")[2].partition(";")[0])
    finally:
        process.send_signal(signal.SIGINT)
        process.communicate(timeout=20)
    assert process.returncode == 130


def test_the_key_is_made_once_and_everything_to_serve_is_told(shell: Shell) -> None:
    first = shell.run("actor", **NAMED)
    again = shell.run("actor", **NAMED)
    assert (first.returncode, again.returncode) == (0, 0)
    key = shell.data_dir / "actor.pem"
    assert key.stat().st_mode & 0o777 == 0o600
    assert f"made the private key: {key}" in first.stdout
    assert f"found the private key: {key}" in again.stdout
    for told in (f"{URL}#main-key", "actor@tail.example", "/.well-known/webfinger"):
        assert told in again.stdout
    assert "PRIVATE" not in first.stdout + again.stdout


def test_without_an_address_nothing_is_served_but_the_setting_named(shell: Shell) -> None:
    served = shell.run("actor", "serve")
    assert served.returncode == 2
    assert "TOOTTAIL_ACTOR_URL" in served.stderr


@pytest.mark.parametrize(
    ("listen", "files", "told"),
    [
        ("8085", (None, None), "expected HOST:PORT"),
        ("127.0.0.1:http", (None, None), "expected HOST:PORT"),
        ("203.0.113.1:1", (None, None), r"cannot listen on 203\.0\.113\.1:1"),
        ("127.0.0.1:0", (Path("/nowhere.pem"), None), "/nowhere.pem"),
        ("127.0.0.1:0", (None, Path("/nowhere.pem")), "without --certificate"),
    ],
)
def test_what_cannot_be_served_is_said_in_words(
    listen: str, files: tuple[Path | None, Path | None], told: str
) -> None:
    with pytest.raises(UsageError, match=told):
        serve(Actor(URL, "pem"), listen, *files)


def test_served_over_https_it_is_found_by_who_checks(
    shell: Shell, certificate: tuple[Path, Path]
) -> None:
    chain, trusted = certificate
    shell.environment |= NAMED
    with serving(shell, "--certificate", str(chain)) as port:
        shell.environment |= {
            "SSL_CERT_FILE": str(trusted),
            "TOOTTAIL_CONNECT_TO": f".example=127.0.0.1:{port}",
            "TOOTTAIL_ALLOW_NETWORKS": "127.0.0.0/8",
        }
        found = shell.run("actor", "--check")
        (shell.data_dir / "actor.pem").rename(shell.data_dir / "old.pem")
        changed = shell.run("actor", "--check")
    assert (found.returncode, found.stdout.splitlines()[-1]) == (0, "others find it there")
    assert changed.returncode == 1
    assert "another key is served there" in changed.stdout


def test_a_closed_origin_is_read_when_the_actor_is_named(
    shell: Shell, open_world: OpenWorld, tmp_path: Path
) -> None:
    shell.environment |= NAMED
    told = json.loads(shell.run("actor", "--json").stdout)
    document = tmp_path / "actor.json"
    document.write_text(json.dumps(told["documents"]["/actor"]))
    sim = open_world(
        *("levels", "--replies", "6", "--origin", "gotosocial", "--home", "gotosocial"),
        *("--actor", str(document), "--latency-scale", "0"),
    )
    done = shell.joins(sim).run("fetch", sim.home)
    assert done.returncode == 0
    assert sim.report()["recovered"] == 6
    (wrong,) = shell.run("fetch", sim.home, TOOTTAIL_ACTOR_URL="http://a.example/x").stderr.split(
        "\n"
    )[:1]
    assert "TOOTTAIL_ACTOR_URL: expected something like https://" in wrong
