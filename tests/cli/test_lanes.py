"""``toottail lanes`` and ``toottail worker --check``: what is told of workers and lanes."""

from __future__ import annotations

import asyncio
import time
from datetime import UTC, datetime

import asyncpg

from tests.cli.shell import Shell
from toottail.repository import delays
from toottail.repository.database import connector


def test_without_a_worker_both_say_so(shell: Shell) -> None:
    told = shell.run("lanes")
    assert told.returncode == 0, told.stderr
    assert told.stdout == "no workers\nno lanes with work\n"
    assert shell.run_json("lanes") == {"workers": [], "lanes": [], "delays": []}
    told = shell.run("worker", "--check")
    assert told.returncode == 1
    assert "no sign of life" in told.stdout


def test_how_late_work_was_done_is_told(shell: Shell, database_url: str) -> None:
    async def count() -> None:
        connection = await connector(database_url)()
        try:
            await delays.add(connection, datetime.now(UTC), {("look", 60.0): 4})
        finally:
            await connection.close()

    assert shell.run("lanes").stdout == "no workers\nno lanes with work\n"
    asyncio.run(count())
    lines = shell.run("lanes").stdout.splitlines()[2:]
    assert [line.split() for line in lines] == [
        ["DELAY", "OF", "WITHIN", "DONE", "MEDIAN", "95", "%"],
        ["look", "1", "h", "4", "45.0", "s", "58.5", "s"],
        ["look", "24", "h", "4", "45.0", "s", "58.5", "s"],
    ]
    told = shell.run_json("lanes")["delays"]
    assert told[0] == {"kind": "look", "hours": 1, "done": 4, "median": 45.0, "late": 58.5}


def test_a_worker_that_works_passes_the_check_and_is_listed(shell: Shell) -> None:
    shell.environment["TOOTTAIL_EGRESS"] = "north"
    process = shell.start("worker")
    try:
        for _ in range(60):
            told = shell.run("worker", "--check")
            if told.returncode == 0:
                break
            time.sleep(0.2)
        assert told.returncode == 0, told.stdout
        (worker,) = shell.run_json("lanes")["workers"]
        assert (worker["alive"], worker["egress"], worker["lanes"]) == (True, "north", 0)
        assert worker["memory"] > 10 << 20
        line = shell.run("lanes").stdout.splitlines()[1]
        assert worker["id"] in line
        assert line.endswith("alive")
    finally:
        process.terminate()
        process.communicate(timeout=60)
    assert process.returncode == 0


def test_a_slice_is_listed_with_its_members(shell: Shell, database_url: str) -> None:
    shell.environment["DATABASE_URL"] = database_url
    asyncio.run(_store(database_url))
    lanes = {lane["key"]: lane for lane in shell.run_json("lanes")["lanes"]}
    assert (lanes["large.example#2"]["due"], lanes["large.example#2"]["members"]) == (1, 3)
    assert (lanes["large.example"]["due"], lanes["large.example"]["members"]) == (1, None)
    lines = [line.split() for line in shell.run("lanes").stdout.splitlines()]
    assert lines[1] == ["LANE", "WORKER", "SINCE", "DUE", "LATE", "MEMBERS"]
    assert sorted((line[0], line[-1]) for line in lines[2:]) == [
        ("large.example", "-"),
        ("large.example#2", "3"),
    ]


async def _store(url: str) -> None:
    conn = await asyncpg.connect(url)
    await conn.execute(
        "INSERT INTO members (home, token_fingerprint, token_sealed, slice, active_until)"
        " SELECT 'large.example', n::text::bytea, 'sealed', CASE WHEN n < 4 THEN 2 ELSE 0 END,"
        " 'infinity' FROM generate_series(1, 5) AS n;"
        "INSERT INTO sources (member_id, home, kind, entries, collect_at)"
        " SELECT id, home, 'home', 40, now() - interval '1 minute' FROM members"
        " WHERE token_fingerprint IN ('1', '5')"
    )
    await conn.close()
