"""Where programs are that come in packages: beside this Python, or on the PATH."""

from __future__ import annotations

import importlib.util
import shutil
import sys
from pathlib import Path


def find_program(name: str) -> str | None:
    """Its path; None where there is none."""
    if name == "docker-compose" and (spec := importlib.util.find_spec("compose")) and spec.origin:
        # The command that its package installs forgets the exit code.
        return str(Path(spec.origin).with_name(name))
    beside = Path(sys.executable).with_name(name)
    return str(beside) if beside.exists() else shutil.which(name)


def program(name: str) -> str:
    """Its path; `RuntimeError` where there is none."""
    found = find_program(name)
    if found is None:
        raise RuntimeError(f"there is no {name} on this machine")
    return found
