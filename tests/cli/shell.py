"""The command ``toottail`` as a person or a cron job runs it: a process of its own."""

from __future__ import annotations

import fcntl
import json
import os
import pty
import subprocess
import sys
import termios
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any

from toottail.simulator.process import SimulatorProcess

COMMAND = (sys.executable, "-m", "toottail")
PATIENCE = 180


@dataclass
class Shell:
    """Runs commands with an environment of its own; nothing of the caller's settings leaks in."""

    data_dir: Path
    environment: dict[str, str] = field(default_factory=dict)
    command: tuple[str, ...] = COMMAND

    def __post_init__(self) -> None:
        kept = {
            name: value
            for name, value in os.environ.items()
            if not name.startswith(("TOOTTAIL_", "DATABASE_URL"))
        }
        self.environment = {
            **kept,
            "PYTHONWARNINGS": "error",
            "TOOTTAIL_DATA_DIR": str(self.data_dir),
            **self.environment,
        }

    def joins(self, sim: SimulatorProcess, token: str | None = "the right one") -> Shell:
        """Lets the commands reach a pretend fediverse, with its member's token unless told."""
        self.environment |= sim.env
        if token is not None:
            self.environment["TOOTTAIL_TOKEN"] = sim.token if token == "the right one" else token
        return self

    def run(self, *arguments: str, **more: str) -> subprocess.CompletedProcess[str]:
        """Runs ``toottail`` to its end, with no terminal; ``more`` goes to the environment."""
        return subprocess.run(
            [*self.command, *arguments],
            env=self.environment | more,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=PATIENCE,
            check=False,
        )

    def run_json(self, *arguments: str) -> dict[str, Any]:
        """The one object on standard output."""
        done = self.run(*arguments, "--json")
        found: dict[str, Any] = json.loads(done.stdout)
        return found

    def start(
        self,
        *arguments: str,
        stdout: int | IO[str] = subprocess.PIPE,
        errors: int | IO[str] = subprocess.PIPE,
    ) -> subprocess.Popen[str]:
        """Starts ``toottail`` with no terminal."""
        return subprocess.Popen(
            [*self.command, *arguments],
            env=self.environment,
            stdin=subprocess.DEVNULL,
            stdout=stdout,
            stderr=errors,
            text=True,
        )

    def on_a_terminal(
        self, answer: Callable[[str], str | None], *arguments: str
    ) -> tuple[int, str]:
        """Runs ``toottail`` on a terminal of its own; gives its exit code and all it showed.

        ``answer`` gets what was shown so far and may give something to type, as often as it likes.
        """
        ours, theirs = pty.openpty()
        with subprocess.Popen(
            [*self.command, *arguments],
            env=self.environment | {"TERM": "xterm", "COLUMNS": "100"},
            stdin=theirs,
            stdout=theirs,
            stderr=theirs,
            start_new_session=True,
            preexec_fn=lambda: fcntl.ioctl(0, termios.TIOCSCTTY, 0),
        ) as process:
            os.close(theirs)
            shown = b""
            while more := _read(ours):
                shown += more
                typed = answer(shown.decode(errors="replace"))
                if typed:
                    os.write(ours, typed.encode())
            os.close(ours)
            return process.wait(PATIENCE), shown.decode()


def _read(terminal: int) -> bytes:
    try:
        return os.read(terminal, 65536)
    except OSError:  # how Linux says that the other side was closed
        return b""
