"""Deliveries: what a home has, what it is asked for, and what came of it."""

from __future__ import annotations

import asyncio
import json
from datetime import timedelta
from typing import Any

import pytest

from tests.repository.rows import HOME, found, locked, now, set_stage, stages, states, watch
from toottail.repository import conversations, deliveries, home_line, hosts
from toottail.repository.database import Connection, Database

ROOT = "https://a.example/1"
REPLIES = [f"https://b.example/{n}" for n in range(3)]


async def _thread(conn: Connection) -> int:
    """A conversation with a root at home and three replies that lack, its look done."""
    number = await watch(conn, ROOT, "1")
    held = await locked(conn, number)
    listing = [found(uri, ROOT) for uri in REPLIES]
    await conversations.store_found(conn, held, listing, "a.example")
    await set_stage(conn, "compare")
    return number


async def test_a_round_makes_its_resolves_due_and_expects_the_rest(database: Database) -> None:
    async with database.transaction() as conn:
        number = await _thread(conn)
        await deliveries.schedule(conn, HOME, number, REPLIES[:1], REPLIES[1:], now())
        (due,) = await home_line.due_deliveries(conn, HOME, now(), 9)
        assert (due.uri, due.conversation_id, due.tries) == (REPLIES[0], number, 0)
        assert [n.state for n in await deliveries.nodes(conn, HOME, number, now())] == [
            "already_there",
            "pending",
            "expected",
            "expected",
        ]


async def test_what_is_at_home_or_was_asked_for_is_not_scheduled_again(database: Database) -> None:
    async with database.transaction() as conn:
        number = await _thread(conn)
        await deliveries.schedule(conn, HOME, number, REPLIES, [], now())
        for uri, state in zip(REPLIES, ("delivered", "resolved", "given_up"), strict=True):
            await deliveries.store_outcome(conn, HOME, uri, state)  # type: ignore[arg-type]
        before = await states(conn)
        await deliveries.schedule(conn, HOME, number, [ROOT, *REPLIES], [], now())
        assert await states(conn) == before
        assert await home_line.due_deliveries(conn, HOME, now(), 9) == []


async def test_a_round_ends_with_its_last_outcome_and_only_then(database: Database) -> None:
    async with database.transaction() as conn:
        number = await _thread(conn)
        await deliveries.schedule(conn, HOME, number, REPLIES[:2], [], now())
        await deliveries.set_stage(conn, HOME, number, "resolve", None)
        await deliveries.store_outcome(conn, HOME, REPLIES[0], "resolved", local_id="2")
        assert not await deliveries.end_round(conn, HOME, number, now())
        later = now() + timedelta(hours=6)
        await deliveries.store_outcome(
            conn, HOME, REPLIES[1], "not_obtained", again_at=later, observed="an empty list"
        )
        assert await deliveries.end_round(conn, HOME, number, now())
        assert await stages(conn, number) == {HOME: "plan"}
        assert await deliveries.next_retry(conn, HOME, number) == later


async def test_two_resolves_that_end_at_once_end_the_round(database: Database) -> None:
    async with database.transaction() as conn:
        number = await _thread(conn)
        await deliveries.schedule(conn, HOME, number, REPLIES, [], now())
        await deliveries.set_stage(conn, HOME, number, "resolve", None)

    async def one(uri: str) -> bool:
        async with database.transaction() as conn:
            await deliveries.store_outcome(conn, HOME, uri, "resolved", local_id=uri[-1])
            await asyncio.sleep(0.02)
            return await deliveries.end_round(conn, HOME, number, now())

    assert sum(await asyncio.gather(*map(one, REPLIES))) == 1


async def test_what_a_context_shows_is_there_for_good_and_says_whose_doing_it_was(
    database: Database,
) -> None:
    async with database.transaction() as conn:
        number = await _thread(conn)
        await deliveries.schedule(conn, HOME, number, REPLIES[:1], REPLIES[1:2], now())
        shown = {uri: str(n) for n, uri in enumerate([ROOT, *REPLIES])}
        await deliveries.store_shown(conn, HOME, number, shown)
        assert await states(conn) == {
            ROOT: "already_there",
            REPLIES[0]: "delivered",
            REPLIES[1]: "delivered",
            REPLIES[2]: "already_there",
        }
        assert await home_line.due_deliveries(conn, HOME, now(), 9) == []


