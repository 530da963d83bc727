"""robots.txt is read as RFC 9309 says, and kept small."""

from __future__ import annotations

import tracemalloc
from datetime import UTC, datetime

import pytest

from tests.servers.pretend import HOST, PretendServer, asker
from toottail.errors import AnswerRefused, ServerFault, TooManyRequests, Unreachable
from toottail.servers.door import Door
from toottail.servers.robots import Robots, RobotsRecord, fetch_robots

NOW = datetime(2030, 1, 1, tzinfo=UTC)

GOTOSOCIAL = """# GoToSocial robots.txt -- to edit, see internal/web/robots.go

User-agent: *
Crawl-delay: 500

# API endpoints.
Disallow: /api/

# Well-known endpoints.
Disallow: /.well-known/

Disallow: /users/
Disallow: /emoji/
"""

MASTODON = """# See https://www.robotstxt.org/robotstxt.html

User-agent: GPTBot
Disallow: /

User-agent: *
Disallow: /media_proxy/
Disallow: /interact/
"""


def test_gotosocials_file_disallows_its_api_and_asks_for_500_seconds() -> None:
    robots = Robots(GOTOSOCIAL)
    assert not robots.allows("/api/v1/statuses/1/context")
    assert not robots.allows("/users/bob/statuses/1")
    assert robots.allows("/@bob/statuses/1")
    assert robots.crawl_delay == 500


def test_mastodons_file_allows_its_api() -> None:
    robots = Robots(MASTODON)
    assert robots.allows("/api/v1/statuses/1/context")
    assert not robots.allows("/media_proxy/1")
    assert robots.crawl_delay is None


def test_a_group_that_names_us_wins_over_the_one_for_all() -> None:
    text = "User-agent: *\nDisallow: /\n\nUser-agent: tootTAIL\nAllow: /\nDisallow: /private/\n"
    robots = Robots(text)
    assert robots.allows("/api/v1/x")
    assert not robots.allows("/private/x")
    blocked = Robots(
        "User-agent: *\nAllow: /\n\nUser-agent: Other\nUser-agent: TootTail\nDisallow: /"
    )
    assert not blocked.allows("/api/v1/x")


@pytest.mark.parametrize(
    ("text", "path", "allowed"),
    [
        ("", "/x", True),
        ("User-agent: *\nDisallow:", "/x", True),
        ("User-agent: *\nDisallow: /a\nAllow: /a/b", "/a/b/c", True),
        ("User-agent: *\nDisallow: /a\nAllow: /a", "/a", True),
        ("User-agent: *\nDisallow: /*/context$", "/api/1/context", False),
        ("User-agent: *\nDisallow: /*/context$", "/api/1/context?x=1", True),
        ("User-agent: *\nDisallow: /x?y=", "/x?y=1", False),
        ("user-agent:*\r\ndisallow:/a # words\r\n", "/a", False),
        ("User-agent: *\n\nDisallow: /a", "/a", False),
        ("User-agent: OtherBot\nDisallow: /", "/x", True),
        ("\x00\x01 garbage \n: :\nDisallow: /", "/x", True),
    ],
)
def test_the_longest_rule_decides(text: str, path: str, allowed: bool) -> None:
    assert Robots(text).allows(path) is allowed


def test_no_file_allows_everything() -> None:
    robots = Robots.from_record(RobotsRecord(None, NOW))
    assert robots.allows("/anything")
    assert robots.crawl_delay is None


@pytest.mark.parametrize(("delay", "kept"), [("99999", 600), ("0", None), ("soon", None)])
def test_a_delay_beyond_reason_is_ten_minutes(delay: str, kept: float | None) -> None:
    assert Robots(f"User-agent: *\nCrawl-delay: {delay}").crawl_delay == kept


LONG = {
    "others": "".join(f"User-agent: b{n}\nDisallow: /{n}\n" for n in range(14000)),
    "rules": "User-agent: *\n" + "".join(f"Disallow: /p{n}/*/q\n" for n in range(18000)),
}


@pytest.mark.parametrize(("kind", "allowed"), [("others", True), ("rules", False)])
async def test_the_rules_of_the_longest_file_are_small_in_memory(
    kind: str, allowed: bool, server: PretendServer, door: Door
) -> None:
    server.on("/robots.txt", LONG[kind].encode(), kind="text/plain")
    record = await fetch_robots(asker(door), NOW)
    tracemalloc.start()
    robots = Robots.from_record(record)
    assert robots.allows("/api/v1/x") is allowed
    held = tracemalloc.get_traced_memory()[0]
    tracemalloc.stop()
    assert held < 100_000


