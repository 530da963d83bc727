"""Lists of domains are read as Mastodon writes them, and nothing else is taken for one."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.servers.pretend import PretendServer
from toottail.errors import AnswerRefused, RemoteError
from toottail.servers import blocklists
from toottail.servers.blocklists import fetch_list, parse, published, read_file
from toottail.servers.door import Door
from toottail.types.domains import digest_of

EXPORT = b"""\xef\xbb\xbf#domain,#severity,#reject_media,#reject_reports,#public_comment,#obfuscate
spam.example,suspend,false,false,"Spam, and more\nof it",false
quiet.example,silence,true,false,,false
B\xc3\xbccher.example,suspend,false,false,,true
well.example,noop,true,false,,false
"""


def severities(data: bytes) -> dict[str, str]:
    return {rule.domain: rule.severity for rule in parse(data)}


def test_an_export_of_mastodon_is_read_with_what_it_says_of_each_domain() -> None:
    assert severities(EXPORT) == {
        "spam.example": "suspend",
        "quiet.example": "silence",
        "xn--bcher-kva.example": "suspend",
        "well.example": "noop",
    }
    assert parse(EXPORT)[0].why == "Spam, and more of it"


@pytest.mark.parametrize(
    "text",
    [
        "a.example\nb.example\n",
        "# our list\n\na.example   # why\r\n  B.EXAMPLE.\n",
        "#domain\na.example\nb.example\n",
        "domain,severity\na.example,\nb.example,suspend\n",
        "*.a.example\n.b.example\nnot a domain\n",
    ],
)
def test_plain_lists_and_short_headers_mean_suspend(text: str) -> None:
    assert severities(text.encode()) == {"a.example": "suspend", "b.example": "suspend"}


def test_of_two_rules_for_a_domain_the_stricter_one_counts() -> None:
    text = b"#domain,#severity\na.example,suspend\na.example,noop\nb.example,noop\nb.example,what\n"
    assert severities(text) == {"a.example": "suspend", "b.example": "suspend"}


@pytest.mark.parametrize("text", [b"", b"<!DOCTYPE html>\n<p>Log in</p>\n", b"\x00\xff\n"])
def test_what_is_no_list_is_refused(text: bytes) -> None:
    with pytest.raises(ValueError, match="names no domain"):
        parse(text)


def test_an_export_without_entries_is_a_list() -> None:
    assert parse(b"#domain,#severity\n") == ()


def test_lists_without_end_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(blocklists, "MOST_DOMAINS", 3)
    with pytest.raises(ValueError, match="more than 3 domains"):
        parse(b"a.b\nb.b\nc.b\nd.b\n")
    monkeypatch.setattr(blocklists, "MOST_BYTES", 10)
    with pytest.raises(ValueError, match="larger than"):
        parse(b"a.example\nb.example\n")


def test_a_quote_that_never_closes_is_refused() -> None:
    with pytest.raises(ValueError, match="no list"):
        parse(b'a.example\n"' + b"b" * 200_000)


@given(st.binary(max_size=300))
def test_no_bytes_make_the_reader_fail_otherwise(data: bytes) -> None:
    try:
        rules = parse(data)
    except ValueError:
        return
    assert all(rule.digest == digest_of(rule.domain) for rule in rules)


def test_a_home_that_shows_names_in_part_is_understood_by_their_digests() -> None:
    body = json.dumps(
        [
            {
                "domain": "sp***ple",
                "digest": digest_of("spam.example").hex(),
                "severity": "suspend",
            },
            {"domain": "plain.example", "severity": "silence", "comment": "loud"},
            {"domain": "sp***x", "severity": "suspend"},
            {"domain": "x.example", "digest": "no hex"},
            {"digest": 7},
            "nonsense",
        ]
    ).encode()
    rules = published("home.example", body)
    assert [(rule.digest, rule.severity) for rule in rules] == [
        (digest_of("spam.example"), "suspend"),
        (digest_of("plain.example"), "silence"),
    ]
    with pytest.raises(AnswerRefused):
        published("home.example", b'{"error": "no"}')


def test_a_file_that_is_not_there_is_named_with_the_reason(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="cannot be read"):
        read_file(tmp_path / "none.csv")


async def test_a_list_is_fetched_by_the_door_and_followed_to_another_host(
    server: PretendServer, door: Door
) -> None:
    server.on("/list", status="302 Found", Location="https://two.example/real")
    server.on("/real", EXPORT, kind="text/csv")
    assert len(await fetch_list(door, "https://one.example/list")) == 4
    assert [heard.target for heard in server.heard] == ["/list", "/real"]


@pytest.mark.parametrize(
    ("status", "body"), [("503 Down", b""), ("200 OK", b"<h1>Hi</h1>"), ("404 None", EXPORT)]
)
async def test_what_comes_in_place_of_a_list_is_an_error(
    server: PretendServer, door: Door, status: str, body: bytes
) -> None:
    server.on("/list", body, status=status, kind="text/html")
    with pytest.raises(RemoteError):
        await fetch_list(door, "https://one.example/list")


async def test_a_list_that_redirects_in_a_circle_ends(server: PretendServer, door: Door) -> None:
    server.on("/a", status="302 Found", Location="https://two.example/b")
    server.on("/b", status="302 Found", Location="https://one.example/a")
    with pytest.raises(AnswerRefused, match="too often"):
        await fetch_list(door, "https://one.example/a")
    assert len(server.heard) <= 5


def test_a_page_for_people_does_not_take_the_place_of_a_list() -> None:
    with pytest.raises(ValueError, match="names no domain"):
        parse(b"\n <!DOCTYPE html>\n<title>\nOops\n</title>\n<a>\nexample.org\n</a>\n")
