"""Mbin's own API as an origin's dialect."""

from __future__ import annotations

from typing import Any

import pytest

from tests.servers.dialects.edge import FakeAsker, Reader, asker
from toottail.errors import Forbidden
from toottail.servers.dialects import base, choose
from toottail.servers.dialects.communities import BRANCH, POST_THREAD
from toottail.servers.nodeinfo import Software
from toottail.simulator import worlds
from toottail.types.statuses import LookTarget, Reading

HOST, OTHER = "a.example", "b.example"
MBIN = Software("mbin", "1.10.1")
POST = f"https://{HOST}/m/talk/t/7"
LIST = "/api/entry/7/comments?d=25&sortBy=oldest&p={page}&perPage=100"


def item(number: int, *below: dict[str, Any], parent: int | None = None, **more: Any) -> Any:
    for child in below:
        child["parentId"] = number
    return {
        "commentId": number,
        "entryId": 7,
        "parentId": parent,
        "magazine": {"name": "talk", "apProfileId": f"https://{HOST}/m/talk"},
        "apId": None,
        "visibility": "visible",
        "createdAt": "2026-01-02T03:04:05+00:00",
        "childCount": len(below),
        "children": list(below),
    } | more


def pages(items: list[Any], page: int = 1, last: int = 1) -> dict[str, Any]:
    told = {"count": 150, "currentPage": page, "maxPage": last, "perPage": 100}
    return {"items": items, "pagination": told}


def own(number: int) -> str:
    return f"https://{HOST}/m/talk/t/7/-/comment/{number}"


async def look(
    documents: dict[str, object], target: LookTarget, software: Software = MBIN
) -> tuple[Reading, FakeAsker]:
    fake = FakeAsker(HOST, documents)
    return await choose(software).look(asker(fake), target, software), fake


def tree_of(reading: Reading) -> dict[str, str | None]:
    return {status.uri: status.parent_uri for status in reading.statuses}


@pytest.mark.parametrize("software", ["mbin", "kbin"])
async def test_comments_of_the_server_itself_get_the_ids_that_they_have(software: str) -> None:
    theirs = f"https://{OTHER}/comment/5"
    trees = [item(11, item(12, item(13), apId=theirs))]
    documents: dict[str, object] = {LIST.format(page=1): pages(trees)}
    reading, fake = await look(documents, LookTarget(POST, HOST), Software(software, "1.10.1"))
    assert tree_of(reading) == {POST: None, own(11): POST, theirs: own(11), own(13): theirs}
    assert reading.further == ()
    assert fake.options[0]["allowances"] == ("anonymous", "mbin")


async def test_comments_in_a_magazine_of_another_host_have_its_name_in_their_ids() -> None:
    magazine = {"name": "talk@b.example", "apProfileId": f"https://{OTHER}/c/talk"}
    post = f"https://{HOST}/m/talk@b.example/t/7"
    documents: dict[str, object] = {LIST.format(page=1): pages([item(11, magazine=magazine)])}
    reading, _ = await look(documents, LookTarget(post, HOST))
    assert tree_of(reading) == {post: None, f"{post}/-/comment/11": post}
    assert reading.further == (LookTarget(post, OTHER, POST_THREAD),)


async def test_microblog_posts_have_addresses_of_their_own() -> None:
    post = f"https://{HOST}/m/talk/p/7"
    comment = item(11, entryId=None, postId=7)
    path = "/api/posts/7/comments?d=25&sort=oldest&p=1&perPage=100"
    reading, _ = await look({path: pages([comment])}, LookTarget(post, HOST))
    assert tree_of(reading) == {post: None, f"{post}/-/reply/11": post}


async def test_further_pages_are_questions_of_their_own() -> None:
    documents: dict[str, object] = {
        LIST.format(page=1): pages([item(11)], 1, 2),
        LIST.format(page=2): pages([item(12)], 2, 2),
    }
    reading, _ = await look(documents, LookTarget(POST, HOST))
    (question,) = reading.further
    assert question == LookTarget(POST, HOST, POST_THREAD, "t7 1")
    reading, _ = await look(documents, question)
    assert tree_of(reading) == {own(12): POST}
    assert reading.further == ()


