"""Whatever Lemmy, PieFed or Mbin answer: errors of our own or a Reading that is safe to follow."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.servers.dialects.edge import FakeAsker, asker
from tests.servers.dialects.spoiling import cases
from tests.servers.dialects.test_hostile_answers import run
from tests.servers.dialects.test_lemmy import view
from tests.servers.dialects.test_mbin import item, pages
from tests.servers.dialects.test_piefed import branch
from toottail.errors import TootTailError
from toottail.servers.dialects import base, choose
from toottail.servers.dialects.collections import PAGES_AT_MOST
from toottail.servers.dialects.communities import BRANCH, POST_THREAD
from toottail.servers.dialects.lemmy import _PAGES_AT_MOST, PAGE, TREE
from toottail.servers.nodeinfo import Software
from toottail.types.hosts import host_of
from toottail.types.statuses import LookTarget, Reading

HOST = "a.example"
SOFTWARE = {
    "lemmy": (Software("lemmy", "0.19.20"), Software("lemmy", "1.0.0")),
    "piefed": (Software("piefed", "1.6.18"),),
    "mbin": (Software("mbin", "1.10.1"), Software("kbin", "0.10.1")),
}
ALL = [software for some in SOFTWARE.values() for software in some]
many = settings(
    max_examples=500, deadline=None, suppress_health_check=[HealthCheck.too_slow], database=None
)

_URIS = st.sampled_from(
    [
        *(f"https://{HOST}{path}" for path in ("/post/7", "/comment/11", "/m/talk/t/7", "/c/talk")),
        "https://b.example/post/1",
        "https://b.example/c/talk",
        "https://127.0.0.1/4",
        "https://router.local/5",
        "https://b.example:8443/6",
        "http://b.example/8",
        "file:///etc/passwd",
        "https://b.example/\n10",
        "",
    ]
)
_SCALARS = (
    st.none()
    | st.booleans()
    | st.integers(-2, 2**70)
    | st.text(max_size=3)
    | _URIS
    | st.sampled_from(["0.7.11", "0.11", "0", "0.99999999999999999999", "visible", "LocalOnly"])
    | st.floats(allow_nan=False, allow_infinity=False)
)
_WORDS = """
comment comments items post post_view community creator counts replies next_page id ap_id path
published deleted removed child_count bio actor_id visibility commentId entryId postId parentId
apId apProfileId createdAt magazine name children childCount pagination currentPage maxPage
type inReplyTo attributedTo to first next
"""
_KEYS = st.sampled_from(_WORDS.split())
_TREES: st.SearchStrategy[Any] = st.recursive(
    _SCALARS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(_KEYS, inner, max_size=3),
    max_leaves=6,
)
_IDS = st.sampled_from([7, 11, 12]) | _SCALARS
_POSTS = st.fixed_dictionaries({"id": _IDS, "ap_id": _URIS}) | _TREES
_PATHS = st.sampled_from(["0.11", "0.7", "0.11.12", "0.12.12", "0.12.11.12"]) | _SCALARS
_VIEWS: st.SearchStrategy[Any] = st.deferred(
    lambda: st.fixed_dictionaries(
        {
            "comment": st.fixed_dictionaries({"id": _IDS, "ap_id": _URIS, "path": _PATHS}) | _TREES,
            "post": _POSTS,
        },
        optional={
            "counts": _TREES,
            "creator": _TREES,
            "community": st.fixed_dictionaries({"actor_id": _URIS}) | _TREES,
            "replies": st.lists(_VIEWS, max_size=2) | _TREES,
        },
    )
)
_ITEMS: st.SearchStrategy[Any] = st.deferred(
    lambda: st.fixed_dictionaries(
        {"commentId": _IDS, "entryId": _IDS, "apId": st.none() | _URIS},
        optional={
            "parentId": _IDS,
            "visibility": st.just("visible") | _SCALARS,
            "magazine": st.fixed_dictionaries({"name": _SCALARS, "apProfileId": _URIS}) | _TREES,
            "children": st.lists(_ITEMS, max_size=2) | _TREES,
            "childCount": _SCALARS,
        },
    )
)
_LISTS = st.fixed_dictionaries(
    {"comments": st.lists(_VIEWS | _TREES, max_size=3)},
    optional={"items": st.lists(_ITEMS | _VIEWS, max_size=3), "next_page": _SCALARS},
)
_PAGES = st.fixed_dictionaries(
    {"items": st.lists(_ITEMS | _TREES, max_size=3)},
    optional={"pagination": st.fixed_dictionaries({"currentPage": _IDS, "maxPage": _IDS})},
)
_TARGETS = st.sampled_from(
    [
        *(
            LookTarget(f"https://{HOST}{path}", HOST, how)
            for path in ("/post/7", "/comment/11", "/m/talk/t/7", "/m/talk/t/7/-/comment/11")
            for how in ("", base.AROUND)
        ),
        LookTarget("https://b.example/post/1", HOST, POST_THREAD),
        LookTarget(f"https://{HOST}/post/7", HOST, POST_THREAD, "7 1"),
        LookTarget(f"https://{HOST}/post/7", HOST, POST_THREAD, "7 3 abc"),
        LookTarget(f"https://{HOST}/m/talk/t/7", HOST, POST_THREAD, "t7 1"),
        LookTarget(f"https://{HOST}/m/talk/t/7", HOST, BRANCH, "t11"),
        LookTarget(f"https://{HOST}/post/7", HOST, BRANCH, "nonsense 0 ?"),
    ]
)


class Everything(dict[str, object]):
    """The same answer to every question."""

    def __init__(self, answer: object) -> None:
        super().__init__()
        self._answer = answer

    def get(self, key: str, default: object = None) -> Any:
        return self._answer


def check(reading: Reading, target: LookTarget) -> None:
    for status in reading.statuses:
        assert host_of(status.uri) == status.host
        assert status.public
        assert status.parent_uri != status.uri
        assert status.parent_uri is None or host_of(status.parent_uri)
    for question in reading.further:
        assert host_of(question.uri)
        assert host_of(f"https://{question.host}/") == question.host
        assert question != target, "the same question again"


def look(software: Software, answer: bytes, target: LookTarget) -> None:
    fake = FakeAsker(HOST, Everything(answer))
    try:
        reading = run(choose(software).look(asker(fake), target, software))
    except TootTailError:
        return
    finally:
        assert len(fake.asked) <= 2 + _PAGES_AT_MOST
        assert fake.strayed == []
    check(reading, target)


_FOUND = {"post_view": view("0.11"), "comment_view": view("0.11"), "id": 7, "type": "Page"}
_TREE = item(11, item(12, item(13), apId="https://b.example/comment/5"), childCount=9)
SOUND: list[object] = [
    _FOUND | {key: [view("0.11"), view("0.11.12", "https://b.example/5"), view("0.11.12.13")]}
    for key in ("comments", "items")
]
SOUND += [
    _FOUND | {"comments": [branch("0.11", branch("0.11.12"), top=True)], "next_page": "14"},
    pages([_TREE, item(14)], last=3),
    _TREE,
]
each_program = pytest.mark.parametrize(
    "software", ALL, ids=lambda software: f"{software.name}-{software.version}"
)


@each_program
@many
@given(answer=cases(SOUND, _LISTS | _PAGES | _ITEMS | _TREES), target=_TARGETS)
def test_no_answer_crashes_a_dialect_of_communities(
    software: Software, answer: object, target: LookTarget
) -> None:
    look(software, msgspec.json.encode(answer), target)


@each_program
@many
@given(
    answer=st.binary(max_size=60) | st.text(max_size=60).map(str.encode),
    target=_TARGETS,
)
def test_no_bytes_crash_a_dialect_of_communities(
    software: Software, answer: bytes, target: LookTarget
) -> None:
    look(software, answer, target)


@pytest.mark.parametrize("software", SOFTWARE["lemmy"], ids=lambda software: software.version)
def test_a_lemmy_whose_pages_never_end_is_left_after_some(software: Software) -> None:
    full = TREE if software.at_least(1) else PAGE

    class Endless(dict[str, object]):
        pages = 0

        def get(self, key: str, default: object = None) -> Any:
            self.pages += 1
            numbers = range(1000 * self.pages, 1000 * self.pages + full)
            views = [
                {
                    "comment": {
                        "id": n,
                        "ap_id": f"https://b.example/comment/{n}",
                        "path": f"0.{n}",
                    }
                }
                for n in numbers
            ]
            return {"comments": views, "items": views, "next_page": f"c{self.pages}"}

    fake = FakeAsker(HOST, Endless())
    target = LookTarget(f"https://{HOST}/post/7", HOST, POST_THREAD, "7 1")
    reading = run(choose(software).look(asker(fake), target, software))
    assert 30 < len(fake.asked) <= _PAGES_AT_MOST
    assert reading.further == ()


@pytest.mark.parametrize("software", ALL[2:], ids=lambda software: software.name)
def test_pages_that_are_questions_of_their_own_come_to_an_end(software: Software) -> None:
    uri = f"https://{HOST}/{'m/talk/t/7' if software in SOFTWARE['mbin'] else 'post/7'}"
    hint, asked = "t7 1" if software in SOFTWARE["mbin"] else "7 1", 0
    while hint and asked <= PAGES_AT_MOST:
        number, asked = 100 + asked, asked + 1
        told = {"currentPage": asked + 1, "maxPage": 2**60}
        mbin = {"items": [item(number), view(f"0.{number}")], "pagination": told}
        answer = mbin | {"comments": [view(f"0.{number}")], "next_page": f"c{asked}"}
        fake = FakeAsker(HOST, Everything(answer))
        target = LookTarget(uri, HOST, POST_THREAD, hint)
        reading = run(choose(software).look(asker(fake), target, software))
        assert reading.statuses
        hint = next((t.hint for t in reading.further if t.how == POST_THREAD), "")
    assert 10 < asked < PAGES_AT_MOST


def test_pages_of_endless_paths_are_left_before_they_fill_the_memory() -> None:
    path = "0." + "9999." * 390

    class Fat(dict[str, object]):
        pages = 0

        def get(self, key: str, default: object = None) -> Any:
            self.pages += 1
            numbers = range(10_000 * self.pages, 10_000 * self.pages + 3_000)
            return {
                "comments": [
                    {"comment": {"id": n, "ap_id": f"https://{HOST}/{n}", "path": f"{path}{n}"}}
                    for n in numbers
                ]
            }

    fake = FakeAsker(HOST, Fat())
    target = LookTarget(f"https://{HOST}/post/7", HOST, POST_THREAD, "7 1")
    reading = run(choose(ALL[0]).look(asker(fake), target, ALL[0]))
    assert len(fake.asked) <= 3
    assert 0 < len(reading.statuses) < 3_000


async def test_the_pages_of_a_host_that_wants_pauses_are_not_waited_for_all_day() -> None:
    class Slow(FakeAsker):
        def pause(self) -> float:
            return 30.0

    class Endless(dict[str, object]):
        pages = 0

        def get(self, key: str, default: object = None) -> Any:
            self.pages += 1
            numbers = range(1000 * self.pages, 1000 * self.pages + 50)
            own = f"https://{HOST}/comment/"
            views = [{"id": n, "ap_id": f"{own}{n}", "path": f"0.{n}"} for n in numbers]
            return {"comments": [{"comment": view} for view in views]}

    fake = Slow(HOST, Endless())
    target = LookTarget(f"https://{HOST}/post/7", HOST, POST_THREAD, "7 1")
    reading = await choose(ALL[0]).look(asker(fake), target, ALL[0])
    assert len(fake.asked) == 10
    assert len(reading.statuses) == 500


def test_cut_trees_of_comments_without_a_uri_lead_to_a_bounded_number_of_questions() -> None:
    leaf: dict[str, Any] = {"apId": "", "childCount": 1}
    tree: Any = [leaf | {"commentId": n} for n in range(1, 20_000)]
    for number in range(30_000, 30_025):
        tree = [{"commentId": number, "apId": f"https://{HOST}/{number}", "children": tree}]
    fake = FakeAsker(HOST, {"/api/entry/7/comments": {"items": tree}})
    software = SOFTWARE["mbin"][0]
    target = LookTarget(f"https://{HOST}/m/talk/t/7", HOST, POST_THREAD, "t7")
    reading = run(choose(software).look(asker(fake), target, software))
    assert 0 < len(reading.further) <= 1_001
