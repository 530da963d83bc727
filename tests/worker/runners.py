"""Starting, freezing and killing processes that complete the account of a pretend fediverse."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from toottail.simulator.process import SimulatorProcess

_SCRIPT = Path(__file__).with_name("runner.py")
_SOURCES = Path(__file__).parents[2] / "src"


@dataclass
class Runner:
    """One such process; its ``name`` is in the User-Agent of all it asks."""

    name: str
    process: subprocess.Popen[str]

    def freeze(self) -> None:
        """It stands still, its connections open."""
        self.process.send_signal(signal.SIGSTOP)

    def thaw(self) -> None:
        """It goes on as if no time had passed."""
        self.process.send_signal(signal.SIGCONT)

    def kill(self) -> None:
        """It is gone without a word."""
        self.process.kill()
        self.process.wait()

    def outcome(self, within: float = 60) -> dict[str, Any]:
        """Its report, once it has ended by itself without an error."""
        told, complaints = self.process.communicate(timeout=within)
        lines = told.splitlines()
        assert lines[-1:], f"{self.name} said nothing: {complaints}"
        assert not lines[-1].startswith("error"), lines[-1]
        assert "Traceback" not in complaints, complaints
        assert self.process.returncode == 0
        found: dict[str, Any] = json.loads(lines[-1])
        return found

    def asked(self, request: dict[str, Any]) -> bool:
        """Whether a request in the simulator's log is its own."""
        return f"{self.name}.service.example" in request["user_agent"]


@contextmanager
def running(name: str, simulator: SimulatorProcess, **settings: str) -> Iterator[Runner]:
    """A process at work, ended with the block in whatever state it is."""
    variables = {f"TOOTTAIL_{key.upper()}": value for key, value in settings.items()}
    process = subprocess.Popen(
        [sys.executable, str(_SCRIPT), simulator.home],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={
            **os.environ,
            **simulator.env,
            "PYTHONPATH": str(_SOURCES),
            "TOOTTAIL_SERVICE_URL": f"https://{name}.service.example",
            **variables,
        },
    )
    assert process.stdin is not None
    process.stdin.write(simulator.token + "\n")
    process.stdin.flush()
    try:
        yield Runner(name, process)
    finally:
        if process.poll() is None:
            process.kill()
            process.communicate()
        for pipe in (process.stdin, process.stdout, process.stderr):
            if pipe is not None:
                pipe.close()


def wait_until(happened: Callable[[], bool], within: float = 30) -> None:
    """Until something is so; fails when it takes too long."""
    deadline = time.monotonic() + within
    while not happened():
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.02)


def resolves(simulator: SimulatorProcess) -> int:
    """How many resolves the home has got so far."""
    found: int = simulator.report()["requests"].get(simulator.home, {}).get("search", 0)
    return found
