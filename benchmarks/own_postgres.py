"""A PostgreSQL server as an operator has it: reached by TCP with a password, and killed at will."""

from __future__ import annotations

import asyncio
import os
import secrets
import signal
import socket
import subprocess
import time
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import asyncpg

from toottail.repository.embedded_folder import ROLE, Folder
from toottail.repository.embedded_programs import ENVIRONMENT

NAME = "toottail"
_STARTS_WITHIN = 60.0
_HBA = "local all all peer map=toottail\nhost all all 127.0.0.1/32 scram-sha-256\n"


def free_port(address: str = "127.0.0.1") -> int:
    """A port that nobody listens on there, just now."""
    with socket.socket() as free:
        free.bind((address, 0))
        port: int = free.getsockname()[1]
    return port


class OwnPostgres:
    """The server in ``folder``, with an empty database; it ends with the context.

    It listens on ``address`` of this machine. ``settings`` are further ones of its own.
    """

    def __init__(
        self,
        folder: Path,
        *,
        address: str = "127.0.0.1",
        port: int | None = None,
        password: str | None = None,
        settings: Mapping[str, str] | None = None,
    ) -> None:
        self._folder = Folder(folder)
        self._password = password or secrets.token_hex(16)
        self._settings = dict(settings or {})
        self.address = address
        self.port = port or free_port(address)

    def url(self, port: int | None = None) -> str:
        """Its URL, or the same by way of another port."""
        return f"postgresql://{ROLE}:{self._password}@{self.address}:{port or self.port}/{NAME}"

    def __enter__(self) -> Self:
        self._folder.make()
        self._account, self._program = self._folder.prepare()
        self._folder.hba.write_text(_HBA)
        self.start()
        asyncio.run(self._make_ready())
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        value: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.kill()

    def start(self) -> None:
        """Starts it, and waits until it admits people."""
        settings = self._settings | {
            "listen_addresses": self.address,
            "port": str(self.port),
            "unix_socket_directories": str(self._folder.socket),
            "hba_file": str(self._folder.hba),
            "ident_file": str(self._folder.ident),
        }
        command = [str(self._program), "-D", str(self._folder.data)]
        for name, value in settings.items():
            command += ["-c", f"{name}={value}"]
        as_other = os.geteuid() == 0
        with self._folder.log.open("ab") as log:
            self._process = subprocess.Popen(
                command,
                cwd="/",
                env=ENVIRONMENT,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
                user=self._account.uid if as_other else None,
                group=self._account.gid if as_other else None,
                extra_groups=[] if as_other else None,
            )
        self._wait()

    def _wait(self) -> None:
        deadline = time.monotonic() + _STARTS_WITHIN
        while time.monotonic() < deadline:
            with suppress(OSError, IndexError):
                status = (self._folder.data / "postmaster.pid").read_text().splitlines()
                # Its eighth line; a killed one's file names another process.
                if int(status[0]) == self._process.pid and status[7].strip() == "ready":
                    return
            if self._process.poll() is not None:
                break
            time.sleep(0.02)
        said = self._folder.log.read_text(errors="replace")[-2000:]
        raise RuntimeError(f"PostgreSQL did not start: {said}")

    @property
    def pid(self) -> int:
        """The number of its first process."""
        return self._process.pid

    def runs(self) -> bool:
        """Whether it is there."""
        return self._process.poll() is None

    def stop(self, within: float = 60.0) -> None:
        """Ends it in order, as its image's stop signal does: who is connected is sent away."""
        self._process.send_signal(signal.SIGINT)
        self._process.wait(within)

    def kill(self) -> None:
        """``kill -9`` of the server and of everything it started, none of which can do more."""
        pid = self._process.pid
        if self._process.poll() is None:
            # Frozen first, so that it starts nothing while its children are counted.
            os.kill(pid, signal.SIGSTOP)
            children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
            for victim in (pid, *map(int, children)):
                with suppress(ProcessLookupError):
                    os.kill(victim, signal.SIGKILL)
        self._process.wait()

    async def connect(self) -> Any:
        """A connection that goes by no line. Raises `OSError` or an error of asyncpg's."""
        return await asyncpg.connect(self.url(), timeout=10)

    async def _make_ready(self) -> None:
        by_socket = await asyncpg.connect(
            host=str(self._folder.socket), port=self.port, user=ROLE, database="postgres"
        )
        await by_socket.execute(f"ALTER ROLE {ROLE} PASSWORD '{self._password}'")
        await by_socket.execute(f"CREATE DATABASE {NAME}")
        await by_socket.close()
