"""Many members of many homes, and processes that work for them."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from pydantic import SecretStr

from toottail.repository.database import Database
from toottail.repository.sealing import Sealer
from toottail.service.roster import NewMember, take_in
from toottail.simulator.process import SimulatorProcess
from toottail.types.sources import parse_sources

_SOURCES = Path(__file__).parents[2] / "src"
_STOPS_WITHIN = 15.0


async def take_in_all(database: Database, sealer: Sealer, simulator: SimulatorProcess) -> int:
    """Serves all members of all homes from now on, as `toottail members import` does."""
    found = simulator.members()
    for one in found:
        new = NewMember(
            one["home"],
            one["account"],
            SecretStr(one["token"]),
            parse_sources(("home",)),
            account_id=one["account_id"],
        )
        async with database.transaction() as conn:
            assert await take_in(conn, sealer, new) == "new"
    return len(found)


@contextmanager
def workers(
    count: int, simulator: SimulatorProcess, log: Path, **settings: str
) -> Iterator[list[subprocess.Popen[bytes]]]:
    """So many ``toottail worker`` processes; they must stop by themselves when they are told to."""
    variables = {f"TOOTTAIL_{name.upper()}": value for name, value in settings.items()}
    environment = {**os.environ, **simulator.env, "PYTHONPATH": str(_SOURCES), **variables}
    started: list[subprocess.Popen[bytes]] = []
    with ExitStack() as stack:
        for number in range(count):
            told = stack.enter_context((log / f"worker{number}.log").open("wb"))
            process = subprocess.Popen(
                [sys.executable, "-m", "toottail", "worker"],
                env=environment,
                stdout=told,
                stderr=subprocess.STDOUT,
            )
            stack.callback(process.kill)
            started.append(process)
        yield started
        for process in started:
            assert process.poll() is None, "a worker stopped by itself"
            process.send_signal(signal.SIGTERM)
        for process in started:
            assert process.wait(_STOPS_WITHIN) == 0
