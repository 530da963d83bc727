"""Whatever forums, book servers and the like answer: a safe Reading, or an error of ours."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.servers.dialects.edge import FakeAsker, asker
from tests.servers.dialects.spoiling import cases, listings, notes
from toottail.errors import TootTailError
from toottail.servers.dialects import base, choose
from toottail.servers.dialects.collections import PAGES_AT_MOST, PageHint
from toottail.servers.dialects.software import SIGNED_ONLY
from toottail.servers.nodeinfo import Software
from toottail.types.hosts import host_of
from toottail.types.statuses import LookTarget, Reading

HOST = "a.example"
POST = f"https://{HOST}/post/1"
TOPIC = f"https://{HOST}/topic/1"
many = settings(
    max_examples=500, deadline=None, suppress_health_check=[HealthCheck.too_slow], database=None
)
PROGRAMS = [
    Software(name, "1.0")
    for name in (
        "nodebb",
        "discourse",
        "wordpress",
        "bookwyrm",
        "gotosocial",
        "smithereen",
        "snac",
        "hubzilla",
        "streams",
        "takahe",
        "unheard-of",
    )
]
"""What is read through ActivityPub; forte is as streams is. Each gets 500 cases of each kind."""

_URIS = st.sampled_from(
    [
        POST,
        f"https://{HOST}/post/2",
        f"{POST}/replies?page=1",
        f"{TOPIC}?page=2",
        "https://b.example/users/u/statuses/3",
        "https://127.0.0.1/4",
        "https://[::1]/4",
        "https://0x7f.1/4",
        "https://router.local/5",
        "https://b.example:8443/6",
        "https://u:p@b.example/7",
        "http://b.example/8",
        "file:///etc/passwd",
        "//b.example/9",
        "https://b.example/\n10",
        "",
    ]
)
_WORDS = st.sampled_from(
    [
        "Note",
        "Create",
        "Add",
        "Like",
        "Tombstone",
        "OrderedCollection",
        "OrderedCollectionPage",
        "as:Public",
    ]
)
_SCALARS = (
    st.none()
    | st.booleans()
    | st.integers(-5, 2**70)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=4)
    | _URIS
    | _WORDS
)
_KEYS = st.sampled_from(
    [
        "id",
        "type",
        "to",
        "attributedTo",
        "inReplyTo",
        "replies",
        "context",
        "object",
        "first",
        "next",
        "items",
        "orderedItems",
        "totalItems",
    ]
)
_TREES = st.recursive(
    _SCALARS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(_KEYS, inner, max_size=5),
    max_leaves=6,
)
_POSTS = st.fixed_dictionaries(
    {
        "id": _URIS,
        "type": st.sampled_from(["Note", "Article"]) | _SCALARS,
        "attributedTo": st.just(f"https://{HOST}/uid/1") | _TREES,
    },
    optional={
        "to": st.just("as:Public") | _TREES,
        "inReplyTo": _URIS | _TREES,
        "context": _URIS | _TREES,
        "contextHistory": _URIS | _TREES,
        "replies": _URIS | _TREES,
    },
)
_ITEMS = st.lists(
    _POSTS
    | _URIS
    | st.fixed_dictionaries({"type": _WORDS, "object": _POSTS | _URIS | _TREES})
    | _TREES,
    max_size=5,
)
_COLLECTIONS = st.fixed_dictionaries(
    {"type": st.sampled_from(["OrderedCollection", "OrderedCollectionPage"]) | _SCALARS},
    optional={
        "orderedItems": _ITEMS,
        "items": _ITEMS,
        "first": _URIS | _TREES,
        "next": _URIS | _TREES,
        "totalItems": _SCALARS,
    },
)


def ask(document: object, software: Software, how: str, hint: str) -> Reading | None:
    """One look at what answers ``document`` to everything; None where it ended in an error."""
    body = document if isinstance(document, bytes) else msgspec.json.encode(document)
    paths = ("/post/1", "/post/1/replies", "/topic/1", "/api/v1/statuses/17/context")
    fake = FakeAsker(HOST, dict.fromkeys(paths, body))
    fake.signs = software.name in SIGNED_ONLY
    question = choose(software).look(asker(fake), LookTarget(POST, HOST, how, hint), software)
    try:
        question.send(None)
    except StopIteration as done:
        reading: Reading = done.value
        return reading
    except TootTailError:
        return None
    finally:
        assert fake.asked
        assert fake.strayed == []
    raise AssertionError("waits for something")


def check(reading: Reading | None) -> None:
    """All that would be stored, asked for or handed to a home is safe."""
    if reading is None:
        return
    for status in reading.statuses:
        assert host_of(status.uri) == status.host
        assert status.public
        assert status.parent_uri is None or host_of(status.parent_uri)
        assert status.url is None or host_of(status.url)
    assert all(host_of(uri) for uri in reading.listed)
    for target in reading.further:
        assert host_of(target.uri)
        assert host_of(f"https://{target.host}/") == target.host
        page = PageHint.parse(target.hint)
        if target.how in (base.REPLIES, base.THREAD) and page.url:
            assert host_of(page.url) == target.host == HOST
        else:
            assert target.host == HOST or target.host == host_of(target.uri)


@pytest.mark.parametrize("software", PROGRAMS, ids=lambda software: software.name)
@many
@given(document=cases(notes(POST, TOPIC), _POSTS | _TREES))
def test_no_post_crashes_the_reader_or_leads_it_astray(software: Software, document: Any) -> None:
    check(ask(document, software, base.BEGIN, ""))


@pytest.mark.parametrize("software", PROGRAMS, ids=lambda software: software.name)
@many
@given(document=cases(listings(POST, TOPIC), _COLLECTIONS | _TREES))
def test_no_list_of_replies_and_no_topic_does(software: Software, document: Any) -> None:
    check(ask(document, software, base.REPLIES, f"{POST}/replies"))
    check(ask(document, software, base.THREAD, TOPIC))


@many
@given(page=st.binary(max_size=300) | st.text(max_size=300).map(str.encode))
def test_no_page_of_a_post_does(page: bytes) -> None:
    head = b'<link href="display/feed-item/17.atom"' + page
    for document in (page, head):
        check(ask(document, Software("friendica", "1"), base.BEGIN, ""))


@pytest.mark.parametrize("how", [base.REPLIES, base.THREAD])
@pytest.mark.parametrize(
    "software",
    [*PROGRAMS, Software("mastodon", "4.5.0"), Software("sharkey", "2025.4.4")],
    ids=lambda software: software.name,
)
def test_a_listing_that_never_ends_is_left(software: Software, how: str) -> None:
    hint, asked = TOPIC, 0
    while hint and asked <= PAGES_AT_MOST + 1:
        page = {
            "type": "OrderedCollectionPage",
            "orderedItems": [f"https://{HOST}/post/{asked + 5}"],
            "next": f"{TOPIC}?page={asked + 2}",
            "first": f"{TOPIC}?page=1",
        }
        reading = ask(page, software, how, hint)
        assert reading is not None
        hint = next((t.hint for t in reading.further if t.how == how and " " in t.hint), "")
        asked += 1
    assert 1 < asked <= PAGES_AT_MOST
