"""The operator's lists: read when due, kept apart, never shown with the secrets in their URLs."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import pytest_asyncio
from structlog.testing import capture_logs

from tests.servers import pretend
from toottail.errors import SettingsError
from toottail.repository import blocks
from toottail.repository.database import Database
from toottail.servers.door import Door
from toottail.settings import Settings, load
from toottail.worker.lists import refresh

NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)
SHOWN = "https://one.example/list.csv?…"
URLS = tuple(f"https://one.example/list.csv?of={n}&key=s3cret{n}#s3cret" for n in (1, 2))


@pytest_asyncio.fixture
async def server(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[pretend.PretendServer]:
    """Gives the list ``of=1`` with a1.example on it, ``of=2`` with a2.example, and so on."""

    async def answer(heard: pretend.Heard, writer: asyncio.StreamWriter) -> None:
        number = heard.target.partition("of=")[2][:1]
        await pretend.answering(f"a{number}.example\n".encode(), kind="text/csv")(heard, writer)

    authority, path = pretend.authority(tmp_path)
    monkeypatch.setenv("SSL_CERT_FILE", str(path))
    async with pretend.PretendServer(pretend.certificate(authority, "one.example")) as running:
        running.scripts["/list.csv"] = answer
        yield running


async def read(
    server: pretend.PretendServer, database: Database, now: datetime, *urls: str
) -> Settings:
    settings = pretend.settings(server.port).model_copy(update={"blocklists": urls})
    async with Door(settings) as door:
        await refresh(settings, database, door, now)
    return settings


async def stored(database: Database) -> str:
    async with database.connection() as conn:
        return str(await conn.fetch("SELECT * FROM domain_lists"))


async def test_lists_that_differ_in_their_secrets_only_are_two_and_show_none_of_them(
    server: pretend.PretendServer, database: Database
) -> None:
    await read(server, database, NOW, *URLS)
    assert [heard.target[-7:] for heard in server.heard] == ["s3cret1", "s3cret2"]
    async with database.connection() as conn:
        words = [await blocks.barred(conn, f"a{number}.example") for number in (1, 2)]
        shown = [known.name for known in await blocks.lists(conn) if known.kind == "block"]
    assert words == [f"on the block list {SHOWN}"] * 2
    assert shown == [SHOWN] * 2
    assert "s3cret" not in await stored(database)
    await read(server, database, NOW + timedelta(hours=1), *URLS)
    assert len(server.heard) == 2, "both were read today"
    await read(server, database, NOW + timedelta(hours=1), URLS[1])
    async with database.connection() as conn:
        assert await blocks.barred(conn, "a1.example") is None
        assert await blocks.barred(conn, "a2.example") is not None


async def test_a_list_that_cannot_be_read_is_named_without_its_secrets(
    server: pretend.PretendServer, database: Database
) -> None:
    await read(server, database, NOW, URLS[0])
    server.on("/list.csv", b"<h1>s3cret is no key</h1>", status="403 No", kind="text/html")
    with capture_logs() as logs:
        await read(server, database, NOW + timedelta(days=2), URLS[0])
    assert [line["list"] for line in logs] == [SHOWN]
    assert "s3cret" not in str(logs) + await stored(database)
    for url in (URLS[1], "https://ann:s3cret@one.example/list.csv?key=s3cret"):
        with pytest.raises(
            SettingsError, match=r"list https://one\.example/list\.csv\?…: "
        ) as told:
            await read(server, database, NOW, url)
        assert "s3cret" not in str(told.value)


@pytest.mark.parametrize("setting", ["blocklists", "allowlist"])
def test_what_is_no_list_is_refused_without_its_secrets(setting: str) -> None:
    url = "http://ann:s3cret@one.example/?key=s3cret"
    with pytest.raises(SettingsError, match="neither a file nor an https URL") as told:
        load(environ={f"TOOTTAIL_{setting.upper()}": url})
    assert "s3cret" not in str(told.value)
