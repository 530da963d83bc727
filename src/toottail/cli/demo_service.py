"""The second part of ``toottail demo``: the service itself, on a pretend fediverse, to be tried."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from toottail.cli.interrupts import Interrupted, signals
from toottail.simulator.process import SimulatorProcess

# A member of this one has not been served yet, and can watch it happen.
_WORLD = ("--world", "small", "--seed", "2", "--limit-scale", "20")
_PORT = 8080


def offer() -> None:
    """Serves until Ctrl-C or SIGTERM, which is how it is meant to end."""
    with suppress(Interrupted), SimulatorProcess(*_WORLD) as sim, new_data_dir() as data_dir:
        port = _free_port()
        print(_how_to(sim, port), flush=True)
        environment = {
            **clean_environment(sim, data_dir),
            "TOOTTAIL_LISTEN": f"127.0.0.1:{port}",
            "TOOTTAIL_OPERATORS": f"@mira@{sim.home}",
            "TOOTTAIL_SERVICE_NAME": "TootTail, on trial",
        }
        command = [sys.executable, "-m", "toottail", "serve"]
        with subprocess.Popen(command, env=environment) as process:  # noqa: S603 — our own module
            signals.on_first(lambda: pass_on(process))
            try:
                process.wait()
            finally:
                signals.on_first(None)


def _how_to(sim: SimulatorProcess, port: int) -> str:
    return (
        f"\nNow the same as a service. Open in your browser:\n\n    http://localhost:{port}\n\n"
        f"and sign in with the server {sim.home}, which is pretended too: it lets you in as\n"
        "@mira without a password, and she sees the operator's page as well.\n"
        "Ctrl-C ends it; nothing of it stays on this machine.\n"
    )


def _free_port() -> int:
    for wanted in (_PORT, 0):
        with suppress(OSError), socket.create_server(("127.0.0.1", wanted)) as tried:
            port: int = tried.getsockname()[1]
            return port
    raise OSError("no port is free on 127.0.0.1")


def clean_environment(sim: SimulatorProcess, data_dir: Path) -> dict[str, str]:
    """What a command needs to reach the pretend fediverse, and nothing of the caller's settings."""
    kept = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("TOOTTAIL_", "DATABASE_URL"))
    }
    return {**kept, **sim.env, "TOOTTAIL_DATA_DIR": str(data_dir)}


@contextmanager
def new_data_dir() -> Iterator[Path]:
    """A data folder that goes with the block."""
    folder = Path(tempfile.mkdtemp(prefix="toottail-demo-"))
    # Root's database server runs as another user, who must be able to pass.
    folder.chmod(0o711 if os.geteuid() == 0 else 0o700)
    try:
        yield folder / "data"
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def pass_on(process: subprocess.Popen[bytes]) -> None:
    """Tells a command of ours that it is to stop."""
    # Ctrl-C comes to it from the terminal, too; a second signal would end it at once.
    if signals.received == signal.SIGTERM:
        process.terminate()
