"""A virtual environment with TootTail from its wheel, and with what the wheel asks for alone."""

from __future__ import annotations

import subprocess
import sys
import venv
from importlib.metadata import Distribution, distribution
from pathlib import Path

from packaging.requirements import Requirement


def make(folder: Path, wheel: Path) -> Path:
    """Installs ``wheel`` into a new environment in ``folder``; gives the folder of its programs.

    Its dependencies are linked from the environment of the tests: all that the wheel names, what
    those name, and nothing else. So a dependency that only the tests have is found out, and
    nothing is fetched.
    """
    venv.create(folder, with_pip=False, symlinks=True)
    programs = folder / "bin"
    subprocess.run(
        [
            *(sys.executable, "-m", "pip", "--python", programs / "python"),
            *("--disable-pip-version-check", "--quiet", "install"),
            *("--no-deps", "--no-index", wheel),
        ],
        check=True,
    )
    (site,) = folder.glob("lib/python*/site-packages")
    for needed in _closure(distribution("toottail")):
        _link(needed, site)
    return programs


def _closure(top: Distribution) -> list[Distribution]:
    """All that ``top`` needs to run on this machine, itself aside."""
    found: dict[str, Distribution] = {}
    open_ends = [(top, "")]
    while open_ends:
        one, extra = open_ends.pop()
        for text in one.requires or ():
            wanted = Requirement(text)
            if wanted.marker is not None and not wanted.marker.evaluate({"extra": extra}):
                continue
            for more in ("", *wanted.extras):
                key = f"{wanted.name}[{more}]"
                if key not in found:
                    found[key] = distribution(wanted.name)
                    open_ends.append((found[key], more))
    return list(found.values())


def _link(needed: Distribution, site: Path) -> None:
    """Puts what ``needed`` has in its site-packages into ``site``."""
    for name in {file.parts[0] for file in needed.files or ()} - {"..", "__pycache__"}:
        here = site / name
        if not here.exists():
            here.symlink_to(str(needed.locate_file(name)))
