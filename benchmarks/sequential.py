"""A plain model of how peers complete an account, one request at a time: ``sequential HOME``.

It reads the timeline, asks each post's origin for its anonymous context, and has the home resolve
every post listed there that it has not had resolved before, known at home or not. It keeps its own
list of what it has seen, empty on a first run. Per host, robots.txt and nodeinfo come first; hosts
that do not speak the Mastodon API tell it nothing. A 429 is waited out.

In its favour: one connection per host is kept open, nothing but the standard library is loaded, no
state is written, and it waits not a moment longer than a limit says.
"""

from __future__ import annotations

import http.client
import json
import os
import socket
import ssl
import sys
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any
from urllib.parse import quote, urlsplit
from urllib.robotparser import RobotFileParser

_AGENT = "SequentialModel/1.0 (+https://toottail.example)"
_SPEAKS_THE_API = frozenset(
    {"mastodon", "hometown", "pleroma", "akkoma", "hollo", "friendica", "firefish"}
)
_LIMIT = 200
_PAGE = 40


class _Connection(http.client.HTTPSConnection):
    """To the loopback socket behind which all hosts are."""

    def __init__(self, host: str, context: ssl.SSLContext, address: tuple[str, int]) -> None:
        super().__init__(host, context=context, timeout=30)
        self._trust = context
        self._address = address

    def connect(self) -> None:
        plain = socket.create_connection(self._address, self.timeout)
        plain.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.sock = self._trust.wrap_socket(plain, server_hostname=self.host)


class Client:
    """GETs, one at a time. ``address`` is where every host is served."""

    def __init__(self, address: tuple[str, int], ca_file: str) -> None:
        self._address = address
        self._context = ssl.create_default_context(cafile=ca_file)
        self._connections: dict[str, _Connection] = {}

    def get(self, host: str, path: str, token: str | None = None) -> tuple[int, bytes]:
        """Status and body; waits when the host says that its limit is used up."""
        headers = {"User-Agent": _AGENT}
        if token is not None:
            headers["Authorization"] = f"Bearer {token}"
        while True:
            connection = self._connections.get(host)
            if connection is None:
                connection = _Connection(host, self._context, self._address)
                self._connections[host] = connection
            connection.request("GET", path, headers=headers)
            response = connection.getresponse()
            body = response.read()
            if response.status != 429:
                return response.status, body
            reset = datetime.fromisoformat(response.headers["X-RateLimit-Reset"])
            time.sleep(max(0.01, (reset - datetime.now(UTC)).total_seconds()))

    def get_json(self, host: str, path: str, token: str | None = None) -> Any:
        """The document, None where there is none."""
        status, body = self.get(host, path, token)
        return json.loads(body) if status == 200 else None


class Model:
    """One run for one account."""

    def __init__(self, client: Client, home: str, token: str) -> None:
        self._client = client
        self._home = home
        self._token = token
        self._seen: set[str] = set()
        self._readable: dict[str, bool] = {}
        self._robots: dict[str, RobotFileParser] = {}

    def run(self) -> int:
        """Does it all, and gives the number of resolves."""
        statuses = {status["url"]: status for status in self._timeline()}
        for url in statuses:
            for listed in self._context(url):
                if listed not in self._seen:
                    self._seen.add(listed)
                    self._resolve(listed)
        return len(self._seen)

    def _timeline(self) -> Iterator[dict[str, Any]]:
        path, left = f"/api/v1/timelines/home?limit={_PAGE}", _LIMIT
        while left > 0:
            page = self._client.get_json(self._home, path, self._token)
            for entry in page:
                status = entry["reblog"] or entry
                if status["visibility"] in ("public", "unlisted"):
                    yield status
            left -= len(page)
            if len(page) < _PAGE:
                return
            path = f"/api/v1/timelines/home?limit={_PAGE}&max_id={page[-1]['id']}"

    def _context(self, url: str) -> list[str]:
        """The URLs of everything that the origin of ``url`` lists around it."""
        host = urlsplit(url).netloc
        if host == self._home or not self._speaks_the_api(host):
            return []
        path = f"/api/v1/statuses/{url.rstrip('/').rpartition('/')[2]}/context"
        if not self._robots[host].can_fetch(_AGENT, f"https://{host}{path}"):
            return []
        context = self._client.get_json(host, path) or {"ancestors": [], "descendants": []}
        return [status["url"] for status in context["ancestors"] + context["descendants"]]

    def _speaks_the_api(self, host: str) -> bool:
        if host not in self._readable:
            self._robots[host] = robots = RobotFileParser()
            status, text = self._client.get(host, "/robots.txt")
            robots.parse(text.decode().splitlines() if status == 200 else [])
            links = self._client.get_json(host, "/.well-known/nodeinfo")
            found = self._client.get_json(host, urlsplit(links["links"][0]["href"]).path)
            self._readable[host] = found["software"]["name"] in _SPEAKS_THE_API
        return self._readable[host]

    def _resolve(self, url: str) -> None:
        query = f"q={quote(url, safe='')}&resolve=true&type=statuses&limit=1"
        self._client.get(self._home, f"/api/v2/search?{query}", self._token)


def main() -> None:
    """Completes the account that the environment names, as the simulator says it."""
    place = os.environ["TOOTTAIL_CONNECT_TO"].rpartition("=")[2]
    host, _, port = place.rpartition(":")
    client = Client((host, int(port)), os.environ["SSL_CERT_FILE"])
    model = Model(client, sys.argv[1], os.environ["TOOTTAIL_TOKEN"])
    print(json.dumps({"resolves": model.run()}))


if __name__ == "__main__":
    main()
