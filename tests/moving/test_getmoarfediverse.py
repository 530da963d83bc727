"""GetMoarFediverse's options: hashtags and servers become sources, the rest is named."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from toottail.errors import InvalidHost, UsageError
from toottail.moving.getmoarfediverse import OPTIONS, read_options, translate

SECRET = "5ecret"
LEAST: dict[str, Any] = {
    "FakeRelayUrl": "https://relay.example",
    "FakeRelayApiKey": SECRET,
    "Tags": ["DotNet", "#csharp"],
    "Instances": ["one.example", "two.example"],
}


def test_tags_and_instances_become_hashtags_and_the_servers_that_are_asked() -> None:
    move = translate(LEAST, "example.social")
    (account,) = move.accounts
    assert (account.home, account.token) == ("example.social", None)
    assert account.sources == ("hashtag:dotnet=40", "hashtag:csharp=40")
    assert move.choices == {"tag_servers": ["one.example", "two.example"]}
    assert "a token" in [fate.name for fate in move.fates]


def test_the_tags_that_members_follow_are_asked_for_with_their_tokens() -> None:
    api = {"Url": "https://example.social/api/", "Tokens": [{"Owner": "Ann", "Token": SECRET}]}
    move = translate({"Api": api, "Instances": ["one.example"]}, None)
    (account,) = move.accounts
    assert (account.home, account.sources) == ("example.social", ("hashtags=40",))
    assert account.token is not None
    assert account.token.get_secret_value() == SECRET
    assert any("read:search" in fate.words for fate in move.fates)


def test_the_database_is_not_read_but_each_members_own_hashtags_are() -> None:
    given = {
        "MastodonPostgresConnectionString": f"Host=db;Password={SECRET}",
        "PinnedTags": True,
        "Instances": ["one.example"],
    }
    move = translate(given, "example.social")
    assert move.accounts[0].sources == ("hashtags=40",)
    words = {fate.name: fate.words for fate in move.fates}
    assert "not read" in words["MastodonPostgresConnectionString"]
    assert "follow them" in words["PinnedTags"]
    assert SECRET not in str(words)


def test_the_older_way_to_name_servers_is_read_too() -> None:
    sites = [{"Host": "one.example", "SiteSpecificTags": ["cats"]}, {"Host": "two.example"}]
    move = translate({"Tags": ["dogs"], "Sites": sites}, "example.social")
    assert move.accounts[0].sources == ("hashtag:dogs=40", "hashtag:cats=40")
    assert move.choices == {"tag_servers": ["one.example", "two.example"]}
    assert any("all tag_servers" in fate.words for fate in move.fates)


def test_every_option_that_is_given_is_told_of() -> None:
    given = LEAST | {
        "Api": {"Url": "https://example.social/api/", "Tokens": []},
        "MastodonPostgresConnectionString": "Host=db",
        "PinnedTags": True,
        "ImportedPath": "x",
        "Sites": [],
        "Other": 1,
    }
    told = {fate.name for fate in translate(given, None).fates}
    assert OPTIONS - {"Sites", "Api"} | {"Other", "a token"} <= told


@pytest.mark.parametrize(
    ("changes", "home", "word"),
    [
        ({"Instances": []}, "example.social", "Instances"),
        ({"Instances": "one.example"}, "example.social", "Instances"),
        ({"Instances": [7]}, "example.social", "Instances"),
        ({"Instances": None, "Sites": "one.example"}, "example.social", "Sites"),
        ({"Tags": []}, "example.social", "Tags"),
        ({"Tags": ["two words"]}, "example.social", "two words"),
        ({"Api": []}, "example.social", "Api"),
        ({"Api": {"Tokens": [{"Token": f"{SECRET} {SECRET}"}]}}, "example.social", "Tokens"),
        ({}, None, "--home"),
    ],
)
def test_a_value_that_cannot_be_is_named(
    changes: dict[str, Any], home: str | None, word: str
) -> None:
    with pytest.raises(UsageError, match=word) as wrong:
        translate(LEAST | changes, home)
    assert SECRET not in str(wrong.value)


def test_a_server_that_is_none_is_said_to_be_none() -> None:
    with pytest.raises(InvalidHost):
        translate(LEAST | {"Instances": ["localhost"]}, "example.social")


def test_what_is_null_counts_as_not_given(tmp_path: Path) -> None:
    file = tmp_path / "config.json"
    file.write_text(json.dumps({"Tags": None, "PinnedTags": False}))
    assert read_options(file) == {"PinnedTags": False}
