"""WordPress as an origin: its flat list, and posts that go by two names."""

from __future__ import annotations

from typing import Any

import pytest

from tests.servers.dialects.edge import Canned, FakeAsker, Reader, asker
from tests.servers.dialects.test_whole_threads import replies_of
from toottail.errors import AnswerRefused, Forbidden, Gone
from toottail.servers.dialects import base
from toottail.servers.dialects.wordpress import WordPress
from toottail.servers.nodeinfo import Software
from toottail.simulator import worlds
from toottail.types.statuses import LookTarget, Reading

HOST = "blog.example"
WORDPRESS = Software("wordpress", "6.8.3")
POST = "https://blog.example/?p=42"
PAGE = "https://blog.example/2026/01/a-post/"
COMMENT = "https://blog.example/?c=7"
FAR = "https://a.example/users/u/statuses/9"
REST = "/wp-json/activitypub/1.0/posts/42"
CONTEXT = f"https://blog.example{REST}/context"
THREAD = LookTarget(CONTEXT, HOST, base.THREAD, CONTEXT)
PUBLIC = "https://www.w3.org/ns/activitystreams#Public"


def note(uri: str, **more: Any) -> dict[str, Any]:
    return {
        "id": uri,
        "type": "Note",
        "attributedTo": "https://blog.example/?author=1",
        "to": [PUBLIC, "https://blog.example/wp-json/activitypub/1.0/actors/1/followers"],
        "url": uri,
        "context": CONTEXT,
    } | more


def replies(kind: str, number: int, *items: str, **more: Any) -> dict[str, Any]:
    url = f"https://blog.example/wp-json/activitypub/1.0/{kind}/{number}/replies"
    page = {"id": f"{url}?page=1", "type": "CollectionPage", "partOf": url, "items": list(items)}
    return {"id": url, "type": "Collection", "first": page | more}


def listing(*items: str, **more: Any) -> dict[str, Any]:
    kind = {"type": "OrderedCollection", "id": CONTEXT, "url": PAGE, "totalItems": len(items)}
    return kind | {"items": list(items)} | more


async def look(documents: Canned, target: LookTarget, requests: int = 1) -> Reading:
    fake = FakeAsker(HOST, documents)
    reading = await WordPress().look(asker(fake), target, WORDPRESS)
    assert len(fake.asked) == requests
    return reading


async def test_a_post_leads_to_the_list_of_everything_and_to_more_pages_of_replies() -> None:
    second = f"https://blog.example{REST}/replies?page=2"
    post = note(POST, type="Article", url=PAGE, replies=replies("posts", 42, FAR, next=second))
    reading = await look({"/?p=42": post}, LookTarget(POST, HOST))
    assert {s.uri: s.parent_uri for s in reading.statuses} == {POST: None, FAR: POST}
    assert THREAD in reading.further
    assert LookTarget(POST, HOST, base.REPLIES, second) in reading.further


async def test_replies_count_nothing_because_the_blogs_own_comments_are_not_among_them() -> None:
    post = note(POST, type="Article", replies=replies("posts", 42, FAR))
    reading = await look({"/?p=42": post}, LookTarget(POST, HOST))
    assert {s.replies_count for s in reading.statuses} == {None}


async def test_the_list_sends_every_comment_of_the_blog_the_names_of_its_post() -> None:
    reading = await look({f"{REST}/context": listing(POST, FAR, COMMENT)}, THREAD)
    assert reading.listed == (POST, FAR, COMMENT)
    asked = LookTarget(COMMENT, HOST, base.BEGIN, f"{PAGE} {POST}")
    assert reading.further == (asked,)
    comment = note(COMMENT, inReplyTo=PAGE, replies=replies("comments", 7, FAR))
    reading = await look({"/?c=7": comment}, asked)
    assert {s.uri: s.parent_uri for s in reading.statuses} == {COMMENT: POST, FAR: COMMENT}


