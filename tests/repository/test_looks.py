"""Looks: which questions are due, in which order, and how far a host's word carries."""

from __future__ import annotations

from datetime import datetime, timedelta

from tests.repository.rows import (
    HOME,
    conversation_of,
    found,
    locked,
    now,
    set_stage,
    stages,
    watch,
)
from toottail.flow import look_again
from toottail.repository import conversations, looks
from toottail.repository.database import Connection, Database
from toottail.types.statuses import LookTarget

ROOT = "https://a.example/1"


def targets(host: str, count: int, how: str = "") -> list[LookTarget]:
    return [LookTarget(f"https://{host}/{n}", host, how) for n in range(count)]


async def _states(conn: Connection, host: str) -> list[str]:
    rows = await conn.fetch("SELECT state FROM looks WHERE host = $1 ORDER BY id", host)
    return [row["state"] for row in rows]


async def _close_all(conn: Connection, host: str, state: str) -> None:
    """Ends all due looks at ``host``."""
    for due in await looks.due(conn, host, now(), 99):
        await looks.close(conn, due.id, state)
        await looks.settle_trust(conn, due, host, now())


async def test_the_first_question_goes_before_what_it_may_make_needless(database: Database) -> None:
    async with database.transaction() as conn:
        number = await watch(conn, ROOT, "1")
        await looks.add(conn, number, "a.example", targets("b.example", 2), 99)
        assert await looks.due(conn, "b.example", now(), 9) == []
        assert await looks.askable(conn, number, now()) == {"a.example"}
        await _close_all(conn, "a.example", "done")
        assert len(await looks.due(conn, "b.example", now(), 9)) == 2


async def test_of_the_statuses_of_one_host_one_is_asked_about_at_a_time(database: Database) -> None:
    async with database.transaction() as conn:
        number = await watch(conn, ROOT, "1")
        await _close_all(conn, "a.example", "done")
        placed = [LookTarget(f"https://b.example/{n}", "b.example", "", "placed") for n in range(3)]
        await looks.add(conn, number, "a.example", placed, 99)
        (first,) = await looks.due(conn, "b.example", now(), 9)
        assert (first.uri, first.crowd, first.root_uri) == (placed[0].uri, 3, ROOT)
        assert await looks.due(conn, "b.example", now(), 9, [first.id]) == []
        await looks.close(conn, first.id, "done")
        (second,) = await looks.due(conn, "b.example", now(), 9)
        assert (second.uri, second.crowd) == (placed[1].uri, 2)


async def test_what_is_being_asked_is_not_due_again(database: Database) -> None:
    async with database.transaction() as conn:
        await watch(conn, ROOT, "1")
        (due,) = await looks.due(conn, "a.example", now(), 9)
        assert await looks.due(conn, "a.example", now(), 9, [due.id]) == []


async def test_the_same_question_is_asked_once(database: Database) -> None:
    async with database.transaction() as conn:
        number = await watch(conn, ROOT, "1")
        assert await looks.add(conn, number, "a.example", targets("b.example", 2), 99)
        assert not await looks.add(conn, number, "a.example", targets("b.example", 2), 99)


async def test_the_questions_of_one_look_are_bounded(database: Database) -> None:
    async with database.transaction() as conn:
        number = await watch(conn, ROOT, "1")
        await looks.add(conn, number, "a.example", targets("a.example", 50, "context"), 7)
        assert await conn.fetchval("SELECT count(*) FROM looks") == 8
        assert not await looks.add(conn, number, "a.example", targets("b.example", 5), 0)


async def test_ten_questions_that_led_nowhere_end_the_belief_in_who_named_them(
    database: Database,
) -> None:
    async with database.transaction() as conn:
        number = await watch(conn, ROOT, "1")
        await _close_all(conn, "a.example", "done")
        await looks.add(conn, number, "a.example", targets("victim.example", 40), 99)
        assert (await _states(conn, "victim.example")).count("due") == looks.FIRST_TRUST
        await _close_all(conn, "victim.example", "failed")
        assert set(await _states(conn, "victim.example")) == {"failed"}


async def test_a_question_that_was_worth_it_lets_more_of_its_kind_go(database: Database) -> None:
    async with database.transaction() as conn:
        number = await watch(conn, ROOT, "1")
        await _close_all(conn, "a.example", "done")
        await looks.add(conn, number, "a.example", targets("b.example", 40), 99)
        for _ in range(10):
            await _close_all(conn, "b.example", "done")
        assert set(await _states(conn, "b.example")) == {"done"}


