"""Pings: the parameters monitors read, to the operator's monitors, and to nobody else."""

from __future__ import annotations

from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest

from tests.servers import pretend
from tests.servers.pretend import PretendServer
from toottail.errors import AddressRefused, AnswerRefused, Gone, UsageError
from toottail.servers.monitors import Monitor, parse_monitor, ping, with_parameters
from toottail.settings import Settings

SECRET = "5ecret-5ecret"


def at(url: str, *named: str) -> Monitor:
    return parse_monitor(url, named)


async def test_a_ping_goes_to_a_public_monitor_over_https(server: PretendServer) -> None:
    server.on(f"/{SECRET}", b"OK", kind="text/plain")
    settings = pretend.settings(server.port)
    await ping(settings, at(f"https://one.example/{SECRET}"), {"rid": "a b"})
    (heard,) = server.heard
    assert (heard.method, heard.target) == ("GET", f"/{SECRET}?rid=a+b")
    assert heard.headers["user-agent"].startswith("TootTail/")


async def test_a_monitor_that_is_named_may_be_on_the_own_network_and_in_the_clear() -> None:
    async with PretendServer(None) as monitor:
        monitor.on(f"/api/push/{SECRET}", b'{"ok":true}')
        place = f"127.0.0.1:{monitor.port}"
        await ping(Settings(), at(f"http://{place}/api/push/{SECRET}", place), {"msg": "hi"})
        assert [one.target for one in monitor.heard] == [f"/api/push/{SECRET}?msg=hi"]


async def test_a_private_address_is_not_asked_unless_it_is_named() -> None:
    async with PretendServer(None) as monitor:
        with pytest.raises(AddressRefused, match=r"TOOTTAIL_LAN_MONITORS=127\.0\.0\.1") as refused:
            await ping(Settings(), at(f"https://127.0.0.1:{monitor.port}/{SECRET}"), {})
        assert monitor.connections == 0
    assert SECRET not in str(refused.value)


async def test_naming_a_monitor_does_not_open_the_addresses_of_metadata_services() -> None:
    place = "169.254.169.254"
    with pytest.raises(AddressRefused):
        await ping(Settings(), at(f"http://{place}/{SECRET}", place), {})


@pytest.mark.parametrize("to", ["https://two.example/", "http://one.example/", "//two.example/"])
async def test_a_redirect_to_another_place_is_not_followed_and_not_told(
    server: PretendServer, to: str
) -> None:
    server.on("/", b"", "302 Found", Location=f"{to}{SECRET}")
    with pytest.raises(AddressRefused, match="redirects") as refused:
        await ping(pretend.settings(server.port), at("https://one.example/"), {})
    assert SECRET not in str(refused.value)
    assert len(server.heard) == 1


async def test_a_redirect_at_the_same_place_is_followed_but_not_in_circles(
    server: PretendServer,
) -> None:
    server.on("/old", b"", "301 Moved Permanently", Location="/new")
    server.on("/new", b"OK", kind="text/plain")
    server.on("/round", b"", "302 Found", Location="/round")
    settings = pretend.settings(server.port)
    await ping(settings, at("https://one.example/old"), {})
    assert [one.target for one in server.heard] == ["/old", "/new"]
    with pytest.raises(AnswerRefused, match="circle"):
        await ping(settings, at("https://one.example/round"), {})


async def test_a_refusal_names_the_monitor_and_not_its_url(server: PretendServer) -> None:
    with pytest.raises(Gone) as refused:
        await ping(pretend.settings(server.port), at(f"https://one.example/{SECRET}"), {})
    assert "one.example" in str(refused.value)
    assert SECRET not in str(refused.value)


async def test_an_endless_answer_does_not_matter(server: PretendServer) -> None:
    server.on("/", b"x" * 1_000_000, kind="text/html")
    await ping(pretend.settings(server.port), at("https://one.example/"), {})


@pytest.mark.parametrize(
    "url",
    [
        "",
        SECRET,
        f"ftp://one.example/{SECRET}",
        f"https:///{SECRET}",
        f"https://one.example:port/{SECRET}",
        f"https://[::1/{SECRET}",
        f"http://one.example/{SECRET}",
        f"https://one.example/{SECRET}\nHost: two.example",
        f"file:///{SECRET}",
    ],
)
def test_what_is_no_monitor_is_said_without_repeating_it(url: str) -> None:
    with pytest.raises(UsageError) as wrong:
        at(url, "two.example")
    assert SECRET not in str(wrong.value)


@pytest.mark.parametrize(
    ("url", "named"),
    [
        ("http://uptime-kuma:3001/api/push/x", "uptime-kuma:3001"),
        ("http://uptime-kuma:3001/api/push/x", "uptime-kuma"),
        ("http://Kuma.lan/api/push/x", "KUMA.lan:80"),
        ("http://[fd00::5]:3001/x", "[fd00::5]:3001"),
    ],
)
def test_a_monitor_is_named_by_its_host_with_or_without_the_port(url: str, named: str) -> None:
    assert at(url, named).near
    with pytest.raises(UsageError, match="TOOTTAIL_LAN_MONITORS="):
        at(url, "other", "uptime-kuma:3002")


def test_parameters_take_the_place_of_those_the_monitor_suggests() -> None:
    url = with_parameters(
        "https://kuma.example/api/push/x?status=down&msg=OK&ping=#top",
        {"msg": "ü & co", "ping": "5"},
    )
    assert parse_qs(urlsplit(url).query) == {"status": ["down"], "msg": ["ü & co"], "ping": ["5"]}
    assert url.isascii()
    assert not url.endswith("#top")


async def test_a_monitor_is_told_also_where_the_actors_key_is_missing(
    server: PretendServer, tmp_path: Path
) -> None:
    settings = pretend.settings(
        server.port, actor_url="https://me.example/actor", data_dir=tmp_path / "none"
    )
    server.on("/fail", b"OK", kind="text/plain")
    await ping(settings, at("https://one.example/fail"), {})
    assert len(server.heard) == 1
