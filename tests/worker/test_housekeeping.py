"""Housekeeping: runs that are over, what has expired, and one process at a time."""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest

from tests.repository.rows import HOME, member, now
from tests.repository.test_serving import serve
from toottail.errors import StorageConflict
from toottail.repository import hosts, lanes, members, runs
from toottail.repository.database import Database
from toottail.settings import Settings
from toottail.worker import housekeeping


async def _rows(database: Database, statement: str, *values: object) -> list[dict[str, Any]]:
    async with database.connection() as conn:
        return [dict(row.items()) for row in await conn.fetch(statement, *values)]


async def _member(database: Database) -> int:
    async with database.transaction() as conn:
        member_id, _ = await serve(conn)
    return member_id


async def _ended(database: Database) -> list[str | None]:
    rows = await _rows(database, "SELECT problem FROM runs WHERE ended_at IS NOT NULL")
    return [row["problem"] for row in rows]


async def test_a_run_ends_when_all_of_it_is_done_and_not_before(database: Database) -> None:
    await _member(database)
    await housekeeping.end_runs(database)
    assert await _ended(database) == []
    await _rows(database, "UPDATE run_sources SET collected = true")
    await housekeeping.end_runs(database)
    assert await _ended(database) == [None]


async def test_a_run_that_brings_nothing_more_for_long_is_ended_with_a_word(
    database: Database,
) -> None:
    await _member(database)
    await housekeeping.end_runs(database)
    await _rows(database, "UPDATE runs SET statuses_read = 40")
    later = now() + timedelta(hours=2)
    await housekeeping.end_runs(database, later)
    assert await _ended(database) == [], "it went on since"
    await housekeeping.end_runs(database, later + timedelta(minutes=61))
    (problem,) = await _ended(database)
    assert problem == "nothing more came of it for an hour; work on what is left goes on"


async def test_the_run_of_a_refused_token_ends_with_the_reason(database: Database) -> None:
    member_id = await _member(database)
    async with database.transaction() as conn:
        assert await members.refuse(conn, member_id, b"sealed one", "no such token", now())
    await housekeeping.end_runs(database)
    assert await _ended(database) == ["no such token"]


async def test_only_one_process_keeps_house_at_a_time(
    database: Database, database_settings: Settings
) -> None:
    await _member(database)
    await _rows(database, "UPDATE run_sources SET collected = true")
    await _rows(database, "INSERT INTO allowances (key, used_up) VALUES ('a', '2026-01-01')")
    async with database.transaction() as conn:
        await conn.execute("SELECT pg_advisory_xact_lock($1)", lanes.HOUSEKEEPING_LOCK)
        await housekeeping.end_runs(database)
        await housekeeping.tidy(database_settings, database)
        assert await _ended(database) == []
        assert len(await _rows(database, "SELECT FROM allowances")) == 1
    await housekeeping.end_runs(database)
    await housekeeping.tidy(database_settings, database)
    assert await _ended(database) == [None]
    assert await _rows(database, "SELECT FROM allowances") == []


async def test_sessions_and_sign_ins_end_with_their_time(
    database: Database, database_settings: Settings
) -> None:
    member_id = await _member(database)
    await _rows(
        database,
        "INSERT INTO sessions (digest, member_id, expires_at)"
        " VALUES ('old', $1, now() - interval '1 s'), ('new', $1, now() + interval '1 h')",
        member_id,
    )
    await _rows(
        database,
        "INSERT INTO sign_ins (state_digest, browser_digest, home, verifier_sealed, scopes,"
        " sources, expires_at) VALUES ('s', 'b', $1, 'v', '', '{}', now() - interval '1 s')",
        HOME,
    )
    await housekeeping.tidy(database_settings, database)
    assert await _rows(database, "SELECT digest FROM sessions") == [{"digest": b"new"}]
    assert await _rows(database, "SELECT FROM sign_ins") == []


async def test_what_the_operator_paused_is_not_removed_for_a_home_that_fails(
    database: Database, database_settings: Settings
) -> None:
    member_id = await _member(database)
    async with database.transaction() as conn:
        await members.fail_home(conn, HOME, "the home does not answer", now() - timedelta(days=4))
        await members.pause(conn, member_id, "operator")
    await housekeeping.tidy(database_settings, database)
    (row,) = await _rows(database, "SELECT paused_why, delete_at FROM members")
    assert row == {"paused_why": "operator", "delete_at": None}


async def test_members_of_a_home_that_grew_large_are_shared_out(
    database: Database, database_settings: Settings
) -> None:
    async with database.connection() as conn:
        await hosts.store_software(conn, HOME, "mastodon", "4.4", now())
        for name in ("ann", "ben", "cem"):
            await member(conn, HOME, name)
    settings = database_settings.model_copy(update={"slice_members": 3})
    await housekeeping.tidy(settings, database)
    assert await _rows(database, "SELECT FROM members WHERE slice_to IS NOT NULL") == []
    await housekeeping.tidy(settings.model_copy(update={"slice_members": 2}), database)
    rows = await _rows(database, "SELECT slice, slice_to FROM members ORDER BY slice_to")
    assert [(row["slice"], row["slice_to"]) for row in rows] == [(0, 1), (0, 1), (0, 2)]


async def test_a_run_whose_member_leaves_meanwhile_stops_nobody(database: Database) -> None:
    async with database.connection() as conn:
        with pytest.raises(StorageConflict):
            await runs.progress(conn, uuid4())
