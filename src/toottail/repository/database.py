"""The opened database: the embedded one, or the server that ``DATABASE_URL`` names.

This is the one place that deals with asyncpg's untyped objects; the rest sees `Connection`.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Iterator, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager, suppress
from typing import Any, Protocol, TypeVar, cast
from urllib.parse import parse_qs, unquote, urlsplit

import asyncpg

from toottail.errors import DatabaseUnavailable
from toottail.repository import migrations
from toottail.repository.embedded import EmbeddedPostgres
from toottail.repository.embedded_folder import Folder
from toottail.repository.translation import CONNECTION_LOST, translated
from toottail.repository.watchful import WatchfulConnection
from toottail.settings import Settings
from toottail.types.counts import PoolUse

_NO_URL = (
    "{setting} is not one of a PostgreSQL server: postgresql://USER:PASSWORD@HOST:5432/NAME, "
    "with %2F for a / in the password, %40 for an @, %23 for a #."
)
_Result = TypeVar("_Result")

POOL_SIZE = 12
CONNECT_TIMEOUT = 15.0
STATEMENT_TIMEOUT = 30.0
"""Seconds a statement may run; the server ends it then. Our own take milliseconds."""
ACQUIRE_TIMEOUT = 60.0
"""Seconds to wait for a connection of the pool, a start of the embedded server included."""
RELEASE_TIMEOUT = 3.0
"""Seconds in which a connection must be ready for the next user, or close."""
_SERVER_SETTINGS = {
    "application_name": "toottail",
    "statement_timeout": str(int(STATEMENT_TIMEOUT * 1000)),
    "idle_in_transaction_session_timeout": "5000",
    "timezone": "UTC",
    # A line that broke without a word leaves no session behind for hours; ignored on a socket.
    "tcp_keepalives_idle": "60",
    "tcp_keepalives_interval": "10",
    "tcp_keepalives_count": "3",
}
# A process that stands still inside a transaction must not keep its lanes from being taken over:
# ours never wait for anything but the database. Between two messages of one statement only this
# setting ends it, which came with PostgreSQL 17.
_SINCE_17 = {"transaction_timeout": "5000"}

# First off, then on: a clock that runs goes on as it was set, whatever its setting becomes.
_UNHURRIED = """
SELECT set_config(name, $1, true) FROM pg_settings
WHERE name IN ('transaction_timeout', 'statement_timeout')
"""


# More than we have of different ones: each is read and planned once for a connection.
_STATEMENTS_KEPT = 1_000


class Row(Protocol):
    """A row, its values by column name or position."""

    def __getitem__(self, key: str | int) -> Any: ...
    def __iter__(self) -> Iterator[Any]: ...
    def __len__(self) -> int: ...
    def keys(self) -> Iterable[str]: ...
    def values(self) -> Iterable[Any]: ...
    def items(self) -> Iterable[tuple[str, Any]]: ...


class Connection(Protocol):
    """What we use of asyncpg's connection; times are in seconds."""

    async def execute(self, query: str, *args: object, timeout: float | None = None) -> str: ...
    async def executemany(
        self, query: str, args: Iterable[Sequence[object]], *, timeout: float | None = None
    ) -> None: ...
    async def fetch(self, query: str, *args: object, timeout: float | None = None) -> list[Row]: ...
    async def fetchrow(
        self, query: str, *args: object, timeout: float | None = None
    ) -> Row | None: ...
    async def fetchval(
        self, query: str, *args: object, column: int = 0, timeout: float | None = None
    ) -> Any: ...
    def transaction(self) -> AbstractAsyncContextManager[object]: ...
    async def add_listener(self, channel: str, callback: Callable[..., object]) -> None: ...
    async def remove_listener(self, channel: str, callback: Callable[..., object]) -> None: ...


