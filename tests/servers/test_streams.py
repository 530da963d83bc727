"""Streams of homes that behave, that do not, and that mean harm; over real TLS."""

from __future__ import annotations

import asyncio
import json
import struct
from base64 import b64encode
from collections.abc import Callable
from contextlib import aclosing
from hashlib import sha1
from typing import Any

import pytest
from pydantic import SecretStr

from tests.servers import pretend
from tests.servers.pretend import HOST, Heard, PretendServer
from toottail.errors import (
    AddressRefused,
    AnswerRefused,
    Forbidden,
    Gone,
    RemoteError,
    ServerFault,
    TooManyRequests,
    Unreachable,
)
from toottail.servers.door import Door
from toottail.servers.home_traits import Streaming
from toottail.servers.homes import HomeStatus
from toottail.servers.sse import EventReader
from toottail.servers.streams import Limits, find_place, listen

EVENTS = "/api/v1/streaming/user"
SOCKET = "/api/v1/streaming"
TOKEN = "very-secret-token"
BRIEF = Limits(event=2_000, minute=20_000, messages=50, silence=0.5)
_GUID = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"


def _status(number: int = 1, **more: Any) -> dict[str, Any]:
    uri = f"https://far.example/users/ada/statuses/{number}"
    return {"id": str(number), "uri": uri, "visibility": "public"} | more


def _event(name: str, data: object) -> bytes:
    return f"event: {name}\ndata: {json.dumps(data)}\n\n".encode()


async def _heard(
    door: Door,
    way: Streaming = "events",
    most: int = 100,
    limits: Limits = BRIEF,
    opened: Callable[[], None] = lambda: None,
) -> list[HomeStatus]:
    """What is heard before ``most`` came or the stream ended, then in whatever way it ended."""
    found: list[HomeStatus] = []
    heard = listen(door, HOST, HOST, way, SecretStr(TOKEN), limits, opened=opened)
    async with aclosing(heard) as entries:
        async for entry in entries:
            found.append(entry)
            if len(found) == most:
                break
    return found


async def _fails(
    door: Door, kind: type[RemoteError], way: Streaming = "events", within: float = 5
) -> str:
    async with asyncio.timeout(within):
        with pytest.raises(RemoteError) as caught:
            await _heard(door, way)
    assert type(caught.value) is kind, caught.value
    told = "".join(map(str, (caught.value, repr(caught.value), caught.value.__context__)))
    assert TOKEN not in told
    return caught.value.what


def _sends(server: PretendServer, *parts: bytes, pause: float = 0.0, stay: bool = False) -> None:
    """The stream of events brings these parts, and then ends unless it is to ``stay``."""

    async def script(_: Heard, writer: asyncio.StreamWriter) -> None:
        writer.write(pretend.head(kind="text/event-stream") + b"\r\n")
        for part in parts:
            writer.write(part)
            await writer.drain()
            await asyncio.sleep(pause)
        if stay:
            await asyncio.sleep(30)
        writer.close()

    server.scripts[EVENTS] = script


def _frame(payload: bytes, opcode: int = 1) -> bytes:
    size = len(payload)
    length = bytes([size]) if size < 126 else b"\x7e" + struct.pack(">H", size)
    if size >= 1 << 16:
        length = b"\x7f" + struct.pack(">Q", size)
    return bytes([0x80 | opcode]) + length + payload


def _socket(server: PretendServer, *frames: bytes, stay: bool = False) -> None:
    """The WebSocket brings these frames."""

    async def script(heard: Heard, writer: asyncio.StreamWriter) -> None:
        key = heard.headers["sec-websocket-key"].encode()
        accept = b64encode(sha1(key + _GUID).digest()).decode()
        writer.write(
            b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            + f"Sec-WebSocket-Accept: {accept}\r\n\r\n".encode()
        )
        for frame in frames:
            writer.write(frame)
            await writer.drain()
        await asyncio.sleep(30 if stay else 0.1)
        writer.close()

    server.scripts[SOCKET] = script


def _message(name: str, status: object) -> bytes:
    payload = json.dumps(status)
    return json.dumps({"stream": ["user"], "event": name, "payload": payload}).encode()


# Events


