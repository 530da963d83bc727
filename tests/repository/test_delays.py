"""Delays: counted in few rows, and told as a median and a 95th percentile."""

from __future__ import annotations

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.repository.rows import HOME, found, locked, member, now, run, watch
from toottail.repository import conversations, delays, deliveries, purging, sources
from toottail.repository.database import Database
from toottail.types.delays import BOUNDS, DelayRow, bound_of, quantile
from toottail.worker.delays import Delays


@given(st.floats(0, BOUNDS[-1]))
def test_a_delay_is_counted_below_a_bound_that_is_not_far(seconds: float) -> None:
    bound = bound_of(seconds)
    assert seconds <= bound
    assert bound <= max(BOUNDS[0], 7 * seconds)


@given(st.lists(st.floats(0, BOUNDS[-1]), min_size=1), st.floats(0.01, 1))
def test_a_quantile_is_in_the_class_of_the_true_one(of: list[float], share: float) -> None:
    counts: dict[float, int] = {}
    for one in of:
        counts[bound_of(one)] = counts.get(bound_of(one), 0) + 1
    ordered = sorted(of)
    rank = next(n for n in range(1, len(of) + 1) if n >= share * len(of))
    assert bound_of(quantile(counts, share)) == bound_of(ordered[rank - 1])


def test_of_nothing_there_is_no_delay_and_what_is_very_late_counts_as_late() -> None:
    assert quantile({}, 0.5) == 0
    assert bound_of(10 * BOUNDS[-1]) == BOUNDS[-1]


async def test_what_workers_counted_adds_up(database: Database) -> None:
    one, other = Delays(), Delays()
    for seconds in (0.1, 0.2, 0.3):
        one.note("look", seconds)
    other.note("look", 0.4)
    other.note("look", 400.0)
    other.note("resolve", 3.0)
    async with database.transaction() as conn:
        for counted in (one, other, one):
            await counted.store(conn, now())
        rows = await delays.read(conn, now())
    assert [(row.kind, row.hours, row.done) for row in rows] == [
        ("look", 1, 5),
        ("resolve", 1, 1),
        ("look", 24, 5),
        ("resolve", 24, 1),
    ]
    assert rows[0].median < 0.5
    assert 300 < rows[0].late <= 600


async def test_what_could_not_be_stored_is_kept_for_the_next_time(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    counted = Delays()
    counted.note("collect", 1.0)
    async with database.connection() as conn:
        with monkeypatch.context() as away:
            away.setattr(delays, "_ADD", "SELECT no_such_thing")
            with pytest.raises(Exception, match="no_such_thing"):
                await counted.store(conn, now())
        counted.note("collect", 1.0)
        await counted.store(conn, now())
        assert [row.done for row in await delays.read(conn, now(), hours=(1,))] == [2]


async def test_the_last_hour_and_the_last_day_are_told_apart_and_then_it_is_forgotten(
    database: Database,
) -> None:
    async with database.transaction() as conn:
        for hours in (0, 3, 30, 60):
            await delays.add(conn, now() - timedelta(hours=hours), {("look", 1.0): 1})
        assert {row.hours: row.done for row in await delays.read(conn, now())} == {1: 1, 24: 2}
        assert await purging.forget_aged("delays", conn, now(), 9) == 1
        assert await conn.fetchval("SELECT count(*) FROM delays") == 3


async def test_new_replies_are_timed_from_their_posting_to_the_home(database: Database) -> None:
    async with database.transaction() as conn:
        number = await watch(conn, "https://a.example/1", "1")
        await conn.execute("UPDATE watches SET began_at = now() - interval '1 hour'")
        ages = {"old": timedelta(hours=2), "new": timedelta(minutes=10), "lost": timedelta(0)}
        listing = [
            found(f"https://b.example/{name}", "https://a.example/1", created_at=now() - age)
            for name, age in ages.items()
        ]
        await conversations.store_found(conn, await locked(conn, number), listing, "a.example")
        uris = [status.uri for status in listing]
        await deliveries.schedule(conn, HOME, number, uris, [], now())
        for uri in uris[:2]:
            await deliveries.store_outcome(conn, HOME, uri, "resolved", local_id=uri[-3:])
        (row,) = await delays.read(conn, now(), hours=(1,))
    assert isinstance(row, DelayRow)
    assert (row.kind, row.hours, row.done) == ("reply", 1, 1)
    assert 600 <= row.median < 660


async def test_who_waits_for_their_tokens_limit_is_late_since_their_source_was_due(
    database: Database,
) -> None:
    async with database.transaction() as conn:
        member_id = await member(conn)
        await run(conn, member_id)
        at = await conn.fetchval("UPDATE sources SET collect_at = now() RETURNING collect_at")
        later = now() + timedelta(minutes=5)
        await sources.postpone_member(conn, member_id, later)
        (due,) = await sources.due(conn, HOME, later)
        assert due.due_at == at
