"""Shells on a database of their own, and pretend fediverses for them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.cli.shell import Shell
from toottail.simulator.process import SimulatorProcess

OpenWorld = Callable[..., SimulatorProcess]


@pytest.fixture
def open_world() -> Iterator[OpenWorld]:
    """``open_world("tiny", "--home", …)``: a pretend fediverse that ends with the test."""
    with ExitStack() as stack:

        def open_one(world: str = "tiny", *arguments: str) -> SimulatorProcess:
            return stack.enter_context(SimulatorProcess("--world", world, *arguments))

        yield open_one


@pytest.fixture
def quick_world(open_world: OpenWorld) -> SimulatorProcess:
    """Three threads, at a home that has everything the moment it is asked."""
    return open_world("tiny", "--home", "gotosocial", "--latency-scale", "0")


@pytest.fixture
def shell(tmp_path: Path, database_url: str) -> Shell:
    """Commands that use this test's database on the tests' server: quick to start."""
    return Shell(tmp_path / "data", {"DATABASE_URL": database_url})


@pytest.fixture
def bare_shell(data_dir: Path) -> Shell:
    """Commands that start a database of their own, as on an empty machine."""
    return Shell(data_dir)
