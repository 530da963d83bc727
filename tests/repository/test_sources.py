"""Sources: read for the runs that want them, switched off with a word, each by itself."""

from __future__ import annotations

from datetime import timedelta
from uuid import UUID

from tests.repository.rows import HOME, member, now, run
from toottail.repository import runs, sources
from toottail.repository.database import Connection, Database
from toottail.repository.sources import Position
from toottail.types.sources import Source


async def collected(conn: Connection, run_id: UUID) -> bool:
    return (await runs.progress(conn, run_id)).collected


async def test_a_reading_counts_for_the_runs_that_wanted_it(database: Database) -> None:
    async with database.transaction() as conn:
        run_id = await run(conn, await member(conn), wanted=80)
        (due,) = await sources.due(conn, HOME, now())
        assert (due.kind, due.wanted, due.run_ids) == ("home", 80, [run_id])
        await sources.count_read(conn, due, 40, 40)
        assert not await collected(conn, run_id)
        await sources.set_collected(conn, due, newest_id="5", depth=80, again_at=None)
        assert await sources.due(conn, HOME, now()) == []
        assert await collected(conn, run_id)
        assert await sources.of_run(conn, run_id) == [("home", "", 40, None)]


async def test_a_run_that_begins_during_a_reading_gets_one_of_its_own(database: Database) -> None:
    async with database.transaction() as conn:
        member_id = await member(conn)
        await run(conn, member_id, wanted=40)
        (due,) = await sources.due(conn, HOME, now())
        late = await run(conn, member_id, wanted=200)
        await sources.set_collected(conn, due, newest_id="5", depth=40, again_at=None)
        assert not await collected(conn, late)
        (again,) = await sources.due(conn, HOME, now())
        assert (again.newest_id, again.depth, again.run_ids) == ("5", 40, [late])


async def test_a_source_that_is_switched_off_keeps_no_run_waiting_and_says_why(
    database: Database,
) -> None:
    async with database.transaction() as conn:
        member_id = await member(conn)
        first = await run(conn, member_id)
        await sources.choose(conn, member_id, first, [Source("bookmarks")], now())
        due = next(s for s in await sources.due(conn, HOME, now()) if s.kind == "bookmarks")
        why = "the token lacks the scope read:bookmarks"
        await sources.switch_off(conn, due, why, now() + timedelta(hours=1), None)
        assert ("bookmarks", "", 0, why) in await sources.of_run(conn, first)
        later = await run(conn, member_id)
        await sources.choose(conn, member_id, later, [Source("bookmarks")], now())
        assert [s.kind for s in await sources.due(conn, HOME, now())] == ["home"]
        assert ("bookmarks", "", 0, why) in await sources.of_run(conn, later)


async def test_what_was_read_before_stays_known_while_a_source_is_off(database: Database) -> None:
    async with database.transaction() as conn:
        member_id = await member(conn)
        await run(conn, member_id, wanted=40)
        (due,) = await sources.due(conn, HOME, now())
        await sources.set_collected(conn, due, newest_id="9", depth=40, again_at=None)
        other = await run(conn, member_id)
        await sources.choose(conn, member_id, other, [Source("lists")], now())
        await conn.execute("UPDATE runs SET ended_at = now()")
        await run(conn, member_id, wanted=40)
        (again,) = await sources.due(conn, HOME, now())
        assert (again.kind, again.newest_id, again.depth) == ("home", "9", 40)


async def test_each_list_is_a_source_of_its_own_for_the_runs_that_wanted_all(
    database: Database,
) -> None:
    async with database.transaction() as conn:
        member_id = await member(conn)
        run_id = await run(conn, member_id)
        await sources.choose(conn, member_id, run_id, [Source("lists", entries=60)], now())
        lists = next(s for s in await sources.due(conn, HOME, now()) if s.kind == "lists")
        await sources.add_lists(
            conn, lists, [("Friends", "0"), ("Friends", "1"), ("News", "2")], now()
        )
        await sources.set_collected(conn, lists, again_at=None)
        due = [s for s in await sources.due(conn, HOME, now()) if s.kind == "list"]
        assert [(s.name, s.ref, s.wanted, s.run_ids) for s in due] == [
            ("Friends", "1", 60, [run_id]),
            ("News", "2", 60, [run_id]),
        ]
        assert not await collected(conn, run_id)


async def test_a_reading_that_was_stopped_goes_on_where_it_was_for_the_same_runs(
    database: Database,
) -> None:
    async with database.transaction() as conn:
        member_id = await member(conn)
        await run(conn, member_id)
        (due,) = await sources.due(conn, HOME, now())
        assert due.position == Position()
        reached = Position("60", 80, "99")
        await sources.set_position(conn, due, reached, now())
        (again,) = await sources.due(conn, HOME, now())
        assert again.position == reached
        later = now() + timedelta(minutes=9)
        await sources.set_position(conn, due, reached, later - sources.POSITION_FOR)
        (stale,) = await sources.due(conn, HOME, later)
        assert stale.position == Position(), "after an hour it begins anew"


async def test_a_run_that_begins_in_the_middle_of_a_reading_gets_the_pages_before_it_too(
    database: Database,
) -> None:
    async with database.transaction() as conn:
        member_id = await member(conn)
        await run(conn, member_id)
        (due,) = await sources.due(conn, HOME, now())
        await run(conn, member_id)
        await sources.set_position(conn, due, Position("60", 80, "99"), now())
        (both,) = await sources.due(conn, HOME, now())
        assert len(both.run_ids) == 2
        assert both.position == Position()


async def test_a_reading_that_is_over_leaves_no_position(database: Database) -> None:
    async with database.transaction() as conn:
        member_id = await member(conn)
        await run(conn, member_id)
        (due,) = await sources.due(conn, HOME, now())
        await sources.set_position(conn, due, Position("60", 80, "99"), now())
        await sources.set_collected(conn, due, newest_id="99", depth=200, again_at=None)
        await conn.execute("UPDATE sources SET collect_at = now()")
        (again,) = await sources.due(conn, HOME, now())
        assert (again.position, again.newest_id) == (Position(), "99")


async def test_many_sources_of_one_member_do_not_keep_the_others_waiting(
    database: Database,
) -> None:
    async with database.connection() as conn:
        greedy = await member(conn, name="greedy")
        await conn.execute(
            "INSERT INTO sources (member_id, home, kind, name, entries, collect_at)"
            " SELECT $1, $2, 'hashtag', n::text, 20, now() - interval '1 h'"
            " FROM generate_series(1, 50) AS n",
            greedy,
            HOME,
        )
        modest = await member(conn, name="modest")
        await conn.execute("UPDATE members SET active_until = 'infinity'")
        await conn.execute(
            "INSERT INTO sources (member_id, home, kind, entries, collect_at)"
            " VALUES ($1, $2, 'bookmarks', 20, now() - interval '1 s')",
            modest,
            HOME,
        )
        found = await sources.due(conn, HOME, now(), most=4, of_each=1)
        assert [due.member_id for due in found] == [greedy, modest]
        (only,) = await sources.due(conn, HOME, now(), most=4, of_each=1, busy=[greedy])
        assert only.member_id == modest
        assert len(await sources.due(conn, HOME, now(), most=4)) == 4