async def test_a_status_that_hides_no_reply_is_not_asked_about(database: Database) -> None:
    async with database.transaction() as conn:
        number = await watch(conn, ROOT, "1")
        await _close_all(conn, "a.example", "done")
        parent, child = "https://a.example/2", "https://b.example/3"
        held = await locked(conn, number)
        listing = [found(parent, ROOT, replies_count=1), found(child, parent, replies_count=4)]
        await conversations.store_found(conn, held, listing, "a.example")
        await looks.add(
            conn,
            number,
            "a.example",
            [LookTarget(parent, "a.example", ""), LookTarget(child, "b.example", "")],
            99,
        )
        await looks.drop_needless(conn, number)
        rows = await conn.fetch("SELECT uri, state FROM looks WHERE uri <> $1", ROOT)
        assert {r["uri"]: r["state"] for r in rows} == {parent: "needless", child: "due"}


async def test_a_reply_that_is_gone_stands_for_none_that_its_parents_host_counts(
    database: Database,
) -> None:
    async with database.transaction() as conn:
        number = await watch(conn, ROOT, "1")
        await _close_all(conn, "a.example", "done")
        parent, child = "https://a.example/2", "https://b.example/3"
        listing = [found(parent, ROOT, replies_count=1), found(child, parent)]
        await conversations.store_found(conn, await locked(conn, number), listing, "a.example")
        await conversations.mark_gone(conn, child)
        await looks.add(conn, number, "a.example", [LookTarget(parent, "a.example")], 99)
        await looks.drop_needless(conn, number)
        assert await _states(conn, "a.example") == ["done", "due"]


async def test_a_host_given_up_ends_its_looks_and_no_others(database: Database) -> None:
    async with database.transaction() as conn:
        number = await watch(conn, ROOT, "1")
        await looks.add(conn, number, "a.example", targets("b.example", 3), 99)
        assert await looks.conversations_at(conn, "b.example") == [number]
        await looks.give_up_host(conn, number, "b.example", "no answer")
        assert set(await _states(conn, "b.example")) == {"failed"}
        assert await _states(conn, "a.example") == ["due"]


async def test_a_look_put_off_is_due_again_later_with_its_reason(database: Database) -> None:
    async with database.transaction() as conn:
        await watch(conn, ROOT, "1")
        (due,) = await looks.due(conn, "a.example", now(), 9)
        until = now() + timedelta(minutes=2)
        await looks.retry(conn, due.id, until, "a.example: answered 503")
        assert await looks.due(conn, "a.example", now(), 9) == []
        (again,) = await looks.due(conn, "a.example", until, 9)
        assert (again.id, again.tries) == (due.id, 1)


async def test_what_an_earlier_question_brought_is_told_when_the_last_one_is_over(
    database: Database,
) -> None:
    async with database.transaction() as conn:
        number = await watch(conn, ROOT, "1")
        await set_stage(conn, "done")
        await conversations.note_arrivals(conn, number, now())
        assert await looks.ready(conn, number, news=False) == [HOME]
        assert await stages(conn, number) == {HOME: "plan"}
        await set_stage(conn, "done")
        assert await looks.ready(conn, number, news=False) == []


async def _waiting(conn: Connection, count: int) -> list[str]:
    """So many conversations whose first look is due at one host, in the order they came."""
    uris = [f"https://a.example/{number}" for number in range(count)]
    for number, uri in enumerate(uris):
        await watch(conn, uri, str(number))
    return uris


async def _set_turn(conn: Connection, uri: str, turn: datetime) -> None:
    await conn.execute("UPDATE conversations SET turn = $2 WHERE root_uri = $1", uri, turn)
    await conn.execute("UPDATE looks SET turn = $2 WHERE uri = $1", uri, turn)


async def test_where_not_all_can_be_asked_those_expected_to_bring_most_go_first(
    database: Database,
) -> None:
    async with database.transaction() as conn:
        uris = await _waiting(conn, 6)
        worth = [0.1, 0.0, 3.0, 0.6, 0.2, 0.4]
        for uri, number in zip(uris, worth, strict=True):
            await _set_turn(conn, uri, look_again.turn(now(), number))
        asked = []
        while due := await looks.due(conn, "a.example", now(), 2):
            asked.append({d.uri for d in due})
            for one in due:
                await looks.close(conn, one.id, "done")
    assert asked == [{uris[2], uris[3]}, {uris[5], uris[4]}, {uris[0], uris[1]}]


