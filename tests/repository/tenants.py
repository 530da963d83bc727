"""Starting processes that use the embedded server, as this user or another, and killing them."""

from __future__ import annotations

import fcntl
import json
import os
import pwd
import shutil
import signal
import subprocess
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import psutil  # type: ignore[import-untyped]
import pytest

SOURCES = Path(__file__).parents[2] / "src"
NEEDS_ROOT = pytest.mark.skipif(os.geteuid() != 0, reason="NOT TESTED HERE: needs to run as root")


@dataclass
class Tenant:
    """One such process; entered, it is in, and at the end of the block it leaves."""

    data_dir: Path
    uid: int | None = None
    process: subprocess.Popen[str] = field(init=False)

    def __post_init__(self) -> None:
        self.process = subprocess.Popen(
            [python_for(self.uid), str(Path(__file__).with_name("tenant.py")), str(self.data_dir)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            cwd="/",
            env={**os.environ, "PYTHONPATH": os.pathsep.join(_python_path())},
            start_new_session=True,
            user=self.uid,
            group=self.uid,
            extra_groups=None if self.uid is None else [],
        )

    def __enter__(self) -> Self:
        said = self.hear()
        assert said == "ready", said
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.leave()

    def hear(self) -> str:
        assert self.process.stdout is not None
        return self.process.stdout.read() if self._ended() else self.process.stdout.readline()[:-1]

    def ask(self, statement: str) -> Any:
        """The first value of what ``statement`` gives."""
        assert self.process.stdin is not None
        self.process.stdin.write(statement + "\n")
        self.process.stdin.flush()
        return json.loads(self.hear())

    def leave(self) -> None:
        self.process.communicate(timeout=30)

    def kill(self) -> None:
        self.process.kill()
        self.leave()

    def interrupt_all(self) -> None:
        """What the terminal does on Ctrl-C."""
        os.killpg(self.process.pid, signal.SIGINT)

    def _ended(self) -> bool:
        return self.process.poll() is not None


def servers(data_dir: Path) -> list[psutil.Process]:
    """The keeper and all PostgreSQL processes of this folder; the keeper first."""
    keepers = [
        process
        for process in psutil.process_iter(["cmdline"])
        if any("keeper.py" in word for word in process.info["cmdline"] or [])
        and str(data_dir / "database" / "data") in process.info["cmdline"]
    ]
    return [one for keeper in keepers for one in (keeper, *keeper.children(recursive=True))]


def is_running(data_dir: Path) -> bool:
    """Whether the keeper or any process of the server lives, by the lock they share."""
    descriptor = os.open(data_dir / "database" / "keeper.lock", os.O_RDWR)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    finally:
        os.close(descriptor)
    return False


def wait_until_stopped(data_dir: Path, seconds: float = 20) -> None:
    deadline = time.monotonic() + seconds
    while is_running(data_dir):
        assert time.monotonic() < deadline, "the server did not stop"
        time.sleep(0.02)


def ordinary_uid() -> int:
    """A named user that is not root and has a group of the same number; skips where none is."""
    for user in pwd.getpwall():
        if user.pw_uid == user.pw_gid and 0 < user.pw_uid < 65000:
            return user.pw_uid
    pytest.skip("NOT TESTED HERE: no ordinary user to run as")


def python_for(uid: int | None) -> str:
    """An interpreter of this version that ``uid`` can run: root's may be in root's home."""
    if uid is None:
        return sys.executable
    wanted = f"{sys.version_info.major}.{sys.version_info.minor}"
    for candidate in (sys.executable, f"/usr/bin/python{wanted}"):
        if shutil.which(candidate) and _runs(candidate, uid):
            return candidate
    pytest.skip(f"NOT TESTED HERE: no Python {wanted} that user {uid} can run")


def _runs(python: str, uid: int) -> bool:
    try:
        done = subprocess.run(
            [python, "-c", "import asyncpg, pgqueuer, platformdirs"],
            env={**os.environ, "PYTHONPATH": os.pathsep.join(_python_path())},
            user=uid,
            group=uid,
            extra_groups=[],
            cwd="/",
            capture_output=True,
            check=False,
        )
    except PermissionError:
        return False
    return done.returncode == 0


def _python_path() -> list[str]:
    return [str(SOURCES), *(path for path in sys.path if path.endswith("site-packages"))]
