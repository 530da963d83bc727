"""Sockets to listen on, and servers on them that leave signals to us."""

from __future__ import annotations

import errno
import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import uvicorn

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
