"""Served members: one for each account, renewed by each sign-in, paused and resumed."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from tests.repository.rows import HOME, conversation_of, member, now, run, seen
from toottail.repository import members, runs, sources, timelines
from toottail.repository.database import Connection, Database
from toottail.types.sources import Choices, Source


async def serve(conn: Connection, token: bytes = b"one", **more: Any) -> tuple[int, bool]:
    given: dict[str, Any] = {
        "home": HOME,
        "account_id": "1",
        "account": "mira",
        "token_fingerprint": token,
        "token_sealed": b"sealed " + token,
        "scopes": "read:statuses",
        "choices": Choices((Source("home", entries=40), Source("bookmarks"))),
        "now": now(),
    }
    return await members.serve(conn, **(given | more))


async def _state(conn: Connection, member_id: int) -> members.MemberRow:
    row = await members.get(conn, member_id)
    assert row is not None
    return row


async def _due(conn: Connection) -> list[str]:
    return sorted(due.kind for due in await sources.due(conn, HOME, now() + timedelta(seconds=1)))


async def test_a_new_member_is_served_at_once_and_has_a_first_run(database: Database) -> None:
    async with database.transaction() as conn:
        member_id, is_new = await serve(conn)
        assert is_new
        assert await _due(conn) == ["bookmarks", "home"]
        waiting = await conn.fetch("SELECT kind, collected FROM run_sources ORDER BY kind")
        assert [tuple(row) for row in waiting] == [("bookmarks", False), ("home", False)]
        assert (await _state(conn, member_id)).handle == "@mira@home.example"


async def test_signing_in_again_renews_the_token_of_the_same_member(database: Database) -> None:
    async with database.transaction() as conn:
        first, _ = await serve(conn)
        again, is_new = await serve(conn, b"two", choices=Choices((Source("home", entries=40),)))
        assert (again, is_new) == (first, False)
        assert (await _state(conn, first)).token_sealed == b"sealed two"
        assert await conn.fetchval("SELECT count(*) FROM runs") == 1
        assert await _due(conn) == ["home"]
        await conn.execute("UPDATE runs SET ended_at = now()")
        await serve(conn, b"three")
        assert await _due(conn) == ["bookmarks", "home"]
        assert await conn.fetchval("SELECT count(*) FROM runs WHERE ended_at IS NULL") == 1


async def test_a_member_of_fetch_with_the_same_token_becomes_the_served_one(
    database: Database,
) -> None:
    async with database.transaction() as conn:
        fetched = await member(conn, name="one")
        await run(conn, fetched)
        taken, is_new = await serve(conn)
        assert (taken, is_new) == (fetched, True)
        # An account that is served by another token already keeps one row.
        other = await member(conn, name="two")
        await conn.execute("INSERT INTO conversations (root_uri, host) VALUES ('https://a/1', 'a')")
        await conn.execute(
            "INSERT INTO watchers (member_id, conversation_id) SELECT $1, id FROM conversations",
            other,
        )
        assert await serve(conn, b"two") == (fetched, False)
        assert await conn.fetchval("SELECT array_agg(id) FROM members") == [fetched]
        assert await conn.fetchval("SELECT member_id FROM watchers") == fetched


async def test_signing_in_ends_the_pauses_that_a_token_or_home_caused_and_no_other(
    database: Database,
) -> None:
    async with database.transaction() as conn:
        member_id, _ = await serve(conn)
        for why in ("token", "home"):
            await members.pause(conn, member_id, why, now())
            assert await _due(conn) == []
            await serve(conn)
            row = await _state(conn, member_id)
            assert (row.paused_why, row.paused_at, row.delete_at) == (None, None, None)
            assert await _due(conn) != []
        for kept in ("member", "operator"):
            await members.pause(conn, member_id, kept)
            await serve(conn)
            assert (await _state(conn, member_id)).paused_why == kept
            assert await _due(conn) == []
        await members.pause(conn, member_id, "token", now())
        assert (await _state(conn, member_id)).paused_why == "operator"
        await members.resume(conn, member_id, now())
        assert await _due(conn) == ["bookmarks", "home"]


async def test_what_is_read_or_refused_is_due_again_at_its_time(database: Database) -> None:
    async with database.transaction() as conn:
        await serve(conn)
        bookmarks, home = await sources.due(conn, HOME, now() + timedelta(seconds=1))
        soon, tomorrow = now() + timedelta(minutes=5), now() + timedelta(days=1)
        await sources.set_collected(conn, home, again_at=soon)
        await sources.switch_off(conn, bookmarks, "the home refuses it", tomorrow, soon)
        assert await _due(conn) == []
        due = {row["kind"]: row["collect_at"] for row in await conn.fetch("SELECT * FROM sources")}
        assert due == {"home": soon, "bookmarks": tomorrow}


async def test_the_refusal_of_a_token_that_was_replaced_pauses_nobody(database: Database) -> None:
    async with database.transaction() as conn:
        member_id, _ = await serve(conn)
        await serve(conn, b"two")
        old, new = b"sealed one", b"sealed two"
        assert not await members.refuse(conn, member_id, old, "no", now())
        assert (await _state(conn, member_id)).paused_why is None
        assert await members.refuse(conn, member_id, new, "no", now())
        row = await _state(conn, member_id)
        assert (row.paused_why, row.problem) == ("token", "no")
        await conn.execute("UPDATE sources SET collect_at = now()")
        assert await _due(conn) == []


async def test_what_a_run_says_does_not_wake_a_paused_member(database: Database) -> None:
    async with database.transaction() as conn:
        member_id, _ = await serve(conn)
        await members.pause(conn, member_id, "member")
        await members.stay_active(conn, member_id, now() + timedelta(minutes=1))
        assert await _due(conn) == []


async def test_a_token_of_which_only_the_name_is_known_is_of_the_member_of_that_name(
    database: Database,
) -> None:
    async with database.transaction() as conn:
        first, _ = await serve(conn)
        again, is_new = await serve(conn, b"two", account_id=None)
        assert (again, is_new) == (first, False)
        row = await _state(conn, first)
        assert (row.account_id, row.token_sealed) == ("1", b"sealed two")
        # A home's own id goes before a name, which may have become somebody else's.
        other, is_new = await serve(conn, b"three", account_id="2")
        assert is_new
        assert other != first


async def test_what_the_service_asks_beside_a_run_is_not_counted_for_it(
    database: Database,
) -> None:
    async with database.transaction() as conn:
        served, _ = await serve(conn)
        await timelines.store_seen(conn, HOME, served, [seen("https://a.example/1", "1")])
        theirs = await conversation_of(conn, "https://a.example/1")
        fetched = await member(conn, name="fetched")
        run_id = await run(conn, fetched)
        await timelines.store_seen(conn, HOME, fetched, [seen("https://b.example/2", "2")])
        own = await conversation_of(conn, "https://b.example/2")
        await members.spend(conn, [theirs], "a.example", 7)
        assert await runs.spent(conn, run_id) == (0, 0)
        await members.spend(conn, [own], "b.example", 2)
        await members.spend(conn, [own + 1000], "c.example", 1)  # merged away meanwhile
        assert await runs.spent(conn, run_id) == (0, 3)