async def test_a_listing_that_says_the_same_page_again_ends() -> None:
    documents: dict[str, object] = {"/api/entry/7/comments": pages([item(11)], 1, 99)}
    reading, _ = await look(documents, LookTarget(POST, HOST, POST_THREAD, "t7 1"))
    assert reading.further == ()


async def test_a_tree_that_is_cut_at_its_deepest_is_asked_for_from_there() -> None:
    tree = item(125, childCount=1)
    for number in range(124, 99, -1):
        tree = item(number, tree)
    reading, _ = await look({LIST.format(page=1): pages([tree])}, LookTarget(POST, HOST))
    assert len(reading.statuses) == 27
    assert reading.further == (LookTarget(POST, HOST, BRANCH, "t125"),)
    below = item(125, item(126), parent=124)
    reading, _ = await look({"/api/comments/125?d=25": below}, reading.further[0])
    assert tree_of(reading) == {own(125): None, own(126): own(125)}


async def test_what_is_deleted_or_private_is_left_out() -> None:
    hidden = [item(n, item(n + 1), visibility=v) for n, v in ((11, "trashed"), (13, "private"))]
    reading, _ = await look({LIST.format(page=1): pages(hidden)}, LookTarget(POST, HOST))
    assert tree_of(reading) == {POST: None, own(12): own(11), own(14): own(13)}


async def test_a_post_without_comments_is_read_itself() -> None:
    for visibility, gone in (("visible", False), ("soft_deleted", True), ("trashed", True)):
        documents: dict[str, object] = {
            LIST.format(page=1): pages([]),
            "/api/entry/7": item(0, visibility=visibility),
        }
        reading, _ = await look(documents, LookTarget(POST, HOST))
        assert reading.gone is gone
        assert tree_of(reading) == ({} if gone else {POST: None})


async def test_a_comment_that_is_asked_first_is_read_by_activitypub() -> None:
    note = {
        "id": own(11),
        "type": "Note",
        "attributedTo": f"https://{HOST}/u/me",
        "to": ["https://www.w3.org/ns/activitystreams#Public"],
        "inReplyTo": f"https://{OTHER}/post/1",
    }
    reading, fake = await look({"/m/talk/t/7/-/comment/11": note}, LookTarget(own(11), HOST))
    assert tree_of(reading) == {own(11): f"https://{OTHER}/post/1"}
    assert len(fake.asked) == 1


async def test_a_refusal_concerns_one_post_and_leaves_activitypub() -> None:
    refused = {"/api/entry/7/comments": Forbidden(HOST, 401)}
    reading, _ = await look(dict(refused), LookTarget(POST, HOST))
    assert reading == Reading(further=(LookTarget(POST, HOST, base.AP),))


async def test_posts_of_other_hosts_are_not_searched_for() -> None:
    reading, fake = await look({}, LookTarget(f"https://{OTHER}/post/1", HOST, POST_THREAD))
    assert (reading.statuses, reading.further, fake.asked) == ((), (), [])


async def test_a_malformed_comment_costs_only_itself() -> None:
    bad = [5, item(12, commentId="x"), item(13, apId="http://b.example/1"), item(14, magazine=3)]
    documents: dict[str, object] = {LIST.format(page=1): pages([*bad, item(11, childCount="x")])}
    reading, _ = await look(documents, LookTarget(POST, HOST))
    assert tree_of(reading) == {POST: None, own(11): POST}


@pytest.mark.parametrize(("world", "replies", "requests"), [("levels", 300, 1), ("large", 700, 11)])
async def test_a_simulated_thread_becomes_whole(world: str, replies: int, requests: int) -> None:
    made = worlds.build(world, seed=1, now=1.7e9, replies=replies, origin="mbin")
    root = made.timeline[0].status.root
    reader = Reader(made)
    await reader.read(root)
    below = [status for status in root.branch() if status.parent is not None]
    assert {s.uri: s.parent.uri for s in below if s.parent} == reader.parents
    assert reader.requests.total() == requests
