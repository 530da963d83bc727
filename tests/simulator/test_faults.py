"""Each fault does on the wire what its name says."""

from __future__ import annotations

import asyncio
import zlib
from pathlib import Path

import aiohttp
import pytest

from toottail.simulator.faults import Fault
from toottail.simulator.hostile import NAMED
from toottail.simulator.misbehave import PRIVATE_HOST
from toottail.simulator.world import Status, World

from .scenery import Client, author, empty, root, running

A, V = "a.example", "victim.example"


def _world(*faults: Fault) -> tuple[World, Status]:
    world = empty(hosts=[(A, "mastodon"), (V, "mastodon")])
    world.hosts[A].faults.extend(faults)
    return world, root(world, A)


def _context(world: World, top: Status) -> str:
    return f"https://{A}/api/v1/statuses/{world.hosts[A].known[top]}/context"


async def test_a_dead_host_closes_at_once(tmp_path: Path) -> None:
    world, top = _world(Fault("dead"))
    async with running(world, tmp_path) as client:
        with pytest.raises(aiohttp.ClientConnectionError):
            await client.get(_context(world, top))


async def test_a_slow_host_lets_one_wait(tmp_path: Path) -> None:
    world, top = _world(Fault("slow"))
    async with running(world, tmp_path) as client:
        with pytest.raises(TimeoutError):
            await client.get(_context(world, top), timeout=aiohttp.ClientTimeout(total=0.2))


async def test_bad_tls_fails_the_handshake_and_spares_other_hosts(tmp_path: Path) -> None:
    world, top = _world(Fault("bad-tls"))
    async with running(world, tmp_path) as client:
        with pytest.raises(aiohttp.ClientConnectorCertificateError):
            await client.get(_context(world, top))
        assert (await client.get(f"https://{V}/robots.txt")).status == 200


async def test_a_broken_host_answers_5xx_always_and_a_troubled_one_at_first(
    tmp_path: Path,
) -> None:
    for kind, expected in (("5xx", [503, 503, 503]), ("5xx-first", [502, 502, 200])):
        world, top = _world(Fault(kind, first=2))
        async with running(world, tmp_path) as client:
            answers = [await client.get(_context(world, top)) for _ in range(3)]
        assert [a.status for a in answers] == expected


async def test_a_passing_429_tells_its_reset_or_nothing(tmp_path: Path) -> None:
    for kind, told in (("429", True), ("429-bare", False)):
        world, top = _world(Fault(kind, first=1))
        async with running(world, tmp_path, throttles=False) as client:
            refused = await client.get(_context(world, top))
            served = await client.get(_context(world, top))
        assert (refused.status, served.status) == (429, 200)
        assert ("X-RateLimit-Reset" in refused.headers) is told
        assert "Retry-After" not in refused.headers


async def test_malformed_json_is_cut_off_while_robots_are_sound(tmp_path: Path) -> None:
    world, top = _world(Fault("malformed"))
    async with running(world, tmp_path) as client:
        answer = await client.get(_context(world, top))
        with pytest.raises(ValueError, match="Unterminated"):
            answer.json()
        assert (await client.get(f"https://{A}/robots.txt")).status == 200


async def test_a_huge_body_goes_on_and_on(tmp_path: Path) -> None:
    world, top = _world(Fault("huge"))
    async with (
        running(world, tmp_path) as client,
        client.session.get(_context(world, top)) as response,
    ):
        read = 0
        async for chunk in response.content.iter_any():
            read += len(chunk)
            if read > 20 << 20:
                break
    assert read > 20 << 20


async def test_a_bomb_is_small_on_the_wire_and_huge_inside(tmp_path: Path) -> None:
    world, top = _world(Fault("bomb"))
    async with (
        running(world, tmp_path) as client,
        aiohttp.ClientSession(
            connector=client.session.connector, connector_owner=False, auto_decompress=False
        ) as session,
        session.get(_context(world, top)) as response,
    ):
        packed = await response.read()
    assert response.headers["Content-Encoding"] == "gzip"
    assert len(packed) < 2 << 20
    inflater = zlib.decompressobj(16 + zlib.MAX_WBITS)
    assert len(inflater.decompress(packed[: len(packed) // 100])) > 5 << 20


async def test_redirects_loop_or_lead_into_private_networks_where_hits_are_counted(
    tmp_path: Path,
) -> None:
    world, top = _world(Fault("loop"))
    async with running(world, tmp_path) as client:
        answer = await client.get(_context(world, top))
        assert (answer.status, answer.headers["Location"].split("?")[0]) == (
            302,
            _context(world, top),
        )
        world.hosts[A].faults[:] = [Fault("private")]
        targets = [(await client.get(_context(world, top))).headers["Location"] for _ in range(4)]
        assert {t.split("/")[2].split(":")[0] for t in targets} == {
            PRIVATE_HOST,
            "10.0.0.1",
            "169.254.169.254",
        }
        if client.simulator.private_listener:
            _, writer = await asyncio.open_connection(PRIVATE_HOST, client.simulator.port)
            writer.close()
            await asyncio.sleep(0.05)
            assert client.simulator.counters.private_hits == 1


async def test_a_drip_sends_byte_by_byte(tmp_path: Path) -> None:
    world, top = _world(Fault("drip"))
    async with (
        running(world, tmp_path) as client,
        client.session.get(_context(world, top)) as response,
    ):
        assert await response.content.readany() == b" "


async def test_requests_against_robots_are_counted_and_so_is_haste(tmp_path: Path) -> None:
    world, top = _world(Fault("robots"), Fault("crawl-delay", seconds=60))
    async with running(world, tmp_path) as client:
        robots = await client.get(f"https://{A}/robots.txt")
        assert robots.body.decode().splitlines()[1] == "Disallow: /"
        for _ in range(2):
            await client.get(_context(world, top))
        assert client.simulator.counters.robots_violations == {f"{A} context": 2}
        assert client.simulator.counters.too_soon == {A: 1}


async def _named(client: Client, url: str) -> list[str]:
    return [s["uri"] for s in (await client.get(url)).json()["descendants"]]


async def test_a_hostile_host_names_a_thousand_statuses_that_the_victim_does_not_have(
    tmp_path: Path,
) -> None:
    world, top = _world(Fault("hostile", victim=V))
    honest = world.post(author(world, V), top, at=top.at + 1)
    world.spread(top)
    async with running(world, tmp_path) as client:
        named = await _named(client, _context(world, top))
        made_up = [uri for uri in named if uri != honest.uri]
        assert len(made_up) == NAMED
        assert all(uri.startswith(f"https://{V}/") for uri in made_up)
        page = await client.get(f"{top.uri}/replies?only_other_accounts=true&page=true")
        assert len(page.json()["items"]) == 60
        assert (await client.get(made_up[0], "application/activity+json")).status == 404
        assert await client.resolve(made_up[0]) == []
        assert client.simulator.counters.home_fetches[V] == 1
        assert client.simulator.counters.by_host[V] == {"ap": 1}


async def test_a_certificate_covers_every_sound_host(tmp_path: Path) -> None:
    world, _ = _world()
    async with running(world, tmp_path) as client:
        for name in (A, V, "home.example", "control.example"):
            assert (await client.get(f"https://{name}/robots.txt")).status in (200, 404)


def test_an_unknown_fault_is_refused() -> None:
    with pytest.raises(ValueError, match="no fault is called"):
        Fault("lazy")