async def test_being_shown_again_is_no_new_delivery(database: Database) -> None:
    async with database.connection() as conn:
        number = await _thread(conn)
        await deliveries.schedule(conn, HOME, number, REPLIES[:1], [], now())
        await deliveries.store_shown(conn, HOME, number, {REPLIES[0]: "2"})
        times = "SELECT array_agg(changed_at ORDER BY uri) FROM deliveries"
        before = await conn.fetchval(times)
        await deliveries.store_shown(conn, HOME, number, {ROOT: "1", REPLIES[0]: "2"})
        assert await conn.fetchval(times) == before


async def test_what_was_expected_and_did_not_come_is_wanted_by_itself(database: Database) -> None:
    async with database.transaction() as conn:
        number = await _thread(conn)
        await deliveries.schedule(conn, HOME, number, REPLIES[:1], REPLIES[1:], now())
        await deliveries.store_outcome(conn, HOME, REPLIES[0], "resolved", local_id="2")
        await deliveries.note_unproven(conn, HOME, number)
        await deliveries.note_verified(conn, HOME, number)
        found_states = await states(conn)
        assert [found_states[uri] for uri in REPLIES] == ["resolved", "pending", "pending"]
        row = await conn.fetchrow("SELECT verifies, unproven FROM watches")
        assert row is not None
        assert tuple(row) == (1, False)


async def test_a_home_that_asks_to_wait_puts_all_its_work_off_and_loses_none(
    database: Database,
) -> None:
    async with database.transaction() as conn:
        number = await _thread(conn)
        await deliveries.schedule(conn, HOME, number, REPLIES, [], now())
        await deliveries.set_stage(conn, HOME, number, "plan", now())
        until = now() + timedelta(minutes=3)
        await home_line.postpone(conn, HOME, until)
        assert await home_line.due_deliveries(conn, HOME, now(), 9) == []
        assert await home_line.due_watches(conn, HOME, now(), 9) == []
        assert len(await home_line.due_deliveries(conn, HOME, until, 9)) == len(REPLIES)
        assert len(await home_line.due_watches(conn, HOME, until, 9)) == 1


async def test_trust_counts_what_one_host_named_on_another(database: Database) -> None:
    async with database.transaction() as conn:
        number = await _thread(conn)
        await deliveries.schedule(conn, HOME, number, REPLIES, [], now())
        await deliveries.store_outcome(conn, HOME, REPLIES[0], "resolved", local_id="2")
        await deliveries.store_outcome(conn, HOME, REPLIES[1], "given_up")
        trust = await deliveries.trust(conn, HOME, number)
        assert trust["a.example", "b.example"] == (1, 1, 1)


@pytest.mark.parametrize(("newer", "counts"), [(100, (100, 0, 1)), (2, (2, 2, 1))])
async def test_trust_counts_other_homes_and_of_other_conversations_the_newest(
    database: Database, newer: int, counts: tuple[int, int, int]
) -> None:
    async with database.transaction() as conn:
        number = await _thread(conn)
        other = await watch(conn, "https://a.example/other", "9")
        # One that was refuted, and what came since.
        uris = [f"https://b.example/other/{n}" for n in range(1 + newer)]
        await conversations.store_found(
            conn,
            await locked(conn, other),
            [found(uri, "https://a.example/other") for uri in uris],
            "a.example",
        )
        await deliveries.schedule(conn, HOME, other, uris, [], now())
        await deliveries.store_outcome(conn, HOME, uris[0], "given_up")
        for n, uri in enumerate(uris[1:]):
            await deliveries.store_outcome(conn, HOME, uri, "resolved", local_id=f"1{n}")
        await watch(conn, ROOT, "1", home="else.example")
        await deliveries.schedule(conn, "else.example", number, REPLIES[:1], [], now())
        await deliveries.store_outcome(conn, "else.example", REPLIES[0], "given_up")
        await deliveries.schedule(conn, HOME, number, REPLIES[:1], [], now())
        found_trust = await deliveries.trust(conn, HOME, number)
    assert found_trust["a.example", "b.example"] == counts


