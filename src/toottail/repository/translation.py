"""What the database's and the disk's refusals mean to the person at the shell."""

from __future__ import annotations

import errno
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import asyncpg

from toottail.errors import DatabaseUnavailable, DiskFull, StorageConflict, StorageError

NO_SPACE = "No space left on device"
_FULL = {errno.ENOSPC, errno.EDQUOT}

CONNECTION_LOST: tuple[type[Exception], ...] = (
    ConnectionError,
    asyncpg.PostgresConnectionError,
    asyncpg.AdminShutdownError,
    asyncpg.CrashShutdownError,
    asyncpg.CannotConnectNowError,
    # The server ended a session whose process stood still inside a transaction.
    asyncpg.IdleInTransactionSessionTimeoutError,
    asyncpg.TransactionTimeoutError,
    # What the driver makes of that in the moment before it sees that the connection is closed.
    asyncpg.InternalClientError,
)
"""How a connection that has gone away shows itself."""


def disk_full(where: Path | str) -> DiskFull:
    """The error for a full disk below ``where``."""
    return DiskFull(f"{where}: no space is left on the disk. Free some, and start again.")


def refused(error: OSError, where: Path) -> StorageError:
    """What it means that the operating system refused something in the folder ``where``."""
    if error.errno in _FULL:
        return disk_full(where)
    what = f"{error.filename or where}: {error.strerror or error}"
    return DatabaseUnavailable(
        f"The data folder cannot be used ({what}). TOOTTAIL_DATA_DIR names another one."
    )


def translate(error: BaseException) -> StorageError:
    """The `StorageError` that says what ``error``, raised by asyncpg or the disk, means."""
    if isinstance(error, StorageError):
        return error
    if isinstance(error, asyncpg.DiskFullError) or NO_SPACE in str(error):
        return disk_full("The database")
    if isinstance(error, OSError) and error.errno in _FULL:
        return disk_full(error.filename or "The database")
    if isinstance(error, CONNECTION_LOST) or _found_closed(error):
        return DatabaseUnavailable(f"The connection to the database is lost ({error}).")
    if isinstance(error, asyncpg.TooManyConnectionsError):
        return DatabaseUnavailable("The database has no connection left for this process.")
    if isinstance(error, TimeoutError | asyncpg.QueryCanceledError):
        return DatabaseUnavailable("The database did not answer in time.")
    return StorageError(f"The database reports: {error}")


def means_lost(error: BaseException) -> bool:
    """Whether ``error`` says that the database cannot be reached for now."""
    return isinstance(error, (StorageError, TimeoutError, *CONNECTION_LOST)) or _found_closed(error)


@contextmanager
def translated() -> Iterator[None]:
    """Within, what the disk or a lost connection raises becomes a `StorageError`.

    Errors of a statement itself (a constraint, a mistake in SQL) pass as they are.
    """
    try:
        yield
    except (
        asyncpg.DeadlockDetectedError,
        asyncpg.SerializationError,
        # A row went away while what belongs to it was on its way: a member left, or expired.
        asyncpg.ForeignKeyViolationError,
    ) as error:
        raise StorageConflict(f"The database ended a transaction: {error}") from error
    except (
        *CONNECTION_LOST,
        asyncpg.DiskFullError,
        asyncpg.PostgresIOError,
        asyncpg.QueryCanceledError,
        asyncpg.TooManyConnectionsError,
    ) as error:
        raise translate(error) from error
    except asyncpg.InterfaceError as error:
        if not _found_closed(error):
            raise
        raise translate(error) from error


def _found_closed(error: BaseException) -> bool:
    # The same class serves for mistakes in calling asyncpg, which are ours to see.
    # The pool takes a connection away from its user when the server has ended it.
    signs = ("connection is closed", "released back to the pool")
    return isinstance(error, asyncpg.InterfaceError) and any(sign in str(error) for sign in signs)