async def test_statuses_are_heard_as_they_come_and_nothing_else(
    server: PretendServer, door: Door
) -> None:
    boost = _status(3, reblog=_status(2))
    told = _event("update", _status(1)) + b":thump\n" + _event("notification", {"id": "9"})
    told += _event("delete", "1") + _event("status.update", _status(1)) + _event("update", boost)
    cut = len(told) // 2
    _sends(server, b":)\n", told[:cut], told[cut:], stay=True)
    opened: list[bool] = []
    found = await _heard(door, most=2, opened=lambda: opened.append(True))
    assert [entry.local_id for entry in found] == ["1", "3"]
    assert found[1].original.local_id == "2"
    assert opened == [True]


async def test_the_token_is_in_a_header_and_in_no_url(server: PretendServer, door: Door) -> None:
    _sends(server, _event("update", _status()), stay=True)
    _socket(server, _frame(_message("update", _status())), stay=True)
    await _heard(door, most=1)
    await _heard(door, "socket", most=1)
    for heard in server.heard:
        assert TOKEN not in heard.target
        assert heard.headers["authorization"] == f"Bearer {TOKEN}"
        assert HOST in heard.headers["user-agent"]


async def test_garbage_is_passed_over(server: PretendServer, door: Door) -> None:
    _sends(
        server,
        b"event: update\ndata: {not json\n\n",
        b"event: update\ndata: \xff\xfe\n\n",
        b"event: update\ndata: []\n\nevent: update\n\n\n\ndata: x\n\n:\n",
        _event("update", {"id": "1"}),
        _event("update", _status(1, uri="http://127.0.0.1/x")),
        b"[" * 1_500 + b"\n\n",
        _event("update", _status(5, created_at="never", replies_count=-1)),
        stay=True,
    )
    (found,) = await _heard(door, most=1)
    assert found.local_id == "5"


async def test_a_line_without_an_end_is_not_kept(server: PretendServer, door: Door) -> None:
    _sends(server, *[b"data: " + b"x" * 500] * 6, stay=True)
    assert "an event of more than" in await _fails(door, AnswerRefused)


async def test_an_event_of_many_lines_is_not_kept_either(server: PretendServer, door: Door) -> None:
    _sends(server, b"event: update\n", *[b"data: " + b"x" * 500 + b"\n"] * 6, stay=True)
    assert "an event of more than" in await _fails(door, AnswerRefused)


async def test_a_flood_is_turned_off(server: PretendServer, door: Door) -> None:
    _sends(server, *[b":" + b"x" * 999 + b"\n"] * 40, stay=True)
    assert "more than anybody can read" in await _fails(door, AnswerRefused)
    _sends(server, b"data: x\n\n" * 60, stay=True)
    assert "more than anybody can read" in await _fails(door, AnswerRefused)


async def test_silence_ends_a_stream(server: PretendServer, door: Door) -> None:
    _sends(server, b":)\n", stay=True)
    assert await _fails(door, Unreachable) == "did not answer in time"
    # A sign of life now and then is enough.
    _sends(server, *[b":thump\n"] * 5, _event("update", _status()), pause=0.2, stay=True)
    assert len(await _heard(door, most=1)) == 1


async def test_the_end_of_a_stream_is_a_loss(server: PretendServer, door: Door) -> None:
    _sends(server, _event("update", _status()))
    await _fails(door, Unreachable)
    _socket(server, _frame(b"", opcode=8))
    assert await _fails(door, Unreachable, "socket") == "closed the stream"


@pytest.mark.parametrize("way", ["events", "socket"])
@pytest.mark.parametrize(
    ("status", "kind"),
    [
        ("401 Unauthorized", Forbidden),
        ("404 Not Found", Gone),
        ("503 Service Unavailable", ServerFault),
        ("429 Too Many Requests", TooManyRequests),
        ("200 OK", AnswerRefused),
    ],
)
async def test_what_is_answered_instead_of_a_stream_is_told(
    server: PretendServer, door: Door, way: Streaming, status: str, kind: type[RemoteError]
) -> None:
    path = EVENTS if way == "events" else SOCKET
    server.on(path, json.dumps({"error": f"no {TOKEN}"}).encode(), status)
    await _fails(door, kind, way)


@pytest.mark.parametrize("way", ["events", "socket"])
async def test_no_redirect_is_followed(server: PretendServer, door: Door, way: Streaming) -> None:
    path = EVENTS if way == "events" else SOCKET
    server.on(path, b"", "302 Found", Location="https://two.example/elsewhere")
    assert await _fails(door, AnswerRefused, way) == "redirects the stream"
    assert len(server.heard) == 1


