"""combine.social's own database, read and never written: its clients and its members' tokens."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any, cast

from toottail.errors import UsageError
from toottail.repository.database import Connection, connector
from toottail.repository.translation import translated

_BLOCK = 500
_SETTING = "TOOTTAIL_COMBINE_SOCIAL_URL"

# Columns came and went with its versions: whole rows are asked for, and what is there is used.
_REGISTRATIONS = "SELECT * FROM registrations WHERE id > $1 ORDER BY id LIMIT $2"

_TOKENS = """
SELECT t.*, r.instance_url, to_jsonb(r) ->> 'sns' AS sns
FROM tokens AS t JOIN registrations AS r ON r.id = t.registration_id
WHERE t.id > $1 ORDER BY t.id LIMIT $2
"""

_COLUMNS = """
SELECT table_name || '.' || column_name AS name FROM information_schema.columns
WHERE table_schema = ANY(current_schemas(false)) AND table_name IN ('registrations', 'tokens')
"""

_NEEDED = frozenset(
    {f"registrations.{name}" for name in ("id", "instance_url", "client_id", "client_secret")}
    | {f"tokens.{name}" for name in ("id", "username", "access_token", "registration_id")}
)

Record = Mapping[str, Any]


@asynccontextmanager
async def opened(url: str) -> AsyncIterator[Connection]:
    """A connection to that database which can only read.

    Raises `DatabaseUnavailable`, or `UsageError` where it is none of combine.social's.
    """
    connect = connector(url, _SETTING)
    connection = await connect(server_settings={"default_transaction_read_only": "on"})
    try:
        with translated():
            conn = cast("Connection", connection)
            there = {row["name"] for row in await conn.fetch(_COLUMNS)}
            if lacking := sorted(_NEEDED - there):
                raise UsageError(
                    f"this is no database of combine.social: it lacks {', '.join(lacking)}"
                )
            yield conn
    finally:
        await connection.close()


async def registrations(conn: Connection) -> AsyncIterator[Record]:
    """Its clients at homes, the oldest first."""
    async for row in _all(conn, _REGISTRATIONS):
        yield row


async def tokens(conn: Connection) -> AsyncIterator[Record]:
    """Its members' tokens, each with ``instance_url`` and ``sns`` of its registration."""
    async for row in _all(conn, _TOKENS):
        yield row


async def _all(conn: Connection, query: str) -> AsyncIterator[Record]:
    last = -(2**31)
    while rows := await conn.fetch(query, last, _BLOCK):
        for row in rows:
            yield dict(row.items())
        last = rows[-1]["id"]
