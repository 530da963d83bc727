"""What a home tells of its member's sources: pages of statuses, of accounts, of names."""

from __future__ import annotations

from typing import Any

import pytest

from tests.servers.dialects.edge import FakeAsker
from tests.servers.test_homes import HOME, TOKEN, client, status
from toottail.errors import Forbidden, ScopeLacking, TokenRefused
from toottail.servers.door import Answer
from toottail.servers.home_sources import (
    HomeList,
    look_up,
    read_followed_tags,
    read_lists,
    read_page,
)
from toottail.servers.people import Person


async def test_the_newest_page_costs_the_token_and_older_ones_the_persons_paging() -> None:
    fake = FakeAsker(HOME, {"/api/v1/timelines/home": [status(9)]})
    await read_page(client(fake), "home")
    await read_page(client(fake), "home", max_id="9")
    assert fake.asked == [
        "/api/v1/timelines/home?limit=40",
        "/api/v1/timelines/home?limit=40&max_id=9",
    ]
    assert [o["allowances"] for o in fake.options] == [["token:7"], ["token:7", "user-paging:7"]]
    assert {o["robots"] for o in fake.options} == {False}


async def test_a_boost_carries_its_original() -> None:
    entries = [status(9, reblog=status(3, "b.example")), {"id": "8"}, status(7)]
    page = await read_page(client(FakeAsker(HOME, {"/api/v1/timelines/home": entries})), "home")
    assert [(s.local_id, s.original.local_id) for s in page.statuses] == [("9", "3"), ("7", "7")]
    assert page.statuses[0].original.host == "b.example"
    assert page.statuses[0].original.acct == "u@b.example"
    assert page.next_max_id == "7"


async def test_the_next_page_is_taken_from_the_link_header() -> None:
    link = '<https://home.example/api/v1/timelines/home?limit=40&max_id=55>; rel="next"'
    fake = FakeAsker(HOME, {"/api/v1/timelines/home": [status(9)]}, {"link": link})
    assert (await read_page(client(fake), "home")).next_max_id == "55"
    assert (await read_page(client(fake), "home", max_id="55")).next_max_id is None


async def test_a_timeline_that_is_being_rebuilt_says_so() -> None:
    fake = FakeAsker(HOME, {"/api/v1/timelines/home": []}, {":status": "206"})
    assert (await read_page(client(fake), "home")).rebuilding


async def test_bookmarks_are_paged_by_the_link_header_alone() -> None:
    path = "/api/v1/bookmarks"
    link = f'<https://home.example{path}?limit=40&max_id=31>; rel="next"'
    page = await read_page(
        client(FakeAsker(HOME, {path: [status(9)]}, {"link": link})), "bookmarks"
    )
    assert (page.ids, page.next_max_id) == (("9",), "31")
    last = await read_page(client(FakeAsker(HOME, {path: [status(9)]})), "bookmarks")
    assert last.next_max_id is None, "the id of a status is no id of a bookmark"


async def test_notifications_show_statuses_and_the_accounts_behind_them() -> None:
    ann = {"id": "4", "acct": "ann@a.example", "url": "https://a.example/@ann"}
    entries = [
        {"id": "12", "type": "mention", "account": ann, "status": status(9)},
        {"id": "11", "type": "follow", "account": ann},
        {"id": "10", "type": "odd", "account": 5, "status": "none"},
        {"type": "without an id"},
    ]
    fake = FakeAsker(HOME, {"/api/v1/notifications": entries})
    page = await read_page(client(fake), "notifications")
    assert page.ids == ("12", "11", "10")
    assert [s.local_id for s in page.statuses] == ["9"]
    assert [p.name for p in page.people] == ["ann@a.example"]
    assert page.next_max_id == "10"


async def test_who_is_mentioned_in_private_is_nobodys_business() -> None:
    ann = {"id": "4", "acct": "ann@a.example", "url": "https://a.example/@ann"}
    bob = {"id": "5", "acct": "bob@b.example", "url": "https://b.example/@bob"}
    entries = [
        status(9, mentions=[ann], visibility="direct"),
        status(8, mentions=[bob, 3]),
        status(7, reblog=status(6, account=ann)),
    ]
    fake = FakeAsker(HOME, {"/api/v1/timelines/home": entries})
    page = await read_page(client(fake), "home", people=True)
    assert [p.name for p in page.mentioned] == ["bob@b.example"]
    assert [p.name for p in page.boosted] == ["ann@a.example"]


async def test_a_refusal_names_the_scope_that_lacks() -> None:
    fake = FakeAsker(HOME, {"/api/v1/bookmarks": Forbidden(HOME, 403)})
    with pytest.raises(ScopeLacking) as raised:
        await read_page(client(fake), "bookmarks")
    assert raised.value.scope == "read:bookmarks"
    assert TOKEN.get_secret_value() not in str(raised.value)


async def test_lists_and_hashtags_are_read_item_by_item() -> None:
    lists = [{"id": "1", "title": "Friends"}, {"id": 2, "title": 3}, {"id": "../x"}, "odd"]
    assert await read_lists(client(FakeAsker(HOME, {"/api/v1/lists": lists}))) == [
        HomeList("1", "Friends"),
        HomeList("2", "2"),
    ]
    odd = [{"id": "3", "title": "a\0b" + "c" * 999}, {"id": "3", "title": "Again"}]
    (found,) = await read_lists(client(FakeAsker(HOME, {"/api/v1/lists": odd})))
    assert found == HomeList("3", "a b" + "c" * 197)
    tags = [{"name": "Cats"}, {"name": "cats"}, {"name": "../x"}, {"name": 4}, 5]
    fake = FakeAsker(HOME, {"/api/v1/followed_tags": tags})
    assert await read_followed_tags(client(fake), 40) == ["cats"]


async def test_an_account_is_looked_up_without_the_token_where_that_may_not() -> None:
    ann = {"id": "4", "acct": "ann@a.example", "url": "https://a.example/@ann"}

    class Strict(FakeAsker):
        async def get(self, path_or_url: str, **options: Any) -> Answer:
            if options["token"] is not None:
                raise Forbidden(HOME, 403)
            return await super().get(path_or_url, **options)

    found = await look_up(client(Strict(HOME, {"/api/v1/accounts/lookup": ann})), "ann@a.example")
    assert found == Person("ann@a.example", "a.example", "4", "https://a.example/@ann")
    closed = FakeAsker(HOME, {"/api/v1/accounts/lookup": Forbidden(HOME, 401)})
    with pytest.raises(TokenRefused):
        await look_up(client(closed), "ann@a.example")
