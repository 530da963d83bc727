"""Whatever a server answers: errors of our own or a Reading that is safe to follow."""

from __future__ import annotations

from collections.abc import Coroutine, Iterator, Mapping
from typing import Any

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pydantic import SecretStr

from tests.servers.dialects.edge import MASTODON, Canned, FakeAsker, asker
from tests.servers.dialects.spoiling import cases, listings, notes
from toottail.errors import TootTailError
from toottail.servers.dialects import base, choose
from toottail.servers.dialects.activitypub import ActivityPub
from toottail.servers.dialects.mastodon import Mastodon
from toottail.servers.home_sources import read_page
from toottail.servers.homes import HomeClient
from toottail.servers.nodeinfo import Software
from toottail.types.hosts import host_of
from toottail.types.statuses import LookTarget, Reading

HOST = "a.example"
STATUS = "https://a.example/users/u/statuses/1"
many = settings(
    max_examples=500, deadline=None, suppress_health_check=[HealthCheck.too_slow], database=None
)

UUID = "9c9de5e8-0a1e-484a-b099-e80766180a6d"
PROGRAMS = {
    "mastodon": "/users/u/statuses/1",
    "pleroma": f"/objects/{UUID}",
    "akkoma": f"/objects/{UUID}",
    "friendica": f"/objects/{UUID}",
    "hollo": f"/@u/{UUID}",
    "mitra": f"/objects/{UUID}",
    "iceshrimp.net": "/notes/9abcdefghij",
}
"""What is read through the Mastodon API, and how the path of a post looks there."""
TOPIC = "https://a.example/c"


def shown(number: int, above: int | None, host: str = HOST, replies: int = 0) -> dict[str, Any]:
    """A status as the API shows it."""
    return {
        "id": str(number),
        "uri": f"https://{host}/users/u/statuses/{number}",
        "url": f"https://{host}/@u/{number}",
        "in_reply_to_id": str(above) if above else None,
        "replies_count": replies,
        "created_at": "2026-01-02T03:04:05.678Z",
        "visibility": "public",
        "account": {"acct": "u", "note": "hello", "url": f"https://{host}/@u"},
        "reblog": None,
    }


CONTEXT = {
    "ancestors": [shown(90, None, "b.example", 2), shown(91, 90, replies=1)],
    "descendants": [shown(2, 1, replies=3), shown(3, 2, "b.example", 2), shown(4, 1, replies=1)],
}
HOME_ANSWERS: list[object] = [
    CONTEXT,
    [shown(5, None), shown(6, None) | {"reblog": shown(7, None, "b.example")}],
    {"statuses": [shown(8, 5)]},
    {"id": "9", "acct": "u", "username": "u", "scopes": ["read:statuses", "read:search"]},
]
HOWS = (
    ("", ""),
    ("", base.below("https://b.example/users/u/statuses/3")),
    (base.CONTEXT, "1"),
    (base.AROUND, ""),
    (base.AP, ""),
)

