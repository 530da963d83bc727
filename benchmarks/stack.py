"""The service as compose.yaml starts it, without an engine: each container as a process here.

Commands, environments, health checks and limits are those of compose.yaml and the Dockerfile; the
secrets are made by ``deploy/compose-secrets``, the settings are those of
``deploy/compose.env.example``, and the proxy is Caddy with ``deploy/caddy/Caddyfile``. Otherwise:

- Each part has an address of its own below 127.0.0.0/8 in place of one in a network of containers.
- PostgreSQL's programs are those of the wheel.
- Caddy signs its certificate itself, and listens on a port that needs no rights.
- The data folder of the parts is a place where nobody can write, as in a read-only container.
- The rest of the internet is the simulator.
"""

from __future__ import annotations

import asyncio
import csv
import os
import re
import secrets
import shlex
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from benchmarks import proxy
from benchmarks.common import ROOT, clean_environment
from benchmarks.composed import Part, read
from benchmarks.own_postgres import OwnPostgres, free_port
from toottail.simulator.process import SimulatorProcess

DOMAIN = "tail.example"
URL = f"https://{DOMAIN}"
SOURCES = ROOT / "src"
PROGRAMS = ("docker-compose", "caddy")
"""What has to be on this machine beside Python."""
_HEALTHY_WITHIN = 300.0
_PATIENCE = 300.0
_ASK_EVERY = 0.5
_POSTGRES_PORT = 5432
_NAMES = re.compile(r"\b(postgres|api|web)(?=:\d)")
# Nobody can make anything here, root included.
_READ_ONLY = "/proc/toottail"
_FOR_THE_REHEARSAL = {
    "DOMAIN": DOMAIN,
    "FRONT_SUBNET": "127.0.0.0/8",
    "TOOTTAIL_OPERATORS": "@mira@home.example",
    "TOOTTAIL_SIGN_UPS": "open",
    "TOOTTAIL_MOST_MEMBERS": "0",
}


