"""Sockets to listen on, and servers on them that leave signals to us."""

from __future__ import annotations

import asyncio
import errno
import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import h11
import uvicorn
from uvicorn.protocols.http.h11_impl import H11Protocol

from toottail.errors import UsageError

_BACKLOG = 512


@contextmanager
def listening(place: str, at: tuple[str, int], hint: str) -> Iterator[socket.socket]:
    """A socket that listens at ``place``, which is taken apart in ``at``.

    Raises `UsageError`, which ends with the ``hint`` of how to name another place.
    """
    host, port = at
    try:
        kind, *_, address = socket.getaddrinfo(
            host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
        both = host == "::" and socket.has_dualstack_ipv6()
        listener = socket.create_server(
            address[:2], family=kind, backlog=_BACKLOG, dualstack_ipv6=both
        )
    except OSError as error:
        # Python's own text for a socket names the address again.
        taken = error.errno == errno.EADDRINUSE
        told = (error.strerror or str(error)).partition(" (while")[0]
        why = "another program listens there" if taken else told
        raise UsageError(f"cannot listen on {place} ({why}); {hint}") from None
    with listener:
        yield listener


class Protocol(H11Protocol):
    """HTTP/1.1 that waits a while for the head of a request, and then closes the connection.

    uvicorn by itself waits for ever for a first request and for the end of each head, and who says
    nothing on as many connections as there may be would shut everybody out.
    """

    head_within = 30.0
    """Seconds from the connection's begin, or the last answer's end, to the end of the head."""
    _waiting: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Begins to wait."""
        super().connection_made(transport)
        self._wait()

    def data_received(self, data: bytes) -> None:
        """Waits no more when the head is there."""
        super().data_received(data)
        if self.conn.their_state is not h11.IDLE:
            self._wait_no_more()

    def on_response_complete(self) -> None:
        """Waits again, unless the next request is there already."""
        super().on_response_complete()
        if self.conn.their_state is h11.IDLE:
            self._wait()

    def connection_lost(self, exc: Exception | None) -> None:
        """Waits for nothing."""
        super().connection_lost(exc)
        self._wait_no_more()

    def _wait(self) -> None:
        self._wait_no_more()
        self._waiting = self.loop.call_later(self.head_within, self.transport.close)

    def _wait_no_more(self) -> None:
        if self._waiting is not None:
            self._waiting.cancel()
            self._waiting = None


def server_config(app: Any, *, most: int, ends_within: int, **more: Any) -> uvicorn.Config:
    """That of each server of ours: ``most`` connections, ``ends_within`` seconds when it stops.

    Its lines take the same way out as ours, and name nobody.
    """
    return uvicorn.Config(
        app,
        http=Protocol,
        loop="none",
        ws="none",
        lifespan="off",
        log_config=None,
        access_log=False,
        proxy_headers=False,
        server_header=False,
        limit_concurrency=most,
        timeout_keep_alive=20,
        timeout_graceful_shutdown=ends_within,
        **more,
    )


class Server(uvicorn.Server):
    """Calls ``on_ready`` when it is, and leaves signals to us."""

    def __init__(self, config: uvicorn.Config, on_ready: Callable[[], None]) -> None:
        super().__init__(config)
        self._on_ready = on_ready

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Begins to take connections."""
        await super().startup(sockets)
        self._on_ready()

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """They are seen to by `until_stopped`."""
        yield
