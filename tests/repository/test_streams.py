"""Streams in the database: who gets which, and that no reading is put off for one that is lost."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest

from tests.repository.rows import HOME, now, seen
from tests.repository.test_serving import serve
from toottail.errors import StorageConflict
from toottail.flow import rhythm
from toottail.flow.streamed import store_shown
from toottail.repository import lanes, leaving, members, sources, streams
from toottail.repository.database import Connection, Database
from toottail.repository.sources import DueSource, Position
from toottail.repository.streams import Claim, Loss
from toottail.repository.timelines import Seen
from toottail.types.sources import Choices, Source

OTHER = "other.example"
STREAMING = ["mastodon"]
SOON = timedelta(0)


async def _member(conn: Connection, name: str = "mira", home: str = HOME) -> int:
    """Who is served, and whose timeline was read once."""
    member_id, _ = await _serve(conn, name, home, name.encode())
    await conn.execute(
        "INSERT INTO hosts (host, software) VALUES ($1, 'mastodon') ON CONFLICT DO NOTHING", home
    )
    await conn.execute(
        "UPDATE sources SET read_at = now(), collect_at = now() + interval '1 min'"
        " WHERE member_id = $1",
        member_id,
    )
    await conn.execute("UPDATE run_sources SET collected = true")
    return member_id


async def _serve(conn: Connection, name: str, home: str, token: bytes) -> tuple[int, bool]:
    choices = Choices((Source("home", entries=40),))
    return await serve(conn, token, account=name, account_id=name, home=home, choices=choices)


async def _worker(conn: Connection) -> UUID:
    worker = uuid4()
    await conn.execute("INSERT INTO workers (id, streams) VALUES ($1, 0)", worker)
    return worker


async def _claim(
    conn: Connection, worker: UUID, per_home: int = 100, most: int = 100
) -> list[Claim]:
    await streams.enrol(conn, STREAMING, 100, SOON)
    return await streams.claim(conn, worker, per_home=per_home, most=most)


async def _open(conn: Connection, worker: UUID, member_id: int) -> None:
    assert [claim.member_id for claim in await _claim(conn, worker)] == [member_id]
    await streams.note_up(conn, worker, [member_id])


async def _source(conn: Connection) -> dict[str, Any]:
    row = await conn.fetchrow("SELECT * FROM sources WHERE kind = 'home'")
    assert row is not None
    return dict(row.items())


async def _due(conn: Connection) -> DueSource:
    (due,) = await sources.due(conn, HOME, now() + timedelta(minutes=2))
    return due


async def _read(conn: Connection, due: DueSource) -> None:
    """The end of a reading, as `collect` stores it."""
    await sources.set_collected(
        conn,
        due,
        newest_id="9",
        depth=40,
        again_at=now() + timedelta(minutes=5),
        streamed_at=rhythm.beside_stream(now(), member_id=due.member_id),
    )


def _ahead(row: dict[str, Any]) -> timedelta:
    found: timedelta = row["collect_at"] - datetime.now(UTC)
    return found


@pytest.mark.parametrize(
    "lacking",
    [
        "UPDATE hosts SET software = 'hollo'",
        "UPDATE sources SET read_at = NULL",
        "UPDATE sources SET enabled = false",
        "UPDATE members SET active_until = NULL",
        "UPDATE members SET served = false",
        "UPDATE members SET failing_since = now()",
    ],
)
async def test_only_who_can_have_a_stream_gets_one(database: Database, lacking: str) -> None:
    async with database.connection() as conn:
        worker, member_id = await _worker(conn), await _member(conn)
        await conn.execute(lacking)
        assert await _claim(conn, worker) == []
        await conn.execute("UPDATE hosts SET software = 'mastodon'")
        await conn.execute("UPDATE sources SET read_at = now(), enabled = true")
        await conn.execute(
            "UPDATE members SET active_until = 'infinity', served = true, failing_since = NULL"
        )
        (claim,) = await _claim(conn, worker)
        assert (claim.member_id, claim.home, claim.software) == (member_id, HOME, "mastodon")
        assert await _claim(conn, worker) == []


async def test_a_home_gets_one_connection_after_the_other(database: Database) -> None:
    async with database.connection() as conn:
        one, two = await _worker(conn), await _worker(conn)
        for name in "abc":
            await _member(conn, name)
            await _member(conn, name, OTHER)
        assert sorted(claim.home for claim in await _claim(conn, one)) == [HOME, OTHER]
        assert await _claim(conn, two) == []
        await conn.execute("UPDATE streams SET claimed_at = now() - interval '3 s'")
        assert len(await _claim(conn, two)) == 2


async def test_a_home_never_has_more_than_it_is_given(database: Database) -> None:
    async with database.connection() as conn:
        worker = await _worker(conn)
        for name in "abc":
            await _member(conn, name)
        for _ in range(5):
            await _claim(conn, worker, per_home=2)
            await conn.execute("UPDATE streams SET claimed_at = now() - interval '3 s'")
        rows = await conn.fetch("SELECT retry_at FROM streams WHERE worker IS NULL")
        (waiting,) = [row["retry_at"] for row in rows]
        assert waiting > now() + timedelta(minutes=5), "nobody looks at it each second"


async def test_what_is_lost_waits_and_is_read_at_once(database: Database) -> None:
    async with database.connection() as conn:
        worker, member_id = await _worker(conn), await _member(conn)
        await _open(conn, worker, member_id)
        assert _ahead(await _source(conn)) <= timedelta(0), "what came before is read once more"
        await _read(conn, await _due(conn))
        assert timedelta(minutes=40) < _ahead(await _source(conn)) < timedelta(minutes=61)
        loss = Loss(timedelta(minutes=3), 2, "closed")
        await streams.note_lost(conn, uuid4(), {member_id: loss})
        assert (await _source(conn))["streamed"], "that was not whose it is"
        await streams.note_lost(conn, worker, {member_id: loss})
        source = await _source(conn)
        assert not source["streamed"]
        assert _ahead(source) <= timedelta(0)
        assert await _claim(conn, worker) == []
        await conn.execute("UPDATE streams SET retry_at = now(), claimed_at = NULL")
        (claim,) = await _claim(conn, worker)
        assert claim.failures == 2
        await _read(conn, await _due(conn))
        assert _ahead(await _source(conn)) < timedelta(minutes=6)


async def test_a_reading_under_way_when_a_stream_opens_or_is_lost_does_not_count(
    database: Database,
) -> None:
    async with database.connection() as conn:
        worker, member_id = await _worker(conn), await _member(conn)
        under_way = await _due(conn)
        await _open(conn, worker, member_id)
        await sources.set_position(conn, under_way, Position("5", 40, "9"), now())
        assert (await _due(conn)).position == Position(), "it begins anew"
        await _read(conn, under_way)
        assert _ahead(await _source(conn)) <= timedelta(0)
        again = await _due(conn)
        await streams.note_lost(conn, worker, {member_id: Loss(SOON, 1, None)})
        await _read(conn, again)
        assert _ahead(await _source(conn)) <= timedelta(0)
        await _read(conn, await _due(conn))
        assert _ahead(await _source(conn)) > timedelta(minutes=4)


async def test_what_a_dead_worker_held_is_free_and_read(database: Database) -> None:
    async with database.connection() as conn:
        worker, member_id = await _worker(conn), await _member(conn)
        await _open(conn, worker, member_id)
        await _read(conn, await _due(conn))
        assert await streams.free_dead(conn) == 0
        await conn.execute("UPDATE workers SET seen_at = now() - interval '1 min'")
        assert await streams.free_dead(conn) == 1
        source = await _source(conn)
        assert not source["streamed"]
        assert _ahead(source) <= timedelta(0)
        assert await streams.held(conn, worker) == {}
        # Who thaws now cannot say anything about it any more.
        await streams.note_up(conn, worker, [member_id])
        assert not (await _source(conn))["streamed"]


async def test_a_new_token_begins_anew(database: Database) -> None:
    async with database.connection() as conn:
        worker, member_id = await _worker(conn), await _member(conn)
        await _open(conn, worker, member_id)
        async with conn.transaction():
            assert await _serve(conn, "mira", HOME, b"new") == (member_id, False)
        await conn.execute("UPDATE run_sources SET collected = true")
        assert await streams.held(conn, worker) == {}
        assert not (await _source(conn))["streamed"]
        await streams.note_lost(conn, worker, {member_id: Loss(timedelta(days=1), 9, "401")})
        (claim,) = await _claim(conn, worker)
        assert claim.failures == 0


async def test_a_failing_home_is_left_alone_as_a_whole(database: Database) -> None:
    async with database.connection() as conn:
        worker = await _worker(conn)
        await _member(conn, "a")
        await _member(conn, "b")
        await streams.enrol(conn, STREAMING, 100, SOON)
        await streams.put_off_home(conn, HOME, timedelta(minutes=4), 3)
        assert await _claim(conn, worker) == []
        await conn.execute("UPDATE streams SET retry_at = now()")
        (claim,) = await _claim(conn, worker)
        assert claim.failures == 3


async def test_where_streams_are_is_known_to_all_members_of_a_home(database: Database) -> None:
    async with database.connection() as conn:
        worker = await _worker(conn)
        await _member(conn, "a")
        (claim,) = await _claim(conn, worker)
        assert (claim.place, claim.asked_at) == (None, None)
        await streams.store_place(conn, HOME, "streaming.home.example")
        await _member(conn, "b")
        await conn.execute("UPDATE streams SET claimed_at = NULL")
        (claim,) = await _claim(conn, worker)
        assert claim.place == "streaming.home.example"
        assert claim.asked_at is not None


async def test_the_share_of_a_worker_counts_those_that_take_streams(database: Database) -> None:
    async with database.connection() as conn:
        await _worker(conn)
        for name in "abcde":
            await _member(conn, name)
        await streams.enrol(conn, STREAMING, 100, SOON)
        assert await streams.fair_share(conn) == 5
        second = await _worker(conn)
        assert await streams.fair_share(conn) == 3
        await conn.execute("UPDATE workers SET streams = NULL WHERE id = $1", second)
        assert await streams.fair_share(conn) == 5


# What they show


async def _lane(conn: Connection) -> None:
    assert await lanes.take(conn, HOME, uuid4(), timedelta(seconds=10))


async def test_what_a_status_shows_several_members_is_stored_once(database: Database) -> None:
    async with database.connection() as conn:
        ada, bela, carl = [await _member(conn, name) for name in ("ada", "bela", "carl")]
        await conn.execute("UPDATE members SET active_until = NULL WHERE id = $1", carl)
        await _lane(conn)
        both, one = seen("https://a.example/1", "1"), seen("https://b.example/2", "2")
        async with conn.transaction():
            hosts = await store_shown(conn, HOME, {ada: [both], bela: [one, both], carl: [one]})
        assert hosts == ["a.example", "b.example"]
        rows = await conn.fetch(
            "SELECT member_id, uri FROM watchers JOIN statuses USING (conversation_id)"
        )
        assert sorted((row["member_id"], row["uri"]) for row in rows) == [
            (ada, both.uri),
            (bela, both.uri),
            (bela, one.uri),
        ]
        assert await conn.fetchval("SELECT count(*) FROM looks") == 2
        assert await conn.fetchval("SELECT count(*) FROM run_conversations") == 0
        async with conn.transaction():
            assert await store_shown(conn, HOME, {ada: [both]}) == []


async def test_workers_that_are_shown_the_same_at_once_are_not_in_each_others_way(
    database: Database,
) -> None:
    async with database.connection() as conn:
        both = [await _member(conn, name) for name in ("ada", "bela")]
        await _lane(conn)

    async def store(member_id: int, shown: list[Seen]) -> None:
        async with database.transaction() as conn:
            await store_shown(conn, HOME, {member_id: shown})

    for number in range(5):
        shown = [seen(f"https://h{n}.example/{number}", f"{number}-{n}") for n in range(200)]
        ways = (shown, shown[::-1])
        await asyncio.gather(*map(store, both, ways))
        # Both at once again, when all sleep.
        async with database.connection() as conn:
            await conn.execute(
                "UPDATE conversations SET wake_at = NULL, next_look_at = now() + interval '1 h'"
            )
        await asyncio.gather(*map(store, both, ways))


async def test_nothing_is_stored_for_who_leaves_in_that_moment(database: Database) -> None:
    async with database.connection() as conn, database.connection() as other:
        member_id = await _member(conn)
        await _lane(conn)
        shown = {member_id: [seen("https://a.example/1", "1")]}
        async with other.transaction():
            await leaving.leave(other, member_id)
            with pytest.raises(StorageConflict):
                async with conn.transaction():
                    await store_shown(conn, HOME, shown)
        # The last member of the home: nothing of it is left, and nothing comes back.
        with pytest.raises(StorageConflict):
            async with conn.transaction():
                await store_shown(conn, HOME, shown)
        for table in ("watches", "deliveries", "watchers", "streams", "lanes"):
            assert await conn.fetchval(f"SELECT count(*) FROM {table}") == 0, table


async def test_nothing_is_stored_for_who_has_left_while_others_stay(database: Database) -> None:
    async with database.connection() as conn:
        ada, bela = await _member(conn, "ada"), await _member(conn, "bela")
        await _lane(conn)
        async with conn.transaction():
            await leaving.leave(conn, ada)
        status = seen("https://a.example/1", "1")
        async with conn.transaction():
            assert await store_shown(conn, HOME, {ada: [status]}) == []
            assert await store_shown(conn, HOME, {ada: [status], bela: [status]}) == ["a.example"]
        assert await conn.fetchval("SELECT array_agg(member_id) FROM watchers") == [bela]


async def test_what_streams_show_and_the_renewals_of_a_lease_do_not_wait_for_each_other(
    database: Database,
) -> None:
    async with database.connection() as conn, database.connection() as holder:
        worker, lease = uuid4(), timedelta(minutes=1)
        taken = await lanes.take(holder, HOME, worker, lease)
        assert taken is not None
        async with conn.transaction():
            assert await streams.lock_out_leaving(conn, HOME)
            async with holder.transaction():
                await holder.execute("SET LOCAL lock_timeout = '2s'")
                await lanes.renew(holder, HOME, taken.epoch, lease, {})
        async with holder.transaction():
            await lanes.renew(holder, HOME, taken.epoch, lease, {})
            async with conn.transaction():
                assert await streams.lock_out_leaving(conn, HOME)


async def test_a_member_who_pauses_keeps_no_stream(database: Database) -> None:
    async with database.connection() as conn:
        worker, member_id = await _worker(conn), await _member(conn)
        await _open(conn, worker, member_id)
        assert await streams.held(conn, worker) == {member_id: True}
        await members.pause(conn, member_id, "member")
        assert await streams.held(conn, worker) == {member_id: False}
        await streams.note_lost(conn, worker, {member_id: Loss(SOON, 0, None)})
        await streams.enrol(conn, STREAMING, 100, SOON)
        assert await conn.fetchval("SELECT count(*) FROM streams") == 0
