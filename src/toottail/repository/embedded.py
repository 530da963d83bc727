"""The embedded PostgreSQL: the first user starts it, all share it, the last one stops it.

`keeper` holds the server, `embedded_folder` makes what it runs on; here a process joins and leaves.
A lock on ``keeper.lock`` is the right to start; it passes to the keeper and is free again only
once all of the server is gone. So a start after ``kill -9``, or while an old server still shuts
down, needs no other evidence.
"""

from __future__ import annotations

import asyncio
import fcntl
import os
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import asyncpg

from toottail.errors import DatabaseUnavailable, StorageError
from toottail.repository.embedded_folder import ROLE, Folder
from toottail.repository.embedded_programs import ENVIRONMENT
from toottail.repository.translation import CONNECTION_LOST, NO_SPACE, disk_full, refused

START_TIMEOUT = 120.0
"""Seconds a start may take, the recovery after a power cut included."""
STOP_TIMEOUT = 20.0
_POLL = 0.01
_LONGEST_SOCKET_PATH = 100
_NOT_THERE: tuple[type[Exception], ...] = (*CONNECTION_LOST, FileNotFoundError)

_SETTINGS = {
    "listen_addresses": "",
    # Relative to the data folder: a socket's path may have 107 bytes, the folder's any number.
    "unix_socket_directories": "../socket",
    "unix_socket_permissions": "0600",
    "cluster_name": "toottail",
    "shared_buffers": "32MB",
    "maintenance_work_mem": "32MB",
    "max_connections": "60",
    "huge_pages": "off",
    "jit": "off",
    "io_method": "sync",
    "max_parallel_workers_per_gather": "0",
    "max_parallel_maintenance_workers": "0",
    # No replicas: the least that crash recovery needs.
    "wal_level": "minimal",
    "max_wal_senders": "0",
    "max_logical_replication_workers": "0",
    "min_wal_size": "32MB",
    "max_wal_size": "256MB",
    "timezone": "UTC",
    "log_timezone": "UTC",
    "log_checkpoints": "off",
    # What people read and wrote stays out of the log: no statements, no rows in error details.
    "log_min_error_statement": "panic",
    "log_error_verbosity": "terse",
    "lc_messages": "C",
}


