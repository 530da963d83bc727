"""A member's home, asked with the member's token."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import SecretStr

from tests.servers.dialects.edge import FakeAsker, asker
from toottail.errors import AnswerRefused, Forbidden, TokenRefused
from toottail.servers.home_traits import traits_of
from toottail.servers.homes import CONTEXT_LIMIT, Account, AsyncRefresh, HomeClient
from toottail.servers.nodeinfo import Software

HOME = "home.example"
TOKEN = SecretStr("hidden-token")


def status(number: int, host: str = "a.example", **more: Any) -> dict[str, Any]:
    return {
        "id": str(number),
        "uri": f"https://{host}/users/u/statuses/{number}",
        "url": f"https://{host}/@u/{number}",
        "in_reply_to_id": None,
        "replies_count": 2,
        "created_at": "2026-01-02T03:04:05.000Z",
        "visibility": "unlisted",
        "account": {"acct": f"u@{host}", "note": ""},
        "reblog": None,
    } | more


def client(fake: FakeAsker, software: str = "mastodon") -> HomeClient:
    return HomeClient(asker(fake), TOKEN, "7", Software(software, "4.3.8"))


async def test_the_account_is_told_unless_the_scopes_hide_it() -> None:
    path = "/api/v1/accounts/verify_credentials"
    fake = FakeAsker(HOME, {path: {"id": "1", "acct": "mira"}})
    assert await client(fake).verify() == Account("mira", "1")
    assert await client(FakeAsker(HOME, {path: Forbidden(HOME, 403)})).verify() is None


async def test_the_scopes_of_the_application_are_told_where_the_home_does() -> None:
    path = "/api/v1/apps/verify_credentials"
    fake = FakeAsker(HOME, {path: {"name": "x", "scopes": ["read:statuses", "read:search"]}})
    assert await client(fake).app_scopes() == {"read:statuses", "read:search"}
    assert await client(FakeAsker(HOME, {path: {"name": "x"}})).app_scopes() == frozenset()


async def test_a_context_tells_what_is_there_and_whether_the_home_fetches_more() -> None:
    body = {"ancestors": [status(1)], "descendants": [status(3, in_reply_to_id="2"), {"id": 4}]}
    headers = {"mastodon-async-refresh": 'id="abc:1", retry=3, result_count=5'}
    fake = FakeAsker(HOME, {"/api/v1/statuses/2/context": body}, headers)
    context = await client(fake).context("2")
    assert [s.local_id for s in context.ancestors] == ["1"]
    assert [(s.local_id, s.in_reply_to_id, s.public) for s in context.descendants] == [
        ("3", "2", True)
    ]
    assert context.refresh == AsyncRefresh("abc:1", 3.0, 5)
    assert context.complete
    assert fake.options[0]["max_body"] == 48 << 20


async def test_a_context_at_its_limit_proves_nothing_about_the_rest() -> None:
    body = {"ancestors": [], "descendants": [status(n) for n in range(CONTEXT_LIMIT)]}
    fake = FakeAsker(HOME, {"/api/v1/statuses/2/context": body})
    assert not (await client(fake).context("2")).complete


async def test_a_resolve_returns_what_was_asked_for_and_nothing_else() -> None:
    uri = "https://a.example/users/u/statuses/5"
    fake = FakeAsker(HOME, {"/api/v2/search": {"statuses": [status(5)]}})
    found = await client(fake).resolve(uri)
    assert found is not None
    assert found.uri == uri
    assert "resolve=true&type=statuses&limit=1" in fake.asked[0]
    assert await client(fake).resolve("https://a.example/users/u/statuses/6") is None
    empty = FakeAsker(HOME, {"/api/v2/search": {"accounts": [], "statuses": []}})
    assert await client(empty).resolve(uri) is None


@pytest.mark.parametrize(
    ("software", "answer", "words"),
    [
        ("mastodon", 401, "does not take the token"),
        ("mastodon", 403, "read:search"),
        ("takahe", 403, "scope read"),
        ("unknown", 403, "read:search"),
    ],
)
async def test_a_refused_token_is_explained_and_never_shown(
    software: str, answer: int, words: str
) -> None:
    fake = FakeAsker(HOME, {"/api/v2/search": Forbidden(HOME, answer)})
    with pytest.raises(TokenRefused) as caught:
        await client(fake, software).resolve("https://a.example/1")
    assert words in str(caught.value)
    assert HOME in str(caught.value)
    assert traits_of(Software(software, "")).made_at in str(caught.value)
    assert TOKEN.get_secret_value() not in repr(caught.value)


async def test_an_id_that_is_none_is_not_asked_for() -> None:
    with pytest.raises(AnswerRefused):
        await client(FakeAsker(HOME, {})).context("../../oauth")


def test_what_is_known_of_homes_is_a_table() -> None:
    mastodon = traits_of(Software("mastodon", "4.5.2"))
    assert mastodon.fetches_replies_itself(Software("mastodon", "4.5.2"))
    assert not mastodon.fetches_replies_itself(Software("mastodon", "4.4.9"))
    assert traits_of(Software("takahe", "0.11")).search_scope == "read"
    assert traits_of(Software("snac", "2.80")).fetches_ancestors == "unknown"
