"""No socket is opened to an address that is not public."""

from __future__ import annotations

import asyncio
import socket
from ipaddress import ip_address, ip_network

import aiohttp
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.servers import pretend
from tests.servers.pretend import PretendServer, asker, permit
from toottail.errors import AddressRefused, Unreachable
from toottail.servers.door import Door
from toottail.servers.guard import Guard, GuardedResolver

PUBLIC = ["1.1.1.1", "9.255.255.255", "172.32.0.1", "2606:4700::1111", "2a01:4f8::1", "2003::1"]
REFUSED = [
    "0.0.0.0",
    "10.1.2.3",
    "100.64.0.1",
    "100.100.100.200",
    "127.0.0.1",
    "127.8.8.8",
    "169.254.169.254",
    "172.16.0.1",
    "172.31.255.255",
    "192.0.0.192",
    "192.0.2.1",
    "192.88.99.1",
    "192.168.1.1",
    "198.19.0.1",
    "198.51.100.1",
    "203.0.113.9",
    "224.0.0.1",
    "239.255.255.250",
    "240.0.0.1",
    "255.255.255.255",
    "::",
    "::1",
    "::127.0.0.1",
    "::ffff:127.0.0.1",
    "::ffff:1.1.1.1",
    "::ffff:0:127.0.0.1",
    "64:ff9b::7f00:1",
    "64:ff9b:1::1",
    "100::1",
    "2001::1",
    "2001:db8::1",
    "2002:7f00:1::",
    "3fff::1",
    "5f00::1",
    "fc00::1",
    "fd00:ec2::254",
    "fe80::1",
    "fec0::1",
    "ff02::1",
    "4000::1",
]


@pytest.mark.parametrize("text", PUBLIC)
def test_public_addresses_may_be_asked(text: str) -> None:
    Guard().check("a.example", text)


@pytest.mark.parametrize("text", [*REFUSED, "fe80::1%eth0", "not an address", ""])
def test_other_addresses_may_not(text: str) -> None:
    with pytest.raises(AddressRefused):
        Guard().check("a.example", text)


@pytest.mark.parametrize("text", REFUSED)
def test_a_socket_to_them_is_never_made(text: str) -> None:
    family = socket.AF_INET6 if ":" in text else socket.AF_INET
    with pytest.raises(AddressRefused):
        Guard().open_socket((family, socket.SOCK_STREAM, 6, "", (text, 443)))


def test_a_socket_keeps_little_of_what_comes() -> None:
    guard = Guard([ip_network("127.0.0.0/8")])
    with guard.open_socket(
        (socket.AF_INET, socket.SOCK_STREAM, 6, "", ("127.0.0.1", 443))
    ) as opened:
        assert opened.getsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF) <= 64 << 10


@given(st.ip_addresses())
def test_what_python_calls_private_is_never_permitted(address: object) -> None:
    found = ip_address(str(address))
    if not found.is_global or found.is_multicast:
        assert not Guard().permits(found)


def test_a_setting_opens_a_network_and_nothing_beside_it() -> None:
    guard = Guard([ip_network("127.0.0.1/32")])
    guard.check("a.example", "127.0.0.1")
    for text in ("127.0.0.2", "10.0.0.1", "::1", "::ffff:127.0.0.1"):
        with pytest.raises(AddressRefused):
            guard.check("a.example", text)


async def test_an_address_in_a_url_does_not_slip_past_the_look_up(server: PretendServer) -> None:
    guard = Guard()
    connector = aiohttp.TCPConnector(
        resolver=GuardedResolver(guard, {}), socket_factory=guard.open_socket
    )
    async with aiohttp.ClientSession(connector=connector) as session:
        for literal in ("127.0.0.1", "2130706433", "[::ffff:127.0.0.1]", "127.1"):
            with pytest.raises((AddressRefused, aiohttp.InvalidURL)):
                await session.get(f"https://{literal}:{server.port}/")
    assert server.connections == 0


async def test_a_name_that_leads_to_loopback_is_refused_when_loopback_is_not_open(
    server: PretendServer,
) -> None:
    async with Door(pretend.settings(server.port, allow="")) as closed:
        with pytest.raises(AddressRefused):
            await asker(closed).get("/x")
    assert server.connections == 0


class Names:
    """A pretend DNS: each look-up takes the next answer."""

    def __init__(self, *answers: list[str]) -> None:
        self._answers = list(answers)
        self.asked = 0

    def getaddrinfo(self, host: str, port: int, *_: object) -> list[object]:
        self.asked += 1
        answer = self._answers.pop(0) if len(self._answers) > 1 else self._answers[0]
        if not answer:
            raise socket.gaierror(socket.EAI_NONAME, "unknown")
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (text, port)) for text in answer]


async def test_a_name_with_public_and_private_addresses_is_refused_as_a_whole(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    names = Names(["1.1.1.1", "10.0.0.1"])
    monkeypatch.setattr(socket, "getaddrinfo", names.getaddrinfo)
    async with Door(pretend.settings(1, connect_to={})) as opened:
        with pytest.raises(AddressRefused):
            await asker(opened).get("/x")


async def test_a_name_that_resolves_differently_the_second_time_is_judged_again(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    names = Names(["1.1.1.1"], ["127.0.0.1"])
    monkeypatch.setattr(socket, "getaddrinfo", names.getaddrinfo)
    resolver = GuardedResolver(Guard(), {})
    assert [found["host"] for found in await resolver.resolve("a.example")] == ["1.1.1.1"]
    with pytest.raises(AddressRefused):
        await resolver.resolve("a.example")
    await resolver.close()


async def test_a_name_without_an_address_is_unreachable(monkeypatch: pytest.MonkeyPatch) -> None:
    names = Names([])
    monkeypatch.setattr(socket, "getaddrinfo", names.getaddrinfo)
    async with Door(pretend.settings(1, connect_to={})) as opened:
        leave = permit()
        with pytest.raises(Unreachable, match="does not resolve"):
            await asker(opened, leave).get("/x")


async def test_a_slow_look_up_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    done = asyncio.Event()
    loop = asyncio.get_running_loop()

    def slow(*_: object) -> list[object]:
        asyncio.run_coroutine_threadsafe(done.wait(), loop).result()
        raise socket.gaierror(socket.EAI_AGAIN, "slow")

    monkeypatch.setattr(socket, "getaddrinfo", slow)
    async with Door(pretend.settings(1, connect_to={}, connect_timeout=0.1)) as opened:
        with pytest.raises(Unreachable, match="in time"):
            await asker(opened).get("/x")
        done.set()