async def test_a_list_with_pages_is_read_to_its_end() -> None:
    second = f"{CONTEXT}?page=2"
    first = listing(first={"type": "OrderedCollectionPage", "items": [POST], "next": second})
    reading = await look({f"{REST}/context": first}, THREAD)
    (following,) = reading.further
    assert (following.uri, following.how) == (CONTEXT, base.THREAD)
    last = listing(COMMENT, "https://blog.example/?c=8", type="OrderedCollectionPage")
    reading = await look({f"{REST}/context?page=2": last}, following)
    assert reading.listed == (COMMENT, "https://blog.example/?c=8")
    assert reading.further == ()


async def test_a_comment_that_is_asked_first_leads_to_its_post_by_the_posts_own_name() -> None:
    path = PAGE.removeprefix("https://blog.example")
    post = note(POST, type="Article", url=PAGE)
    comment = note(COMMENT, inReplyTo=PAGE)
    reading = await look({"/?c=7": comment, path: post}, LookTarget(COMMENT, HOST), requests=2)
    assert [(s.uri, s.parent_uri) for s in reading.statuses] == [(COMMENT, POST)]
    assert reading.further == (THREAD,)


@pytest.mark.parametrize(
    "answer", [Gone(HOST, 404), Forbidden(HOST, 403), AnswerRefused(HOST, "no data"), {}, []]
)
async def test_a_page_that_tells_no_name_stays_what_the_comment_says(answer: object) -> None:
    path = PAGE.removeprefix("https://blog.example")
    documents = {"/?c=7": note(COMMENT, inReplyTo=PAGE), path: answer}
    reading = await look(documents, LookTarget(COMMENT, HOST), requests=2)
    assert [(s.uri, s.parent_uri) for s in reading.statuses] == [(COMMENT, PAGE)]


@pytest.mark.parametrize("parent", [POST, "https://blog.example/?c=6", FAR])
async def test_a_parent_with_a_name_of_its_own_costs_no_request(parent: str) -> None:
    reading = await look({"/?c=7": note(COMMENT, inReplyTo=parent)}, LookTarget(COMMENT, HOST))
    assert [s.parent_uri for s in reading.statuses] == [parent]


async def test_a_post_from_before_goes_by_its_page() -> None:
    reading = await look({f"{REST}/context": listing(PAGE, COMMENT)}, THREAD)
    (asked,) = reading.further
    reading = await look({"/?c=7": note(COMMENT, inReplyTo=PAGE)}, asked)
    assert [s.parent_uri for s in reading.statuses] == [PAGE]


async def test_names_of_other_hosts_are_not_taken() -> None:
    hint = "https://a.example/page https://a.example/?p=1"
    comment = note(COMMENT, inReplyTo="https://a.example/page")
    reading = await look({"/?c=7": comment}, LookTarget(COMMENT, HOST, base.BEGIN, hint))
    assert [s.parent_uri for s in reading.statuses] == ["https://a.example/page"]


@pytest.mark.parametrize("error", [Gone(HOST, 404), Forbidden(HOST, 401)])
async def test_a_list_that_is_not_to_be_had_costs_nothing_else(error: object) -> None:
    reading = await look({f"{REST}/context": error}, THREAD)
    assert (reading.gone, reading.refused, reading.listed) == (False, None, ())


async def test_what_was_deleted_is_gone() -> None:
    assert (
        await look({"/?c=7": {"id": COMMENT, "type": "Tombstone"}}, LookTarget(COMMENT, HOST))
    ).gone


async def test_one_bad_item_never_costs_the_others() -> None:
    bad: list[object] = [None, 3, {}, [FAR], "https://127.0.0.1/1", "javascript:1"]
    reading = await look({f"{REST}/context": listing(POST) | {"items": [POST, *bad, FAR]}}, THREAD)
    assert reading.listed == (POST, FAR)


async def test_a_thread_of_three_levels_becomes_whole() -> None:
    world = worlds.build("levels", now=1.7e9, replies=300, origin="wordpress")
    root = world.timeline[0].status.root
    reader = Reader(world)
    await reader.read(root)
    assert replies_of(root) <= set(reader.known)
    everything = {s.uri: s.parent.uri for s in root.branch() if s.parent is not None}
    assert everything.items() <= reader.parents.items()
    # The post, its list, one more page of replies, and each comment of the blog's own.
    own = sum(status.host == root.host for status in root.branch()) - 1
    assert reader.requests[root.host] == 3 + own
    assert reader.requests.total() <= 200