async def test_a_quiet_look_is_passed_by_lively_ones_for_a_day_and_not_longer(
    database: Database,
) -> None:
    async with database.transaction() as conn:
        quiet, lively = await _waiting(conn, 2)
        begin = now()
        await _set_turn(conn, quiet, look_again.turn(begin, 0.0))
        for hours, first in ((1, lively), (23, lively), (25, quiet)):
            at = begin + timedelta(hours=hours)
            await _set_turn(conn, lively, look_again.turn(at, 1_000.0))
            (due,) = await looks.due(conn, "a.example", now(), 1)
            assert due.uri == first, f"after {hours} hours"


async def test_further_questions_stand_where_their_conversation_stands(
    database: Database,
) -> None:
    async with database.transaction() as conn:
        first, second = await _waiting(conn, 2)
        await _set_turn(conn, first, now() - timedelta(hours=2))
        await _set_turn(conn, second, now() - timedelta(hours=1))
        number = await conversation_of(conn, first)
        (root,) = await looks.due(conn, "a.example", now(), 1)
        await looks.close(conn, root.id, "done")
        await looks.add(conn, number, "a.example", targets("a.example", 3, "context"), 99)
        assert [d.conversation_id for d in await looks.due(conn, "a.example", now(), 3)] == [
            number
        ] * 3, "it is ended before the next is begun"


async def test_a_conversation_of_very_many_questions_lets_others_go_before(
    database: Database,
) -> None:
    async with database.transaction() as conn:
        first, second = await _waiting(conn, 2)
        await _set_turn(conn, first, now() - timedelta(hours=1, seconds=60))
        await _set_turn(conn, second, now() - timedelta(hours=1))
        number = await conversation_of(conn, first)
        (root,) = await looks.due(conn, "a.example", now(), 1)
        await looks.close(conn, root.id, "done")
        await looks.spend(conn, number, 100)
        await looks.add(conn, number, "a.example", targets("a.example", 3, "context"), 999)
        (due,) = await looks.due(conn, "a.example", now(), 1)
        assert due.uri == second


async def test_what_a_full_budget_puts_off_is_due_since_it_first_was(database: Database) -> None:
    async with database.transaction() as conn:
        await watch(conn, ROOT, "1")
        (due,) = await looks.due(conn, "a.example", now(), 9)
        for minutes in (1, 2):
            await looks.postpone(conn, "a.example", now() + timedelta(minutes=minutes))
        (late,) = await looks.due(conn, "a.example", now() + timedelta(minutes=3), 9)
        assert late.due_at == due.due_at
        await looks.retry(conn, late.id, now() + timedelta(minutes=5), "answered 503")
        (again,) = await looks.due(conn, "a.example", now() + timedelta(minutes=8), 9)
        assert again.due_at > now() + timedelta(minutes=4), "a failure is another matter"


async def test_what_is_asked_next_is_found_by_an_index_however_much_waits(
    database: Database,
) -> None:
    async with database.connection() as conn:
        await watch(conn, ROOT, "1")
        await conn.execute(
            "INSERT INTO conversations (root_uri, host, turn)"
            " SELECT 'https://a.example/c' || n, 'a.example', now() - n * interval '1 s'"
            " FROM generate_series(1, 3000) AS n"
        )
        await conn.execute(
            "INSERT INTO watchers (member_id, conversation_id)"
            " SELECT members.id, conversations.id FROM members, conversations"
            " ON CONFLICT DO NOTHING"
        )
        await conn.execute(
            "INSERT INTO looks (conversation_id, host, uri, named_by, turn)"
            " SELECT id, host, root_uri, host, turn FROM conversations ON CONFLICT DO NOTHING"
        )
        await conn.execute("ANALYZE looks, conversations, watchers")
        plan = await conn.fetch("EXPLAIN " + looks._DUE, "a.example", now(), 4, [])
        (first, *_) = await looks.due(conn, "a.example", now(), 4)
    text = "\n".join(row[0] for row in plan)
    assert "Index Scan using looks_turn on looks" in text
    assert "Sort" not in text
    assert first.uri == "https://a.example/c3000"
