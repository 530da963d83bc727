"""nodeinfo tells the software, whatever spelling its version has."""

from __future__ import annotations

import json

import pytest

from tests.servers.pretend import HOST, PretendServer, asker, permit
from tests.servers.test_permit import FakeTime
from toottail.errors import RedirectedAway, ServerFault, TooManyRequests
from toottail.servers.door import Door
from toottail.servers.nodeinfo import Software, identify
from toottail.servers.robots import Robots

SCHEMA = "http://nodeinfo.diaspora.software/ns/schema/"
UNKNOWN = Software("unknown", "")


def links(*versions: str, host: str = HOST) -> bytes:
    found = [{"rel": SCHEMA + v, "href": f"https://{host}/nodeinfo/{v}"} for v in versions]
    return json.dumps({"links": [{"rel": "other", "href": "x"}, *found]}).encode()


def document(**software: object) -> bytes:
    return json.dumps({"version": "2.0", "software": software, "usage": {}}).encode()


async def test_the_newest_document_is_read(server: PretendServer, door: Door) -> None:
    server.on("/.well-known/nodeinfo", links("1.0", "2.0", "2.1", "3.0"))
    server.on("/nodeinfo/2.1", document(name="Mastodon", version="4.5.0", repository="https://x/y"))
    assert await identify(asker(door)) == Software("mastodon", "4.5.0", "https://x/y")
    assert len(server.heard) == 2


@pytest.mark.parametrize(
    "body", [b"", b"[]", b"{}", b"nonsense", b'{"links": 1}', b"\xff", b'{"links": []}']
)
async def test_what_cannot_be_read_is_unknown(
    body: bytes, server: PretendServer, door: Door
) -> None:
    server.on("/.well-known/nodeinfo", body)
    assert await identify(asker(door)) == UNKNOWN


async def test_a_missing_nodeinfo_is_unknown(server: PretendServer, door: Door) -> None:
    assert await identify(asker(door)) == UNKNOWN
    server.on("/.well-known/nodeinfo", links("2.0"))
    assert await identify(asker(door)) == UNKNOWN
    server.on("/nodeinfo/2.0", document(name=""))
    assert await identify(asker(door)) == UNKNOWN


async def test_robots_may_keep_the_software_to_themselves(
    server: PretendServer, door: Door
) -> None:
    server.on("/.well-known/nodeinfo", links("2.0"))
    server.on("/nodeinfo/2.0", document(name="gotosocial", version="0.20"))
    leave = permit(robots=Robots("User-agent: *\nDisallow: /.well-known/"))
    assert await identify(asker(door, leave)) == UNKNOWN
    assert not server.heard
    assert (await identify(asker(door, leave), robots=False)).name == "gotosocial"


async def test_a_document_on_another_host_is_that_hosts(server: PretendServer, door: Door) -> None:
    server.on("/.well-known/nodeinfo", links("2.0", host="two.example"))
    with pytest.raises(RedirectedAway) as caught:
        await identify(asker(door))
    assert caught.value.url == "https://two.example/nodeinfo/2.0"


async def test_a_link_to_a_private_address_is_not_asked(server: PretendServer, door: Door) -> None:
    for host in ("127.0.0.1", "localhost", "[::1]"):
        server.on("/.well-known/nodeinfo", links("2.0", host=host))
        assert await identify(asker(door)) == UNKNOWN
    assert {heard.target for heard in server.heard} == {"/.well-known/nodeinfo"}


@pytest.mark.parametrize(
    ("status", "kind"), [("502 Bad", ServerFault), ("429 Slow", TooManyRequests)]
)
async def test_a_server_that_fails_is_not_called_unknown(
    status: str, kind: type[Exception], server: PretendServer, door: Door
) -> None:
    server.on("/.well-known/nodeinfo", b"", status)
    with pytest.raises(kind):
        await identify(asker(door))


@pytest.mark.parametrize(
    ("version", "at_least_4_5"),
    [
        ("4.5.0", True),
        ("4.5.0+glitch", True),
        ("4.5.0-beta.1", True),
        ("v4.5", True),
        ("4.10.1", True),
        ("5", True),
        ("4.5", True),
        ("4", False),
        ("4.4.9+glitch", False),
        ("4.3.0-beta.1", False),
        ("0.19.1 git-abc", False),
        ("2.7.2 (compatible; Pleroma 2.5.0)", False),
        ("", False),
        ("unknown", False),
    ],
)
def test_versions_compare_by_their_numbers(version: str, at_least_4_5: bool) -> None:
    assert Software("mastodon", version).at_least(4, 5) is at_least_4_5


async def test_a_pause_between_requests_keeps_no_host_from_being_known(
    server: PretendServer, door: Door
) -> None:
    server.on("/.well-known/nodeinfo", b"", "302 Found", Location="/links")
    server.on("/links", links("2.0"))
    server.on("/nodeinfo/2.0", document(name="bookwyrm", version="0.9.2"))
    time = FakeTime()
    leave = permit(robots=Robots("User-agent: *\nCrawl-delay: 10"), clock=time, sleep=time.sleep)
    assert (await identify(asker(door, leave))).name == "bookwyrm"
    assert leave.sent == 3
    assert sum(time.slept) == pytest.approx(20, abs=0.1)


async def test_a_name_that_cannot_be_stored_or_shown_loses_what_is_in_the_way(
    server: PretendServer, door: Door
) -> None:
    server.on("/.well-known/nodeinfo", links("2.0"))
    server.on("/nodeinfo/2.0", document(name="\0mas\x1b[1mtodon", version="4\0.5"))
    assert await identify(asker(door)) == Software("mas[1mtodon", "4.5")
