"""Running a program against the pretend fediverse, and telling what it brought and cost.

Every program under test is a process of its own, so that time and memory are those of a whole run,
its start included. The simulator and PostgreSQL are other processes and do not count.
"""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median
from typing import Any

from toottail.simulator.process import SimulatorProcess

ROOT = Path(__file__).parents[1]
_SAMPLE_EVERY = 0.02
_SETTLED_AFTER = 2.5
_LONGEST = 1800.0
_TICKS = os.sysconf("SC_CLK_TCK")


@dataclass(slots=True)
class Usage:
    """What one process took: wall and processor seconds, and its peak memory in MiB."""

    seconds: float = 0.0
    cpu: float = 0.0
    peak: float = 0.0


@dataclass(frozen=True, slots=True)
class Outcome:
    """A run of one program: what it took, and what the simulator saw of it.

    ``told`` is the JSON object that the program printed at its end.
    """

    usage: Usage
    report: Mapping[str, Any]
    told: Mapping[str, Any] = field(default_factory=dict)

    @property
    def recovered(self) -> int:
        """Replies that were missing and reachable, and are now shown in their conversation."""
        return int(self.report["recovered"])

    @property
    def reachable(self) -> int:
        """Replies that were missing at the start and could be brought home."""
        return int(self.report["reachable"])

    def requests(self, where: str) -> int:
        """Requests to the home (``home``) or to all other hosts (``remote``)."""
        return int(self.report[f"requests_{where}"])

    def floor(self, where: str) -> int:
        """The fewest such requests with which it could have been done."""
        return int(self.report[f"floor_{where}"]["total"])

    def over_floor(self, where: str) -> float:
        """Requests divided by their floor."""
        return self.requests(where) / max(1, self.floor(where))

    @property
    def per_reply(self) -> float:
        """Requests, to whomever, for each reply recovered."""
        return (self.requests("home") + self.requests("remote")) / max(1, self.recovered)


def toottail(
    *world: str, at_window: float | None = None, settings: Mapping[str, str] | None = None
) -> Outcome:
    """``toottail fetch`` on a fresh simulator and a fresh embedded database.

    ``world`` are arguments of the simulator, ``settings`` further variables of the command. With
    ``at_window`` the run begins when a rate limit's window of that many seconds does.
    """
    with data_dir() as folder:
        variables = {"TOOTTAIL_DATA_DIR": str(folder), **(settings or {})}
        return _run(["-m", "toottail", "fetch", "HOME", "--json"], world, variables, at_window)


def sequential(*world: str, at_window: float | None = None) -> Outcome:
    """The model of how peers work, on a fresh simulator. The parameters are those of `toottail`."""
    return _run(["-m", "benchmarks.sequential", "HOME"], world, {}, at_window)


def _run(
    command: Sequence[str],
    world: Sequence[str],
    variables: Mapping[str, str],
    at_window: float | None,
) -> Outcome:
    with SimulatorProcess(*world) as sim:
        environment = {**clean_environment(), **sim.env, "TOOTTAIL_TOKEN": sim.token, **variables}
        arguments = [sim.home if word == "HOME" else word for word in command]
        if at_window is not None:
            time.sleep(at_window - time.time() % at_window)
        usage, told = measured([sys.executable, *arguments], environment)
        return Outcome(usage, _settled(sim), told)


def clean_environment() -> dict[str, str]:
    """This process' environment without settings of TootTail."""
    return {
        name: value
        for name, value in os.environ.items()
        if not name.startswith("TOOTTAIL_") and name != "DATABASE_URL"
    } | {"PYTHONPATH": str(ROOT / "src")}


@contextmanager
def data_dir() -> Iterator[Path]:
    """A folder for an embedded database, gone at the end."""
    folder = Path(tempfile.mkdtemp(prefix="toottail-bench-"))
    # Root's database server runs as another user, who must be able to pass.
    folder.chmod(0o711 if os.geteuid() == 0 else 0o700)
    try:
        yield folder / "data"
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def measured(command: Sequence[str], environment: Mapping[str, str]) -> tuple[Usage, Any]:
    """Runs a program; gives what it took and the JSON object in its last line.

    Raises `RuntimeError` with what it complained of when it does not end well, and
    `subprocess.TimeoutExpired` when it does not end within half an hour.
    """
    usage = Usage()
    began = time.monotonic()
    with subprocess.Popen(
        command,
        env=dict(environment),
        cwd=ROOT,
        text=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    ) as process:
        over = threading.Event()
        watcher = threading.Thread(target=_watch, args=(process.pid, usage, over))
        watcher.start()
        try:
            told, complaints = process.communicate(timeout=_LONGEST)
            usage.seconds = time.monotonic() - began
        finally:
            over.set()
            watcher.join()
            process.kill()
    if process.returncode != 0:
        raise RuntimeError(f"{' '.join(command)} ended with {process.returncode}: {complaints}")
    return usage, json.loads(told.splitlines()[-1])


def _watch(pid: int, usage: Usage, over: threading.Event) -> None:
    """Reads the kernel's own high-water mark, so that nothing between two samples is missed.

    That of an ended child would not do: it counts the largest of the child's children too, and
    PostgreSQL is one of them.
    """
    status, stat = Path(f"/proc/{pid}/status"), Path(f"/proc/{pid}/stat")
    while not over.wait(_SAMPLE_EVERY):
        with contextlib.suppress(OSError):
            for line in status.read_text().splitlines():
                if line.startswith("VmHWM:"):
                    usage.peak = max(usage.peak, int(line.split()[1]) / 1024)
            fields = stat.read_text().rpartition(")")[2].split()
            usage.cpu = max(usage.cpu, (int(fields[11]) + int(fields[12])) / _TICKS)


def _settled(sim: SimulatorProcess) -> dict[str, Any]:
    """The report, once nothing comes home any more: homes fetch ancestors after they answered."""
    report = sim.report()
    quiet = 0.0
    while quiet < _SETTLED_AFTER:
        time.sleep(0.5)
        before, report = report, sim.report()
        quiet = quiet + 0.5 if report["recovered"] == before["recovered"] else 0.0
    return report


def table(heads: Sequence[str], rows: Sequence[Sequence[object]]) -> str:
    """A table in Markdown, numbers to the right."""
    lines = [list(heads)] + [[str(cell) for cell in row] for row in rows]
    widths = [max(len(line[n]) for line in lines) for n in range(len(heads))]
    rule = ["-" * widths[0], *("-" * (width - 1) + ":" for width in widths[1:])]
    padded = [
        [cell.rjust(width) if n else cell.ljust(width) for n, (cell, width) in enumerate(cells)]
        for cells in (list(zip(line, widths, strict=True)) for line in lines)
    ]
    padded.insert(1, rule)
    return "\n".join(f"| {' | '.join(cells)} |" for cells in padded)


def middle(values: Sequence[float], digits: int = 1) -> str:
    """The median, in so many decimal digits."""
    return f"{median(values):.{digits}f}"


def say(text: str = "") -> None:
    """One line of results, at once."""
    print(text, flush=True)
