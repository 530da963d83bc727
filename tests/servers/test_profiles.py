"""Profiles and hashtags, as hosts of several kinds list them."""

from __future__ import annotations

import re
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.servers.dialects.edge import MASTODON, FakeAsker, asker
from tests.servers.dialects.test_hostile_answers import many, run
from tests.servers.test_homes import status
from toottail.errors import Forbidden, Gone, TootTailError
from toottail.servers.nodeinfo import Software
from toottail.servers.people import Person, people_of
from toottail.servers.profiles import read_hashtag, read_profile
from toottail.types.hosts import host_of

HOST = "a.example"
NAME = "ann@a.example"
ACTOR = "https://a.example/users/ann"
OTHER = Software("smallpub", "1.0")
LOOKUP = "/api/v1/accounts/lookup"
PUBLIC = "https://www.w3.org/ns/activitystreams#Public"


def account(**more: Any) -> dict[str, Any]:
    return {"id": "7", "acct": "ann", "url": f"https://{HOST}/@ann", "uri": ACTOR} | more


def create(number: int, **more: Any) -> dict[str, Any]:
    uri = f"https://{HOST}/notes/{number}"
    note = {"id": uri, "type": "Note", "attributedTo": ACTOR, "to": [PUBLIC]}
    return {"type": "Create", "to": [PUBLIC], "object": note} | more


def outbox(*items: object, **actor: Any) -> dict[str, object]:
    return {
        "/users/ann": {"id": ACTOR, "type": "Person", "outbox": f"{ACTOR}/outbox"} | actor,
        "/users/ann/outbox": {"type": "OrderedCollection", "first": f"{ACTOR}/outbox?page=true"},
        "/users/ann/outbox?page=true": {
            "type": "OrderedCollectionPage",
            "orderedItems": list(items),
        },
    }


async def test_two_requests_bring_the_newest_public_posts_of_an_account() -> None:
    entries = [
        status(9),
        status(8, in_reply_to_id="9"),
        status(7, visibility="private"),
        status(6, reblog=status(5, "b.example")),
        status(4, "b.example"),
        {"id": "3"},
    ]
    fake = FakeAsker(HOST, {LOOKUP: account(), "/api/v1/accounts/7/statuses": entries})
    found = await read_profile(asker(fake), NAME, None, MASTODON)
    assert fake.asked == [
        f"{LOOKUP}?acct=ann",
        "/api/v1/accounts/7/statuses?limit=40&exclude_reblogs=true",
    ]
    assert [post.local_id for post in found.posts] == ["9", "8"]
    assert found.posts[1].parent_uri == found.posts[0].uri


@pytest.mark.parametrize(
    "profile", [{"note": "<p>#nobot</p>"}, {"indexable": False}, {"discoverable": False}]
)
async def test_an_opt_out_ends_the_reading_with_the_request_that_showed_it(
    profile: dict[str, Any],
) -> None:
    fake = FakeAsker(HOST, {LOOKUP: account(**profile)})
    assert (await read_profile(asker(fake), NAME, None, MASTODON)).opted_out
    assert len(fake.asked) == 1
    shown = {"summary": profile.get("note", ""), **profile}
    fake = FakeAsker(HOST, outbox(create(1), **shown))
    assert (await read_profile(asker(fake), NAME, ACTOR, OTHER)).opted_out
    assert fake.asked == ["/users/ann"]


async def test_an_outbox_gives_the_posts_its_account_wrote_and_no_others() -> None:
    strange = create(2)
    strange["object"]["attributedTo"] = f"https://{HOST}/users/ben"
    secret = create(3)
    secret["object"]["to"] = [f"{ACTOR}/followers"]
    elsewhere = create(4)
    elsewhere["object"]["id"] = "https://b.example/notes/4"
    named = create(5) | {"object": f"https://{HOST}/notes/5"}
    boost = {"type": "Announce", "to": [PUBLIC], "object": f"https://{HOST}/notes/6"}
    items = [create(1), strange, secret, elsewhere, named, boost, "https://a.example/x", 7]
    fake = FakeAsker(HOST, outbox(*items))
    found = await read_profile(asker(fake), NAME, ACTOR, OTHER)
    assert [post.uri for post in found.posts] == [f"https://{HOST}/notes/{n}" for n in (1, 5)]
    assert len(fake.asked) == 3


