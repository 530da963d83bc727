"""What every test may ask for: a real PostgreSQL, started once, and a fresh database on it."""

from __future__ import annotations

import asyncio
import os
import shutil
import tempfile
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from pathlib import Path
from uuid import uuid4

import pytest
import pytest_asyncio
from pydantic import SecretStr

from toottail.repository import migrations
from toottail.repository.database import Database, connector, open_pool
from toottail.repository.embedded import EmbeddedPostgres
from toottail.settings import Settings

# Nothing here outlives the run: no need to wait for the disk.
_FOR_TESTS = {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off"}
_TEMPLATE = "toottail_template"

NO_CHROMIUM = "NO CHROMIUM on this machine: what people see in a browser was not tried"
"""Why tests are left out that need a browser."""


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Says it loudly where the pages were not tried in a browser."""
    skipped = terminalreporter.stats.get("skipped", [])
    left_out = [report for report in skipped if NO_CHROMIUM in str(report.longrepr)]
    if left_out:
        terminalreporter.section(f"{len(left_out)} tests left out", sep="!", red=True, bold=True)
        terminalreporter.line(f"{NO_CHROMIUM}.", red=True, bold=True)
        terminalreporter.line("Install it (Debian: apt install chromium), or name one with")
        terminalreporter.line("TOOTTAIL_CHROMIUM. TOOTTAIL_REQUIRE_CHROMIUM makes this a failure.")


@pytest.fixture
def data_dir() -> Iterator[Path]:
    """A path for a new data folder that root's database server can reach, unlike ``tmp_path``."""
    with open_folder() as folder:
        yield folder / "data"


@pytest.fixture(scope="session")
def postgres() -> Iterator[EmbeddedPostgres]:
    """One server per test process, with a migrated template database."""
    with open_folder() as folder:
        server = EmbeddedPostgres(folder / "data", settings=_FOR_TESTS)
        asyncio.run(_start(server))
        yield server
        asyncio.run(server.__aexit__(None, None, None))


@pytest.fixture
def database_url(postgres: EmbeddedPostgres) -> Iterator[str]:
    """The URL of a fresh, migrated database, for this test alone; other processes may use it."""
    name = f"test_{uuid4().hex}"
    asyncio.run(_execute(postgres, f"CREATE DATABASE {name} TEMPLATE {_TEMPLATE}"))
    yield f"postgresql://toottail@/{name}?host={postgres.host}&port=5432"
    asyncio.run(_execute(postgres, f"DROP DATABASE {name} WITH (FORCE)"))


@pytest.fixture
def database_settings(database_url: str) -> Settings:
    """Settings whose database is this test's."""
    return Settings(database_url=SecretStr(database_url))


@pytest_asyncio.fixture
async def database(database_url: str) -> AsyncIterator[Database]:
    """This test's database, opened."""
    async with open_pool(connector(database_url), embedded=False) as opened:
        yield opened


@contextmanager
def open_folder() -> Iterator[Path]:
    """A new folder that others may pass through: pytest's own are closed to root's server."""
    folder = Path(tempfile.mkdtemp(prefix="toottail-test-"))
    if os.geteuid() == 0:
        folder.chmod(0o711)
    try:
        yield folder
    finally:
        shutil.rmtree(folder)


async def _start(server: EmbeddedPostgres) -> None:
    await server.__aenter__()
    await _execute(server, f"CREATE DATABASE {_TEMPLATE}")
    connection = await server.connect(_TEMPLATE)
    await migrations.migrate(connection)
    await connection.close()


async def _execute(server: EmbeddedPostgres, statement: str) -> None:
    connection = await server.connect()
    await connection.execute(statement)
    await connection.close()