class Database:
    """A pool of connections. Its methods raise `StorageError` when the database is not there."""

    def __init__(self, pool: Any, *, embedded: bool) -> None:
        self.pool = pool
        """The asyncpg pool itself, for PgQueuer."""
        self.embedded = embedded
        self.use = PoolUse()

    @asynccontextmanager
    async def connection(self) -> AsyncIterator[Connection]:
        """A connection of our own, outside a transaction: each statement counts by itself."""
        with translated():
            connection = await self._acquire()
            began = time.monotonic()
            self.use.in_use += 1
            try:
                yield cast("Connection", connection)
            finally:
                self.use.in_use -= 1
                self.use.use_seconds.note(time.monotonic() - began)
                # One that does not answer any more is given up by the pool then.
                with suppress(TimeoutError):
                    await self.pool.release(connection, timeout=RELEASE_TIMEOUT)

    async def _acquire(self) -> Any:
        began = time.monotonic()
        self.use.waiting += 1
        try:
            return await self.pool.acquire(timeout=ACQUIRE_TIMEOUT)
        except TimeoutError:
            raise DatabaseUnavailable(
                f"No connection to the database was free for {ACQUIRE_TIMEOUT:.0f} s."
            ) from None
        finally:
            self.use.waiting -= 1
            self.use.wait_seconds.note(time.monotonic() - began)

    @asynccontextmanager
    async def raw(self, on_loss: Callable[[], None]) -> AsyncIterator[Any]:
        """A connection as asyncpg has it, for PgQueuer to listen on; closed at the end.

        ``on_loss`` is called soon after it is closed, by whomever: who listens would not notice.
        """
        with translated():
            connection = await self.pool.acquire(timeout=ACQUIRE_TIMEOUT)
            connection.add_termination_listener(lambda _: on_loss())
        try:
            yield connection
        finally:
            # The pool takes back by itself what the server ended.
            with suppress(TimeoutError, asyncpg.InterfaceError, *CONNECTION_LOST):
                # A closed one is not given to others with PgQueuer's listener on it.
                await connection.close(timeout=RELEASE_TIMEOUT)
                await self.pool.release(connection, timeout=RELEASE_TIMEOUT)

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[Connection]:
        """A connection in a transaction: all of it counts when the block ends, or nothing."""
        async with self.connection() as connection, connection.transaction():
            yield connection


async def unhurried(conn: Connection) -> None:
    """Lets the rest of a transaction take five minutes: for what is rare, long and one piece."""
    for milliseconds in ("0", "300000"):
        await conn.execute(_UNHURRIED, milliseconds)


@asynccontextmanager
async def open_database(settings: Settings) -> AsyncIterator[Database]:
    """The database, its schema up to date, for as long as the block lasts.

    The embedded one is started where it does not run yet, and migrated; a server is only checked.
    Raises `DatabaseUnavailable`, `SchemaMismatch` or `DiskFull`.
    """
    if settings.database_url is not None:
        connect = connector(settings.database_url.get_secret_value())
        await _on_one(connect, migrations.check)
        async with open_pool(connect, embedded=False) as database:
            yield database
        return
    async with EmbeddedPostgres(settings.data_dir) as server:
        await _on_one(server.connect, _migrate_if_needed)
        async with open_pool(server.connect, embedded=True) as database:
            yield database


@asynccontextmanager
async def one_connection(settings: Settings) -> AsyncIterator[Any]:
    """One asyncpg connection without limits of time, to a schema of whatever age or none.

    The embedded server is started where it does not run. Raises like `open_database`.
    """
    if settings.database_url is not None:
        connection = await connector(settings.database_url.get_secret_value())()
        async with _closing(connection):
            yield connection
        return
    async with (
        EmbeddedPostgres(settings.data_dir) as server,
        _closing(await server.connect()) as connection,
    ):
        yield connection


@asynccontextmanager
async def _closing(connection: Any) -> AsyncIterator[Any]:
    try:
        with translated():
            yield connection
    except BaseException:
        # In the middle of a COPY there is nothing to say goodbye to.
        connection.terminate()
        raise
    await connection.close(timeout=RELEASE_TIMEOUT)


