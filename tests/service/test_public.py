"""What everybody may see and do: figures, readiness, opting a server out."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from pathlib import Path
from uuid import uuid4

import pytest
import trustme

from tests.servers import pretend
from tests.service import stand
from toottail.errors import BadRequest, TooManyAttempts
from toottail.repository import blocks, lanes, opt_outs
from toottail.repository.database import POOL_SIZE, Connection, Database, connector, open_pool
from toottail.repository.sealing import Sealer
from toottail.servers.door import Door
from toottail.service import public
from toottail.service.context import Service

ROBOTS, WELL_KNOWN = "/robots.txt", "/.well-known/toottail-opt-out"


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> tuple[trustme.CA, Path]:
    return pretend.authority(tmp_path_factory.mktemp("ca"))


@pytest.fixture
async def server(
    authority: tuple[trustme.CA, Path], monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[pretend.PretendServer]:
    made, path = authority
    monkeypatch.setenv("SSL_CERT_FILE", str(path))
    names = pretend.certificate(made, "one.example", "two.example")
    async with pretend.PretendServer(names) as running:
        yield running


@pytest.fixture
async def service(server: pretend.PretendServer, database: Database) -> AsyncIterator[Service]:
    settings = pretend.settings(server.port)
    async with Door(settings) as door:
        yield Service(settings, database, door, Sealer([stand.KEY]))


async def delivered(
    conn: Connection, member_id: int, name: str, *, posted: float, came: float, began: float
) -> None:
    """A reply that was posted, came home and was watched for so many minutes before now."""
    number = await stand.conversation(conn, member_id, name, ("already_there", "delivered"))
    await conn.execute(
        "UPDATE statuses SET created_at = now() - $2 * interval '1 minute'"
        " WHERE conversation_id = $1",
        number,
        posted,
    )
    await conn.execute(
        "UPDATE deliveries SET changed_at = now() - $2 * interval '1 minute'"
        " WHERE conversation_id = $1",
        number,
        came,
    )
    await conn.execute(
        "UPDATE watches SET began_at = now() - $2 * interval '1 minute' WHERE conversation_id = $1",
        number,
        began,
    )


async def test_the_status_of_an_empty_service_has_no_delay(database: Database) -> None:
    status = await public.status(stand.service(database, sign_ups="invite"))
    assert (status.members, status.homes, status.conversations, status.workers) == (0, 0, 0, 0)
    assert status.delay is None
    assert status.sign_ups == "invite"


async def test_the_delay_is_the_median_of_replies_that_were_posted_while_we_watched(
    database: Database,
) -> None:
    async with database.connection() as conn:
        mira = await stand.member(conn)
        for number, late in enumerate((1, 2, 9)):
            await delivered(conn, mira, f"new{number}", posted=60 + late, came=60, began=120)
        # An old thread that was completed when somebody saw it, and a reply of the day before.
        await delivered(conn, mira, "old", posted=5000, came=50, began=60)
        await delivered(conn, mira, "long", posted=3000, came=2000, began=4000)
    status = await public.status(stand.service(database))
    assert status.delay == pytest.approx(120, abs=1)
    assert (status.delivered_hour, status.delivered_day) == (1, 4)
    assert (status.members, status.homes, status.conversations) == (1, 1, 5)


async def test_figures_are_counted_once_in_a_few_seconds(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    service = stand.service(database, most_members=1)
    first = await public.status(service)
    assert first.sign_ups == "open"
    async with database.connection() as conn:
        await stand.member(conn)
    assert await public.status(service) is first
    monkeypatch.setattr(public, "FRESH", 0.0)
    assert (await public.status(service)).members == 1
    assert (await public.status(service)).sign_ups == "full"


async def test_a_service_is_ready_with_a_worker_that_lives(
    database: Database, database_url: str
) -> None:
    service = stand.service(database)
    assert list(await public.ready(service)) == ["worker"]
    async with (
        open_pool(connector(database_url), embedded=False) as workers,
        workers.connection() as conn,
    ):
        await lanes.join(conn, uuid4())
        assert await public.ready(service) == {}
    # Its row is still there, its session is not.
    assert list(await public.ready(service)) == ["worker"]


async def test_a_key_that_was_taken_away_is_noticed(database: Database) -> None:
    async with database.connection() as conn:
        await stand.member(conn)
        await conn.execute(
            "INSERT INTO service_secrets VALUES ('actor', $1)", Sealer([stand.KEY]).seal("x")
        )
    service = stand.service(database)
    other = Service(service.settings, database, service.door, Sealer(["B" * 43 + "="]))
    assert "keys" not in await public.ready(service)
    assert "secret keys" in (await public.ready(other))["keys"]


async def test_a_schema_of_another_version_is_noticed(database: Database) -> None:
    async with database.connection() as conn:
        await conn.execute("INSERT INTO schema_migrations (number, name) VALUES (4711, 'later')")
    assert "newer version" in (await public.ready(stand.service(database)))["database"]


async def test_a_database_that_serves_nobody_is_told(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with AsyncExitStack() as stack:
        for _ in range(POOL_SIZE):
            await stack.enter_async_context(database.connection())
        monkeypatch.setattr("toottail.repository.database.ACQUIRE_TIMEOUT", 0.1)
        assert list(await public.ready(stand.service(database))) == ["database"]


async def barred(service: Service, host: str) -> str | None:
    async with service.database.connection() as conn:
        return await blocks.barred(conn, host)


async def waiting(service: Service) -> list[str]:
    async with service.database.connection() as conn:
        return [wish.host for wish in await opt_outs.waiting(conn)]


@pytest.mark.parametrize(
    ("path", "body", "kind"),
    [
        (ROBOTS, b"User-agent: *\nDisallow:\n\nUser-agent: TootTail\nDisallow: /\n", "text/plain"),
        (WELL_KNOWN, b"toottail: opt-out\nThank you.\n", "text/plain; charset=utf-8"),
        (WELL_KNOWN, b"\xef\xbb\xbftoottail: opt-out \r\n", "text/plain"),
    ],
)
async def test_a_server_that_says_so_itself_is_left_alone_at_once(
    server: pretend.PretendServer, service: Service, path: str, body: bytes, kind: str
) -> None:
    server.on(path, body, kind=kind)
    assert await public.opt_out(service, "https://One.example/about", "", "", "192.0.2.1") == "done"
    assert "leave it alone" in (await barred(service, "one.example") or "")
    assert await waiting(service) == []
    heard = len(server.heard)
    assert await public.opt_out(service, "one.example", "", "", "192.0.2.1") == "done"
    assert len(server.heard) == heard


@pytest.mark.parametrize(
    ("path", "body", "kind", "status"),
    [
        (ROBOTS, b"User-agent: *\nDisallow: /\n", "text/plain", "200 OK"),
        (ROBOTS, b"User-agent: TootTail\nDisallow: /api/\n", "text/plain", "200 OK"),
        (ROBOTS, b"User-agent: TootTail\nDisallow: /\n", "text/plain", "503 Down"),
        (WELL_KNOWN, b"toottail: opt-out", "text/html", "200 OK"),
        (WELL_KNOWN, b"no\ntoottail: opt-out", "text/plain", "200 OK"),
        (WELL_KNOWN, b"toottail: opt-out", "text/plain", "404 Not Found"),
    ],
)
async def test_what_a_server_does_not_say_waits_for_the_operator(
    server: pretend.PretendServer,
    service: Service,
    path: str,
    body: bytes,
    kind: str,
    status: str,
) -> None:
    server.on(path, body, status=status, kind=kind)
    words = "We are\x00 closed\u202e.\n" + "x" * 9000
    assert (
        await public.opt_out(service, "one.example", " ann\n@one ", words, "192.0.2.1") == "asked"
    )
    assert await barred(service, "one.example") is None
    async with service.database.connection() as conn:
        (wish,) = await opt_outs.waiting(conn)
    assert (wish.host, wish.contact) == ("one.example", "ann @one")
    assert wish.words.startswith("We are closed.\nxxx")
    assert len(wish.words) == 2000


async def test_a_redirect_to_another_server_proves_nothing(
    server: pretend.PretendServer, service: Service
) -> None:
    there = {"Location": f"https://two.example{WELL_KNOWN}"}
    server.on(WELL_KNOWN, b"toottail: opt-out", status="302 Found", kind="text/plain", **there)
    assert await public.opt_out(service, "one.example", "", "", "192.0.2.1") == "asked"
    assert all(heard.headers["host"].startswith("one.example") for heard in server.heard)


@pytest.mark.parametrize(
    "name",
    [
        "",
        "127.0.0.1",
        "[::1]",
        "localhost",
        "a.local",
        "@ann@one.example",
        "x y",
        "é" * 400,
        "a\0b",
    ],
)
async def test_what_is_no_server_cannot_be_opted_out(
    server: pretend.PretendServer, service: Service, name: str
) -> None:
    with pytest.raises(BadRequest):
        await public.opt_out(service, name, "", "", "192.0.2.1")
    assert server.heard == []


async def test_opt_outs_are_limited_by_address_and_by_server(
    server: pretend.PretendServer, service: Service
) -> None:
    for number in range(3):
        await public.opt_out(service, "one.example", "", "", f"192.0.2.{number}")
    with pytest.raises(TooManyAttempts):
        await public.opt_out(service, "one.example", "", "", "192.0.2.9")
    heard = len(server.heard)
    for _ in range(5):
        await public.opt_out(service, f"h{uuid4().hex[:8]}.invalid.test", "", "", "192.0.2.8")
    with pytest.raises(TooManyAttempts):
        await public.opt_out(service, "two.example", "", "", "192.0.2.8")
    assert len(server.heard) == heard
    assert len(await waiting(service)) == 6
