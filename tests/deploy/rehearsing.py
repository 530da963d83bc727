"""The service as compose.yaml starts it, with members, and with somebody who looks at it."""

from __future__ import annotations

import ssl
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.client import HTTPException
from typing import Any

import pytest
from benchmarks.common import data_dir
from benchmarks.programs import find_program
from benchmarks.stack import DOMAIN, PROGRAMS, URL, Stack

from benchmarks import proxy
from tests.cli.browser import Browser
from toottail.simulator.process import SimulatorProcess

PATIENCE = 300
"""Seconds; a tenth of it is usual."""
PAGE, API = "/about", "/api/v1/status"
_EACH_GETS = 3
_AT_ONCE = 25
_WAKE_EVERY = 20.0
_TALKED_ABOUT = """
SELECT root_uri FROM conversations AS c
WHERE root_uri IS NOT NULL AND EXISTS (SELECT FROM watches WHERE conversation_id = c.id)
ORDER BY id LIMIT $1
"""
_WAKE = """
UPDATE conversations SET wake_at = now(), next_look_at = now() WHERE next_look_at IS NOT NULL
"""
_UNDER_WAY = "SELECT count(*) FROM runs WHERE ended_at IS NULL"


def needed() -> None:
    """Leaves the test out where a program is missing, and says which."""
    lacking = [name for name in PROGRAMS if find_program(name) is None]
    if lacking or sys.platform != "linux":
        pytest.skip(f"NOT TESTED HERE: the service as compose starts it needs {lacking or 'Linux'}")


@dataclass
class Service:
    """A running stack, with the browser of @mira@home.example, who is signed in."""

    stack: Stack
    mira: Browser = field(init=False)

    def __post_init__(self) -> None:
        self.mira = Browser(URL, https=self._places())

    def _places(self) -> dict[str, tuple[int, ssl.SSLContext]]:
        stack = self.stack
        ours = ssl.create_default_context(cafile=str(stack.folder / proxy.AUTHORITY))
        theirs = ssl.create_default_context(cafile=stack.simulator.ca_file)
        return {DOMAIN: (stack.port, ours), "": (stack.simulator.port, theirs)}

    def sign_up(self) -> None:
        """@mira comes by the front page."""
        self.mira.get(f"{URL}/").submit("/sign-in", server="home.example")
        self.mira.submit(self.mira.url, decision="allow", user="mira")
        assert self.mira.url == f"{URL}/me", self.mira.page

    def succeed(self, *command: str) -> str:
        """Runs a command that must end well; what it said."""
        done = self.stack.run(*command)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    def me(self) -> dict[str, Any]:
        """What @mira's page is made of: she is still signed in."""
        return self.mira.json("/api/v1/me")

    def people_reply(self) -> None:
        """There are new replies in conversations that are watched, and all are to be looked at."""
        uris = [row["root_uri"] for row in self.stack.fetch(_TALKED_ABOUT, _AT_ONCE)]
        assert uris
        wishes = [{"to": uri, "count": _EACH_GETS} for uri in uris]
        self.stack.simulator.scene(replies=wishes)
        self.stack.fetch(_WAKE)

    def until_whole(self) -> dict[str, Any]:
        """The simulator's report, once no first run is under way and no reply is missing."""
        missing: list[Any] = []
        woken = time.monotonic()

        def whole() -> bool:
            nonlocal missing, woken
            missing = self.stack.simulator.report()["still_missing"]
            if missing and time.monotonic() - woken > _WAKE_EVERY:
                # What was posted while a conversation was being looked at is found the next time.
                self.stack.fetch(_WAKE)
                woken = time.monotonic()
            return not missing and self.stack.fetch(_UNDER_WAY)[0][0] == 0

        until(whole, lambda: f"missing: {missing[:3]} and {len(missing)} in all")
        found = self.stack.simulator.report()
        assert found["recovered"] == found["reachable"] > 0
        return found

    def repeated(self) -> int:
        """How many replies homes were made to resolve again."""
        return int(self.stack.simulator.report()["repeated_resolves"])


@contextmanager
def started(*world: str, **more: Any) -> Iterator[Service]:
    """The service on a pretend fediverse; ``more`` as `Stack` has it."""
    needed()
    with (
        data_dir() as folder,
        SimulatorProcess(*world) as simulator,
        Stack(folder, simulator, **more) as stack,
    ):
        try:
            yield Service(stack)
        except BaseException:
            for name in stack.names[1:]:
                print(f"== {name}", stack.log(name).read_text()[-2_000:], file=sys.stderr, sep="\n")
            raise


@contextmanager
def watched(service: Service) -> Iterator[dict[str, Counter[int]]]:
    """What a page and the API answer to somebody who asks all the time; 0: nothing."""
    seen: dict[str, Counter[int]] = {PAGE: Counter(), API: Counter()}
    over = threading.Event()

    def look() -> None:
        while not over.wait(0.2):
            for path, statuses in seen.items():
                statuses[status(service, path)] += 1

    looking = threading.Thread(target=look)
    looking.start()
    try:
        yield seen
    finally:
        over.set()
        looking.join()


def status(service: Service, path: str) -> int:
    """What a visitor's request is answered; 0 where nobody does."""
    visitor = Browser(URL, https=service.mira.https)
    try:
        return visitor.get(path).status
    except (OSError, HTTPException):
        return 0


def until(happened: Callable[[], object], told: Callable[[], str] = lambda: "") -> None:
    """Until something is so; fails when it takes too long."""
    deadline = time.monotonic() + PATIENCE
    while not happened():
        assert time.monotonic() < deadline, f"it did not happen in time; {told()}"
        time.sleep(0.5)