async def test_a_long_file_keeps_what_it_says_to_us(server: PretendServer, door: Door) -> None:
    text = (
        LONG["others"][: 100 << 10]
        + "\nUser-Agent: Some # bot\n\nuser-agent:TootTail\nSitemap: x\nDisallow: /mine # !\n"
        + "Crawl-delay: 7\nUser-agent: other\nDisallow: /theirs\n"
        + "User-agent: *\nDisallow: /all\nUser-agent: more\nDisallow: /\n"
    )
    server.on("/robots.txt", text.encode(), kind="text/plain")
    robots = Robots.from_record(await fetch_robots(asker(door), NOW))
    whole = Robots(text)
    for path in ("/mine", "/theirs", "/all", "/x", "/5"):
        assert robots.allows(path) is whole.allows(path)
    assert not robots.allows("/mine")
    assert robots.crawl_delay == 7


async def test_a_file_is_fetched_under_our_name(server: PretendServer, door: Door) -> None:
    server.on("/robots.txt", "\ufeffUser-agent: *\nDisallow: /é".encode(), kind="text/plain")
    record = await fetch_robots(asker(door), NOW)
    assert record == RobotsRecord("User-agent: *\nDisallow: /é", NOW)
    assert server.heard[0].headers["user-agent"].startswith("TootTail/")


@pytest.mark.parametrize("status", ["404 Not Found", "403 Forbidden", "410 Gone", "400 Bad"])
async def test_a_missing_file_is_no_rules(status: str, server: PretendServer, door: Door) -> None:
    server.on("/robots.txt", b"", status)
    assert (await fetch_robots(asker(door), NOW)).text is None


@pytest.mark.parametrize(
    ("status", "kind"), [("500 Oops", ServerFault), ("429 Slow", TooManyRequests)]
)
async def test_a_server_that_fails_is_not_asked_yet(
    status: str, kind: type[Exception], server: PretendServer, door: Door
) -> None:
    server.on("/robots.txt", b"", status)
    with pytest.raises(kind):
        await fetch_robots(asker(door), NOW)


async def test_an_unreachable_server_is_not_asked_yet(server: PretendServer, door: Door) -> None:
    server.on("/robots.txt", b"short", kind="text/plain", Transfer_Encoding="chunked")
    with pytest.raises((Unreachable, AnswerRefused)):
        await fetch_robots(asker(door), NOW)


async def test_a_page_for_people_or_a_redirect_elsewhere_is_no_rules(
    server: PretendServer, door: Door
) -> None:
    server.on("/robots.txt", b"<html>Disallow: /</html>", kind="text/html")
    assert Robots.from_record(await fetch_robots(asker(door), NOW)).allows("/x")
    server.on("/robots.txt", b"", "301 Moved", Location="https://two.example/robots.txt")
    assert (await fetch_robots(asker(door), NOW)).text is None


async def test_a_redirect_on_the_host_is_followed(server: PretendServer, door: Door) -> None:
    server.on("/robots.txt", b"", "301 Moved", Location=f"https://{HOST}/r.txt")
    server.on("/r.txt", b"User-agent: *", kind="text/plain")
    assert (await fetch_robots(asker(door), NOW)).text == "User-agent: *"


async def test_what_is_beyond_500_kib_does_not_count(server: PretendServer, door: Door) -> None:
    rules = b"User-agent: *\nDisallow: /a\n"
    server.on("/robots.txt", rules + b"#" * (500 << 10) + b"\nDisallow: /b", kind="text/plain")
    record = await fetch_robots(asker(door), NOW)
    assert not Robots.from_record(record).allows("/a")
    assert Robots.from_record(record).allows("/b")


def test_only_a_group_that_names_us_governs_what_we_sign() -> None:
    everybody = Robots("User-agent: *\nCrawl-delay: 500\nDisallow: /\n")
    assert not everybody.allows("/x")
    assert everybody.allows("/x", signed=True)
    assert (everybody.crawl_delay, everybody.signed_delay) == (500, None)
    us = Robots("User-agent: *\nUser-agent: TootTail\nCrawl-delay: 9\nDisallow: /x\n")
    assert not us.allows("/x", signed=True)
    assert us.allows("/y", signed=True)
    assert us.signed_delay == 9
    others = Robots("User-agent: Other\nDisallow: /\n\nUser-agent:\nDisallow: /\n")
    assert others.allows("/x", signed=True)


async def test_a_group_of_ours_that_is_too_long_to_keep_is_a_no_to_all_of_us(
    door: Door, server: PretendServer
) -> None:
    rules = "".join(f"Disallow: /{n}\n" for n in range(3000))
    for agent, signed in (("*", True), ("TootTail", False)):
        body = f"User-agent: {agent}\n{rules}".encode()
        server.on("/robots.txt", body, kind="text/plain")
        robots = Robots.from_record(await fetch_robots(asker(door), NOW))
        assert not robots.allows("/elsewhere")
        assert robots.allows("/elsewhere", signed=True) is signed


async def test_a_file_with_zero_bytes_is_read_without_them(
    server: PretendServer, door: Door
) -> None:
    server.on("/robots.txt", "User-agent: *\nDisallow: /x\n".encode("utf-16-le"), kind="text/plain")
    record = await fetch_robots(asker(door))
    assert record.text is not None
    assert "\0" not in record.text
    assert not Robots.from_record(record).allows("/x")