async def test_an_account_whose_address_is_not_known_is_found_by_webfinger() -> None:
    link = {"rel": "self", "type": "application/activity+json", "href": ACTOR}
    fake = FakeAsker(HOST, {"/.well-known/webfinger": {"links": [link]}, **outbox(create(1))})
    found = await read_profile(asker(fake), NAME, None, OTHER)
    assert len(found.posts) == 1
    assert fake.asked[0] == "/.well-known/webfinger?resource=acct%3Aann%40a.example"


async def test_a_closed_api_is_passed_by_and_a_lost_account_is_said_to_be_one() -> None:
    closed = FakeAsker(HOST, {LOOKUP: Forbidden(HOST, 401), **outbox(create(1))})
    assert len((await read_profile(asker(closed), NAME, ACTOR, MASTODON)).posts) == 1
    lost = FakeAsker(HOST, {LOOKUP: Gone(HOST, 404)})
    found = await read_profile(asker(lost), NAME, None, MASTODON)
    assert "knows no such account" in (found.refused or "")


async def test_a_hashtag_shows_posts_of_all_hosts_but_none_of_who_opts_out() -> None:
    entries = [status(1), status(2, "b.example"), status(3, account={"acct": "x", "note": "nobot"})]
    fake = FakeAsker(HOST, {"/api/v1/timelines/tag/cats": entries})
    found = await read_hashtag(asker(fake), "cats")
    assert [post.host for post in found.posts] == ["a.example", "b.example"]
    closed = await read_hashtag(asker(FakeAsker(HOST, {})), "cats")
    assert closed.refused is not None


def test_accounts_are_read_one_by_one_with_the_server_they_are_on() -> None:
    items = [
        {"id": "1", "acct": "me", "url": "https://home.example/@me"},
        {"id": "2", "acct": "ann@Example.Social", "uri": "https://s.example.social/users/ann"},
        {"id": "3", "acct": "bob@b.example", "url": "https://b.example/@bob", "indexable": False},
        {"id": "4", "acct": "eve@127.0.0.1"},
        {"id": "5", "acct": "eve@router.local", "uri": "https://router.local/eve"},
        {"acct": 6},
        [],
    ]
    found = people_of([msgspec.Raw(msgspec.json.encode(item)) for item in items], "home.example")
    assert found == [
        Person("me@home.example", "home.example", "1", "https://home.example/@me"),
        Person(
            "ann@example.social",
            "s.example.social",
            "2",
            "https://s.example.social/users/ann",
        ),
        Person("bob@b.example", "b.example", "3", "https://b.example/@bob", opted_out=True),
    ]


_KEYS = re.findall(
    r"\w+",
    "id acct url uri note indexable outbox first items orderedItems object type to links "
    "attributedTo visibility account reblog rel href",
)
_JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-5, 2**70)
    | st.text(max_size=6)
    | st.sampled_from([ACTOR, f"{ACTOR}/outbox", "https://127.0.0.1/1", PUBLIC, "Create", "Note"]),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(
            st.sampled_from(_KEYS),
            inner,
            max_size=6,
        )
    ),
    max_leaves=20,
)


@many
@given(_JSON, _JSON, _JSON, st.booleans())
def test_no_answer_makes_more_than_a_few_requests_or_names_what_is_not_the_hosts(
    first: object, second: object, third: object, mastodon: bool
) -> None:
    documents = {
        LOOKUP: first if mastodon else Forbidden(HOST, 401),
        "/api/v1/accounts/7/statuses": second,
        "/users/ann": first,
        "/users/ann/outbox": second,
        "/.well-known/webfinger": third,
    }
    fake = FakeAsker(HOST, documents)

    async def read() -> None:
        for uri in (None, ACTOR):
            try:
                found = await read_profile(asker(fake), NAME, uri, MASTODON)
            except TootTailError:
                continue
            assert all(host_of(post.uri) == HOST for post in found.posts)

    run(read())
    assert len(fake.asked) <= 10