class Stack:
    """All parts, from entering to leaving; ``settings`` go into ``.env``.

    ``names`` are those of the processes, in the order in which they start: ``postgres``, ``api``,
    ``web``, ``worker-1``, …, ``proxy``. For those that ``sources`` has (``migrate`` too) the next
    start is with the code in that folder. What each says is in ``folder``. Raises `RuntimeError`.
    """

    def __init__(
        self,
        folder: Path,
        simulator: SimulatorProcess,
        settings: Mapping[str, str] | None = None,
        *,
        workers: int = 2,
        sources: Mapping[str, Path] | None = None,
    ) -> None:
        folder.mkdir(parents=True)
        self.folder = folder
        self.simulator = simulator
        numbered = [f"worker-{number}" for number in range(1, workers + 1)]
        self.names = ("postgres", "api", "web", *numbered, "proxy")
        self.sources = dict(sources or {})
        self.settings = {**_FOR_THE_REHEARSAL, **(settings or {})}
        self.port = free_port()
        self._network = f"127.{secrets.randbelow(100) + 100}.{secrets.randbelow(250) + 1}"
        self._processes: dict[str, subprocess.Popen[bytes]] = {}
        self._lost = 0

    def __enter__(self) -> Self:
        self._check_out()
        try:
            self.postgres.__enter__()
            done = self.run()
            if done.returncode != 0:
                raise RuntimeError(f"migrate: {done.stdout}{done.stderr}")
            self.start(*self.names[1:])
        except BaseException:
            self.__exit__(None, None, None)
            raise
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        value: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        for process in self._processes.values():
            process.terminate()
        for process in self._processes.values():
            with suppress(subprocess.TimeoutExpired):
                process.wait(20)
            process.kill()
            process.wait()
        self.postgres.kill()

    def _check_out(self) -> None:
        """What an operator does before the first start, in a folder of its own."""
        for name in ("compose.yaml", "Dockerfile"):
            shutil.copy(ROOT / name, self.folder)
        shutil.copytree(ROOT / "deploy", self.folder / "deploy")
        subprocess.run(["deploy/compose-secrets"], cwd=self.folder, capture_output=True, check=True)
        url = self.secret("database_url")
        self.write_secret("database_url", self._named(url.replace("@postgres/", "@postgres:5432/")))
        self.write_settings()
        self.postgres = self._new_postgres("postgres")

    def write_settings(self, **more: str) -> None:
        """Writes ``.env`` with ``more`` settings, which parts have from their next start on."""
        self.settings |= more
        example = (ROOT / "deploy" / "compose.env.example").read_text().splitlines()
        kept = [line for line in example if line.partition("=")[0] not in self.settings]
        said = [f"{name}={value}" for name, value in self.settings.items()]
        (self.folder / ".env").write_text("\n".join([*kept, *said]) + "\n")
        self.parts = read(self.folder)

    def secret(self, name: str) -> str:
        """One of the secrets, as it is in its file."""
        return (self.folder / "secrets" / name).read_text()

    def write_secret(self, name: str, value: str) -> None:
        """Puts another one in its place; parts have it from their next start on."""
        file = self.folder / "secrets" / name
        file.unlink()
        file.write_text(value)
        file.chmod(0o444)

    def _new_postgres(self, folder: str) -> OwnPostgres:
        command = self.parts["postgres"].command
        words = [word for word in command if "=" in word]
        return OwnPostgres(
            self.folder / folder,
            address=self.address("postgres"),
            port=_POSTGRES_PORT,
            password=self.secret("postgres_password").strip(),
            settings=dict(word.split("=", 1) for word in words),
        )

    def lose_database(self) -> None:
        """The volume of PostgreSQL is gone, and there is a new, empty one."""
        self.postgres.kill()
        self._lost += 1
        self.postgres = self._new_postgres(f"postgres-{self._lost}")
        self.postgres.__enter__()

    def address(self, name: str) -> str:
        """Of a process, for its own ports."""
        return f"{self._network}.{self.names.index(name) + 1}"

    def log(self, name: str) -> Path:
        """What a process said since its first start."""
        return self.folder / f"{name}.log"

    def pid(self, name: str) -> int:
        """The number of its present process."""
        return self.postgres.pid if name == "postgres" else self._processes[name].pid

    def pids(self) -> dict[str, int]:
        """Those of all processes that run."""
        return {name: self.pid(name) for name in self.names if self.runs(name)}

    def runs(self, name: str) -> bool:
        """Whether it is there."""
        if name == "postgres":
            return self.postgres.runs()
        return name in self._processes and self._processes[name].poll() is None

    def part(self, name: str) -> Part:
        """The service of compose.yaml that a process belongs to."""
        return self.parts[name.partition("-")[0]]

    def start(self, *names: str) -> None:
        """Starts what is stopped, and waits until it is healthy."""
        for name in names:
            self._launch(name)
        for name in names:
            self._wait_until_healthy(name)

    def _launch(self, name: str) -> None:
        if name == "postgres":
            self.postgres.start()
            return
        command = self._proxy() if name == "proxy" else self._command(self.part(name).command)
        with self.log(name).open("ab") as log:
            self._processes[name] = subprocess.Popen(
                command,
                env=self.environment(name),
                cwd=self.folder,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
            )

    def stop(self, *names: str) -> None:
        """Stops them in order; `RuntimeError` where one does not end well in its time of grace."""
        for name in names:
            self._stop(name)

    def _stop(self, name: str) -> None:
        if name == "postgres":
            self.postgres.stop(self.part(name).grace)
            return
        process = self._processes[name]
        if process.poll() is not None:
            raise RuntimeError(f"{name} ended by itself: {self.last_words(name)}")
        process.send_signal(signal.SIGTERM)
        try:
            code = process.wait(self.part(name).grace)
        except subprocess.TimeoutExpired:
            raise RuntimeError(f"{name} does not stop: {self.last_words(name)}") from None
        if code != 0:
            raise RuntimeError(f"{name} ended with {code}: {self.last_words(name)}")

    def restart(self, *names: str) -> None:
        """Stops them and starts them, and waits until they are healthy."""
        self.stop(*names)
        self.start(*names)

    def _wait_until_healthy(self, name: str) -> None:
        """By its own check; `RuntimeError` where that takes too long."""
        deadline = time.monotonic() + _HEALTHY_WITHIN
        while not self._is_healthy(name):
            if time.monotonic() > deadline or not self.runs(name):
                raise RuntimeError(f"{name} is not healthy: {self.last_words(name)}")
            time.sleep(_ASK_EVERY)

    def _is_healthy(self, name: str) -> bool:
        if name == "postgres":
            return self.postgres.runs()
        if name == "proxy":
            with suppress(OSError), socket.create_connection(("127.0.0.1", self.port), 5):
                return True
            return False
        if name in self.sources and not name.startswith("worker"):
            return self._listens(name)
        return self._told(name, self.part(name).check).returncode == 0

    def _listens(self, name: str) -> bool:
        # Programs of before may not know their check yet.
        return f"listening on {self.address(name)}:" in self.last_words(name)

    def run(self, *command: str) -> subprocess.CompletedProcess[str]:
        """``docker compose run --rm migrate …``: a command of the program, run to its end."""
        part = self.parts["migrate"]
        return self._told("migrate", (part.command[0], *command) if command else part.command)

    def _told(self, name: str, command: Sequence[str]) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            self._command(command),
            env=self.environment(name),
            cwd=self.folder,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=_PATIENCE,
            check=False,
        )

    def environment(self, name: str) -> dict[str, str]:
        """The variables of a process: those of its container, with places and names of here."""
        told = self.part(name).environment
        inside = {variable: self._here(name, value) for variable, value in told.items()}
        if name in self.sources:
            inside = dict(map(_in_plain_words, inside.items()))
        source = self.sources.get(name, SOURCES)
        here = {"PATH": os.environ["PATH"], "PYTHONPATH": str(source), "TOOTTAIL_AUTHORIZE_AT": ""}
        return clean_environment() | inside | self.simulator.env | here

    def _here(self, name: str, value: str) -> str:
        """The value of a variable of a container, for a process."""
        own = self.folder / "tmp" / name
        own.mkdir(parents=True, exist_ok=True)
        places = {
            "/run/secrets/": f"{self.folder}/secrets/",
            "/var/lib/toottail": _READ_ONLY,
            "/tmp/": f"{own}/",
            "0.0.0.0:": f"{self.address(name)}:" if name in self.names else "0.0.0.0:",
        }
        for inside, here in places.items():
            if value.startswith(inside):
                return here + value.removeprefix(inside)
        return value

    def _command(self, command: Sequence[str]) -> list[str]:
        """A command of an image with the program of here."""
        if command[0] != "toottail":
            raise RuntimeError(f"not a command of ours: {shlex.join(command)}")
        return [sys.executable, "-m", *command]

    def _proxy(self) -> list[str]:
        names = {"DOMAIN": self.part("proxy").environment["DOMAIN"]}
        return proxy.command(self.folder, names, self.port, self._named)

    def _named(self, text: str) -> str:
        """``text`` with addresses in place of the names that containers know each other by."""
        return _NAMES.sub(lambda found: self.address(found[1]), text)

    def last_words(self, name: str) -> str:
        """The end of what a process said."""
        return (
            self.log(name).read_text(errors="replace")[-2_000:] if self.log(name).exists() else ""
        )

    def import_members(self) -> None:
        """Serves all members that the simulator has, from a file. Raises `RuntimeError`."""
        file = self.folder / "members.csv"
        with file.open("w", newline="") as stream:
            writer = csv.writer(stream)
            writer.writerow(("home", "account", "token"))
            for one in self.simulator.members():
                writer.writerow((one["home"], one["account"], one["token"]))
        done = self.run("members", "import", str(file))
        if done.returncode != 0:
            raise RuntimeError(f"members import: {done.stdout}{done.stderr}")

    def fetch(self, statement: str, *values: object) -> list[Any]:
        """Rows of the database."""
        return asyncio.run(self._fetch(statement, *values))

    async def _fetch(self, statement: str, *values: object) -> list[Any]:
        connection = await self.postgres.connect()
        try:
            rows: list[Any] = await connection.fetch(statement, *values)
        finally:
            await connection.close()
        return rows


def _in_plain_words(said: tuple[str, str]) -> tuple[str, str]:
    """A secret's file as the secret itself: programs of before may know no such files."""
    variable, file = said[0], Path(said[1])
    if file.parent.name != "secrets":
        return said
    return variable.removesuffix("_FILE"), file.read_text().strip()