class EmbeddedPostgres:
    """A share in the server of one data folder, for as long as the ``async with`` lasts.

    Whoever enters first starts the server; any number of processes may share it. ``settings`` are
    PostgreSQL's, by name; they count only for the process that starts it. Entering raises
    `StorageError`.
    """

    def __init__(self, data_dir: Path, settings: Mapping[str, str] | None = None) -> None:
        self._folder = Folder(data_dir)
        self._settings = {**_SETTINGS, **(settings or {})}
        self._share: int | None = None
        self._socket_fd: int | None = None
        self._log_start = 0

    @property
    def host(self) -> str:
        """The socket's directory, by a path short enough for a socket; valid in this process."""
        if len(os.fsencode(self._folder.socket)) <= _LONGEST_SOCKET_PATH - len("/.s.PGSQL.5432"):
            return str(self._folder.socket)
        if self._socket_fd is None:
            if not sys.platform.startswith("linux"):
                raise DatabaseUnavailable(
                    f"{self._folder.socket}: the path is too long for a socket. "
                    "Set TOOTTAIL_DATA_DIR to a shorter one."
                )
            self._socket_fd = os.open(self._folder.socket, os.O_PATH | os.O_DIRECTORY)
        return f"/proc/self/fd/{self._socket_fd}"

    def connect_arguments(self, database: str = "postgres") -> dict[str, Any]:
        """The keyword arguments with which `asyncpg.connect` reaches ``database``."""
        return {"host": self.host, "port": 5432, "user": ROLE, "database": database}

    async def __aenter__(self) -> Self:
        self._folder.make()
        self._share = self._open("clients.lock")
        try:
            await self._join()
            connection = await self.connect()
            await connection.close()
        except BaseException:
            self._leave()
            raise
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        last = self._is_last()
        self._leave()
        if last:
            await self._wait_until_stopped()

    async def connect(self, database: str = "postgres", **arguments: Any) -> Any:
        """A new asyncpg connection; a server that has gone (killed, crashed) is started again.

        ``arguments`` are further ones of `asyncpg.connect`. Raises `StorageError`, and what
        PostgreSQL answers to a wrong ``database``.
        """
        deadline = time.monotonic() + START_TIMEOUT
        started = False
        while True:
            try:
                return await asyncpg.connect(**self.connect_arguments(database), **arguments)
            except _NOT_THERE as error:
                refusal = error
            except OSError as error:
                raise refused(error, self._folder.socket) from None
            except asyncpg.InvalidAuthorizationSpecificationError as error:
                raise DatabaseUnavailable(
                    f"The database in {self._folder.root} was started by another user, who alone "
                    f"may use it ({error})."
                ) from None
            lock = self._open("keeper.lock")
            if not _try_lock(lock, fcntl.LOCK_EX):
                os.close(lock)
            elif started:
                os.close(lock)
                raise self._start_failed()
            else:
                # Given up before its thread came to it, it would never begin, and keep the lock.
                loop = asyncio.get_running_loop()
                await asyncio.shield(loop.run_in_executor(None, self._start, lock))
                started = True
            if time.monotonic() > deadline:
                raise DatabaseUnavailable(
                    f"The embedded database does not answer after {START_TIMEOUT:.0f} s "
                    f"({refusal}). Its log is {self._folder.log}"
                )
            await asyncio.sleep(_POLL)

    async def _join(self) -> None:
        """Become one of those the server lives for; waits while one is being stopped."""
        assert self._share is not None
        deadline = time.monotonic() + START_TIMEOUT
        while not _try_lock(self._share, fcntl.LOCK_SH):
            if time.monotonic() > deadline:
                raise DatabaseUnavailable(
                    f"The database in {self._folder.root} has been stopping for "
                    f"{START_TIMEOUT:.0f} s. Its log is {self._folder.log}"
                )
            await asyncio.sleep(_POLL)

    def _start(self, lock: int) -> None:
        """Prepare the folder and start the keeper, which inherits ``lock``; blocks.

        Runs to its end even if nobody waits any more: the keeper notices that.
        """
        clients = log = -1
        try:
            account, postgres = self._folder.prepare()
            clients = self._open("clients.lock")
            log = self._open("server.log", os.O_APPEND)
            self._log_start = os.fstat(log).st_size
            command = [sys.executable, "-I", "-S", str(Path(__file__).with_name("keeper.py"))]
            command += [str(number) for number in (account.uid, account.gid, clients, log)]
            command += [str(postgres), "-D", str(self._folder.data)]
            places = {"hba_file": self._folder.hba, "ident_file": self._folder.ident}
            for name, value in {**self._settings, **places}.items():
                command += ["-c", f"{name}={value}"]
            subprocess.run(  # noqa: S603 - this interpreter and a script of ours
                command,
                cwd="/",
                env=ENVIRONMENT,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                pass_fds=(lock, clients, log),
                start_new_session=True,
                check=True,
            )
        except OSError as error:
            raise refused(error, self._folder.root) from None
        except subprocess.CalledProcessError:
            raise self._start_failed() from None
        finally:
            for descriptor in (lock, clients, log):
                if descriptor >= 0:
                    os.close(descriptor)

    def _start_failed(self) -> StorageError:
        said = self._folder.log.read_bytes()
        if len(said) >= self._log_start:
            said = said[self._log_start :]
        tail = said[-2000:].decode(errors="replace")
        if NO_SPACE in tail:
            return disk_full(self._folder.root)
        return DatabaseUnavailable(
            f"The embedded database did not start; the end of {self._folder.log}:\n{tail.strip()}"
        )

    def _is_last(self) -> bool:
        """Whether nobody else uses the server. Gives our share up: only on the way out."""
        if self._share is None:
            return False
        if _try_lock(self._share, fcntl.LOCK_EX):
            return True
        # Either others hold shares too, or the keeper was faster, which then admits nobody.
        return not _try_lock(self._share, fcntl.LOCK_SH)

    async def _wait_until_stopped(self) -> None:
        lock = self._open("keeper.lock")
        try:
            deadline = time.monotonic() + STOP_TIMEOUT
            # A lock has no event to wait for without a thread that blocks.
            while not _try_lock(lock, fcntl.LOCK_EX) and time.monotonic() < deadline:  # noqa: ASYNC110
                await asyncio.sleep(_POLL)
        finally:
            os.close(lock)

    def _leave(self) -> None:
        for descriptor in (self._share, self._socket_fd):
            if descriptor is not None:
                os.close(descriptor)
        self._share = self._socket_fd = None

    def _open(self, name: str, flags: int = 0) -> int:
        path = self._folder.root / name
        try:
            return os.open(
                path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW | flags, 0o600
            )
        except OSError as error:
            raise refused(error, path) from None


def _try_lock(descriptor: int, kind: int) -> bool:
    try:
        fcntl.flock(descriptor, kind | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
