"""Hostile answers that get far: sound ones, spoilt in a few places, beside wild ones.

A wild document is nearly always refused as a whole, at the first thing that is looked at. In a
sound one with a few odd parts all the rest is read, and what is odd is met deep inside.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from copy import deepcopy
from typing import Any

from hypothesis import strategies as st

HOSTILE: list[Any] = [
    "https://a.example/post/2",
    "https://a.example/users/u/statuses/1",
    "https://b.example/users/u/statuses/3",
    "https://127.0.0.1/4",
    "https://[::1]/4",
    "https://0x7f.1/4",
    "https://router.local/5",
    "https://b.example:8443/6",
    "https://u:p@b.example/7",
    "http://b.example/8",
    "file:///etc/passwd",
    "javascript:alert(1)",
    "//b.example/9",
    "https://b.example/\n10",
    "https://a.example/" + "x" * 3000,
    "u@b.example",
    "u@b/../c",
    "../1",
    "",
    "1",
    "a b",
    "é",
    "9" * 200,
    "public",
    "direct",
    "0.12.11.12",
    "0.99999999999999999999",
    "OrderedCollection",
    "Tombstone",
    "as:Public",
    None,
    True,
    -1,
    0,
    7,
    2**70,
    1.5,
    [],
    {},
    [[[]]],
    ["https://b.example/users/u/statuses/3"],
    {"id": "https://b.example/users/u/statuses/3", "type": "Note"},
    {"host": None},
]
_Spoil = Callable[[Any, Any], None]


def _remove(container: Any, key: Any) -> None:
    del container[key]


def _repeat(container: Any, key: Any) -> None:
    if isinstance(container, list):
        container.append(deepcopy(container[key]))
    else:
        container[key] = [container[key], deepcopy(container[key])]


def _put(value: object) -> _Spoil:
    def put(container: Any, key: Any) -> None:
        container[key] = deepcopy(value)

    return put


_SPOILS: list[_Spoil] = [*map(_put, HOSTILE), *[_remove] * 6, *[_repeat] * 4]


@st.composite
def cases(draw: st.DrawFn, sound: Sequence[object], wild: st.SearchStrategy[Any]) -> Any:
    """One of ``sound`` (JSON values) with up to four places spoilt; each fifth case is ``wild``."""
    if draw(st.integers(0, 4)) == 0:
        return draw(wild)
    document = deepcopy(draw(st.sampled_from(sound)))
    for number in draw(st.lists(st.integers(0, 10_000), max_size=4)):
        places = list(_places(document))
        if places:
            container, key = places[number % len(places)]
            draw(st.sampled_from(_SPOILS))(container, key)
    return document


def _places(value: object) -> Iterator[tuple[Any, Any]]:
    """Each value inside ``value``, as what holds it and under which key."""
    pairs: Sequence[tuple[Any, Any]] = []
    if isinstance(value, dict):
        pairs = list(value.items())
    elif isinstance(value, list):
        pairs = list(enumerate(value))
    for key, inner in pairs:
        yield value, key
        yield from _places(inner)


def notes(uri: str, topic: str) -> list[Any]:
    """Sound ActivityPub posts with the id ``uri``, in the conversation ``topic`` of their host."""
    host = uri.split("/")[2]
    foreign = "https://b.example/users/u/statuses/3"

    def note(own: str, parent: str | None = None, **more: object) -> dict[str, Any]:
        made = {"id": own, "type": "Note", "attributedTo": f"https://{host}/uid/1"}
        return made | {"to": ["as:Public"], "url": own, "inReplyTo": parent} | more

    below = [f"https://{host}/post/2", foreign, note(f"https://{host}/post/4", uri)]
    page = {"type": "CollectionPage", "next": f"{uri}/replies?page=2", "items": below}
    replies = {"id": f"{uri}/replies", "type": "Collection", "totalItems": 9, "first": page}
    return [
        note(uri, context=topic, replies=replies, published="2026-01-02T03:04:05Z"),
        note(uri, foreign, context=topic, replies=f"{uri}/replies", type="Article"),
        note(uri, f"https://{host}/post/9", contextHistory=topic, replies={**replies, "first": ""}),
    ]


def listings(uri: str, topic: str) -> list[Any]:
    """Sound collections: of replies to ``uri``, and of ``topic`` as posts and as activities."""
    host = uri.split("/")[2]
    (root, reply, other) = notes(uri, topic)
    own = reply | {"id": f"https://{host}/post/5", "inReplyTo": uri}
    foreign = other | {"id": "https://b.example/n/6", "attributedTo": "https://b.example/u"}
    items = [uri, f"https://{host}/post/2", own, "https://b.example/users/u/statuses/3", foreign]
    page = {"type": "OrderedCollectionPage", "orderedItems": items, "partOf": topic}
    made = [{"type": "Create", "object": item} for item in (root, own)]
    made += [
        {"type": "Add", "object": f"https://{host}/post/2"},
        {"type": "Add", "object": foreign},
    ]
    return [
        page | {"id": topic, "next": f"{topic}?page=2", "first": f"{topic}?page=1"},
        {"id": topic, "type": "OrderedCollection", "totalItems": 4, "orderedItems": made},
        {
            "id": topic,
            "type": "Collection",
            "totalItems": 9,
            "first": page | {"next": f"{uri}?p=2"},
        },
    ]