async def test_what_is_compressed_is_not_unpacked(server: PretendServer, door: Door) -> None:
    server.on(EVENTS, b"x", kind="text/event-stream", Content_Encoding="gzip")
    await _fails(door, AnswerRefused)


@pytest.mark.parametrize("way", ["events", "socket"])
async def test_private_addresses_are_not_listened_to(server: PretendServer, way: Streaming) -> None:
    async with Door(pretend.settings(server.port, allow="")) as door:
        await _fails(door, AddressRefused, way)
    assert server.heard == []


# WebSockets


async def test_the_same_is_heard_over_a_websocket(server: PretendServer, door: Door) -> None:
    _socket(
        server,
        _frame(_message("update", _status(1))),
        _frame(b"thump", opcode=9),
        _frame(_message("delete", "1")),
        _frame(b"{broken"),
        _frame(b"[]"),
        _frame(b'{"event": "update", "payload": {"id": "1"}}'),
        _frame(_message("update", _status(2))),
        stay=True,
    )
    found = await _heard(door, "socket", most=2)
    assert [entry.local_id for entry in found] == ["1", "2"]


@pytest.mark.parametrize(
    "frames",
    [
        [_frame(_message("update", _status(1, content="x" * 5_000)))],
        [b"\x01\x7e\x03\xe8" + b"x" * 1_000] + [b"\x00\x7e\x03\xe8" + b"x" * 1_000] * 3,
        [b"\xff\xff\xff"],
        [b"\xc1\x7e\x00\xff" + b"x" * 255],
        [_frame(b"\xff\xfe")],
    ],
    ids=["huge", "in parts", "garbage", "compressed", "no text"],
)
async def test_a_websocket_that_breaks_the_rules_is_left(
    server: PretendServer, door: Door, frames: list[bytes]
) -> None:
    _socket(server, *frames, stay=True)
    await _fails(door, AnswerRefused, "socket")


async def test_a_flood_of_pings_is_turned_off(server: PretendServer, door: Door) -> None:
    _socket(server, *[_frame(b"", opcode=9)] * 60, stay=True)
    assert "more than anybody can read" in await _fails(door, AnswerRefused, "socket")


async def test_silence_ends_a_websocket(server: PretendServer, door: Door) -> None:
    _socket(server, stay=True)
    assert await _fails(door, Unreachable, "socket") == "did not answer in time"


# Where they are


@pytest.mark.parametrize(
    ("told", "place"),
    [
        ("wss://one.example", "one.example"),
        ("wss://streaming.one.example", "streaming.one.example"),
        ("https://one.example/", "one.example"),
        ("wss://two.example", None),
        ("wss://evilone.example", None),
        ("wss://one.example:8443", None),
        ("ws://one.example", None),
        ("wss://user@one.example", None),
        ("wss://127.0.0.1", None),
        ("nonsense", None),
    ],
)
async def test_only_a_place_below_the_home_gets_the_token(
    server: PretendServer, door: Door, told: str, place: str | None
) -> None:
    document = {"configuration": {"urls": {"streaming": told}}}
    server.on("/api/v2/instance", json.dumps(document).encode())
    assert await find_place(pretend.asker(door)) == place


async def test_older_homes_name_the_place_elsewhere_and_some_nowhere(
    server: PretendServer, door: Door
) -> None:
    assert await find_place(pretend.asker(door)) is None
    server.on("/api/v1/instance", b'{"urls": {"streaming_api": "wss://one.example"}}')
    assert await find_place(pretend.asker(door)) == "one.example"
    server.on("/api/v2/instance", b'{"configuration": {"urls": {"streaming": 7}}}')
    assert await find_place(pretend.asker(door)) == "one.example"
    assert all("authorization" not in heard.headers for heard in server.heard)


# The reader alone


def test_events_are_the_same_wherever_they_are_cut() -> None:
    text = b":)\r\nevent: update\r\ndata: one\r\ndata: two\r\n\r\n:thump\nevent:b\ndata:x\n\n"
    expected = [("update", b"one\ntwo"), ("b", b"x")]
    for cut in range(len(text)):
        reader = EventReader(HOST, 1_000)
        events = [*reader.feed(text[:cut]), *reader.feed(text[cut:])]
        assert [(event.name, event.data) for event in events] == expected
