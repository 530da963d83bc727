"""Rows of whole databases, out of one and into another: as COPY's binary format, in pieces.

What is read is one moment of the source; what is written counts as a whole, or not at all. Only a
few pieces are in memory at a time, however large a table is.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import aclosing, asynccontextmanager, suppress
from dataclasses import dataclass
from typing import Any

import asyncpg

from toottail.errors import SchemaMismatch, StorageError, UsageError
from toottail.repository import catalogue, migrations
from toottail.repository.catalogue import Table

Sink = Callable[[bytes], Awaitable[None]]
Show = Callable[[str, int], None]
"""Told of a table how many bytes of it are through, again and again."""
Pieces = Callable[[Table], AsyncGenerator[bytes, None]]

_PIECES_WAITING = 4
_LOCK_TIMEOUT = "5s"

# Nobody waits for us: time limits are for those who serve.
_UNHURRIED = """
SELECT set_config(name, '0', true) FROM pg_settings
WHERE name IN ('statement_timeout', 'transaction_timeout', 'idle_in_transaction_session_timeout')
"""

_OTHERS = """
SELECT count(*) FROM pg_stat_activity
WHERE datname = current_database() AND application_name = 'toottail' AND pid <> pg_backend_pid()
"""


@dataclass(frozen=True, slots=True)
class Contents:
    """What a database holds: how many rows of each table, and where its sequences are."""

    schema: int
    tables: Mapping[Table, int]
    sequences: Mapping[str, tuple[int, bool]]

    @property
    def rows(self) -> int:
        """In all tables together."""
        return sum(self.tables.values())


@asynccontextmanager
async def snapshot(conn: Any, *, still: bool = False) -> AsyncIterator[Contents]:
    """One moment of a database, for as long as the block lasts; nothing is written.

    ``still``: nobody else may write meanwhile. Raises `UsageError` where others are at work then.
    """
    # Beforehand: the first query of the transaction fixes the moment, and locks come before it.
    named = await catalogue.tables(conn)
    async with conn.transaction(isolation="repeatable_read", readonly=True):
        if named:
            await _hold(conn, named, still=still)
        await conn.execute(_UNHURRIED)
        tables = await catalogue.tables(conn)
        counted = {table: await catalogue.count(conn, table) for table in tables}
        # After the snapshot: a number that was given away since is no harm.
        yield Contents(await migrations.number(conn), counted, await catalogue.sequences(conn))


async def _hold(conn: Any, tables: Sequence[Table], *, still: bool) -> None:
    names = ", ".join(f'"{table.name}"' for table in tables)
    if not still:
        # Against migrations alone, which are waited for: what one changes between the moment and
        # the reading of a table would be missing, or of another schema than is told.
        await conn.execute(f"LOCK TABLE {names} IN ACCESS SHARE MODE")
        return
    await conn.execute(f"SET LOCAL lock_timeout = '{_LOCK_TIMEOUT}'")
    try:
        await conn.execute(f"LOCK TABLE {names} IN SHARE MODE")
    except asyncpg.LockNotAvailableError:
        raise UsageError("The database is being written to. Stop whatever uses it.") from None


async def refuse_others(conn: Any, what: str) -> None:
    """Raises `UsageError` where other processes of ours are connected to ``what``."""
    others = await conn.fetchval(_OTHERS)
    if others:
        raise UsageError(
            f"{what} is in use ({others} connections of TootTail): stop the service, its workers "
            "and every toottail fetch first. Nothing was changed."
        )


async def dump(conn: Any, table: Table, sink: Sink) -> int:
    """Gives all rows of a table to ``sink`` in pieces, and how many there were."""
    query = f'SELECT {table.quoted} FROM "{table.name}"'  # noqa: S608 - names of the database
    return _copied(await conn.copy_from_query(query, output=sink, format="binary"))


def piped(source: Any) -> Pieces:
    """Tables of ``source`` as `load` wants them; the one waits for the other."""

    async def pieces(table: Table) -> AsyncGenerator[bytes, None]:
        queue: asyncio.Queue[bytes | Exception | None] = asyncio.Queue(_PIECES_WAITING)

        async def fill() -> None:
            try:
                await dump(source, table, queue.put)
            except Exception as error:
                await queue.put(error)
            else:
                await queue.put(None)

        task = asyncio.create_task(fill())
        try:
            while (piece := await queue.get()) is not None:
                if isinstance(piece, Exception):
                    raise piece
                yield piece
        finally:
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task

    return pieces


async def check_target(conn: Any, schema: int) -> None:
    """Raises unless rows of ``schema`` may go there: nothing is there, or just empty tables of it.

    Changes nothing.
    """
    if not await migrations.is_ours(conn):
        other = await catalogue.anything(conn)
        if other is not None:
            raise UsageError(f"The database has a table {other} of others: give it an empty one.")
        return
    at = await migrations.number(conn)
    await _refuse_rows(conn, await catalogue.tables(conn))
    if at > schema:
        raise SchemaMismatch(
            f"The database has the tables of schema {at}, what is to go there is of {schema}: "
            "give it an empty one, without tables."
        )


async def fill(
    conn: Any, contents: Contents, pieces: Pieces, show: Show, check: Callable[[], Awaitable[None]]
) -> None:
    """Makes tables of the schema of ``contents`` where there are none, and all of the rows in them.

    What ``check`` raises once all is there takes all of it back. Raises like `check_target`, and
    `StorageError` where what arrived is not what was announced.
    """
    await check_target(conn, contents.schema)
    await migrations.migrate(conn, migrations.read_migrations()[: contents.schema])
    async with conn.transaction():
        await load(conn, contents, pieces, show)
        await check()
    # Whoever asks next is to know how large the tables are.
    await conn.execute("ANALYZE")


async def load(conn: Any, contents: Contents, pieces: Pieces, show: Show) -> None:
    """Writes all of ``contents`` into empty tables, within the caller's transaction.

    Raises `StorageError` where what arrived is not what was announced.
    """
    await conn.execute(_UNHURRIED)
    tables = {table: table for table in await catalogue.tables(conn)}
    if tables.keys() != contents.tables.keys():
        odd = sorted({table.name for table in tables.keys() ^ contents.tables.keys()})
        raise SchemaMismatch(f"Tables differ from those here: {', '.join(odd)}.")
    names = ", ".join(f'"{table.name}"' for table in tables)
    await conn.execute(f"SET LOCAL lock_timeout = '{_LOCK_TIMEOUT}'")
    try:
        await conn.execute(f"LOCK TABLE {names} IN ACCESS EXCLUSIVE MODE")
    except (asyncpg.LockNotAvailableError, asyncpg.DeadlockDetectedError):
        raise UsageError("The database is being filled, or used. Nothing was changed.") from None
    await _refuse_rows(conn, list(tables))
    # What rows cause when they come has happened already; and keys are checked once for a table.
    references = await catalogue.references(conn)
    for one in references:
        await conn.execute(f'ALTER TABLE "{one.table}" DROP CONSTRAINT "{one.name}"')
    for table in tables:
        await conn.execute(f'ALTER TABLE "{table.name}" DISABLE TRIGGER USER')
    for name in catalogue.FROM_THE_START.keys() & {table.name for table in tables}:
        await conn.execute(f'DELETE FROM "{name}"')  # noqa: S608 - a name of ours
    for table, rows in contents.tables.items():
        await _load_table(conn, table, rows, pieces, show)
    for table in tables:
        await conn.execute(f'ALTER TABLE "{table.name}" ENABLE TRIGGER USER')
    for one in references:
        await conn.execute(
            f'ALTER TABLE "{one.table}" ADD CONSTRAINT "{one.name}" {one.definition}'
        )
    await _set_sequences(conn, contents.sequences)


async def _load_table(conn: Any, table: Table, rows: int, pieces: Pieces, show: Show) -> None:
    through = 0

    async def told() -> AsyncGenerator[bytes, None]:
        nonlocal through
        async with aclosing(pieces(table)) as arriving:
            async for piece in arriving:
                through += len(piece)
                show(table.name, through)
                yield piece

    async with aclosing(told()) as source:
        copied = _copied(
            await conn.copy_to_table(
                table.name, source=source, columns=table.columns, format="binary"
            )
        )
    found = await catalogue.count(conn, table)
    if not copied == found == rows:
        raise StorageError(
            f"{table.name}: {rows} rows were announced, {copied} came and {found} are there. "
            "Nothing was kept."
        )


async def _set_sequences(conn: Any, sequences: Mapping[str, tuple[int, bool]]) -> None:
    here = await catalogue.sequences(conn)
    if here.keys() != sequences.keys():
        odd = ", ".join(sorted(here.keys() ^ sequences.keys()))
        raise SchemaMismatch(f"Sequences differ from those here: {odd}.")
    for name, (last, called) in sequences.items():
        await conn.execute("SELECT setval(quote_ident($1)::regclass, $2, $3)", name, last, called)


async def _refuse_rows(conn: Any, tables: Sequence[Table]) -> None:
    rows = await catalogue.with_rows(conn, tables)
    if rows:
        more = f" and {len(rows) - 3} more" if len(rows) > 3 else ""
        raise UsageError(
            f"The database is not empty: there are rows in {', '.join(rows[:3])}{more}. "
            "Nothing was changed."
        )


def _copied(status: str) -> int:
    return int(status.rpartition(" ")[2])