def is_made(settings: Settings) -> bool:
    """Whether there is an embedded database in the data folder."""
    return Folder(settings.data_dir).data.exists()


async def migrate_database(settings: Settings) -> list[str]:
    """Bring the schema up to date, wherever the database is; gives the names of what was applied.

    Raises like `open_database`.
    """
    if settings.database_url is not None:
        connect = connector(settings.database_url.get_secret_value())
        return await _on_one(connect, migrations.migrate)
    async with EmbeddedPostgres(settings.data_dir) as server:
        return await _on_one(server.connect, migrations.migrate)


Connect = Callable[..., Awaitable[Any]]
"""Makes one asyncpg connection from further arguments of `asyncpg.connect`."""


@asynccontextmanager
async def open_pool(connect: Connect, *, embedded: bool) -> AsyncIterator[Database]:
    """A `Database` whose connections ``connect`` makes; its schema is taken as it is."""

    async def one(*_: object, **arguments: Any) -> Any:
        made = await connect(**arguments)
        if not embedded:
            made.connect, made.on_silence = connect, pool.expire_connections
        return made

    with translated():
        first = await connect()
        newer = _SINCE_17 if first.get_server_version() >= (17,) else {}
        await first.close()
        pool = asyncpg.create_pool(
            min_size=1,
            max_size=POOL_SIZE,
            connect=one,
            connection_class=WatchfulConnection,
            statement_cache_size=_STATEMENTS_KEPT,
            max_cached_statement_lifetime=0,
            server_settings=_SERVER_SETTINGS | newer,
        )
        await pool
    try:
        yield Database(pool, embedded=embedded)
    except BaseException:
        # What is still at work will not end well: do not wait for it.
        pool.terminate()
        raise
    with suppress(TimeoutError):
        async with asyncio.timeout(RELEASE_TIMEOUT):
            await pool.close()


def connector(url: str, setting: str = "DATABASE_URL") -> Connect:
    """How to reach the server at ``url``; no error ever shows the password.

    ``setting`` is what people call the URL.

    Raises `DatabaseUnavailable`, here where it is no URL of a PostgreSQL server.
    """
    place, secrets = _place_and_secrets(url, setting)

    async def connect(**arguments: Any) -> Any:
        try:
            return await asyncpg.connect(url, timeout=CONNECT_TIMEOUT, **arguments)
        except TimeoutError:
            why = "no answer in time"
        except (asyncpg.ClientConfigurationError, ValueError):
            raise DatabaseUnavailable(_NO_URL.format(setting=setting)) from None
        except (OSError, asyncpg.PostgresError, asyncpg.InterfaceError) as error:
            why = str(error)
            for secret in secrets:
                why = why.replace(secret, "***")
        raise DatabaseUnavailable(
            f"The database at {place} cannot be reached: {why}. Is {setting} right?"
        )

    return connect


async def _on_one(connect: Connect, use: Callable[[Any], Awaitable[_Result]]) -> _Result:
    connection = await connect()
    try:
        with translated():
            return await use(connection)
    finally:
        await connection.close()


async def _migrate_if_needed(connection: Any) -> None:
    if not await migrations.is_current(connection):
        await migrations.migrate(connection)


def _place_and_secrets(url: str, setting: str) -> tuple[str, set[str]]:
    """Host, port and database, fit to be shown, and what must not be."""
    try:
        parts = urlsplit(url)
        port = parts.port or 5432
    except ValueError:
        raise DatabaseUnavailable(_NO_URL.format(setting=setting)) from None
    # An @ further on, or a #: a password with a bare / or # in it was taken apart at that sign.
    if parts.scheme not in ("postgresql", "postgres") or "@" in parts.path or parts.fragment:
        raise DatabaseUnavailable(_NO_URL.format(setting=setting))
    options = parse_qs(parts.query)
    host = parts.hostname or options.get("host", ["localhost"])[0]
    passwords = [parts.password or "", *options.get("password", [])]
    secrets = {form for word in passwords for form in (word, unquote(word)) if form}
    return f"{host}:{port}{parts.path}", secrets