async def test_a_node_tells_whether_its_authors_host_answered_lately(database: Database) -> None:
    async with database.transaction() as conn:
        number = await _thread(conn)

        async def answers() -> bool | None:
            nodes = await deliveries.nodes(conn, HOME, number, now())
            return {n.uri: n.answers for n in nodes}[REPLIES[0]]

        assert await answers() is None
        await hosts.note_problem(conn, "b.example", "no answer", now())
        assert await answers() is False
        await hosts.note_answer(conn, "b.example", now())
        assert await answers() is True
        await conn.execute("UPDATE hosts SET answered_at = now() - interval '2 hours'")
        assert await answers() is None


async def _watched(conn: Connection, count: int, *, name: str = "mira") -> list[int]:
    """So many conversations with a compare due, each due a second after the one before."""
    numbers = []
    for number in range(count):
        uri = f"https://{name}.example/{number}"
        numbers.append(await watch(conn, uri, f"{name}{number}", name=name))
    await conn.execute("UPDATE looks SET state = 'done'")
    for place, number in enumerate(numbers):
        at = now() - timedelta(minutes=30) + timedelta(seconds=place)
        await deliveries.set_stage(conn, HOME, number, "compare", at)
        await _written_in(conn, number, timedelta(days=2))
    return numbers


async def _written_in(conn: Connection, number: int, ago: timedelta) -> None:
    """When a conversation was begun, and last written in."""
    await conn.execute(
        "UPDATE conversations SET created_at = $2, lively_at = $2 WHERE id = $1",
        number,
        now() - ago,
    )


async def test_at_a_busy_home_the_youngest_and_liveliest_conversations_go_first(
    database: Database,
) -> None:
    async with database.transaction() as conn:
        numbers = await _watched(conn, 4)
        await _written_in(conn, numbers[3], timedelta(minutes=1))
        await _written_in(conn, numbers[2], timedelta(hours=1))
        due = await home_line.due_watches(conn, HOME, now(), 3)
        assert [d.conversation_id for d in due] == [numbers[3], numbers[2], numbers[0]]


async def test_replies_to_lively_conversations_come_home_first(database: Database) -> None:
    async with database.transaction() as conn:
        numbers = await _watched(conn, 3)
        for place, number in enumerate(numbers):
            await deliveries.schedule(conn, HOME, number, [REPLIES[place]], [], now())
        await _written_in(conn, numbers[2], timedelta(minutes=1))
        due = await home_line.due_deliveries(conn, HOME, now(), 2)
        assert [d.uri for d in due] == [REPLIES[2], REPLIES[0]]


async def test_what_is_a_day_late_goes_before_all_that_falls_due(database: Database) -> None:
    async with database.transaction() as conn:
        old, young = await _watched(conn, 2)
        await _written_in(conn, old, timedelta(days=400))
        for hours, first in ((20, young), (25, old)):
            await _written_in(conn, young, timedelta(0))
            late = now() - timedelta(hours=hours)
            await deliveries.set_stage(conn, HOME, old, "compare", late)
            await deliveries.set_stage(conn, HOME, young, "compare", now())
            (due,) = await home_line.due_watches(conn, HOME, now(), 1)
            assert due.conversation_id == first, f"{hours} hours late"


async def test_of_a_long_line_at_a_home_what_just_came_is_considered_and_nothing_is_forgotten(
    database: Database,
) -> None:
    async with database.transaction() as conn:
        numbers = await _watched(conn, 13)
        await _written_in(conn, numbers[12], timedelta(minutes=1))
        done = []
        while due := await home_line.due_watches(conn, HOME, now(), 1):
            done.append(due[0].conversation_id)
            await deliveries.set_stage(conn, HOME, done[-1], "done", None)
        assert done == [numbers[12], *numbers[:12]]


