"""Homes that answer nonsense at any step of a sign-in: it ends with a word, and nothing is left."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import parse_qsl, urlsplit

import pytest
import pytest_asyncio

from tests.servers import pretend
from tests.servers.pretend import Heard, PretendServer
from tests.service.test_sign_in import refusal
from tests.service.town import ADDRESS, OURS, new_key
from toottail.errors import SignInRefused, TooManyAttempts
from toottail.repository.database import Database
from toottail.repository.sealing import Sealer
from toottail.servers.door import Door
from toottail.service import sessions, sign_in
from toottail.service.context import Service
from toottail.service.sign_in import Wish
from toottail.types.service import Begun, SignedIn

HOST = "one.example"
TOKEN = "t0ken"
NODEINFO = {
    "links": [
        {
            "rel": "http://nodeinfo.diaspora.software/ns/schema/2.0",
            "href": f"https://{HOST}/nodeinfo/2.0",
        }
    ]
}
GARBAGE = {
    "nothing": b"",
    "html": b"<!DOCTYPE html><title>Hi</title>",
    "half": b'{"client_id": "a", "acc',
    "list": b"[]",
    "null": b"null",
    "number": b"1e999",
    "deep": b"[" * 100_000,
    "huge": b'{"x": "' + b"x" * (9 << 20) + b'"}',
    "bytes": b"\xff\xfe\x00",
    "wrong types": b'{"client_id": [], "access_token": {}, "id": 7, "title": 1, "links": 3}',
}
STEPS = {
    "/api/v1/apps": "not_a_home",
    "/oauth/token": "home_failed",
    "/api/v1/accounts/verify_credentials": "home_failed",
}
UNNEEDED = (
    "/.well-known/nodeinfo",
    "/nodeinfo/2.0",
    "/.well-known/oauth-authorization-server",
    "/oauth/revoke",
)


@dataclass
class Lone:
    """A service with one home, each of whose answers is written by the test."""

    server: PretendServer
    service: Service
    database: Database

    def behave(self) -> None:
        """From now on the home answers as it should."""
        on = self.server.on
        on("/.well-known/nodeinfo", json.dumps(NODEINFO).encode())
        on("/nodeinfo/2.0", b'{"software": {"name": "mastodon", "version": "4.3.0"}}')
        on("/.well-known/oauth-authorization-server", b'{"scopes_supported": ["profile"]}')
        on("/api/v2/instance", b'{"title": "One"}')
        on("/api/v1/apps", b'{"client_id": "a", "client_secret": "b"}')
        on("/oauth/token", json.dumps({"access_token": TOKEN}).encode())
        on("/api/v1/accounts/verify_credentials", b'{"id": "7", "acct": "mira"}')
        on("/oauth/revoke", b"{}")

    async def begin(self) -> Begun:
        return await sign_in.begin(self.service, Wish(HOST), ADDRESS)

    async def finish(self, begun: Begun) -> SignedIn:
        state = dict(parse_qsl(urlsplit(begun.authorize_url).query))["state"]
        return await sign_in.finish(
            self.service,
            HOST,
            code="c0de",
            state=state,
            error=None,
            browser_cookie=begun.browser_cookie,
            address=ADDRESS,
        )

    async def sign_in(self) -> SignedIn:
        return await self.finish(await self.begin())

    def paths(self) -> list[str]:
        """What the home was asked for, in order."""
        return [heard.target.partition("?")[0] for heard in self.server.heard]

    async def begin_anew(self) -> None:
        """Nothing is known of the home, and all allowances are whole."""
        async with self.database.connection() as conn:
            for table in ("allowances", "hosts", "registrations"):
                await conn.execute(f"DELETE FROM {table}")

    async def count(self, table: str) -> int:
        async with self.database.connection() as conn:
            number: int = await conn.fetchval(f"SELECT count(*) FROM {table}")
            return number


@pytest_asyncio.fixture
async def lone(
    database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[Lone]:
    made, path = pretend.authority(tmp_path)
    monkeypatch.setenv("SSL_CERT_FILE", str(path))
    async with PretendServer(pretend.certificate(made, HOST, "two.example")) as server:
        settings = pretend.settings(server.port, service_url=OURS)
        async with Door(settings) as door:
            lone = Lone(server, Service(settings, database, door, Sealer([new_key()])), database)
            lone.behave()
            yield lone


async def test_the_lone_home_lets_its_members_in(lone: Lone) -> None:
    done = await lone.sign_in()
    assert (await sessions.find(lone.service, done.session)).handle == f"@mira@{HOST}"


@pytest.mark.parametrize("step", STEPS)
async def test_garbage_ends_a_sign_in_with_a_word_and_leaves_nothing(lone: Lone, step: str) -> None:
    for name, garbage in GARBAGE.items():
        lone.server.on(step, garbage)
        assert await refusal(lone.sign_in()) == STEPS[step], name
        await lone.begin_anew()
    assert [await lone.count(table) for table in ("members", "sessions", "sign_ins")] == [0, 0, 0]
    # A token that was given is given back, whatever came after it.
    given = len(GARBAGE) if step == "/api/v1/accounts/verify_credentials" else 0
    assert lone.paths().count("/oauth/revoke") == given


@pytest.mark.parametrize("step", UNNEEDED)
async def test_garbage_where_nothing_is_needed_does_no_harm(lone: Lone, step: str) -> None:
    for name, garbage in GARBAGE.items():
        lone.server.on(step, garbage)
        assert (await lone.sign_in()).member_id, name
        await lone.begin_anew()


async def test_garbage_for_a_title_is_no_home(lone: Lone) -> None:
    for name, garbage in GARBAGE.items():
        lone.server.on("/api/v2/instance", garbage)
        found = await sign_in.verify(lone.service, HOST, ADDRESS)
        assert (found.can_serve, found.code) == (False, "not_a_home"), name
        await lone.begin_anew()


@pytest.mark.parametrize(
    ("step", "code"),
    [
        ("/.well-known/nodeinfo", "unreachable"),
        ("/.well-known/oauth-authorization-server", "unreachable"),
        ("/api/v1/apps", "unreachable"),
        ("/oauth/token", "home_failed"),
        ("/api/v1/accounts/verify_credentials", "unreachable"),
    ],
)
async def test_a_home_that_falls_silent_is_given_up(lone: Lone, step: str, code: str) -> None:
    async def silence(heard: Heard, writer: asyncio.StreamWriter) -> None:
        await asyncio.sleep(60)

    lone.server.scripts[step] = silence
    assert await refusal(lone.sign_in()) == code
    assert await lone.count("members") == 0


@pytest.mark.parametrize("status", ["400 Bad Request", "403 Forbidden", "422 Unprocessable Entity"])
async def test_a_home_that_does_not_register_us_is_said(lone: Lone, status: str) -> None:
    lone.server.on("/api/v1/apps", b'{"error": "buy <b>now</b>"}', status)
    with pytest.raises(SignInRefused) as refused:
        await lone.begin()
    assert refused.value.code == "home_failed"
    assert "buy" not in str(refused.value)


async def test_a_home_that_leads_a_form_elsewhere_gets_nothing_sent_there(lone: Lone) -> None:
    for step in STEPS:
        for target in ("https://two.example/x", "https://127.0.0.1/x", f"https://{HOST}/x", "//x"):
            lone.server.on(step, b"", "307 Temporary Redirect", Location=target)
            await refusal(lone.sign_in())
            await lone.begin_anew()
    assert "/x" not in lone.paths()
    assert {heard.headers["host"] for heard in lone.server.heard} == {HOST}


async def test_a_home_cannot_have_secrets_sent_elsewhere_by_its_metadata(lone: Lone) -> None:
    told = {"revocation_endpoint": "https://two.example/x", "scopes_supported": ["profile"]}
    lone.server.on("/.well-known/oauth-authorization-server", json.dumps(told).encode())
    lone.server.on("/api/v1/accounts/verify_credentials", b"{}")
    assert await refusal(lone.sign_in()) == "home_failed"
    assert lone.paths()[-1] == "/oauth/revoke"
    assert {heard.headers["host"] for heard in lone.server.heard} == {HOST}


@pytest.mark.parametrize(
    "who",
    [
        {"id": "7", "acct": "", "username": ""},
        {"id": "", "acct": "mira"},
        {"id": "../7", "acct": "mira"},
        {"id": "7" * 200, "acct": "mira"},
        {"id": "7", "acct": "\u202e\u200b"},
        {"acct": "mira"},
    ],
)
async def test_an_account_of_no_use_is_no_member(lone: Lone, who: dict[str, str]) -> None:
    lone.server.on("/api/v1/accounts/verify_credentials", json.dumps(who).encode())
    assert await refusal(lone.sign_in()) == "home_failed"
    assert await lone.count("members") == 0
    assert lone.paths()[-1] == "/oauth/revoke"


async def test_a_name_of_an_account_is_one_short_word(lone: Lone) -> None:
    who = {"id": "7", "acct": "mi\u202era\n\u0000" + "a" * 5000 + "@elsewhere.example"}
    lone.server.on("/api/v1/accounts/verify_credentials", json.dumps(who).encode())
    done = await lone.sign_in()
    handle = (await sessions.find(lone.service, done.session)).handle
    assert handle.startswith("@mira")
    assert handle.endswith(f"@{HOST}")
    assert len(handle) < 250


async def test_a_home_that_only_says_it_knows_profile_is_asked_otherwise_next_time(
    lone: Lone,
) -> None:
    lone.server.on("/api/v1/accounts/verify_credentials", b"{}", "403 Forbidden")
    assert await refusal(lone.sign_in()) == "home_failed"
    lone.behave()
    begun = await lone.begin()
    asked = dict(parse_qsl(urlsplit(begun.authorize_url).query))
    assert asked["scope"] == "read:accounts read:search read:statuses"
    assert (await lone.finish(begun)).is_new
    assert lone.paths().count("/api/v1/apps") == 1


async def test_an_older_home_answers_in_its_own_way(lone: Lone) -> None:
    # As before Mastodon 4.3: no metadata, no word of scopes.
    lone.server.on("/.well-known/oauth-authorization-server", status="404 Not Found")
    begun = await lone.begin()
    asked = dict(parse_qsl(urlsplit(begun.authorize_url).query))
    assert asked["scope"] == "read:accounts read:search read:statuses"
    done = await lone.finish(begun)
    async with lone.database.connection() as conn:
        scopes = await conn.fetchval("SELECT scopes FROM members WHERE id = $1", done.member_id)
    assert scopes == asked["scope"]


async def test_requests_name_us_and_the_home_and_nobody_else(lone: Lone) -> None:
    await lone.sign_in()
    for heard in lone.server.heard:
        assert heard.headers["user-agent"] == lone.service.settings.user_agent(HOST)
        assert "cookie" not in heard.headers
        assert not {"c0de", TOKEN} & set(heard.target.replace("=", "/").split("/"))


async def test_a_sign_in_takes_six_requests_and_the_next_one_two(lone: Lone) -> None:
    await lone.sign_in()
    assert lone.paths() == [
        "/.well-known/nodeinfo",
        "/nodeinfo/2.0",
        "/.well-known/oauth-authorization-server",
        "/api/v1/apps",
        "/oauth/token",
        "/api/v1/accounts/verify_credentials",
    ]
    lone.server.heard.clear()
    await lone.sign_in()
    assert lone.paths() == ["/oauth/token", "/api/v1/accounts/verify_credentials"]


async def test_an_allowance_that_ends_in_the_middle_leaves_no_token(lone: Lone) -> None:
    await lone.sign_in()
    lone.server.on("/oauth/token", b'{"access_token": "another"}')
    begun = await lone.begin()
    async with lone.database.connection() as conn:
        # Room for one request more, where two are needed.
        await conn.execute(
            "UPDATE allowances SET used_up = now() + interval '142 seconds'"
            " WHERE key LIKE 'token:%'"
        )
    with pytest.raises(TooManyAttempts):
        await lone.finish(begun)
    assert lone.paths()[-2:] == ["/oauth/token", "/oauth/revoke"]
