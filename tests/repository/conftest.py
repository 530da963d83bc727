"""A data folder that was used before, without the second that making one takes."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.conftest import open_folder
from tests.repository.tenants import Tenant


@pytest.fixture(scope="session")
def made_once() -> Iterator[Path]:
    """One made folder for the whole session, to be copied only."""
    with open_folder() as folder:
        with Tenant(folder / "data"):
            pass
        yield folder / "data"


@pytest.fixture
def used_data_dir(made_once: Path, data_dir: Path) -> Path:
    """This test's own copy of a folder in which a server has run and ended."""
    subprocess.run(["cp", "-a", made_once, data_dir], check=True)
    return data_dir