async def test_work_of_members_who_are_away_hides_nobody_elses(database: Database) -> None:
    async with database.transaction() as conn:
        await _watched(conn, 5, name="noor")
        (mine,) = await _watched(conn, 1)
        await _watched(conn, 5, name="ovid")
        await conn.execute(
            "UPDATE members SET active_until = NULL WHERE token_fingerprint <> $1", b"mira"
        )
        (due,) = await home_line.due_watches(conn, HOME, now(), 1)
        assert due.conversation_id == mine


async def test_what_a_home_puts_off_is_due_since_it_first_was(database: Database) -> None:
    async with database.transaction() as conn:
        (number,) = await _watched(conn, 1)
        await deliveries.schedule(conn, HOME, number, REPLIES[:1], [], now())
        (watched,) = await home_line.due_watches(conn, HOME, now(), 9)
        (wanted,) = await home_line.due_deliveries(conn, HOME, now(), 9)
        for minutes in (1, 2):
            await home_line.postpone(conn, HOME, now() + timedelta(minutes=minutes))
        later = now() + timedelta(minutes=3)
        (due,) = await home_line.due_watches(conn, HOME, later, 9)
        assert due.due_at == watched.due_at
        (late,) = await home_line.due_deliveries(conn, HOME, later, 9)
        assert late.due_at - wanted.due_at < timedelta(seconds=1), "not minutes"
        await deliveries.set_stage(conn, HOME, number, "plan", later)
        (anew,) = await home_line.due_watches(conn, HOME, later, 9)
        assert anew.due_at == later


def _removed(plan: dict[str, Any]) -> float:
    """Rows that were read for nothing, in a part of a plan and all below it."""
    own = plan.get("Rows Removed by Filter", 0) * plan["Actual Loops"]
    return float(own) + sum(_removed(part) for part in plan.get("Plans", ()))


async def test_trust_in_a_large_conversation_of_many_homes_reads_no_delivery_for_nothing(
    database: Database,
) -> None:
    async with database.connection() as conn:
        number = await watch(conn, "https://a.example/1", "1")
        await conn.execute(
            "INSERT INTO statuses (uri, conversation_id, host, placed, listed_by)"
            " SELECT 'https://h' || n % 60 || '.example/' || n, $1, 'h' || n % 60 || '.example',"
            " true, 'a.example' FROM generate_series(1, 300) AS n",
            number,
        )
        await conn.execute(
            "INSERT INTO watches (home, conversation_id, anchor_uri)"
            " SELECT 'home' || h || '.example', $1, '' FROM generate_series(1, 20) AS h",
            number,
        )
        await conn.execute(
            "INSERT INTO deliveries (home, uri, conversation_id, state, local_id)"
            " SELECT watches.home, uri, $1, 'already_there', uri FROM watches, statuses"
            " WHERE listed_by = 'a.example' AND listed_by <> host",
            number,
        )
        # As in life: most conversations are small.
        await conn.execute(
            "INSERT INTO conversations (root_uri, host)"
            " SELECT 'https://q.example/' || n, 'q.example' FROM generate_series(1, 1000) AS n"
        )
        await conn.execute(
            "INSERT INTO deliveries (home, uri, conversation_id, state)"
            " SELECT 'home' || h || '.example', root_uri, id, 'already_there'"
            " FROM conversations, generate_series(1, 5) AS h WHERE host = 'q.example'"
        )
        await conn.execute("ANALYZE")
        assert len(await deliveries.trust(conn, HOME, number)) == 61
        asked = "EXPLAIN (ANALYZE, FORMAT JSON) " + deliveries._TRUST
        told = await conn.fetchval(asked, HOME, number, deliveries._NEWEST_OF_A_PAIR)
    assert _removed(json.loads(told)[0]["Plan"]) < 300 * 21
