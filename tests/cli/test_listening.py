"""Connections on which nothing comes, or a request that never ends, are closed."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio
import uvicorn
from starlette.responses import PlainTextResponse

from toottail.cli.listening import Protocol, Server

_ASKED = b"GET / HTTP/1.1\r\nHost: tail.example.org\r\n"


class Hasty(Protocol):
    head_within = 0.5


@pytest_asyncio.fixture
async def port() -> AsyncIterator[int]:
    """Where a server listens that waits half a second for the head of a request."""
    ready = asyncio.Event()
    config = uvicorn.Config(
        PlainTextResponse("there"), http=Hasty, loop="none", lifespan="off", log_config=None
    )
    server = Server(config, ready.set)
    with socket.create_server(("127.0.0.1", 0)) as listener:
        serving = asyncio.create_task(server.serve([listener]))
        await ready.wait()
        yield listener.getsockname()[1]
        server.should_exit = True
        await serving


@pytest.mark.parametrize("said", [b"", _ASKED], ids=["nothing", "half a head"])
@pytest.mark.parametrize("before", [b"", _ASKED + b"\r\n"], ids=["at first", "after an answer"])
async def test_who_says_no_more_is_not_waited_for(port: int, before: bytes, said: bytes) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    async with asyncio.timeout(10):
        if before:
            writer.write(before)
            assert (await reader.readuntil(b"there")).startswith(b"HTTP/1.1 200")
        writer.write(said)
        assert await reader.read() == b""
    writer.close()


async def test_who_goes_on_asking_is_answered(port: int) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    async with asyncio.timeout(10):
        for _ in range(4):
            writer.write(_ASKED)
            await asyncio.sleep(0.2)
            writer.write(b"\r\n")
            assert (await reader.readuntil(b"there")).startswith(b"HTTP/1.1 200")
    writer.close()
