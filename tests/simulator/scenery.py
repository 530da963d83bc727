"""Hand-made worlds and a small client for the tests of the simulator."""

from __future__ import annotations

import json
import ssl
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import aiohttp
from aiohttp.abc import AbstractResolver, ResolveResult

from toottail.simulator.options import Options
from toottail.simulator.server import Simulator
from toottail.simulator.world import Account, Status, World

NOW = 1_790_000_000.0
ACTIVITY = "application/activity+json"


class _Loopback(AbstractResolver):
    def __init__(self, port: int) -> None:
        self._port = port

    async def resolve(self, host: str, port: int = 0, family: Any = 0) -> list[ResolveResult]:
        address = ResolveResult(
            hostname=host, host="127.0.0.1", port=self._port, family=2, proto=0, flags=0
        )
        return [address]

    async def close(self) -> None:
        pass


@dataclass
class Answer:
    """What a GET brought."""

    status: int
    headers: dict[str, str]
    body: bytes

    def json(self) -> Any:
        """The decoded body."""
        return json.loads(self.body)


class Client:
    """Asks the simulator as an anonymous reader, or as the member."""

    def __init__(self, simulator: Simulator, session: aiohttp.ClientSession) -> None:
        self.simulator = simulator
        self.session = session

    async def get(self, url: str, accept: str = "application/json", **more: Any) -> Answer:
        """GET ``url`` anonymously, without following redirects."""
        headers = {"Accept": accept}
        async with self.session.get(
            url, headers=headers, allow_redirects=False, **more
        ) as response:
            return Answer(response.status, dict(response.headers), await response.read())

    async def member(self, path: str, token: str | None = None, **params: str) -> Answer:
        """GET ``path`` at the home with the member's token."""
        headers = {"Authorization": f"Bearer {token or self.simulator.home.token}"}
        url = f"https://home.example{path}"
        async with self.session.get(url, headers=headers, params=params) as response:
            return Answer(response.status, dict(response.headers), await response.read())

    async def resolve(self, address: str) -> list[Any]:
        """What a resolving search finds."""
        answer = await self.member("/api/v2/search", q=address, resolve="true", type="statuses")
        statuses: list[Any] = answer.json()["statuses"]
        return statuses


@asynccontextmanager
async def running(world: World, directory: Path, **options: Any) -> AsyncIterator[Client]:
    """Serve ``world`` without any latency, unless ``options`` say otherwise."""
    speed = Options(**({"latency_scale": 0.0} | options))
    async with Simulator(world, directory, options=speed) as simulator:
        trust = ssl.create_default_context(cafile=simulator.ca_file)
        connector = aiohttp.TCPConnector(resolver=_Loopback(simulator.port), ssl=trust)
        async with aiohttp.ClientSession(
            connector=connector, timeout=aiohttp.ClientTimeout(total=20)
        ) as session:
            yield Client(simulator, session)


def empty(home: str = "mastodon", hosts: Sequence[tuple[str, str]] = ()) -> World:
    """A world with a home and (name, flavour) hosts, and nothing in it."""
    world = World(1, home=home, now=NOW)
    for name, flavour in hosts:
        world.add_host(name, flavour)
    return world


def author(world: World, host: str, name: str = "ada", *, nobot: bool = False) -> Account:
    """An author on a host, made at the first call."""
    found = world.by_handle.get((host, name))
    return found or world.add_account(world.hosts[host], name, nobot=nobot)


def root(world: World, host: str) -> Status:
    """A conversation's first post, an hour old, in the member's timeline."""
    status = world.post(author(world, host), at=world.now - 3_600_000)
    world.show(status, at=status.at)
    return status


def chain(world: World, top: Status, hosts: Sequence[str]) -> list[Status]:
    """Replies below each other by two people, one per host, delivered to the participants."""
    made = []
    parent = top
    for number, host in enumerate(hosts):
        name = ("bela", "chen")[number % 2]
        parent = world.post(author(world, host, name), parent, at=parent.at + 1000)
        made.append(parent)
    world.spread(top)
    return made
