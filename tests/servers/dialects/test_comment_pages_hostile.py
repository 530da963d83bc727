"""Whatever PeerTube, Pixelfed and WordPress answer: our own errors, or Readings safe to follow."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import msgspec
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.servers.dialects.edge import FakeAsker, asker
from tests.servers.dialects.spoiling import cases, listings, notes
from tests.servers.dialects.test_hostile_answers import check, run
from tests.servers.dialects.test_peertube import comment, node, threads
from tests.servers.dialects.test_pixelfed import from_elsewhere, page, post
from toottail.errors import TootTailError
from toottail.servers.dialects import choose
from toottail.servers.dialects.peertube import MOST_THREADS, PAGE, THREADS, TREE
from toottail.servers.dialects.pixelfed import COMMENTS, ELSEWHERE, MOST_PAGES
from toottail.servers.nodeinfo import Software
from toottail.types.statuses import LookTarget

HOST = "a.example"
VIDEO = "https://a.example/videos/watch/9c9de5e8-0a1e-484a-b099-e80766180a6d"
POST = "https://a.example/p/ada/1"
BLOG = "https://a.example/?c=1"
LIST = "https://a.example/wp-json/activitypub/1.0/posts/1/context"
many = settings(
    max_examples=500, deadline=None, suppress_health_check=[HealthCheck.too_slow], database=None
)

_URIS = st.sampled_from(
    [
        VIDEO,
        f"{VIDEO}/comments/2",
        POST,
        "https://a.example/p/ada/2",
        BLOG,
        "https://a.example/a-page/",
        "https://b.example/users/u/statuses/3",
        "https://127.0.0.1/4",
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
_SCALARS = (
    st.none()
    | st.booleans()
    | st.integers(-5, 2**70)
    | st.text(max_size=4)
    | _URIS
    | st.sampled_from(["1", "2", "../1", "public", "direct", "Note", "u@b.example", "u@b/../c"])
    | st.floats(allow_nan=False, allow_infinity=False)
)


def _trees(*keys: str) -> st.SearchStrategy[Any]:
    words = st.sampled_from(keys)
    return st.recursive(
        _SCALARS,
        lambda inner: st.lists(inner, max_size=5) | st.dictionaries(words, inner, max_size=8),
        max_leaves=10,
    )


def _object(required: Mapping[str, Any], optional: Mapping[str, Any]) -> st.SearchStrategy[Any]:
    return st.fixed_dictionaries(
        {key: value | _SCALARS for key, value in required.items()},
        optional={key: value | _SCALARS for key, value in optional.items()},
    )


_COMMENTS = _object(
    {"id": st.integers(1, 9), "url": _URIS},
    {
        "isDeleted": st.booleans(),
        "heldForReview": st.booleans(),
        "totalReplies": st.integers(-1, 3),
        "createdAt": st.datetimes().map(str),
        "account": _trees("description", "name"),
    },
)
_NODES = st.recursive(
    _object({"comment": _COMMENTS}, {"children": st.none()}),
    lambda inner: _object({"comment": _COMMENTS}, {"children": st.lists(inner, max_size=4)}),
    max_leaves=8,
)
_TUBE = (
    _object({"data": st.lists(_COMMENTS, max_size=4)}, {"total": st.integers(0, 2**40)})
    | _NODES
    | _object({"url": _URIS}, {})
    | _trees("data", "total", "comment", "children", "url", "id")
)
_PIX_POSTS = _object(
    {
        "id": st.sampled_from(["1", "2"]),
        "uri": _URIS,
        "account": _object({"id": st.just("7")}, {"acct": st.just("u@b.example"), "note": _URIS}),
        "visibility": st.sampled_from(["public", "unlisted", "private"]),
    },
    {
        "local": st.booleans(),
        "reply_count": st.integers(-1, 3),
        "in_reply_to_id": st.none(),
        "created_at": st.datetimes().map(str),
    },
)
_PIX = (
    _object({"data": st.lists(_PIX_POSTS, max_size=4)}, {})
    | _object({"status": _PIX_POSTS}, {})
    | _trees("data", "status", "id", "uri", "account")
)
_BLOG = _object(
    {
        "id": _URIS,
        "type": st.sampled_from(["Note", "Article", "OrderedCollection", "CollectionPage"]),
        "attributedTo": st.just("https://a.example/?author=1"),
        "to": st.just("as:Public"),
    },
    {
        "url": _URIS,
        "inReplyTo": _URIS,
        "context": st.just(LIST),
        "items": st.lists(_URIS, max_size=5),
        "replies": _trees("id", "type", "first", "next", "items"),
        "first": _trees("id", "type", "next", "items"),
        "next": _URIS,
    },
) | _trees("id", "type", "items", "first", "next", "url", "inReplyTo", "context")
_BYTES = st.binary(max_size=60) | st.text(max_size=60).map(str.encode)
FAR = "https://b.example/users/u/statuses/3"
_UNDER = f"{VIDEO}/comments/"
TUBE = [
    threads(comment(1, f"{_UNDER}1", totalReplies=2), comment(2, FAR)) | {"url": VIDEO},
    node(1, node(2, node(3, uri=FAR), uri=f"{_UNDER}2"), uri=f"{_UNDER}1", totalReplies=2),
]
_COMMENT = post(102, "https://a.example/p/ada/102", reply_count=1)
PIX = [
    page(_COMMENT, from_elsewhere(103, FAR)),
    {"status": post(1, POST, reply_count=2)},
    page(*(post(n, f"https://a.example/p/ada/{n}") for n in range(50))),
]
BLOGS = [*notes(BLOG, LIST), *listings(BLOG, LIST)]


def answers(sound: list[Any], wild: st.SearchStrategy[Any]) -> st.SearchStrategy[bytes]:
    """Bodies: sound ones, spoilt, beside wild ones and such that are no JSON."""
    return cases(sound, wild).map(msgspec.json.encode) | _BYTES


class Same(Mapping[str, object]):
    """One answer to whatever is asked."""

    def __init__(self, body: bytes) -> None:
        self._body = body

    def __getitem__(self, _key: str) -> object:
        return self._body

    def __iter__(self) -> Iterator[str]:
        return iter(())

    def __len__(self) -> int:
        return 0


def follow(software: str, body: bytes, start: LookTarget, *, at_most: int = 1) -> int:
    """Asks the host until it has nothing more to be asked; how many looks that took."""
    kind = Software(software, "1")
    todo, done = [start], set[LookTarget]()
    while todo:
        target = todo.pop()
        if target in done or target.host != HOST:
            continue
        done.add(target)
        assert len(done) < 1_000, "asks for ever"
        fake = FakeAsker(HOST, Same(body))
        try:
            reading = run(choose(kind).look(asker(fake), target, kind))
        except TootTailError:
            continue
        finally:
            assert len(fake.asked) <= at_most
            assert fake.strayed == []
        check(reading)
        todo.extend(reading.further)
    return len(done)


def ways(uri: str, *own: tuple[str, str]) -> st.SearchStrategy[LookTarget]:
    """A question that any host may get about ``uri``, or one of the dialect's ``own``."""
    words = [("", ""), ("", "below https://b.example/1"), ("around", ""), ("ap", ""), ("x", "y")]
    words += [("replies", f"{uri}&page=1"), ("thread", LIST)]
    return st.sampled_from([LookTarget(uri, HOST, how, hint) for how, hint in [*words, *own]])


