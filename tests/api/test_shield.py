"""Hosts, sizes, times, headers and faults, whatever is asked for."""

from __future__ import annotations

import asyncio
from functools import partial
from typing import Any

import pytest

from tests.api.conftest import OpenStand
from tests.api.stand import Stand
from toottail.errors import TootTailError
from toottail.service import account, public
from toottail.service.http.shield import MOST_BYTES, Shield

HOSTS = ["evil.example", "localhost.evil.example", "127.0.0.1", "toottail.example", "[::1]", "a b"]


@pytest.mark.parametrize("host", HOSTS)
async def test_a_host_that_is_not_ours_is_sent_away(stand: Stand, host: str) -> None:
    for path in ("/api/v1/openapi.json", "/api/v1/me", "/nothing"):
        answer = await stand.stranger().ask("GET", path, headers={"Host": host})
        assert answer.status == 421
        assert stand.origin in answer.body.decode()
        assert "evil" not in answer.body.decode()


async def test_a_forwarded_host_changes_nothing(stand: Stand) -> None:
    told = {"X-Forwarded-Host": "evil.example", "Forwarded": "host=evil.example"}
    answer = await stand.stranger().ask("GET", "/api/v1/sign-in/callback/", headers=told)
    assert answer.status == 404
    answer = await stand.stranger().ask("GET", "/api/v1/openapi.json", headers=told)
    assert b"evil" not in answer.body


async def test_every_answer_carries_the_headers(stand: Stand) -> None:
    for path in ("/healthz", "/nothing", "/api/v1/me", "/api/v1/openapi.json"):
        answer = await stand.stranger().ask("GET", path)
        assert "default-src 'none'" in answer.headers["Content-Security-Policy"]
        assert answer.headers["X-Content-Type-Options"] == "nosniff"
        assert answer.headers["Cache-Control"] == "no-store"
        assert "Server" not in answer.headers


async def test_large_bodies_are_refused_told_or_not(stand: Stand) -> None:
    stranger = stand.stranger()
    answer = await stranger.ask("POST", "/api/v1/servers/verify", body={"server": "a" * MOST_BYTES})
    assert (answer.status, answer.code) == (413, "too_large")
    start = b"POST /api/v1/servers/verify HTTP/1.1\r\nHost: 127.0.0.1:%d\r\n" % stand.port
    told = await raw(stand, start + b"Content-Length: 99999999999\r\n\r\n")
    assert told.startswith(b"HTTP/1.1 413 ")
    piece = b"4000\r\n" + b"a" * 0x4000 + b"\r\n"
    told = await raw(stand, start + b"Transfer-Encoding: chunked\r\n\r\n" + piece * 5)
    assert told.startswith(b"HTTP/1.1 413 ")


async def test_a_body_that_does_not_arrive_is_not_waited_for(open_stand: OpenStand) -> None:
    stand = await open_stand(wrap=partial(Shield, body_time=0.2))
    start = b"POST /api/v1/servers/verify HTTP/1.1\r\nHost: 127.0.0.1:%d\r\n" % stand.port
    told = await raw(stand, start + b"Content-Length: 20\r\n\r\n{")
    assert told.startswith(b"HTTP/1.1 408 ")
    assert b'"too_slow"' in told
    assert b"connection: close" in told.lower()


async def test_an_answer_that_takes_too_long_is_given_up(
    open_stand: OpenStand, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def slow(_: object) -> None:
        await asyncio.sleep(60)

    monkeypatch.setattr(public, "status", slow)
    stand = await open_stand(wrap=partial(Shield, total_time=0.2))
    answer = await stand.stranger().ask("GET", "/api/v1/status")
    assert (answer.status, answer.code) == (503, "unavailable")


@pytest.mark.parametrize("wrapped", [True, False])
async def test_a_fault_tells_an_id_and_the_log_the_rest(
    open_stand: OpenStand,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    wrapped: bool,
) -> None:
    async def faulty(*_: object) -> None:
        raise RuntimeError("the secret of the token")

    monkeypatch.setattr(account, "overview", faulty)
    stand = await open_stand(**({"wrap": Shield} if wrapped else {}))
    answer = await (await stand.signed_in()).ask("GET", "/api/v1/me")
    assert (answer.status, answer.code) == (500, "fault")
    assert b"secret" not in answer.body
    number = answer.json()["error"]["message"].rstrip(".").split()[-1]
    assert len(number) == 12
    assert number in capsys.readouterr().out


@pytest.mark.parametrize(
    ("sent", "status", "code"),
    [
        ({"data": b"{", "headers": {"Content-Type": "application/json"}}, 400, "bad_request"),
        ({"data": b"[1]", "headers": {"Content-Type": "application/json"}}, 400, "bad_request"),
        ({"data": b"server=a", "headers": {"Content-Type": "text/plain"}}, 400, "bad_request"),
        ({"body": {"server": "a\r\nX: y"}}, 400, "bad_request"),
        ({"body": {"server": "a\x00"}}, 400, "bad_request"),
        ({"body": {"server": "ok.example", "more": "hunter2"}}, 400, "bad_request"),
        ({"body": {"server": "ok.example", "hunter2": "more"}}, 400, "bad_request"),
        ({"body": {"server": ["hunter2"]}}, 400, "bad_request"),
        ({"data": b'{"server": "\\ud800"}', "headers": {"Content-Type": "application/json"}}, 400,
         "bad_request"),
        ({"data": b"[" * 60_000, "headers": {"Content-Type": "application/json"}}, 400,
         "bad_request"),
    ],
)  # fmt: skip
async def test_what_cannot_be_understood_is_told_so_and_never_repeated(
    stand: Stand, sent: dict[str, Any], status: int, code: str
) -> None:
    answer = await stand.stranger().ask("POST", "/api/v1/servers/verify", **sent)
    assert (answer.status, answer.code) == (status, code)
    assert b"hunter2" not in answer.body


async def test_other_methods_and_paths_have_the_same_shape(stand: Stand) -> None:
    answer = await stand.stranger().ask("DELETE", "/api/v1/status")
    assert (answer.status, answer.code) == (405, "method_not_allowed")
    assert answer.headers["Allow"] == "GET"
    for path in ("/api/v1/nothing", "/api/v1/me/", "//evil.example/", "/%0d%0aX:%20y", "/docs"):
        answer = await stand.stranger().ask("GET", path)
        assert (answer.status, answer.code) == (404, "not_found")
        assert "Location" not in answer.headers


async def test_an_error_of_ours_nobody_thought_of_is_a_fault(
    stand: Stand, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def refuse(_: object) -> None:
        raise TootTailError("the database password is hunter2")

    monkeypatch.setattr(public, "status", refuse)
    answer = await stand.stranger().ask("GET", "/api/v1/status")
    assert (answer.status, answer.code) == (500, "fault")
    assert b"hunter2" not in answer.body


async def raw(stand: Stand, sent: bytes) -> bytes:
    """What the server says to these bytes until it closes the line."""
    reader, writer = await asyncio.open_connection("127.0.0.1", stand.port)
    writer.write(sent.replace(b"\r\n\r\n", b"\r\nOrigin: %s\r\n\r\n" % stand.origin.encode(), 1))
    try:
        return await asyncio.wait_for(reader.read(), 20)
    finally:
        writer.close()
        await writer.wait_closed()
