"""``toottail worker`` processes on one database, kept running as a service manager would do it."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Self

from pydantic import SecretStr

from benchmarks.common import ROOT, clean_environment
from toottail.repository.database import open_database
from toottail.repository.sealing import open_sealer
from toottail.service.roster import NewMember, take_in
from toottail.settings import Settings
from toottail.simulator.process import SimulatorProcess
from toottail.types.sources import parse_sources

RESTART_AFTER = 1.0
"""Seconds after which a worker that ended is started again."""
_STOPS_WITHIN = 15.0
_LOOK_EVERY = 0.1
_BLOCK = 20


@dataclass(slots=True)
class _Worker:
    process: subprocess.Popen[bytes]
    frozen: bool = False
    killed: bool = False
    ended_at: float | None = None


class Fleet:
    """So many workers, named ``one``, ``two``, …, which is the egress they tell of.

    ``settings`` are theirs, by their names without ``TOOTTAIL_``. What they say is in ``folder``.
    ``died`` names those that ended without being told to, each time they did.
    """

    def __init__(
        self, count: int, simulator: SimulatorProcess, folder: Path, settings: Mapping[str, str]
    ) -> None:
        self.names = ("one", "two", "three", "four", "five", "six", "seven", "eight")[:count]
        self.died: list[str] = []
        self._simulator = simulator
        self._folder = folder
        self._settings = {f"TOOTTAIL_{name.upper()}": value for name, value in settings.items()}
        self._workers: dict[str, _Worker] = {}

    def __enter__(self) -> Self:
        for name in self.names:
            self._start(name)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        value: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """They are told to stop, and must do so in time."""
        for worker in self._workers.values():
            if worker.process.poll() is None:
                worker.process.send_signal(signal.SIGCONT)
                worker.process.send_signal(signal.SIGTERM)
        for name, worker in self._workers.items():
            try:
                code = worker.process.wait(_STOPS_WITHIN)
            except subprocess.TimeoutExpired:
                worker.process.kill()
                code = worker.process.wait()
            if code != 0 and not worker.killed:
                self.died.append(name)

    def log(self, name: str) -> Path:
        """What a worker said since the first start."""
        return self._folder / f"worker-{name}.log"

    def pids(self) -> list[int]:
        """Of the present processes."""
        return [worker.process.pid for worker in self._workers.values()]

    def runs(self, name: str) -> bool:
        """Whether it is there, and not frozen."""
        worker = self._workers[name]
        return worker.process.poll() is None and not worker.frozen

    def kill(self, name: str) -> None:
        """``kill -9``; it comes back after `RESTART_AFTER` seconds."""
        self._workers[name].killed = True
        self._workers[name].process.kill()

    def freeze(self, name: str) -> None:
        """It stands still, its connections open."""
        self._workers[name].frozen = True
        self._workers[name].process.send_signal(signal.SIGSTOP)

    def thaw(self, name: str) -> None:
        """It goes on as if no time had passed."""
        self._workers[name].process.send_signal(signal.SIGCONT)
        self._workers[name].frozen = False

    async def mind(self) -> None:
        """Starts again who ended, for as long as it runs."""
        while True:
            for name, worker in list(self._workers.items()):
                self._look_after(name, worker)
            await asyncio.sleep(_LOOK_EVERY)

    def _look_after(self, name: str, worker: _Worker) -> None:
        if worker.process.poll() is None:
            return
        now = time.monotonic()
        if worker.ended_at is None:
            worker.ended_at = now
            if not worker.killed:
                self.died.append(name)
        elif now - worker.ended_at >= RESTART_AFTER:
            self._start(name)

    def _start(self, name: str) -> None:
        variables = {**clean_environment(), **self._simulator.env, **self._settings}
        with self.log(name).open("ab") as log:
            process = subprocess.Popen(
                [sys.executable, "-m", "toottail", "worker"],
                env=variables | {"TOOTTAIL_EGRESS": name},
                cwd=ROOT,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
            )
        self._workers[name] = _Worker(process)


async def serve_members(
    settings: Settings, members: Sequence[Mapping[str, str]], source: str = "home"
) -> None:
    """Serves these from now on, in blocks, as ``toottail members import`` does."""
    sealer = open_sealer(settings)
    async with open_database(settings) as database:
        for first in range(0, len(members), _BLOCK):
            async with database.transaction() as conn:
                for one in members[first : first + _BLOCK]:
                    new = NewMember(
                        one["home"],
                        one["account"],
                        SecretStr(one["token"]),
                        parse_sources((source,)),
                        account_id=one["account_id"],
                    )
                    await take_in(conn, sealer, new)


def to_cores(simulator: SimulatorProcess, fleet: Fleet) -> None:
    """The first core is for the simulator, where there are several."""
    cores = os.cpu_count() or 1
    if cores > 1 and hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(simulator.pid, {0})
        for pid in fleet.pids():
            with suppress(ProcessLookupError):
                os.sched_setaffinity(pid, set(range(1, cores)))
