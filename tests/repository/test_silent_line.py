"""A line to the database that falls silent: nobody waits for good for what never comes."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import suppress
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest
import pytest_asyncio
from benchmarks.line import Line

from toottail.errors import DatabaseUnavailable
from toottail.repository import watchful
from toottail.repository.database import Database, connector, open_pool


@pytest.fixture
def line(database_url: str) -> Iterator[Line]:
    folder = parse_qs(urlsplit(database_url).query)["host"][0]
    with Line(Path(folder) / ".s.PGSQL.5432") as line:
        yield line


@pytest_asyncio.fixture
async def distant(
    database_url: str, line: Line, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[Database]:
    """The database at the other end of the line, opened, with little patience."""
    monkeypatch.setattr(watchful, "SILENT_AFTER", 1.0)
    name = urlsplit(database_url).path
    url = f"postgresql://toottail@127.0.0.1:{line.port}{name}"
    async with open_pool(connector(url), embedded=False) as opened:
        yield opened


async def _value(database: Database, statement: str) -> object:
    async with database.connection() as conn:
        return await conn.fetchval(statement)


async def _in_transaction(database: Database) -> None:
    async with database.transaction() as conn:
        await conn.execute("SELECT pg_sleep(2)")


async def _at_once(database: Database, count: int) -> list[object]:
    async with asyncio.timeout(15):
        return list(
            await asyncio.gather(
                *(_value(database, "SELECT 1 FROM pg_sleep(0.1)") for _ in range(count))
            )
        )


async def test_what_waits_on_a_silent_line_fails_and_new_connections_are_used(
    distant: Database, line: Line
) -> None:
    await _at_once(distant, 8)
    waiting = [asyncio.create_task(_in_transaction(distant)) for _ in range(2)]
    await asyncio.sleep(0.3)
    line.silence()
    async with asyncio.timeout(15):
        outcomes = await asyncio.gather(*waiting, return_exceptions=True)
    assert [type(one) for one in outcomes] == [DatabaseUnavailable] * 2
    line.mend()
    # None of the others, which were idle meanwhile, is believed in any more.
    assert await _at_once(distant, 8) == [1] * 8


async def test_a_line_that_is_whole_again_before_it_was_missed_is_found_out_too(
    distant: Database, line: Line
) -> None:
    await _at_once(distant, 2)
    line.silence()
    line.mend()
    with suppress(DatabaseUnavailable):
        await _at_once(distant, 1)
    assert await _at_once(distant, 2) == [1] * 2


async def test_a_connection_that_went_silent_holds_up_nobody_when_it_is_given_back(
    distant: Database, line: Line
) -> None:
    async with asyncio.timeout(15):
        async with distant.connection() as conn:
            await conn.execute("SELECT")
            line.silence()
            line.mend()
            # Another one was found to be silent meanwhile.
            await distant.pool.expire_connections()
        assert await _value(distant, "SELECT 1") == 1


async def test_a_statement_that_takes_its_time_is_waited_for(distant: Database) -> None:
    assert await _value(distant, "SELECT 1 FROM pg_sleep(4)") == 1
