"""FediFetcher's options: each translated, or named with the reason why it is not needed."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from toottail.errors import InvalidHost, UsageError
from toottail.moving.fedifetcher import (
    DEFAULTS,
    NEEDLESS,
    OPTIONS,
    read_options,
    shown,
    translate,
)
from toottail.moving.move import Move
from toottail.types.sources import parse_sources

TOKEN = "a-5ecret-token"
LEAST: dict[str, Any] = {
    "server": "example.social",
    "access_token": TOKEN,
    "home_timeline_length": 200,
}
# As FediFetcher's help lists them, 7.1.21.
HELP = """
config server access-token reply-interval-in-hours home-timeline-length user max-followings
max-followers max-follow-requests max-bookmarks max-favourites from-notifications
remember-users-for-hours remember-hosts-for-days http-timeout backfill-with-context
backfill-mentioned-users lock-hours lock-file state-dir on-done on-start on-fail from-lists
max-list-length max-list-accounts log-level log-format instance-blocklist
"""


def moved(**options: Any) -> Move:
    return translate(LEAST | options)


def sources(**options: Any) -> tuple[str, ...]:
    return moved(backfill_mentioned_users=0, **options).accounts[0].sources


def said(move: Move, name: str) -> str:
    (words,) = [fate.words for fate in move.fates if name in fate.name]
    return words


def test_every_option_of_fedifetcher_is_known() -> None:
    assert {shown(name) for name in OPTIONS} == set(HELP.split())


def test_every_option_that_is_given_is_told_of() -> None:
    values = dict.fromkeys(DEFAULTS, 1) | dict.fromkeys(NEEDLESS, "x")
    texts = {
        "server": "example.social",
        "access_token": TOKEN,
        "on_start": "https://hc.example/a",
        "on_done": "https://hc.example/b",
        "on_fail": "https://hc.example/c",
        "log_level": "INFO",
        "instance_blocklist": "bad.example",
        "state_dir": "artifacts",
    }
    told = [name for fate in translate(values | texts).fates for name in fate.name.split(", ")]
    # The state folder is told of by what is in it.
    assert set(told) == {shown(name) for name in OPTIONS} - {"state-dir"}


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ({}, ("home=200",)),
        ({"home_timeline_length": "75"}, ("home=75",)),
        ({"home_timeline_length": 90_000}, ("home=4000",)),
        (
            {"max_bookmarks": 80, "max_favourites": 40},
            ("home=200", "bookmarks=80", "favourites=40"),
        ),
        (
            {"max_followings": 80, "max_followers": 30, "max_follow_requests": 5},
            ("home=200", "followings=80", "followers=30", "follow_requests=5"),
        ),
        ({"from_lists": True}, ("home=200", "lists=100", "list_accounts=10")),
        ({"from_lists": 1, "max_list_length": 0}, ("home=200", "list_accounts=10")),
        ({"from_lists": 1, "max_list_accounts": 0}, ("home=200", "lists=100")),
        ({"from_lists": 0, "max_list_length": 50}, ("home=200",)),
        ({"reply_interval_in_hours": 24}, ("home=200", "replied")),
        ({"from_notifications": 1}, ("home=200", "notifiers")),
    ],
)
def test_each_source_becomes_one_of_ours(
    options: dict[str, Any], expected: tuple[str, ...]
) -> None:
    assert sources(**options) == expected


def test_what_is_on_unless_told_is_on_here_too_and_said() -> None:
    move = moved()
    assert move.accounts[0].sources == ("home=200", "mentioned", "boosted")
    assert move.choices == {"with_conversations": True}
    assert "on unless told" in said(move, "backfill-mentioned-users")
    off = moved(backfill_mentioned_users=0, backfill_with_context=0)
    assert (off.accounts[0].sources, off.choices) == (("home=200",), {})


def test_several_tokens_become_accounts_that_share_the_sources() -> None:
    move = moved(access_token=[TOKEN, "another", TOKEN])
    tokens = [one.token.get_secret_value() for one in move.accounts if one.token]
    assert tokens == [TOKEN, "another"]
    assert len({one.sources for one in move.accounts}) == 1


def test_monitors_keep_their_urls_and_those_in_the_clear_are_named() -> None:
    urls = {
        "on_start": "https://hc-ping.com/uuid/start",
        "on_done": "http://192.168.1.5:3001/api/push/x?status=up&msg=OK&ping=",
        "on_fail": "http://kuma/api/push/x?status=down",
    }
    settings = moved(**urls).settings
    assert {name: settings[name] for name in urls} == urls
    assert settings["lan_monitors"] == ["192.168.1.5:3001", "kuma:80"]
    assert "lan_monitors" not in moved(on_done="https://hc-ping.com/uuid").settings


def test_the_rest_is_translated_where_there_is_a_word_for_it() -> None:
    move = moved(
        remember_users_for_hours=24, http_timeout=9, instance_blocklist="Bad.example, ,10.0.0.1"
    )
    assert move.choices["profile_again"] == "24h"
    assert move.settings == {"connect_timeout": 9, "idle_timeout": 9}
    assert move.blocked == ("bad.example",)
    assert [f.words for f in move.fates if f.name == "instance-blocklist" and not f.kept] == [
        "no names of servers, left out: 10.0.0.1"
    ]


def test_an_option_that_fedifetcher_does_not_know_is_told_of() -> None:
    assert "no such option" in said(moved(max_bookmark=3), "max-bookmark")


@pytest.mark.parametrize(
    ("options", "word"),
    [
        ({"server": ""}, "server"),
        ({"server": 7}, "server"),
        ({"access_token": None}, "access-token"),
        ({"access_token": []}, "access-token"),
        ({"access_token": [TOKEN, f"{TOKEN} {TOKEN}"]}, "the 2. of them"),
        ({"access_token": {"a": TOKEN}}, "access-token"),
        ({"home_timeline_length": "many"}, "home-timeline-length"),
        ({"home_timeline_length": None}, "home-timeline-length"),
        ({"home_timeline_length": [200]}, "home-timeline-length"),
        ({"home_timeline_length": 0}, "no source"),
        ({"on_start": 5}, "on-start"),
        ({"on_done": f"http://[{TOKEN}/"}, "on-done"),
        ({"instance_blocklist": ["a.example"]}, "instance-blocklist"),
    ],
)
def test_a_value_that_cannot_be_is_named_without_a_token(
    options: dict[str, Any], word: str
) -> None:
    with pytest.raises(UsageError, match=word) as wrong:
        moved(**options)
    assert TOKEN not in str(wrong.value)


def test_a_server_that_is_none_is_said_to_be_none() -> None:
    with pytest.raises(InvalidHost):
        moved(server="localhost")
    assert moved(server="https://Example.social/").accounts[0].home == "example.social"


def test_names_may_have_dashes_and_capitals_and_the_environment_goes_first(tmp_path: Path) -> None:
    file = tmp_path / "config.json"
    file.write_text(json.dumps({"Server": "one.example", "max-bookmarks": 5, "access-token": "x"}))
    environ = {"FF_SERVER": "two.example", "ff_access_token_1": TOKEN, "HOME": "/root"}
    assert read_options(file, environ) == {
        "server": "two.example",
        "max_bookmarks": 5,
        "access_token": [TOKEN],
    }
    assert read_options(None, environ)["server"] == "two.example"


@pytest.mark.parametrize("text", ["", "[]", '{"server": ', "\udcff", "[" * 100_000, "null"])
def test_a_file_that_holds_no_options_is_named(tmp_path: Path, text: str) -> None:
    file = tmp_path / "config.json"
    file.write_text(text, errors="surrogateescape")
    with pytest.raises(UsageError, match=r"config\.json"):
        read_options(file, {})
    with pytest.raises(UsageError, match="none"):
        read_options(tmp_path / "none.json", {})


_ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner),
    max_leaves=5,
)


@given(st.dictionaries(st.sampled_from(sorted(OPTIONS)) | st.text(max_size=10), _ANYTHING))
def test_whatever_the_values_are_they_are_translated_or_refused(options: dict[str, Any]) -> None:
    try:
        move = translate(LEAST | options)
    except UsageError:
        return
    assert all(parse_sources(account.sources) for account in move.accounts)
