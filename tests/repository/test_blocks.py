"""Which rule counts for a host: the longest domain in each list, any list that suspends."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from toottail.repository import blocks
from toottail.repository.blocks import ListKind
from toottail.repository.database import Connection, Database
from toottail.types.domains import DomainRule, Severity, digest_of

NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)


async def fill(conn: Connection, kind: ListKind, name: str, **rules: Severity) -> None:
    """Stores a list; in the names of its domains _ stands for a dot."""
    domains = {name.replace("_", "."): severity for name, severity in rules.items()}
    made = [DomainRule(domain, digest_of(domain), said) for domain, said in domains.items()]
    await blocks.store(conn, kind, name, made, NOW)


async def is_barred(conn: Connection, *hosts: str) -> list[bool]:
    return [await blocks.barred(conn, host) is not None for host in hosts]


async def test_a_suspended_domain_covers_what_is_below_it_and_nothing_beside(
    database: Database,
) -> None:
    async with database.connection() as conn:
        await fill(conn, "block", "list", bad_example="suspend", sad_example="silence")
        assert await is_barred(conn, "bad.example", "a.b.bad.example") == [True, True]
        assert await is_barred(conn, "notbad.example", "example", "sad.example") == [False] * 3


async def test_the_longest_domain_counts_within_a_list_but_not_against_another_list(
    database: Database,
) -> None:
    async with database.connection() as conn:
        await fill(conn, "block", "one", bad_example="suspend", good_bad_example="noop")
        assert await is_barred(conn, "bad.example", "good.bad.example") == [True, False]
        await fill(conn, "block", "two", bad_example="suspend")
        assert await is_barred(conn, "good.bad.example") == [True]


async def test_an_allowed_domain_is_that_one_alone_and_no_way_around_a_block(
    database: Database,
) -> None:
    async with database.connection() as conn:
        await fill(conn, "allow", "list", a_example="suspend", b_example="suspend")
        hosts = ("a.example", "sub.a.example", "c.example")
        assert await is_barred(conn, *hosts) == [False, True, True]
        await blocks.block(conn, "b.example", None)
        assert await is_barred(conn, "b.example") == [True]


async def test_what_a_home_blocks_bars_nobody_for_others(database: Database) -> None:
    async with database.connection() as conn:
        await fill(conn, "home", "one.example", bad_example="suspend", sad_example="silence")
        assert await is_barred(conn, "bad.example") == [False]
        rows = await conn.fetch(
            "SELECT home, host, shut_out FROM unnest(ARRAY['one.example', 'two.example'])"
            " AS h (home), standing(ARRAY['x.bad.example', 'sad.example'], home) ORDER BY 1, 2"
        )
        assert [row["shut_out"] for row in rows] == [False, True, False, False]


async def test_a_list_read_again_replaces_what_it_said_and_one_not_wanted_any_more_goes(
    database: Database,
) -> None:
    async with database.connection() as conn:
        await fill(conn, "block", "list", a_example="suspend")
        await fill(conn, "block", "list", b_example="suspend")
        await blocks.block(conn, "c.example", "by hand")
        hosts = ("a.example", "b.example", "c.example")
        assert await is_barred(conn, *hosts) == [False, True, True]
        await blocks.forget_others(conn, [])
        assert await is_barred(conn, *hosts) == [False, False, True]
        assert await blocks.unblock(conn, "c.example")
        assert not await blocks.unblock(conn, "c.example")
        assert await is_barred(conn, *hosts) == [False, False, False]


async def test_a_list_that_cannot_be_read_keeps_its_last_copy(database: Database) -> None:
    async with database.connection() as conn:
        assert not await blocks.note_unread(conn, "block", "list", "no answer", NOW)
        await fill(conn, "block", "list", a_example="suspend")
        assert await blocks.note_unread(conn, "block", "list", "no answer", NOW)
        assert await is_barred(conn, "a.example") == [True]
        (known,) = [known for known in await blocks.lists(conn) if known.kind == "block"]
        assert (known.problem, known.domains, known.read_at) == ("no answer", 1, NOW)


@pytest.mark.parametrize("host", ["", "x", "a" * 200 + ".example"])
async def test_no_name_makes_the_question_fail(database: Database, host: str) -> None:
    async with database.connection() as conn:
        assert await blocks.barred(conn, host) is None