_TUBE_WAYS = ways(VIDEO, (THREADS, "1 0"), (TREE, "1 2"), (THREADS, "1"), (TREE, "../1 2")) | ways(
    f"{VIDEO}/comments/2"
)
_PIX_WAYS = ways(
    POST, (COMMENTS, "7 1 1"), (ELSEWHERE, f"u@b.example 1 {POST}"), (ELSEWHERE, "u@b/../c 1 x")
)
_BLOG_WAYS = ways(
    BLOG,
    ("", f"https://a.example/a-page/ {VIDEO}"),
    ("", "https://b.example/p https://[::1]/q"),
)


@many
@given(answers(TUBE, _TUBE), _TUBE_WAYS)
def test_nothing_that_peertube_answers_does_harm(body: bytes, start: LookTarget) -> None:
    follow("peertube", body, start)


@many
@given(answers(PIX, _PIX), _PIX_WAYS)
def test_nothing_that_pixelfed_answers_does_harm(body: bytes, start: LookTarget) -> None:
    follow("pixelfed", body, start)


@many
@given(answers(BLOGS, _BLOG), _BLOG_WAYS)
def test_nothing_that_wordpress_answers_does_harm(body: bytes, start: LookTarget) -> None:
    follow("wordpress", body, start, at_most=2)


@many
@given(answers(BLOGS, _BLOG), _BLOG_WAYS)
def test_nothing_that_takahe_answers_does_harm(body: bytes, start: LookTarget) -> None:
    follow("takahe", body, start)


def test_full_pages_for_ever_come_to_an_end() -> None:
    threads = [{"id": n, "url": f"{VIDEO}/comments/{n}", "totalReplies": 0} for n in range(1, 101)]
    body = msgspec.json.encode({"data": threads, "total": 2**60})
    assert follow("peertube", body, LookTarget(VIDEO, HOST)) == MOST_THREADS // PAGE
    account = {"id": "7"}
    posts = [
        {"id": str(n), "uri": POST + str(n), "account": account, "visibility": "public"}
        | {"reply_count": 0}
        for n in range(50)
    ]
    body = msgspec.json.encode({"data": posts})
    assert follow("pixelfed", body, LookTarget(POST, HOST, COMMENTS, "7 1 1")) == MOST_PAGES


def test_a_deeply_nested_tree_is_no_trouble() -> None:
    comment = msgspec.json.encode({"id": 1, "url": f"{VIDEO}/comments/1"})
    for depth in (300, 100_000):
        body = b'{"comment":' + comment + b',"children":['
        follow("peertube", body * depth + b"]}" * depth, LookTarget(VIDEO, HOST, TREE, "1 1"))
