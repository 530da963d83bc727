"""How the members of large homes are shared out: how many slices, and who goes where."""

from __future__ import annotations

from uuid import uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.repository.rows import HOME, member, now
from toottail.repository import hosts
from toottail.repository.database import Connection, Database
from toottail.service.sharing_out import TOLERANCE, SharedOut, share_out, sizes, slices_for
from toottail.settings import Settings

BOUND = 5
SETTINGS = Settings(slice_members=BOUND)

_counts = st.dictionaries(st.integers(0, 12), st.integers(0, 60), max_size=10)


async def enlist(conn: Connection, count: int, home: str = HOME) -> None:
    for _ in range(count):
        await member(conn, home, str(uuid4()))


async def even_out(conn: Connection, settings: Settings = SETTINGS) -> list[SharedOut]:
    """As housekeeping does it, and everybody is where they are to be at once."""
    async with conn.transaction():
        shared = await share_out(conn, settings, tolerance=TOLERANCE)
    await conn.execute("UPDATE members SET slice = slice_to, slice_to = NULL WHERE slice_to >= 0")
    return shared


async def parts(conn: Connection, home: str = HOME) -> list[int]:
    rows = await conn.fetch(
        "SELECT count(*) AS n FROM members WHERE home = $1 GROUP BY slice ORDER BY slice", home
    )
    return [row["n"] for row in rows]


def test_a_home_is_sliced_beyond_the_bound_and_goes_back_only_well_below_it() -> None:
    assert slices_for(100, 0, 100) == 0
    assert slices_for(101, 0, 100) == 2
    assert slices_for(1000, 0, 100) == 10
    # One more who comes or goes at the bound changes nothing.
    assert slices_for(100, 2, 100) == 2
    assert slices_for(80, 2, 100) == 2
    assert slices_for(79, 2, 100) == 0


def test_there_are_more_slices_as_soon_as_they_are_full_and_fewer_only_later() -> None:
    assert slices_for(300, 3, 100) == 3
    assert slices_for(301, 3, 100) == 4
    assert slices_for(300, 4, 100) == 4
    assert slices_for(240, 4, 100) == 4
    assert slices_for(239, 4, 100) == 3
    # After such a change there is room for others to come.
    assert slices_for(290, 3, 100) == 3


@given(st.integers(0, 5_000), st.integers(0, 60), st.integers(2, 200))
def test_slices_are_never_too_few_and_the_second_answer_is_the_first(
    members: int, now: int, bound: int
) -> None:
    count = slices_for(members, now, bound)
    if count or members > bound:
        assert members <= count * bound
    assert slices_for(members, count, bound) == count


@given(_counts, st.integers(2, 40))
def test_however_members_are_spread_the_slices_become_even(now: dict[int, int], bound: int) -> None:
    members = sum(now.values())
    count = slices_for(members, max(now, default=0), bound)
    after = sizes(now, count, bound, TOLERANCE)
    assert sum(after.values()) == members
    assert list(after) == (list(range(1, count + 1)) or [0])
    if count:
        assert max(after.values()) <= bound
        assert max(after.values()) - min(after.values()) <= max(1, TOLERANCE * members / count)
        even = sizes(now, count, bound, 0.0)
        assert max(even.values()) - min(even.values()) <= 1


def test_small_differences_are_left_and_who_is_new_goes_to_the_smallest() -> None:
    assert sizes({1: 100, 2: 92, 3: 99}, 3, 200, TOLERANCE) == {1: 100, 2: 92, 3: 99}
    assert sizes({0: 5, 1: 100, 2: 92, 3: 99}, 3, 200, TOLERANCE) == {1: 100, 2: 97, 3: 99}
    assert sizes({1: 100, 2: 80, 3: 99}, 3, 200, TOLERANCE) == {1: 93, 2: 93, 3: 93}
    assert sizes({1: 100, 2: 92, 3: 99}, 3, 200, 0.0) == {1: 97, 2: 97, 3: 97}


@pytest.mark.parametrize(
    ("software", "in_flight", "sliced"),
    [
        ("mastodon", 4, True),
        ("hollo", 2, True),
        ("mastodon", 1, False),
        # All its members and visitors from one address share one limit.
        ("gotosocial", 4, False),
        (None, 4, False),
    ],
)
async def test_only_homes_are_sliced_of_which_is_known_that_they_allow_it(
    database: Database, software: str | None, in_flight: int, sliced: bool
) -> None:
    settings = SETTINGS.model_copy(update={"home_in_flight": in_flight})
    async with database.connection() as conn:
        if software is not None:
            await hosts.store_software(conn, HOME, software, "1", now())
        await enlist(conn, 12)
        await even_out(conn, settings)
        assert await parts(conn) == ([4, 4, 4] if sliced else [12])


async def test_members_are_shared_out_as_they_come_and_go(database: Database) -> None:
    async with database.connection() as conn:
        await hosts.store_software(conn, HOME, "mastodon", "4.4", now())
        await enlist(conn, BOUND)
        assert await even_out(conn) == []
        await enlist(conn, 1)
        (shared,) = await even_out(conn)
        assert shared == SharedOut(HOME, 6, {0: 6}, {1: 3, 2: 3}, 6)
        await enlist(conn, 9)
        await even_out(conn)
        assert await parts(conn) == [5, 5, 5]
        (shared,) = await even_out(conn)
        assert shared.moved == 0, "what is even is left alone"
        await conn.execute("DELETE FROM members WHERE slice = 3")
        (shared,) = await even_out(conn)
        assert (shared.moved, await parts(conn)) == (0, [5, 5])
        await conn.execute("DELETE FROM members WHERE id IN (SELECT id FROM members LIMIT 5)")
        await even_out(conn)
        assert len(await parts(conn)) == 2
        await conn.execute("DELETE FROM members WHERE id IN (SELECT id FROM members LIMIT 2)")
        (shared,) = await even_out(conn)
        assert (shared.after, await parts(conn)) == ({0: 3}, [3])
        assert await conn.fetchval("SELECT bool_and(slice = 0) FROM members")


async def test_nothing_is_written_when_only_asked_what_would_be_done(database: Database) -> None:
    async with database.connection() as conn:
        await hosts.store_software(conn, HOME, "mastodon", "4.4", now())
        await enlist(conn, 12)
        async with conn.transaction():
            (shared,) = await share_out(conn, SETTINGS, dry=True)
        assert (shared.moved, shared.after) == (12, {1: 4, 2: 4, 3: 4})
        assert await conn.fetchval("SELECT count(*) FROM members WHERE slice_to IS NOT NULL") == 0


async def test_as_few_members_as_can_be_move(database: Database) -> None:
    async with database.connection() as conn:
        await hosts.store_software(conn, HOME, "mastodon", "4.4", now())
        await enlist(conn, 15)
        await even_out(conn)
        await conn.execute(
            "DELETE FROM members WHERE id IN (SELECT id FROM members WHERE slice = 2 LIMIT 2)"
        )
        (shared,) = await even_out(conn)
        assert (shared.before, shared.after) == ({1: 5, 2: 3, 3: 5}, {1: 5, 2: 4, 3: 4})
        assert shared.moved == 1
