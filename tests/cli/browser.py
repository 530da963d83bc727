"""A browser without a screen: cookies, redirects and forms, over plain sockets."""

from __future__ import annotations

import http.client
import json
from contextlib import closing
from dataclasses import dataclass, field
from http.cookies import SimpleCookie
from typing import Any
from urllib.parse import urlencode, urljoin, urlsplit


@dataclass
class Browser:
    """Keeps cookies by host and port, and where it is."""

    url: str
    page: str = ""
    status: int = 0
    cookies: dict[str, dict[str, str]] = field(default_factory=dict)

    def get(self, url: str) -> Browser:
        """Goes to a page, through redirects."""
        return self._go("GET", url, None)

    def submit(self, action: str, **form: str) -> Browser:
        """Sends a form of the page that it is on, and goes where that leads."""
        return self._go("POST", action, urlencode(form))

    def json(self, path: str) -> dict[str, Any]:
        """What a script of the page would read; the browser stays where it is."""
        other = Browser(self.url, cookies=self.cookies).get(path)
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

    def _ask(self, method: str, body: str | None, origin: str) -> str | None:
        parts = urlsplit(self.url)
        assert parts.hostname is not None
        jar = self.cookies.setdefault(parts.netloc, {})
        headers = {"Cookie": "; ".join(f"{name}={value}" for name, value in jar.items())}
        if body is not None:
            headers |= {"Content-Type": "application/x-www-form-urlencoded", "Origin": origin}
        connection = http.client.HTTPConnection("127.0.0.1", parts.port, timeout=30)
        with closing(connection):
            target = parts.path + (f"?{parts.query}" if parts.query else "")
            connection.request(method, target or "/", body, {"Host": parts.netloc, **headers})
            answer = connection.getresponse()
            self.status, self.page = answer.status, answer.read().decode()
        for line in answer.headers.get_all("Set-Cookie") or []:
            for name, morsel in SimpleCookie(line).items():
                jar[name] = morsel.value
        return answer.headers["Location"] if 300 <= answer.status < 400 else None
