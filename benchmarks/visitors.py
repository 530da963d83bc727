"""Somebody who asks for pages and for the API now and then, through the proxy."""

from __future__ import annotations

import http.client
import ssl
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from itertools import cycle

from benchmarks.stack import DOMAIN

_PATHS = ("/", "/about", "/status", "/api/v1/status", "/static/nothing-here", "/api/v1/me")
"""The last two are not to be had: what is refused is a figure, too."""
_EXPECTED = {"/static/nothing-here": 404, "/api/v1/me": 401}
_EVERY = 0.5


@dataclass(slots=True)
class Visits:
    """How many requests there were, and how many had another answer than they should."""

    made: int = 0
    failed: int = 0


@contextmanager
def visiting(port: int) -> Iterator[Visits]:
    """Asks twice a second while the block lasts."""
    visits, over = Visits(), threading.Event()

    def visit() -> None:
        for path in cycle(_PATHS):
            if over.wait(_EVERY):
                return
            visits.made += 1
            visits.failed += _status(port, path) != _EXPECTED.get(path, 200)

    visitor = threading.Thread(target=visit)
    visitor.start()
    try:
        yield visits
    finally:
        over.set()
        visitor.join()


def _status(port: int, path: str) -> int:
    # Whose certificate it is was looked at elsewhere; Caddy wants the name all the same.
    trusting = ssl.create_default_context()
    trusting.check_hostname = False
    trusting.verify_mode = ssl.CERT_NONE
    try:
        with closing(_Named(port, trusting)) as connection:
            connection.request("GET", path, headers={"Host": DOMAIN})
            return connection.getresponse().status
    except (OSError, http.client.HTTPException):
        return 0


class _Named(http.client.HTTPSConnection):
    def __init__(self, port: int, trusting: ssl.SSLContext) -> None:
        super().__init__("127.0.0.1", port, timeout=30)
        self._trusting = trusting

    def connect(self) -> None:
        http.client.HTTPConnection.connect(self)
        self.sock = self._trusting.wrap_socket(self.sock, server_hostname=DOMAIN)
