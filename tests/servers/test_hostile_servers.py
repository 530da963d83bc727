"""What a server does to hurt us costs little and ends as an error, on real sockets."""

from __future__ import annotations

import asyncio
import tracemalloc
import zlib
from collections.abc import Callable

import pytest

from tests.servers.pretend import Heard, PretendServer, Script, asker, head, permit, settings
from toottail.errors import AnswerRefused, Gone, NotPermittedYet, RemoteError, Unreachable
from toottail.servers.door import Door

MIB = 1 << 20


def streaming(start: bytes, piece: Callable[[], bytes], pieces: int, pause: float = 0) -> Script:
    async def script(heard: Heard, writer: asyncio.StreamWriter) -> None:
        writer.write(start)
        for _ in range(pieces):
            writer.write(piece())
            await writer.drain()
            if pause:
                await asyncio.sleep(pause)
        writer.close()

    return script


def saying(text: bytes) -> Script:
    async def script(heard: Heard, writer: asyncio.StreamWriter) -> None:
        writer.write(text)
        await writer.drain()
        writer.close()

    return script


async def peak_of(door: Door, kind: type[RemoteError], max_body: int) -> int:
    tracemalloc.start()
    try:
        with pytest.raises(kind):
            await asker(door).get("/x", max_body=max_body)
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


async def test_200_megabytes_are_cut_off(server: PretendServer, door: Door) -> None:
    block = bytes(MIB)
    start = head() + b"Content-Length: 209715200\r\n\r\n"
    server.scripts["/x"] = streaming(start, lambda: block, 200)
    assert await peak_of(door, AnswerRefused, 4 * MIB) < 12 * MIB


async def test_200_megabytes_without_a_length_are_cut_off(
    server: PretendServer, door: Door
) -> None:
    block = b"100000\r\n" + bytes(MIB) + b"\r\n"
    start = head(Transfer_Encoding="chunked") + b"\r\n"
    server.scripts["/x"] = streaming(start, lambda: block, 200)
    assert await peak_of(door, AnswerRefused, 4 * MIB) < 12 * MIB


async def test_a_gigabyte_in_a_small_gzip_is_refused_in_flat_memory(
    server: PretendServer, door: Door
) -> None:
    packer = zlib.compressobj(9, wbits=-15)
    packer.compress(bytes(MIB))
    block = packer.flush(zlib.Z_FULL_FLUSH)
    start = head(Content_Encoding="deflate", Connection="close") + b"\r\n"
    server.scripts["/x"] = streaming(start, lambda: block * 64, 16)
    assert await peak_of(door, AnswerRefused, 48 * MIB) < 24 * MIB


async def test_a_drip_feed_ends_at_the_total_limit_and_counts_as_a_failure(
    server: PretendServer, door: Door
) -> None:
    server.scripts["/x"] = streaming(head() + b"Content-Length: 99\r\n\r\n", lambda: b" ", 99, 0.1)
    leave = permit()
    done = await asyncio.gather(
        *(asker(door, leave).get("/x") for _ in range(3)), return_exceptions=True
    )
    assert all(isinstance(error, Unreachable) and "in time" in error.what for error in done)
    with pytest.raises(NotPermittedYet):
        await asker(door, leave).get("/x")


async def test_silence_ends_at_the_idle_limit(server: PretendServer) -> None:
    server.scripts["/x"] = streaming(b"", lambda: b"", 9, 1)
    async with Door(settings(server.port, total_timeout=60)) as patient, asyncio.timeout(5):
        with pytest.raises(Unreachable, match="in time"):
            await asker(patient).get("/x")


async def test_a_body_shorter_than_promised_is_unreachable(
    server: PretendServer, door: Door
) -> None:
    server.scripts["/x"] = saying(head() + b"Content-Length: 99\r\n\r\n{}")
    with pytest.raises(Unreachable, match="broke off"):
        await asker(door).get("/x")


@pytest.mark.parametrize(
    "text",
    [
        b"HTTP/1.1 200 OK\r\nX-Big: " + b"a" * 100_000 + b"\r\n\r\n{}",
        b"HTTP/1.1 200 OK\r\n" + b"X-Many: 1\r\n" * 5000 + b"\r\n{}",
        b"HTTP/1.1 2000000 OK\r\n\r\n",
        b"SSH-2.0-OpenSSH_9.2\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: -5\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
        head(Transfer_Encoding="chunked") + b"\r\nzzzz\r\n",
        b"\x00" * 5000,
    ],
    ids=["long header", "many headers", "status", "ssh", "length", "both", "chunk", "zeros"],
)
async def test_broken_http_is_an_error_and_nothing_worse(
    text: bytes, server: PretendServer, door: Door
) -> None:
    server.scripts["/x"] = saying(text)
    with pytest.raises((AnswerRefused, Unreachable)):
        await asker(door).get("/x")


async def test_a_hostile_error_page_is_not_read_far(server: PretendServer, door: Door) -> None:
    taken = 0

    def piece() -> bytes:
        nonlocal taken
        taken += 65536
        return bytes(65536)

    start = head("404 Not Found") + b"Content-Length: 209715200\r\n\r\n"
    server.scripts["/x"] = streaming(start, piece, 3200)
    with pytest.raises(Gone):
        await asker(door).get("/x")
    await asyncio.sleep(0.05)
    assert taken < 20 * MIB


@pytest.mark.parametrize(
    "body", [b"[" * 16000, b'{"error": {"a": 1}}', b'{"error": "\\u0000\\n"}', b"\xff\xfe", b""]
)
async def test_a_strange_error_text_keeps_the_status(
    body: bytes, server: PretendServer, door: Door
) -> None:
    server.on("/x", body, "404 Not Found")
    with pytest.raises(Gone) as caught:
        await asker(door).get("/x")
    assert caught.value.what == "answered 404"