_URIS = st.sampled_from(
    [
        STATUS,
        "https://a.example/users/u/statuses/2",
        "https://b.example/users/u/statuses/3",
        "https://a.example/c?page=1",
        "https://127.0.0.1/4",
        "https://[::1]/4",
        "https://router.local/5",
        "https://b.example:8443/6",
        "https://u:p@b.example/7",
        "http://b.example/8",
        "file:///etc/passwd",
        "javascript:alert(1)",
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
    | st.sampled_from(["1", "2", "3", "public", "direct", "Note", "Collection", "as:Public"])
    | st.floats(allow_nan=False, allow_infinity=False)
)
_API_KEYS = st.sampled_from(
    [
        "id",
        "uri",
        "url",
        "in_reply_to_id",
        "replies_count",
        "created_at",
        "visibility",
        "account",
        "reblog",
        "note",
        "acct",
    ]
)
_AP_KEYS = st.sampled_from(
    [
        "id",
        "type",
        "url",
        "published",
        "attributedTo",
        "to",
        "cc",
        "inReplyTo",
        "replies",
        "context",
        "first",
        "next",
        "items",
        "orderedItems",
        "totalItems",
    ]
)


def _trees(keys: st.SearchStrategy[str]) -> st.SearchStrategy[Any]:
    return st.recursive(
        _SCALARS,
        lambda inner: st.lists(inner, max_size=5) | st.dictionaries(keys, inner, max_size=8),
        max_leaves=10,
    )


_API_STATUS = st.fixed_dictionaries(
    {"id": _SCALARS, "uri": _URIS | _SCALARS},
    optional={
        "in_reply_to_id": _SCALARS,
        "replies_count": _SCALARS,
        "visibility": st.sampled_from(["public", "unlisted", "private"]) | _SCALARS,
        "created_at": _SCALARS | st.datetimes().map(str),
        "account": _trees(_API_KEYS),
        "url": _SCALARS,
        "reblog": _trees(_API_KEYS),
    },
)
_API_ITEMS = st.lists(_API_STATUS | _trees(_API_KEYS), max_size=8) | _trees(_API_KEYS)
_CONTEXTS = st.fixed_dictionaries({"ancestors": _API_ITEMS, "descendants": _API_ITEMS})
_NOTES = st.fixed_dictionaries(
    {
        "id": _URIS,
        "type": st.sampled_from(["Note", "Collection", "CollectionPage"]),
        "attributedTo": st.just("https://a.example/u") | _SCALARS,
        "to": st.just("as:Public") | _trees(_AP_KEYS),
        "replies": _trees(_AP_KEYS),
    },
    optional={k: _trees(_AP_KEYS) for k in ("inReplyTo", "first", "next", "items", "context")},
)


def run(question: Coroutine[Any, Any, Any]) -> Any:
    """The result of a coroutine that never waits: the fakes answer at once."""
    try:
        question.send(None)
    except StopIteration as done:
        return done.value
    raise AssertionError("waits for something")


def check(reading: Reading) -> None:
    for status in reading.statuses:
        assert host_of(status.uri) == status.host
        assert status.public
        assert status.parent_uri is None or host_of(status.parent_uri)
        assert status.url is None or host_of(status.url)
    for target in reading.further:
        assert host_of(target.uri)
        assert host_of(f"https://{target.host}/") == target.host
        if target.how in (base.REPLIES, base.THREAD) and target.hint:
            assert host_of(target.hint.partition(" ")[0]) == target.host
    assert all(host_of(uri) for uri in (*reading.listed, *reading.cut_at))


def look(dialect: Mastodon | ActivityPub, documents: Canned, target: LookTarget) -> None:
    fake = FakeAsker(HOST, documents)
    try:
        reading = run(dialect.look(asker(fake), target, MASTODON))
    except TootTailError:
        return
    finally:
        assert len(fake.asked) <= 1
        assert fake.strayed == []
    check(reading)


class Program(Mapping[str, object]):
    """A server with the Mastodon API: how it leads to its ids, and one answer to all else.

    ``uri`` is the path of a post; a page of a post shows Friendica's id, or is where Pleroma leads.
    """

    def __init__(self, uri: str, answer: bytes) -> None:
        self._uri = uri
        self._answer = answer
        self.headers = {"Location": "/notice/9abcdefghij"}

    def __getitem__(self, key: str) -> object:
        shown = key == self._uri.replace("/objects/", "/display/", 1) != self._uri
        return b'<link href="display/feed-item/1.atom"' + self._answer if shown else self._answer

    def __iter__(self) -> Iterator[str]:
        return iter(())

    def __len__(self) -> int:
        return 0


@pytest.mark.parametrize("name", PROGRAMS)
@many
@given(document=cases([CONTEXT], _CONTEXTS | _trees(_API_KEYS)), how=st.sampled_from(HOWS))
def test_no_context_crashes_the_mastodon_dialect(
    name: str, document: object, how: tuple[str, str]
) -> None:
    program = Program(PROGRAMS[name], msgspec.json.encode(document))
    fake = FakeAsker(HOST, program, program.headers)
    software = Software(name, "1.0")
    target = LookTarget(f"https://{HOST}{PROGRAMS[name]}", HOST, *how)
    assert isinstance(choose(software), Mastodon)
    try:
        reading = run(choose(software).look(asker(fake), target, software))
    except TootTailError:
        return
    finally:
        assert 1 <= len(fake.asked) <= 3
        assert fake.strayed == []
    check(reading)


@many
@given(
    cases([*notes(STATUS, TOPIC), *listings(STATUS, TOPIC)], _NOTES | _trees(_AP_KEYS)),
    st.sampled_from(["", "ap", "replies", "thread", "ap:replies"]),
)
def test_no_document_crashes_the_activitypub_dialect(document: object, how: str) -> None:
    body = msgspec.json.encode(document)
    hint = "https://a.example/c?page=1" if ":" in how or how in ("replies", "thread") else ""
    documents = {"/users/u/statuses/1": body, "/c": body}
    look(ActivityPub(), documents, LookTarget(STATUS, HOST, how, hint))


@many
@given(st.binary(max_size=60) | st.text(max_size=60).map(str.encode))
def test_no_bytes_crash_a_dialect(body: bytes) -> None:
    target = LookTarget(STATUS, HOST)
    look(Mastodon(), {"/api/v1/statuses/1/context": body}, target)
    look(ActivityPub(), {"/users/u/statuses/1": body}, target)


@many
@given(cases(HOME_ANSWERS, _API_ITEMS | _CONTEXTS), st.text(max_size=40), st.text(max_size=40))
def test_no_answer_crashes_the_home_client(document: object, link: str, refresh: str) -> None:
    body = msgspec.json.encode(document)
    paths = (
        "/api/v1/timelines/home /api/v1/statuses/1/context /api/v2/search "
        "/api/v1/accounts/verify_credentials /api/v1/apps/verify_credentials"
    )
    headers = {"Link": f'<{link}>; rel="next"', "Mastodon-Async-Refresh": f'id="{refresh}",retry=9'}
    fake = FakeAsker(HOST, dict.fromkeys(paths.split(), body), headers)
    client = HomeClient(asker(fake), SecretStr("t"), "m", Software("mastodon", "4.5"))

    async def everything() -> None:
        for ask in (
            read_page(client, "home"),
            client.context("1"),
            client.resolve(STATUS),
            client.verify(),
            client.app_scopes(),
        ):
            try:
                await ask
            except TootTailError:
                continue

    run(everything())
