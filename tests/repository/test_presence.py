"""Who is there and who is away: what is stored of it, what ends with it, and coming back."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest

from tests.repository.rows import HOME, now
from tests.repository.test_serving import _due as due_kinds
from tests.repository.test_serving import _state, serve
from toottail.flow import rhythm
from toottail.repository import members, presence, sources
from toottail.repository.database import Connection, Database

HOUR, DAY = timedelta(hours=1), timedelta(days=1)


async def _away(conn: Connection, member_id: int, since: timedelta) -> None:
    await conn.execute(
        "UPDATE members SET read_at = $2, seen_at = $3 WHERE id = $1",
        member_id,
        now() - since,
        now() - since - DAY,
    )


async def _read_at(conn: Connection, member_id: int) -> datetime:
    at: datetime = await conn.fetchval("SELECT read_at FROM members WHERE id = $1", member_id)
    return at


async def test_whoever_is_taken_in_or_signs_in_again_counts_as_reading_now(
    database: Database,
) -> None:
    async with database.transaction() as conn:
        member_id, _ = await serve(conn)
        assert now() - await _read_at(conn, member_id) < HOUR
        await _away(conn, member_id, 30 * DAY)
        await serve(conn, b"two")
        assert now() - await _read_at(conn, member_id) < HOUR


async def test_markers_move_only_forward_and_never_into_the_time_to_come(
    database: Database,
) -> None:
    async with database.transaction() as conn:
        member_id, _ = await serve(conn)
        await _away(conn, member_id, 9 * DAY)
        for moved, read in ((20, 9), (3, 3), (5, 3), (-2, 0)):
            at = now()
            await presence.note_markers(conn, member_id, at, marked=True, moved_at=at - moved * DAY)
            away = at - await _read_at(conn, member_id)
            assert abs(away - read * DAY) < HOUR, moved
        await presence.note_markers(conn, member_id, now(), marked=False, moved_at=None)
        row = await conn.fetchrow("SELECT marked, read_at, markers_at FROM members")
        assert row is not None
        assert (row["marked"], row["read_at"] > now() - HOUR) == (False, True)


async def test_a_due_source_tells_when_its_member_was_last_there(database: Database) -> None:
    async with database.transaction() as conn:
        member_id, _ = await serve(conn)
        await _away(conn, member_id, 9 * DAY)
        await conn.execute("UPDATE members SET seen_at = $1", now() - 2 * DAY)
        (due, _) = await sources.due(conn, HOME, now() + HOUR)
        assert abs(now() - due.seen_at - 2 * DAY) < HOUR
        assert (due.markers_at, due.marked) == (None, None)


async def test_nothing_is_due_for_who_was_stopped_until_they_open_a_page(
    database: Database,
) -> None:
    async with database.transaction() as conn:
        member_id, _ = await serve(conn)
        limit = now() - 60 * DAY
        assert not await presence.stop(conn, member_id, now(), limit), "they are there"
        await _away(conn, member_id, 61 * DAY)
        await conn.execute("UPDATE members SET seen_at = $1", now() - DAY)
        assert not await presence.stop(conn, member_id, now(), limit), "they were here yesterday"
        await _away(conn, member_id, 61 * DAY)
        assert await presence.stop(conn, member_id, now(), limit)
        stopped = await _state(conn, member_id)
        assert (stopped.paused_why, stopped.delete_at) == ("idle", None)
        assert await due_kinds(conn) == []
        await presence.welcome(conn, member_id, now(), DAY)
        assert (await _state(conn, member_id)).paused_why is None
        assert await due_kinds(conn) == ["bookmarks", "home"]
        assert now() - await _read_at(conn, member_id) < HOUR


@pytest.mark.parametrize("why", ["member", "operator", "token", "home"])
async def test_other_pauses_are_neither_made_nor_ended_by_being_away(
    database: Database, why: members.PausedWhy
) -> None:
    async with database.transaction() as conn:
        member_id, _ = await serve(conn)
        await members.pause(conn, member_id, why)
        await _away(conn, member_id, 61 * DAY)
        assert not await presence.stop(conn, member_id, now(), now() - 60 * DAY)
        await presence.welcome(conn, member_id, now(), DAY)
        assert (await _state(conn, member_id)).paused_why == why


async def test_who_comes_back_is_read_for_at_once_and_who_is_there_by_the_rhythm(
    database: Database,
) -> None:
    async with database.transaction() as conn:
        member_id, _ = await serve(conn)
        await conn.execute("UPDATE sources SET collect_at = $1", now() + 5 * DAY)
        await presence.welcome(conn, member_id, now(), DAY)
        assert await due_kinds(conn) == []
        await _away(conn, member_id, 20 * DAY)
        await conn.execute("UPDATE sources SET off_until = collect_at WHERE kind = 'bookmarks'")
        await presence.welcome(conn, member_id, now(), DAY)
        assert await due_kinds(conn) == ["home"], "what the home refused stays off"


async def test_readers_are_counted_by_what_is_read_for_them(database: Database) -> None:
    async with database.transaction() as conn:
        for number in range(3):
            token = f"token {number}".encode()
            first, _ = await serve(conn, token, account_id=str(number), account=f"m{number}")
        gone, _ = await serve(conn, b"gone", account_id="gone", account="gone")
        await _away(conn, gone, 5 * DAY)
        asleep, _ = await serve(conn, b"asleep", account_id="asleep", account="asleep")
        await members.pause(conn, asleep, "member")
        found = await presence.readers(conn, HOME, now(), now() - 3 * DAY)
        assert found == {"home": 3, "bookmarks": 3}
        await conn.execute(
            "UPDATE sources SET streamed = true WHERE kind = 'home' AND member_id <> $1", first
        )
        found = await presence.readers(conn, HOME, now(), now() - 3 * DAY)
        assert found == {"home": 1, "streamed": 2, "bookmarks": 3}
    assert rhythm.quickest({"streamed": 285}, 300, 300) == rhythm.FASTEST
