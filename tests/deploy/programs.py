"""Programs that come in packages, to try the files of `deploy/` with."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest
from benchmarks.programs import find_program

CHECKOUT = Path(__file__).parents[2]
PATIENCE = 60


def find(name: str) -> str:
    """The program ``name`` of this environment, else of the machine; skips the test without it."""
    found = find_program(name)
    if found is None:
        pytest.skip(f"there is no {name} on this machine")
    return found


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
