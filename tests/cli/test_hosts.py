"""``toottail hosts``: what we know of servers, and leaving one alone."""

from __future__ import annotations

import asyncio
import json

import asyncpg
import pytest

from tests.cli.shell import Shell
from toottail.simulator.process import SimulatorProcess


@pytest.fixture
def known(database_url: str) -> str:
    """Two hosts that were asked, one of which refuses us, and a home's blocks."""
    asyncio.run(_store(database_url))
    return database_url


async def _store(url: str) -> None:
    conn = await asyncpg.connect(url)
    await conn.execute(
        "INSERT INTO hosts (host, software, version, robots_at, robots, answered_at) VALUES"
        " ('well.example', 'mastodon', '4.3.8', now(), NULL, now()),"
        " ('shy.example', NULL, NULL, now(), E'User-agent: *\nDisallow: /', now());"
        "INSERT INTO hosts (host, refused, refused_until, refused_times) VALUES"
        " ('no.example', 'answered 403', now() + interval '6 h', 2);"
        "INSERT INTO visits (key, epoch, worker, started_at, requests) VALUES"
        " ('well.example', 1, gen_random_uuid(), now() - interval '3 d', 30),"
        " ('well.example', 2, gen_random_uuid(), now(), 12);"
        "INSERT INTO domain_lists (kind, key, name, read_at)"
        " VALUES ('home', sha256('home.example'), 'home.example', now());"
        "INSERT INTO domain_rules (list_id, digest, domain, severity) SELECT id,"
        " sha256('shy.example'), 'sh*********', 'suspend' FROM domain_lists WHERE kind = 'home'"
    )
    await conn.close()


def line_of(shell: Shell, name: str, *arguments: str) -> str:
    done = shell.run("hosts", *arguments)
    assert done.returncode == 0, done.stderr
    return next((line for line in done.stdout.splitlines() if line.startswith(name)), "")


def test_each_host_has_a_line_with_what_was_asked_told_and_comes_next(
    shell: Shell, known: str
) -> None:
    assert line_of(shell, "well.example").split()[1:5] == ["mastodon", "4.3.8", "12", "42"]
    refusing = line_of(shell, "no.example")
    assert "refuses us: answered 403, time 2 in a row" in refusing
    assert "\x1b" not in refusing
    assert "robots.txt shuts us out" in line_of(shell, "shy.example")


def test_only_hosts_with_a_problem_are_shown_when_that_is_asked_for(
    shell: Shell, known: str
) -> None:
    shown = {host["host"] for host in shell.run_json("hosts", "--problems")["hosts"]}
    assert shown == {"no.example", "shy.example"}


def test_one_host_is_told_in_full(shell: Shell, known: str) -> None:
    done = shell.run("hosts", "shy.example")
    words = " ".join(done.stdout.split())
    assert "robots.txt shuts us out" in words
    assert "blocked by home.example" in words
    assert "well.example" not in words


def test_a_block_covers_subdomains_and_is_taken_back(shell: Shell) -> None:
    named = "https://Spam.Example/about"
    assert shell.run("hosts", "block", named, "--why", "asked us to").returncode == 0
    (host,) = shell.run_json("hosts", "deep.spam.example")["hosts"]
    assert host["blocked"] == "blocked by the operator: asked us to"
    assert host["next_why"] == "never: blocked by the operator: asked us to"
    assert shell.run("hosts", "unblock", named).returncode == 0
    (host,) = shell.run_json("hosts", "spam.example")["hosts"]
    assert host["blocked"] is None
    assert shell.run("hosts", "unblock", named).returncode == 1


@pytest.mark.parametrize("arguments", [("block", "@ann@a.example"), ("block", "10.0.0.1"), ("x",)])
def test_what_is_no_host_is_refused_with_a_word(shell: Shell, arguments: tuple[str, ...]) -> None:
    done = shell.run("hosts", *arguments)
    assert done.returncode == 2
    assert "Traceback" not in done.stderr
    assert arguments[-1] in done.stderr


def test_after_a_run_the_hosts_that_were_asked_are_there(
    shell: Shell, quick_world: SimulatorProcess
) -> None:
    shell.joins(quick_world)
    shell.run_json("fetch", "home.example")
    found = json.loads(shell.run("hosts", "--json").stdout)["hosts"]
    (home,) = [host for host in found if host["is_home"]]
    assert home["host"] == "home.example"
    others = [host for host in found if not host["is_home"]]
    assert all(host["asked"] >= 1 and host["last_status"] for host in others)
    assert any("anonymous" in limit for host in others for limit in host["limits"])


def test_hosts_are_blocked_on_the_embedded_database_too(bare_shell: Shell) -> None:
    assert bare_shell.run("hosts", "block", "spam.example").returncode == 0
    assert "by hand: 1 domains" in bare_shell.run("hosts").stdout
