"""Whatever a server answers that says it is Misskey: an error of our own, or a safe Reading."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from tests.servers.dialects.edge import Canned, FakeAsker, asker
from tests.servers.dialects.spoiling import cases
from tests.servers.dialects.test_hostile_answers import run
from tests.servers.dialects.test_misskey import note, remote
from toottail.errors import TootTailError
from toottail.servers.dialects import base
from toottail.servers.dialects.misskey import ABOVE, Misskey
from toottail.servers.dialects.note_trees import BRANCH, MANY
from toottail.servers.nodeinfo import Software
from toottail.types.hosts import host_of
from toottail.types.statuses import LookTarget, Reading

HOST = "a.example"
NOTE = f"https://{HOST}/notes/9abcde0001"
many = settings(
    max_examples=500, deadline=None, suppress_health_check=[HealthCheck.too_slow], database=None
)

_IDS = st.sampled_from([f"9abcde000{n}" for n in range(8)] + ["", "a b", "../x", "9" * 200, "é"])
_URIS = st.sampled_from(
    [
        NOTE,
        "https://a.example/notes/9abcde0002",
        "https://b.example/notes/9abcde0003",
        "https://127.0.0.1/notes/4",
        "https://[::1]/4",
        "https://router.local/5",
        "https://b.example:8443/6",
        "https://u:p@b.example/7",
        "http://b.example/8",
        "javascript:alert(1)",
        "https://b.example/\n9",
        "",
    ]
)
_SCALARS = (
    st.none()
    | st.booleans()
    | st.integers(-5, 2**70)
    | st.text(max_size=4)
    | _URIS
    | _IDS
    | st.floats(allow_nan=False, allow_infinity=False)
)
_KEYS = st.sampled_from(
    [
        "id",
        "uri",
        "url",
        "replyId",
        "reply",
        "renoteId",
        "repliesCount",
        "visibility",
        "user",
        "host",
        "error",
    ]
)
_TREES = st.recursive(
    _SCALARS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(_KEYS, inner, max_size=4),
    max_leaves=6,
)
_HOSTS: st.SearchStrategy[Any] = st.sampled_from(
    [{"host": None}, {"host": "b.example"}, {}, None, 5, {"host": []}]
)


def _notes(reply: st.SearchStrategy[Any]) -> st.SearchStrategy[dict[str, Any]]:
    return st.fixed_dictionaries(
        {"id": _IDS | _SCALARS, "user": _HOSTS},
        optional={
            "uri": _URIS | _SCALARS,
            "url": _URIS | _SCALARS,
            "replyId": _IDS | _SCALARS,
            "reply": reply,
            "visibility": st.sampled_from(["public", "home", "followers"]) | _SCALARS,
            "repliesCount": st.integers(0, 300) | _SCALARS,
            "localOnly": _SCALARS,
            "isHidden": _SCALARS,
            "createdAt": _SCALARS | st.datetimes().map(str),
        },
    )


_NOTES = _notes(_notes(_SCALARS))
_LISTINGS = st.lists(_NOTES | _TREES, max_size=5) | _TREES
each_of_the_family = pytest.mark.parametrize(
    "software",
    [Software(name, "1") for name in ("misskey", "sharkey", "firefish")],
    ids=lambda software: software.name,
)
"""One for each way in which the forks differ."""
SOUND = [
    [note(4, 1, 2), remote(3, 1, 1), note(2, 1)],
    [note(2, 1, 1), note(5, 2, 120), remote(6, 5), note(7, 6, user={"host": None})],
    [note(4, 3), remote(3, 2), note(2)],
]
"""Direct replies, a tree, and what is above."""
_HINTS = st.sampled_from(
    [
        "9abcde0001 7 whole tree",
        "9abcde0001 900 own page 9abcde0007",
        "9abcde0001 0",
        "9abcde0001 0 https://b.example/notes/9abcde0003",
        "",
        "9abcde0001",
        "../x 9 whole",
        "9abcde0001 99999999999999999999 whole",
        "9abcde0001 ² whole",
    ]
)


def check(reading: Reading) -> None:
    for status in reading.statuses:
        assert host_of(status.uri) == status.host
        assert status.public
        assert status.parent_uri is None or host_of(status.parent_uri)
        assert status.url is None or host_of(status.url)
    for target in reading.further:
        assert host_of(target.uri)
        assert host_of(f"https://{target.host}/") == target.host
        assert len(target.hint) < 2500
    assert len(set(reading.further)) == len(reading.further)


def look(documents: Canned, target: LookTarget, software: Software) -> Reading | None:
    """At most one request, to the API or for the note itself."""
    fake = FakeAsker(HOST, documents)
    try:
        reading: Reading = run(Misskey().look(asker(fake), target, software))
    except TootTailError:
        return None
    finally:
        assert len(fake.asked) <= 1
        assert fake.strayed == []
        assert all(path.startswith(("/api/notes/", "/notes/")) for path in fake.asked)
    check(reading)
    return reading


def everywhere(body: bytes) -> Canned:
    paths = ["show", "replies", "children", "conversation"]
    return {f"/api/notes/{path}": body for path in paths} | {"/notes/9abcde0001": body}


@each_of_the_family
@many
@given(
    document=cases([note(1, None, 3), note(1, 2, 3, reply=note(2))], _NOTES | _TREES),
    hint=st.sampled_from(["", base.below("https://b.example/1"), "x y"]),
)
def test_no_note_crashes_the_dialect(software: Software, document: object, hint: str) -> None:
    look(everywhere(msgspec.json.encode(document)), LookTarget(NOTE, HOST, "", hint), software)


@each_of_the_family
@many
@given(
    document=cases(SOUND, _LISTINGS),
    how=st.sampled_from([BRANCH, ABOVE, base.REPLIES, base.AROUND]),
    hint=_HINTS,
)
def test_no_listing_crashes_the_dialect(
    software: Software, document: object, how: str, hint: str
) -> None:
    look(everywhere(msgspec.json.encode(document)), LookTarget(NOTE, HOST, how, hint), software)


@each_of_the_family
@many
@given(body=st.binary(max_size=60) | st.text(max_size=60).map(str.encode))
@example(body=b"[" * 100_000)
@example(body=b'[{"id":"9abcde0002","replyId":' + b"[" * 100_000)
def test_no_bytes_crash_the_dialect(software: Software, body: bytes) -> None:
    for how, hint in (("", ""), (BRANCH, "9abcde0001 7 whole tree"), (ABOVE, "9abcde0001 0")):
        look(everywhere(body), LookTarget(NOTE, HOST, how, hint), software)


def test_no_listing_goes_on_for_ever() -> None:
    """A server that always has a full page of older notes, and counts more than there could be."""
    hint, asked = f"9abcde0001 {'9' * 25} whole page", 0
    while hint:
        newest = 10**9 - asked * 100
        page = [
            {"id": f"9{newest - n:09d}", "replyId": "9abcde0001", "visibility": "public"}
            | {"user": {}, "repliesCount": 0}
            for n in range(100)
        ]
        documents = everywhere(msgspec.json.encode(page))
        reading = look(documents, LookTarget(NOTE, HOST, BRANCH, hint), Software("misskey", "1"))
        asked += 1
        assert asked <= MANY // 90
        hint = next((t.hint for t in reading.further if t.uri == NOTE), "") if reading else ""
    assert asked == MANY // 100
