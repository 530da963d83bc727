"""Asks a web server as fast as it answers, over connections that stay open, and times it."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import cycle
from statistics import median, quantiles

_LONGEST = 30.0
"""Seconds to wait for one answer."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back; the names of headers are in small letters."""

    status: int
    headers: tuple[tuple[str, str], ...]
    body: bytes

    def header(self, name: str) -> str:
        """The first header of this name, empty where there is none."""
        return next((value for key, value in self.headers if key == name), "")


@dataclass(slots=True)
class Timed:
    """Answers of one load: the milliseconds that each took, and the seconds of all together."""

    waits: list[float] = field(default_factory=list)
    seconds: float = 0.0
    unlike: list[Answer] = field(default_factory=list)
    """Answers other than the one that was expected."""

    @property
    def rate(self) -> float:
        """Answers per second."""
        return len(self.waits) / self.seconds

    @property
    def middle(self) -> float:
        """The median wait in ms."""
        return median(self.waits)

    @property
    def late(self) -> float:
        """The 99th percentile in ms; of fewer than a hundred waits the longest."""
        return quantiles(self.waits, n=100)[-1] if len(self.waits) >= 100 else max(self.waits)


def request(host: str, path: str, *, method: str = "GET", body: str = "", **headers: str) -> bytes:
    """A request as it goes over the wire; ``_`` in the names of headers stands for ``-``."""
    lines = [f"{method} {path} HTTP/1.1", f"Host: {host}", "Accept-Encoding: gzip"]
    lines += [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
    if method == "POST":
        lines.append(f"Content-Length: {len(body)}")
    return "\r\n".join([*lines, "", body]).encode()


async def ask(port: int, what: bytes) -> Answer:
    """One request over a connection of its own."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        return await _exchange(reader, writer, what)
    finally:
        writer.close()


async def load(
    port: int,
    requests: Sequence[bytes],
    *,
    connections: int,
    expected: tuple[int, str],
    seconds: float,
    once: bool = False,
) -> Timed:
    """Asks over so many connections for so long; ``once``: each of ``requests`` one time only.

    ``expected`` are the status and the Location of each answer.
    """
    left = iter(requests) if once else cycle(requests)
    timed = Timed()
    began = time.perf_counter()
    visitors = (_visit(port, left, timed, expected, began + seconds) for _ in range(connections))
    await asyncio.gather(*visitors)
    timed.seconds = time.perf_counter() - began
    return timed


async def _visit(
    port: int, left: Iterator[bytes], timed: Timed, expected: tuple[int, str], until: float
) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        for what in left:
            began = time.perf_counter()
            if began > until:
                break
            answer = await _exchange(reader, writer, what)
            timed.waits.append(1000 * (time.perf_counter() - began))
            if (answer.status, answer.header("location")) != expected:
                timed.unlike.append(answer)
            if answer.header("connection") == "close":
                writer.close()
                reader, writer = await asyncio.open_connection("127.0.0.1", port)
    finally:
        writer.close()


async def _exchange(
    reader: asyncio.StreamReader, writer: asyncio.StreamWriter, what: bytes
) -> Answer:
    async with asyncio.timeout(_LONGEST):
        writer.write(what)
        head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
        first, *lines = head.rstrip().split("\r\n")
        pairs = (line.partition(":") for line in lines)
        headers = tuple((name.lower(), value.strip()) for name, _, value in pairs)
        answer = Answer(int(first.split()[1]), headers, b"")
        length = answer.header("content-length")
        body = await reader.readexactly(int(length)) if length else b""
    return Answer(answer.status, headers, body)
