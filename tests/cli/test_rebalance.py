"""``toottail rebalance``: shares out the members of large servers, and tells how."""

from __future__ import annotations

import asyncio

import asyncpg
import pytest

from tests.cli.shell import Shell


@pytest.fixture
def crowded(database_url: str, shell: Shell) -> str:
    """A home of seven members, of whom two are in a slice already, and one of GoToSocial."""
    shell.environment |= {"DATABASE_URL": database_url, "TOOTTAIL_SLICE_MEMBERS": "3"}
    asyncio.run(_store(database_url))
    return database_url


async def _store(url: str) -> None:
    conn = await asyncpg.connect(url)
    await conn.execute(
        "INSERT INTO hosts (host, software) VALUES"
        " ('large.example', 'mastodon'), ('goto.example', 'gotosocial');"
        "INSERT INTO members (home, token_fingerprint, token_sealed, slice)"
        " SELECT 'large.example', n::text::bytea, 'sealed', CASE WHEN n < 3 THEN 1 ELSE 0 END"
        " FROM generate_series(1, 7) AS n;"
        "INSERT INTO members (home, token_fingerprint, token_sealed)"
        " SELECT 'goto.example', n::text::bytea, 'sealed' FROM generate_series(1, 4) AS n"
    )
    await conn.close()


async def _on_their_way(url: str) -> int:
    conn = await asyncpg.connect(url)
    count: int = await conn.fetchval("SELECT count(*) FROM members WHERE slice_to IS NOT NULL")
    await conn.close()
    return count


def test_it_tells_what_each_large_server_had_and_is_to_have(shell: Shell, crowded: str) -> None:
    told = shell.run("rebalance", "--dry-run")
    assert told.returncode == 0, told.stderr
    lines = [" ".join(line.split()) for line in told.stdout.splitlines()]
    assert lines == [
        "HOME MEMBERS BEFORE AFTER MOVED",
        "goto.example 4 not sliced not sliced 0",
        "large.example 7 1 slice: 2, and 5 in none 3 slices: 3 2 2 5",
    ]
    assert asyncio.run(_on_their_way(crowded)) == 0
    found = shell.run_json("rebalance")
    assert found["dry_run"] is False
    assert found["homes"][1] == {
        "home": "large.example",
        "members": 7,
        "before": {"0": 5, "1": 2},
        "after": {"1": 3, "2": 2, "3": 2},
        "moved": 5,
    }
    assert asyncio.run(_on_their_way(crowded)) == 5
    assert [one["moved"] for one in shell.run_json("rebalance")["homes"]] == [0, 0]


def test_where_no_server_is_large_it_says_so(shell: Shell, crowded: str) -> None:
    shell.environment["TOOTTAIL_SLICE_MEMBERS"] = "2"
    asyncio.run(_forget_all(crowded))
    told = shell.run("rebalance")
    assert (told.returncode, told.stdout) == (0, "no server has more than 2 members\n")
    assert shell.run_json("rebalance") == {"homes": [], "dry_run": False}


async def _forget_all(url: str) -> None:
    conn = await asyncpg.connect(url)
    await conn.execute("DELETE FROM members")
    await conn.close()
