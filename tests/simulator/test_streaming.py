"""Streams of pretend homes: as the real ones have them, for those whose timeline it is."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from tests.simulator.scenery import Client, author, empty, running
from toottail.simulator.faults import Fault
from toottail.simulator.grants import Grant
from toottail.simulator.home import token_of
from toottail.simulator.streaming import Streaming
from toottail.simulator.world import Status, World
from toottail.simulator.worlds import build

EVENTS = "https://home.example/api/v1/streaming/user"
SOCKET = "https://home.example/api/v1/streaming?stream=user"


def _streaming(client: Client) -> Streaming:
    return client.simulator.households["home.example"].streaming


@asynccontextmanager
async def _events(client: Client, token: str = "") -> AsyncIterator[aiohttp.ClientResponse]:
    headers = {"Authorization": f"Bearer {token or client.simulator.home.token}"}
    async with client.session.get(EVENTS, headers=headers) as response:
        yield response


async def _event(response: aiohttp.ClientResponse) -> dict[str, Any]:
    """The next status that is told."""
    while (line := await response.content.readline()) != b"event: update\n":
        assert line in (b":)\n", b":thump\n", b"\n"), line
    told = await response.content.readline()
    found: dict[str, Any] = json.loads(told.removeprefix(b"data: "))
    return found


def _post(world: World) -> Status:
    status = world.post(author(world, "a.example"), at=world.now)
    world.show(status, at=status.at)
    return status


def _small(home: str = "mastodon") -> World:
    return empty(home, [("a.example", "mastodon")])


async def test_mastodon_tells_new_statuses_by_events_and_over_a_websocket(tmp_path: Path) -> None:
    world = _small()
    async with running(world, tmp_path, alive=0.1) as client, _events(client) as response:
        assert response.headers["Content-Type"] == "text/event-stream"
        token = client.simulator.home.token
        async with client.session.ws_connect(SOCKET, protocols=[token]) as socket:
            await asyncio.sleep(0.3)
            status = _post(world)
            assert (await _event(response))["uri"] == status.uri
            told = await socket.receive_json()
            assert (told["stream"], told["event"]) == (["user"], "update")
            assert json.loads(told["payload"])["uri"] == status.uri
            assert len(_streaming(client)) == 2
    assert _streaming(client).most == 2


@pytest.mark.parametrize(
    ("home", "events", "socket"),
    [("mastodon45", 200, 101), ("gotosocial", 404, 101), ("hollo", 404, 404), ("never", 404, 404)],
)
async def test_each_kind_of_home_offers_what_it_does(
    tmp_path: Path, home: str, events: int, socket: int
) -> None:
    async with running(_small(home), tmp_path) as client:
        async with _events(client) as response:
            assert response.status == events
        headers = {"Authorization": f"Bearer {client.simulator.home.token}"}
        try:
            async with client.session.ws_connect(SOCKET, headers=headers):
                found = 101
        except aiohttp.WSServerHandshakeError as error:
            found = error.status
        assert found == socket


async def test_a_token_without_the_scope_hears_nothing(tmp_path: Path) -> None:
    world = _small()
    async with running(world, tmp_path) as client:
        home = client.simulator.home
        home.grants["narrow"] = Grant("narrow", world.member, frozenset({"read:accounts"}))
        for token in ("narrow", "unknown"):
            async with _events(client, token) as response:
                assert response.status == 401
        async with client.session.get(f"{EVENTS}?access_token={home.token}") as response:
            assert response.status == 200
        assert _streaming(client).tokens_in_urls == 1


async def test_streams_can_break_off_fall_silent_and_be_refused(tmp_path: Path) -> None:
    world = _small()
    async with running(world, tmp_path, alive=0.1) as client:
        async with _events(client) as response:
            world.home.faults = [Fault("silent-streams")]
            await asyncio.sleep(0.3)
            await response.content.readany()
            _post(world)
            with pytest.raises(TimeoutError):
                await asyncio.wait_for(response.content.readany(), 0.5)
            assert _streaming(client).drop() == 1
            with pytest.raises(aiohttp.ClientError):
                await response.content.read()
        assert len(_streaming(client)) == 0
        world.home.faults = [Fault("no-streams")]
        async with _events(client) as response:
            assert response.status == 503


async def test_in_a_town_those_are_told_whose_timeline_it_is(tmp_path: Path) -> None:
    world = build("city", homes=1, members=6)
    async with running(world, tmp_path, pace=200.0) as client:
        assert world.crowd is not None
        member = world.crowd.members[0]
        async with _events(client, token_of(member)) as response:
            told = [(await _event(response))["uri"] for _ in range(2)]
        shown = [entry.status.uri for entry in world.timeline_of(member)]
        assert set(told) <= set(shown)
        assert client.simulator.life.posts > len(told), "others see other posts"
