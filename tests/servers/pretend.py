"""A server for the door's tests: real TLS on loopback, each answer written byte by byte."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from ipaddress import ip_network
from pathlib import Path
from typing import Self

import trustme

from toottail.servers.asker import Asker
from toottail.servers.budgets import HostBudget, standard_limits
from toottail.servers.door import Door
from toottail.servers.permit import Permit
from toottail.settings import Settings

HOST = "one.example"


@dataclass(frozen=True)
class Heard:
    """One request as the server heard it; header names are lower-case."""

    method: str
    target: str
    headers: Mapping[str, str]
    body: bytes


Script = Callable[[Heard, asyncio.StreamWriter], Awaitable[None]]


class PretendServer:
    """Answers by path from ``scripts``; ``heard`` keeps every request."""

    def __init__(self, certificate: ssl.SSLContext | None) -> None:
        self._tls = certificate
        self.scripts: dict[str, Script] = {}
        self.heard: list[Heard] = []
        self.connections = 0
        self.at_once = 0
        self.most_at_once = 0
        self._tasks: set[asyncio.Task[None]] = set()

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0, ssl=self._tls)
        self.port = int(self._server.sockets[0].getsockname()[1])
        return self

    async def __aexit__(self, *_: object) -> None:
        self._server.close()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def on(
        self,
        path: str,
        body: bytes = b"{}",
        status: str = "200 OK",
        kind: str = "application/json",
        **headers: str,
    ) -> None:
        """Answer ``path`` so; header names are given with _ for -."""
        self.scripts[path] = answering(body, status, kind, **headers)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        self.connections += 1
        try:
            while (heard := await _hear(reader)) is not None:
                self.heard.append(heard)
                self.at_once += 1
                self.most_at_once = max(self.most_at_once, self.at_once)
                script = self.scripts.get(
                    heard.target.partition("?")[0], answering(b"{}", "404 Not Found")
                )
                await script(heard, writer)
                self.at_once -= 1
                if writer.is_closing():
                    return
        except (ConnectionError, asyncio.IncompleteReadError, ssl.SSLError):
            return  # the door hung up, as several tests want
        except asyncio.CancelledError:
            return  # the test is over
        finally:
            writer.close()
            self._tasks.discard(task)


async def _hear(reader: asyncio.StreamReader) -> Heard | None:
    try:
        head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
    except asyncio.IncompleteReadError:
        return None
    first, *lines = head.rstrip().split("\r\n")
    headers = {
        name.lower(): value.strip() for name, _, value in (li.partition(":") for li in lines)
    }
    method, target, _version = first.split(" ")
    body = await reader.readexactly(int(headers.get("content-length", "0")))
    return Heard(method, target, headers, body)


def head(status: str = "200 OK", kind: str = "application/json", **headers: str) -> bytes:
    """The head of an answer, without its length."""
    lines = [f"HTTP/1.1 {status}", f"Content-Type: {kind}"]
    lines += [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
    return ("\r\n".join(lines) + "\r\n").encode()


def answering(
    body: bytes, status: str = "200 OK", kind: str = "application/json", **headers: str
) -> Script:
    async def script(heard: Heard, writer: asyncio.StreamWriter) -> None:
        length = f"Content-Length: {len(body)}\r\n\r\n".encode()
        writer.write(head(status, kind, **headers) + length + body)
        await writer.drain()

    return script


def authority(directory: Path) -> tuple[trustme.CA, Path]:
    """An authority of our own, and the file that makes it trusted by SSL_CERT_FILE."""
    made = trustme.CA()
    path = directory / "ca.pem"
    made.cert_pem.write_to_path(str(path))
    return made, path


def certificate(made: trustme.CA, *names: str) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    made.issue_cert(*names).configure_cert(context)
    return context


def settings(port: int, *, allow: str = "127.0.0.1/32", **changes: object) -> Settings:
    """Settings that lead every ``.example`` name to the pretend server."""
    values: dict[str, object] = {
        "connect_to": {".example": f"127.0.0.1:{port}"},
        "allow_networks": (ip_network(allow),) if allow else (),
        "connect_timeout": 2,
        "idle_timeout": 0.4,
        "total_timeout": 1.2,
    }
    return Settings.model_validate(values | changes)


def permit(host: str = HOST, *, in_flight: int = 4, **more: object) -> Permit:
    budget = HostBudget(host, defaults=standard_limits())
    return Permit(host, budget, in_flight=in_flight, **more)  # type: ignore[arg-type]


def asker(door: Door, leave: Permit | None = None) -> Asker:
    return Asker(door, leave or permit())
