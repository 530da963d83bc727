"""PieFed's own API as an origin's dialect."""

from __future__ import annotations

from typing import Any

import pytest

from tests.servers.dialects.edge import FakeAsker, Reader, asker
from tests.servers.dialects.test_lemmy import HOST, OTHER, own, post, tree_of, view
from toottail.errors import StatusError
from toottail.servers.dialects import base, choose
from toottail.servers.dialects.communities import POST_THREAD
from toottail.servers.nodeinfo import Software
from toottail.simulator import worlds
from toottail.types.statuses import LookTarget, Reading

PIEFED = Software("piefed", "1.6.18")
POST = f"https://{HOST}/c/talk/p/7/a-title"
LIST = "/api/alpha/post/replies?post_id=7&sort=Old&limit=100"


def branch(path: str, *below: dict[str, Any], top: bool = False, uri: str = "") -> dict[str, Any]:
    made = view(path, uri, of=post(POST))
    if not top:
        del made["post"], made["community"]
    return made | {"replies": list(below)}


async def look(
    documents: dict[str, object], target: LookTarget, host: str = HOST
) -> tuple[Reading, FakeAsker]:
    fake = FakeAsker(host, documents)
    return await choose(PIEFED).look(asker(fake), target, PIEFED), fake


async def test_branches_are_read_to_their_ends() -> None:
    theirs = f"https://{OTHER}/users/v/statuses/5"
    nested = branch("0.11", branch("0.11.12", branch("0.11.12.13"), uri=theirs), top=True)
    documents: dict[str, object] = {LIST: {"comments": [nested, branch("0.14", top=True)]}}
    reading, fake = await look(documents, LookTarget(POST, HOST))
    assert tree_of(reading) == {
        POST: None,
        own(11): POST,
        own(14): POST,
        theirs: own(11),
        own(13): theirs,
    }
    assert reading.further == ()
    assert fake.asked == [LIST]


async def test_the_next_page_is_a_question_of_its_own() -> None:
    documents: dict[str, object] = {
        LIST: {"comments": [branch("0.11", top=True)], "next_page": "14"},
        f"{LIST}&page=14": {"comments": [branch("0.14", branch("0.14.15"), top=True)]},
    }
    reading, _ = await look(documents, LookTarget(POST, HOST))
    (question,) = reading.further
    assert question == LookTarget(POST, HOST, POST_THREAD, "7 1 14")
    reading, _ = await look(documents, question)
    assert tree_of(reading) == {own(14): POST, own(15): own(14)}
    assert reading.further == ()


async def test_a_listing_that_names_itself_or_nothing_as_its_next_page_ends() -> None:
    page = {"comments": [branch("0.14", top=True)], "next_page": "14"}
    target = LookTarget(POST, HOST, POST_THREAD, "7 1 14")
    for answer in (
        page,
        page | {"next_page": 15},
        page | {"next_page": "a b"},
        {"next_page": "15"},
    ):
        reading, _ = await look({f"{LIST}&page=14": answer}, target)
        assert reading.further == ()
    last = LookTarget(POST, HOST, POST_THREAD, "7 199 14")
    reading, _ = await look({f"{LIST}&page=14": page | {"next_page": "15"}}, last)
    assert reading.further == ()


@pytest.mark.parametrize("path", ["/post/7", "/c/talk@b.example/p/7/x", "/c/talk/p/7"])
async def test_every_kind_of_post_id_is_known(path: str) -> None:
    uri = f"https://{HOST}{path}"
    comment = view("0.11", of=post(uri))
    reading, _ = await look({LIST: {"comments": [comment]}}, LookTarget(uri, HOST))
    assert tree_of(reading) == {uri: None, own(11): uri}


async def test_a_comment_that_is_asked_first_leads_to_its_post() -> None:
    inner = branch("0.11.12", top=True)
    whole = branch("0.11", branch("0.11.12"), branch("0.11.13"), top=True)
    documents: dict[str, object] = {
        "/api/alpha/post/replies?parent_id=12&sort=Old&limit=100": {"comments": [inner]},
        "/api/alpha/post/replies?parent_id=11&sort=Old&limit=100": {"comments": [whole]},
    }
    reading, _ = await look(documents, LookTarget(own(12), HOST))
    assert tree_of(reading) == {POST: None, own(11): POST, own(12): own(11), own(13): own(11)}


async def test_a_deleted_comment_is_left_out() -> None:
    gone = branch("0.11", branch("0.11.12"), top=True)
    gone["comment"] |= {"deleted": False, "removed": True}
    reading, _ = await look({LIST: {"comments": [gone]}}, LookTarget(POST, HOST))
    assert tree_of(reading) == {POST: None, own(12): own(11)}


async def test_a_post_that_came_from_elsewhere_is_found_by_its_uri() -> None:
    uri = f"https://{OTHER}/post/1"
    documents: dict[str, object] = {
        "/api/alpha/resolve_object": {"post": {"post": post(uri), "community": {}}},
        LIST: {"comments": [view("0.11", of=post(uri))]},
    }
    reading, _ = await look(documents, LookTarget(uri, HOST, POST_THREAD))
    assert tree_of(reading) == {own(11): uri}


async def test_an_api_that_is_switched_off_leaves_activitypub() -> None:
    answer = StatusError(HOST, 400, "answered 400")
    reading, _ = await look({"/api/alpha/post/replies": answer}, LookTarget(POST, HOST))
    assert reading.further == (LookTarget(POST, HOST, base.AP),)


async def test_branches_within_branches_without_end_cost_little() -> None:
    nested = branch("0.11")
    for _ in range(400):
        nested = branch("0.11", nested)
    reading, _ = await look({LIST: {"comments": [nested]}}, LookTarget(POST, HOST))
    assert reading.statuses


async def test_a_simulated_thread_of_three_levels_becomes_whole() -> None:
    made = worlds.build("levels", seed=1, now=1.7e9, replies=300, origin="piefed")
    root = made.timeline[0].status.root
    reader = Reader(made)
    await reader.read(root)
    below = [status for status in root.branch() if status.parent is not None]
    assert {s.uri: s.parent.uri for s in below if s.parent} == reader.parents
    assert reader.requests.total() == 4
