"""The pretend server and a door that leads to it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import trustme

from tests.servers import pretend
from toottail.servers.door import Door


@pytest.fixture(scope="session")
def own_authority(tmp_path_factory: pytest.TempPathFactory) -> tuple[trustme.CA, Path]:
    return pretend.authority(tmp_path_factory.mktemp("ca"))


@pytest.fixture
async def server(
    own_authority: tuple[trustme.CA, Path], monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[pretend.PretendServer]:
    made, path = own_authority
    monkeypatch.setenv("SSL_CERT_FILE", str(path))
    certificate = pretend.certificate(made, "one.example", "two.example")
    async with pretend.PretendServer(certificate) as running:
        yield running


@pytest.fixture
async def door(server: pretend.PretendServer) -> AsyncIterator[Door]:
    async with Door(pretend.settings(server.port)) as opened:
        yield opened
