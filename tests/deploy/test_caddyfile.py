"""The proxy of ``compose.yaml``: which address goes to which part."""

from __future__ import annotations

import http.client
import socket
import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, cast

import pytest
from starlette.routing import Route

from tests.deploy.programs import CHECKOUT, find, run
from toottail.servers.actor import Actor
from toottail.service.context import Service
from toottail.service.http.origins import MACHINE_PATHS
from toottail.settings import Settings
from toottail.web import create_web

CADDYFILE = CHECKOUT / "deploy" / "caddy" / "Caddyfile"
ACTOR = Actor("https://tail.example.org/actor", "a key")


@pytest.fixture(scope="module")
def proxy(tmp_path_factory: pytest.TempPathFactory) -> Iterator[int]:
    """The port of a Caddy with our file, before two servers that tell their name and what came."""
    caddy = find("caddy")
    with ExitStack() as stack:
        api, web = (stack.enter_context(_telling(name)) for name in ("api", "web"))
        port = _free_port()
        environment = {
            "DOMAIN": f"http://localhost:{port}",
            "API": f"127.0.0.1:{api}",
            "WEB": f"127.0.0.1:{web}",
            "HOME": str(tmp_path_factory.mktemp("caddy")),
        }
        process = subprocess.Popen(
            [caddy, "run", "--config", CADDYFILE, "--adapter", "caddyfile"],
            env=environment,
            stderr=subprocess.PIPE,
            text=True,
        )
        stack.callback(process.communicate, timeout=60)
        stack.callback(process.terminate)
        _wait_for(port, process)
        yield port


def test_the_file_is_valid_and_in_the_form_that_caddy_gives_it(tmp_path: Path) -> None:
    words = ("validate", "--config", CADDYFILE)
    valid = run(find("caddy"), *words, DOMAIN="toottail.example.org", HOME=str(tmp_path))
    assert valid.returncode == 0, valid.stderr
    assert "not formatted" not in valid.stderr


@pytest.mark.parametrize(
    "path",
    [
        *sorted(MACHINE_PATHS),
        *(path for path in ACTOR.documents()),
        "/actor/inbox",
        "/api/v1/status",
        "/api/v1/members/me/events",
        "/.well-known/webfinger?resource=acct:actor@tail.example.org",
    ],
)
def test_what_programs_ask_goes_to_the_api(proxy: int, path: str) -> None:
    assert _asked(proxy, path)[0] == "api"


def test_every_page_goes_to_the_pages(proxy: int) -> None:
    nothing = cast("Any", None)
    service = Service(Settings(service_url="https://tail.example.org"), nothing, nothing, nothing)
    paths = [route.path for route in create_web(service).routes if isinstance(route, Route)]
    assert len(paths) > 20
    assert {path: _asked(proxy, path)[0] for path in paths} == dict.fromkeys(paths, "web")


def test_the_visitors_address_is_the_proxys_word_and_not_the_visitors(proxy: int) -> None:
    told = _asked(proxy, "/", **{"X-Forwarded-For": "203.0.113.9"})[1]
    assert told["X-Forwarded-For"] == "127.0.0.1"
    assert told["Host"] == f"localhost:{proxy}"


@contextmanager
def _telling(name: str) -> Iterator[int]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            body = f"{name}\n{self.headers}".encode()
            self.send_response(200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield server.server_address[1]
        server.shutdown()


def _asked(port: int, path: str, **headers: str) -> tuple[str, dict[str, str]]:
    """Who answered, and the headers that it got."""
    with closing(http.client.HTTPConnection("localhost", port, timeout=30)) as connection:
        connection.request("GET", path, headers=headers)
        name, _, told = connection.getresponse().read().decode().partition("\n")
    pairs = (line.partition(": ") for line in told.splitlines() if line)
    return name, {key: value for key, _, value in pairs}


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as found:
        return int(found.getsockname()[1])


def _wait_for(port: int, process: subprocess.Popen[str]) -> None:
    for _ in range(300):
        with socket.socket() as trying:
            if trying.connect_ex(("127.0.0.1", port)) == 0:
                return
        if process.poll() is not None:
            break
        time.sleep(0.1)
    process.kill()
    raise AssertionError(process.communicate()[1])
