"""A timeline's page that is known as it is shown is not written again."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta

import pytest

from tests.repository.rows import HOME, now, run, seen
from tests.repository.test_serving import serve
from toottail.repository import timelines
from toottail.repository.database import Connection, Database

ROOT, REPLY = "https://a.example/1", "https://b.example/2"
PAGE = [seen(ROOT, "1", replies_count=3), seen(REPLY, "2", "1", replies_count=0)]

_VERSIONS = """
SELECT 'deliveries', xmin::text FROM deliveries UNION SELECT 'watches', xmin::text FROM watches
UNION SELECT 'watchers', xmin::text FROM watchers
"""


async def _known(database: Database) -> int:
    """A served member who saw the page and whose conversation was looked at; due in an hour."""
    async with database.transaction() as conn:
        member_id, _ = await serve(conn)
        await timelines.store_seen(conn, HOME, member_id, PAGE)
        await conn.execute("UPDATE runs SET ended_at = now()")
        await conn.execute("UPDATE watches SET stage = 'done', next_at = NULL")
        await conn.execute("UPDATE looks SET state = 'done'")
        await conn.execute(
            "UPDATE conversations SET looked_at = now(), next_look_at = $1, wake_at = $1",
            now() + timedelta(hours=1),
        )
    return member_id


async def _rows(conn: Connection) -> set[tuple[str, str]]:
    return {(row[0], row[1]) for row in await conn.fetch(_VERSIONS)}


async def _is_written(
    database: Database, member_id: int, page: Sequence[timelines.Seen] = PAGE
) -> bool:
    async with database.transaction() as conn:
        before = await _rows(conn)
        await timelines.store_seen(conn, HOME, member_id, page)
        return await _rows(conn) != before


async def test_a_page_read_again_is_left_as_it_is(database: Database) -> None:
    member_id = await _known(database)
    assert not await _is_written(database, member_id)


@pytest.mark.parametrize(
    "change",
    [
        "UPDATE watchers SET seen_at = now() - interval '13 hours'",
        "UPDATE watches SET ends_at = now() + interval '6 days'",
        "UPDATE watches SET alone = true",
        "UPDATE watches SET stage = 'look'",
        "UPDATE conversations SET wake_at = NULL",
        "UPDATE conversations SET next_look_at = now() - interval '1 s'",
        "UPDATE deliveries SET state = 'unattached', next_at = now()",
        "UPDATE deliveries SET local_id = local_id || '0'",
        "DELETE FROM watchers",
    ],
)
async def test_what_has_changed_here_is_written(database: Database, change: str) -> None:
    member_id = await _known(database)
    async with database.connection() as conn:
        await conn.execute(change)
    assert await _is_written(database, member_id)


async def test_what_is_new_on_the_page_is_written(database: Database) -> None:
    member_id = await _known(database)
    more = [seen(ROOT, "1", replies_count=4), PAGE[1]]
    assert await _is_written(database, member_id, more)
    assert not await _is_written(database, member_id, more)
    assert await _is_written(database, member_id, [*more, seen("https://c.example/3", "3")])


async def test_a_run_that_has_begun_waits_for_all_of_the_page(database: Database) -> None:
    member_id = await _known(database)
    async with database.transaction() as conn:
        run_id = await run(conn, member_id)
        await timelines.store_seen(conn, HOME, member_id, PAGE)
        wanted = "SELECT count(*) FROM run_conversations WHERE run_id = $1"
        assert await conn.fetchval(wanted, run_id) == 1
