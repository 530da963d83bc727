"""``toottail explain``: one conversation as a tree, reply by reply."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterable

import asyncpg
import pytest

from tests.cli.shell import Shell
from toottail.simulator.process import SimulatorProcess

ROOT = "https://origin.example/users/ann/statuses/1"
HOME = "home.example"

# (name, below, state of the delivery, opted out, gone, what is said of it)
REPLIES = (
    ("there", "1", "already_there", False, False, "at home already"),
    ("brought", "1", "delivered", False, False, "delivered 20"),
    ("hidden", "1", "unattached", False, False, "its context does not show it"),
    ("vain", "1", "not_obtained", False, False, "not obtained: an empty list (dead); tried again"),
    ("lost", "1", "given_up", False, False, "given up: an empty list (dead)"),
    ("below", "vain", None, False, False, "out of reach: the reply above it could not be brought"),
    ("deleted", "1", None, False, True, "out of reach: its author's server says it is gone"),
    ("shy", "1", None, True, False, "its author asks not to be fetched (nobot)"),
    ("next", "1", None, False, False, "not yet: it is asked for next"),
)


def uri(name: str) -> str:
    return f"https://origin.example/users/ann/statuses/{name}"


@pytest.fixture
def stored(database_url: str) -> str:
    """A conversation with one reply of every fate, watched from one home."""
    asyncio.run(_store(database_url))
    return database_url


async def _store(url: str) -> None:
    conn = await asyncpg.connect(url)
    number = await conn.fetchval(
        "INSERT INTO conversations (root_uri, host, looked_at) VALUES ($1, 'origin.example', now())"
        " RETURNING id",
        ROOT,
    )
    await conn.execute(
        "INSERT INTO watches (home, conversation_id, anchor_uri, anchor_id, stage)"
        " VALUES ($1, $2, $3, '900', 'done')",
        HOME,
        number,
        ROOT,
    )
    await conn.execute(
        "INSERT INTO looks (conversation_id, host, uri, named_by, state, problem) VALUES"
        " ($1, 'origin.example', $2, 'origin.example', 'done', NULL),"
        " ($1, 'silent.example', $2, 'origin.example', 'failed', 'silent.example: no answer')",
        number,
        ROOT,
    )
    await conn.executemany(
        "INSERT INTO statuses (uri, conversation_id, host, url, parent_uri, placed, listed_by,"
        " opted_out, gone) VALUES ($1, $2, 'origin.example', $3, $4, true, 'origin.example',"
        " $5, $6)",
        [(ROOT, number, "https://origin.example/@ann/1", None, False, False)]
        + [(uri(r[0]), number, None, uri(r[1]), r[3], r[4]) for r in REPLIES],
    )
    await conn.executemany(
        "INSERT INTO deliveries (home, uri, conversation_id, state, local_id, observed, inferred,"
        " next_at) VALUES ($1, $2, $3, $4, $5, $6, $7,"
        " CASE WHEN $4 = 'not_obtained' THEN now() END)",
        [(HOME, ROOT, number, "already_there", "900", None, None)]
        + [(HOME, uri(r[0]), number, r[2], None, *_seen(r[2])) for r in REPLIES if r[2]],
    )
    await conn.close()


def _seen(state: str) -> tuple[str | None, str | None]:
    if state in ("not_obtained", "given_up"):
        return ("an empty list", "dead")
    return ("its context does not show it" if state == "unattached" else None, None)


def line_of(name: str, lines: Iterable[str]) -> str:
    (found,) = (line for line in lines if f"{uri(name)} " in line)
    return found


def test_the_tree_names_the_fate_of_every_reply(shell: Shell, stored: str) -> None:
    done = shell.run("explain", ROOT)
    assert done.returncode == 0, done.stderr
    lines = done.stdout.splitlines()
    for name, _, _, _, _, words in REPLIES:
        assert words in line_of(name, lines)
    assert "\x1b" not in done.stdout
    assert line_of("below", lines).index("x ") > line_of("vain", lines).index("! ")
    assert "Read at: origin.example, silent.example (failed: no answer)" in done.stdout


def test_signs_that_the_locale_cannot_write_are_no_error(shell: Shell, stored: str) -> None:
    asyncio.run(_rename_page(stored, "https://origin.example/@bücher/1"))
    # Cron's locale on many machines.
    done = shell.run("explain", ROOT, PYTHONIOENCODING="ascii")
    assert done.returncode == 0, done.stderr
    assert "@b?cher/1" in done.stdout


async def _rename_page(url: str, page: str) -> None:
    conn = await asyncpg.connect(url)
    await conn.execute("UPDATE statuses SET url = $2 WHERE uri = $1", ROOT, page)
    await conn.close()


def test_json_tells_the_same_for_programs(shell: Shell, stored: str) -> None:
    found = shell.run_json("explain", ROOT)
    verdicts = {status["uri"]: status["verdict"] for status in found["statuses"]}
    assert verdicts == {
        ROOT: "at_home",
        uri("there"): "at_home",
        uri("brought"): "delivered",
        uri("hidden"): "unattached",
        uri("vain"): "not_obtained",
        uri("lost"): "not_obtained",
        uri("below"): "unreachable",
        uri("deleted"): "unreachable",
        uri("shy"): "opted_out",
        uri("next"): "not_yet",
    }


def test_below_the_tree_is_the_way_of_the_one_that_was_asked_about(
    shell: Shell, stored: str
) -> None:
    done = shell.run("explain", uri("vain"), "--member", "@li@home.example")
    assert done.returncode == 0, done.stderr
    _, _, below = done.stdout.partition(f"\nOf {uri('vain')}:\n")
    told = {line.split()[0]: line for line in below.splitlines()}
    assert "not_obtained" in told["asked"]
    assert "an empty list (dead)" in told["asked"]
    assert "no member @li@home.example is known here" in told["member"]
    assert "no active member saw the conversation" in told["next"]
    found = shell.run_json("explain", uri("vain"))
    assert found["status"] == uri("vain")
    assert {"found", "watched", "asked", "next"} <= {fact["about"] for fact in found["trail"]}


@pytest.mark.parametrize(
    ("options", "told"),
    [
        (("--member", "li"), "li is not an account, such as @me@example.social"),
        (("--member", "@li@home.example", "--home", "b.example"), "is not at b.example"),
        (("--member", "@li@b.example"), "nobody at b.example saw this conversation"),
    ],
)
def test_a_member_who_cannot_be_is_said(
    shell: Shell, stored: str, options: tuple[str, ...], told: str
) -> None:
    done = shell.run("explain", ROOT, *options)
    assert done.returncode == 2
    assert told in done.stderr


@pytest.mark.parametrize(
    "address",
    [
        uri("below"),
        "https://origin.example/@ann/1",
        f"https://{HOME}/@ann@origin.example/900",
        f"https://{HOME}/web/statuses/900/",
    ],
)
def test_any_address_of_any_status_in_it_will_do(shell: Shell, stored: str, address: str) -> None:
    assert shell.run_json("explain", address)["root"] == ROOT


def test_an_unknown_status_is_said_with_what_to_do(shell: Shell) -> None:
    for address in ("https://origin.example/nothing", "nonsense", "http://[", ""):
        done = shell.run("explain", address)
        assert (done.returncode, done.stdout) == (2, "")
        assert "toottail fetch HOME" in done.stderr
        assert "Traceback" not in done.stderr


def test_among_several_homes_one_is_to_be_chosen(shell: Shell, stored: str) -> None:
    asyncio.run(_watch_from(stored, "other.example"))
    done = shell.run("explain", ROOT)
    assert done.returncode == 2
    assert "home.example, other.example; choose one with --home" in done.stderr
    assert shell.run_json("explain", ROOT, "--home", "other.example")["home"] == "other.example"
    wrong = shell.run("explain", ROOT, "--home", "third.example")
    assert wrong.returncode == 2
    assert "nobody at third.example saw this conversation" in wrong.stderr


async def _watch_from(url: str, home: str) -> None:
    conn = await asyncpg.connect(url)
    await conn.execute(
        "INSERT INTO watches (home, conversation_id, anchor_uri, anchor_id)"
        " SELECT $1, id, root_uri, '1' FROM conversations",
        home,
    )
    await conn.close()


def test_after_a_run_it_tells_what_was_delivered(
    shell: Shell, quick_world: SimulatorProcess
) -> None:
    shell.joins(quick_world)
    delivered = shell.run_json("fetch", quick_world.home)["delivered"]
    told = [
        json.loads(shell.run("explain", conversation["root"], "--json").stdout)
        for conversation in quick_world.truth()["conversations"]
    ]
    kinds = [status["verdict"] for found in told for status in found["statuses"]]
    assert kinds.count("delivered") == delivered > 10
    assert set(kinds) == {"delivered", "at_home"}
