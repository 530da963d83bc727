"""What is forgotten by its age, in batches, and what stays."""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
from pgqueuer.adapters.drivers.asyncpg import AsyncpgDriver
from pgqueuer.queries import Queries

from tests.repository.rows import HOME, member, now, run, seen, watch
from toottail.errors import LaneLost
from toottail.repository import feeds, lanes, leaving, purging, timelines
from toottail.repository.database import Connection, Database
from toottail.repository.feeds import WantedFeed

OLD = "UPDATE {} SET {} = now() - interval '31 days'"


async def _count(conn: Connection, table: str) -> int:
    number: int = await conn.fetchval(f"SELECT count(*) FROM {table}")
    return number


async def _uris(conn: Connection) -> list[str]:
    return sorted(row["uri"] for row in await conn.fetch("SELECT uri FROM statuses"))


async def test_what_nobody_saw_for_a_month_is_forgotten_in_batches(database: Database) -> None:
    async with database.transaction() as conn:
        for number in range(5):
            await watch(conn, f"https://a.example/{number}", str(number))
        await conn.execute(OLD.format("watchers", "seen_at"))
        await watch(conn, "https://a.example/new", "9")
        assert await purging.forget_unseen(conn, now(), 3) == 3
        assert await _count(conn, "conversations") == 3
        assert await purging.forget_unseen(conn, now(), 3) == 2
        assert await purging.forget_unseen(conn, now(), 3) == 0
        assert await _uris(conn) == ["https://a.example/new"]
        for table in ("watches", "watchers", "deliveries", "looks", "conversations"):
            assert await _count(conn, table) == 1, table


async def test_what_another_member_or_home_still_sees_stays_theirs(database: Database) -> None:
    async with database.transaction() as conn:
        uri = "https://a.example/1"
        await watch(conn, uri, "1")
        await watch(conn, uri, "1", name="zoe")
        await watch(conn, uri, "7", home="other.example")
        old = OLD.format("watchers", "seen_at") + " WHERE member_id = $1"
        await conn.execute(old, await member(conn))
        await purging.forget_unseen(conn, now(), 100)
        assert await _count(conn, "watches") == 2, "zoe's home still watches"
        await conn.execute(old, await member(conn, name="zoe"))
        await purging.forget_unseen(conn, now(), 100)
        assert await conn.fetchval("SELECT array_agg(home) FROM watches") == ["other.example"]
        assert await conn.fetchval("SELECT array_agg(home) FROM deliveries") == ["other.example"]
        assert await _uris(conn) == [uri]


async def test_profiles_that_nobody_wants_any_more_are_forgotten(database: Database) -> None:
    async with database.transaction() as conn:
        member_id = await member(conn)
        wanted = [WantedFeed("a.example", "ada@a.example"), WantedFeed("b.example", "bo@b.example")]
        await feeds.want(conn, HOME, member_id, [], "profile", wanted, now())
        await conn.execute(
            "UPDATE feed_watches SET stage = 'done', again_at = now() - interval '31 days'"
            " WHERE feed_id = (SELECT id FROM feeds WHERE host = 'a.example')"
        )
        await purging.forget_feeds(conn, now(), 100)
        assert await conn.fetchval("SELECT array_agg(host) FROM feeds") == ["b.example"]


@pytest.mark.parametrize(
    ("table", "column", "made"),
    [
        ("visits", "started_at", "INSERT INTO visits (key, epoch, worker) VALUES ('a', 1, $1)"),
        ("pgqueuer_log", "created", "INSERT INTO pgqueuer_log (job_id, status, priority,"
         " entrypoint) SELECT 1, 'successful', 0, 'lane' WHERE $1::uuid IS NOT NULL"),
        ("lanes", "", "INSERT INTO lanes (key) SELECT 'a' WHERE $1::uuid IS NOT NULL"),
        ("registrations", "created_at", "INSERT INTO registrations (home, client_id, secret_sealed,"
         " redirect_uri, scopes, knows_profile) SELECT 'a', '', '', '', '', true"
         " WHERE $1::uuid IS NOT NULL"),
    ],
)  # fmt: skip
async def test_rows_go_by_their_age(database: Database, table: str, column: str, made: str) -> None:
    async with database.transaction() as conn:
        await conn.execute(made, uuid4())
        if column:
            await purging.forget_aged(table, conn, now(), 10)
            assert await _count(conn, table) == 1, "it is new"
            await conn.execute(OLD.format(table, column))
        assert await purging.forget_aged(table, conn, now(), 10) == 1
        assert await _count(conn, table) == 0


async def test_a_run_is_kept_a_month_and_a_lane_that_is_held_longer(database: Database) -> None:
    async with database.transaction() as conn:
        member_id = await member(conn)
        await run(conn, member_id)
        await conn.execute(
            "INSERT INTO lanes (key, lease_until) VALUES ('a', now() + interval '1 minute')"
        )
        for table in purging.AGED:
            await purging.forget_aged(table, conn, now() + timedelta(days=1), 10)
        assert (await _count(conn, "runs"), await _count(conn, "lanes")) == (1, 1)
        await conn.execute(OLD.format("runs", "ended_at"))
        assert await purging.forget_aged("runs", conn, now(), 10) == 1
        assert await _count(conn, "run_sources") == 0


async def test_whoever_else_watches_is_left_with_what_no_longer_names_the_home(
    database: Database,
) -> None:
    async with database.transaction() as conn:
        shared, own = "https://a.example/1", "https://b.example/2"
        await watch(conn, shared, "1")
        await watch(conn, shared, "7", home="other.example", name="zoe")
        mira = await member(conn)
        await timelines.store_seen(conn, HOME, mira, [seen(own, "2")])
        jobs = Queries(AsyncpgDriver(conn))
        await jobs.enqueue("lane", HOME.encode(), 0, dedupe_key=f"{HOME}@0")
        assert await leaving.leave(conn, mira) == [HOME]
        assert await _uris(conn) == [shared]
        rows: dict[str, Any] = {}
        for table in ("statuses", "looks", "watches", "deliveries", "lanes", "hosts", "pgqueuer"):
            rows[table] = str(await conn.fetch(f"SELECT to_jsonb(t)::text FROM {table} AS t"))
            rows[table] = rows[table].replace(HOME.encode().hex(), HOME)
            assert HOME not in rows[table], table
        assert shared in rows["statuses"]
        assert await leaving.leave(conn, mira) == []


async def test_a_visit_under_way_stores_nothing_after_somebody_left_its_home(
    database: Database,
) -> None:
    async with database.transaction() as conn:
        leaver = await member(conn)
        await member(conn, name="zoe")
        taken = await lanes.take(conn, HOME, uuid4(), timedelta(seconds=10))
        assert taken is not None
        await lanes.hold(conn, HOME, taken.epoch)
        assert await leaving.leave(conn, leaver) == []
        with pytest.raises(LaneLost):
            await lanes.hold(conn, HOME, taken.epoch)
        assert await lanes.take(conn, HOME, uuid4(), timedelta(seconds=10)) is None


async def test_a_lane_made_again_does_not_meet_its_old_epochs(database: Database) -> None:
    async with database.transaction() as conn:
        first = await lanes.take(conn, HOME, uuid4(), timedelta(seconds=10))
        await leaving.leave(conn, await member(conn))
        assert await _count(conn, "lanes") == 0
        again = await lanes.take(conn, HOME, uuid4(), timedelta(seconds=10))
        assert first is not None
        assert again is not None
        assert again.epoch > first.epoch + 1_000_000
