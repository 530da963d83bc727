"""A browser without a screen: cookies, redirects and forms, over plain sockets or TLS."""

from __future__ import annotations

import http.client
import json
import socket
import ssl
from collections.abc import Mapping
from contextlib import closing
from dataclasses import dataclass, field
from http.cookies import SimpleCookie
from typing import Any
from urllib.parse import SplitResult, urlencode, urljoin, urlsplit


@dataclass
class Browser:
    """Keeps cookies by host and port, and where it is.

    ``https`` has, by name, at which port of this machine a server is and which certificates are
    good there; "" is for all other names. Plain http is for this machine.
    """

    url: str
    page: str = ""
    status: int = 0
    cookies: dict[str, dict[str, str]] = field(default_factory=dict)
    https: Mapping[str, tuple[int, ssl.SSLContext]] = field(default_factory=dict)

    def get(self, url: str) -> Browser:
        """Goes to a page, through redirects."""
        return self._go("GET", url, None)

    def submit(self, action: str, **form: str) -> Browser:
        """Sends a form of the page that it is on, and goes where that leads."""
        return self._go("POST", action, urlencode(form))

    def json(self, path: str) -> dict[str, Any]:
        """What a script of the page would read; the browser stays where it is."""
        other = Browser(self.url, cookies=self.cookies, https=self.https).get(path)
        assert other.status == 200, other.page
        found: dict[str, Any] = json.loads(other.page)
        return found

    def _go(self, method: str, url: str, body: str | None) -> Browser:
        origin = "{0.scheme}://{0.netloc}".format(urlsplit(self.url))
        for _ in range(10):
            self.url = urljoin(self.url, url)
            location = self._ask(method, body, origin)
            if location is None:
                return self
            method, body, url = "GET", None, location
        raise AssertionError("it redirects without end")

    def _connection(self, parts: SplitResult) -> http.client.HTTPConnection:
        if parts.scheme == "http":
            return http.client.HTTPConnection("127.0.0.1", parts.port, timeout=30)
        name = parts.hostname or ""
        port, trusted = self.https[name if name in self.https else ""]
        return _Encrypted(name, port, trusted)

    def _ask(self, method: str, body: str | None, origin: str) -> str | None:
        parts = urlsplit(self.url)
        assert parts.hostname is not None
        jar = self.cookies.setdefault(parts.netloc, {})
        headers = {"Cookie": "; ".join(f"{name}={value}" for name, value in jar.items())}
        if body is not None:
            headers |= {"Content-Type": "application/x-www-form-urlencoded", "Origin": origin}
        with closing(self._connection(parts)) as connection:
            target = parts.path + (f"?{parts.query}" if parts.query else "")
            connection.request(method, target or "/", body, {"Host": parts.netloc, **headers})
            answer = connection.getresponse()
            self.status, self.page = answer.status, answer.read().decode()
        for line in answer.headers.get_all("Set-Cookie") or []:
            for name, morsel in SimpleCookie(line).items():
                jar[name] = morsel.value
        return answer.headers["Location"] if 300 <= answer.status < 400 else None


class _Encrypted(http.client.HTTPSConnection):
    """To a port of this machine, where a server of that name is."""

    def __init__(self, name: str, port: int, trusted: ssl.SSLContext) -> None:
        super().__init__(name, port, timeout=30)
        self._trusted = trusted

    def connect(self) -> None:
        plain = socket.create_connection(("127.0.0.1", self.port), self.timeout)
        self.sock = self._trusted.wrap_socket(plain, server_hostname=self.host)
