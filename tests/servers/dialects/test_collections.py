"""Collections as NodeBB, Discourse, BookWyrm, Streams, snac and Smithereen really give them."""

from __future__ import annotations

from typing import Any

import pytest

from tests.servers.dialects.edge import FakeAsker, Reader, asker
from toottail.errors import AnswerRefused, Forbidden
from toottail.servers.dialects import base, choose
from toottail.servers.nodeinfo import Software
from toottail.simulator import worlds
from toottail.types.statuses import LookTarget, Reading

HOST = "a.example"
PUBLIC = "https://www.w3.org/ns/activitystreams#Public"
FORUM = Software("nodebb", "4.15.1")


def note(path: str, parent: str | None = None, **more: Any) -> dict[str, Any]:
    """A public post of the host; its author is there too."""
    return {
        "id": f"https://{HOST}{path}",
        "type": "Note",
        "attributedTo": f"https://{HOST}/uid/1",
        "to": [PUBLIC],
        "cc": [f"https://{HOST}/uid/1/followers"],
        "url": f"https://{HOST}{path}",
        **({"inReplyTo": parent} if parent else {}),
        **more,
    }


async def look(
    documents: dict[str, object], path: str, how: str = "", hint: str = "", of: Software = FORUM
) -> tuple[Reading, list[str]]:
    fake = FakeAsker(HOST, documents)
    target = LookTarget(f"https://{HOST}{path}", HOST, how, hint)
    return await choose(of).look(asker(fake), target, of), fake.asked


TOPIC = f"https://{HOST}/topic/7"
PAGE_1 = {
    "id": TOPIC,
    "type": "OrderedCollectionPage",
    "totalItems": 41,
    "orderedItems": [f"https://{HOST}/post/2", "https://b.example/users/u/statuses/3"],
    "partOf": TOPIC,
    "next": f"{TOPIC}?page=2",
    "prev": None,
    "first": f"{TOPIC}?page=1",
    "last": f"{TOPIC}?page=2",
}
PAGE_2 = PAGE_1 | {"id": f"{TOPIC}?page=2", "next": None, "prev": f"{TOPIC}?page=1"}


async def test_a_forum_post_leads_to_its_replies_and_to_its_topic() -> None:
    post = note("/post/1", context=TOPIC, replies=f"https://{HOST}/post/1/replies") | {
        "type": "Article"
    }
    reading, asked = await look({"/post/1": post}, "/post/1")
    assert asked == ["/post/1"]
    replies = LookTarget(post["id"], HOST, base.REPLIES, f"https://{HOST}/post/1/replies")
    assert set(reading.further) == {replies, LookTarget(TOPIC, HOST, base.THREAD, TOPIC)}


async def test_the_last_page_of_a_topic_does_not_lead_back_to_the_first() -> None:
    reading, _ = await look({"/topic/7": PAGE_1}, "/topic/7", base.THREAD, TOPIC)
    (following,) = reading.further
    assert following.hint.startswith(f"{TOPIC}?page=2 ")
    reading, _ = await look({"/topic/7?page=2": PAGE_2}, "/topic/7", base.THREAD, following.hint)
    assert reading.further == ()
    assert len(reading.listed) == 2


async def test_a_reply_asked_first_tells_its_parent_and_its_topic() -> None:
    reply = note("/post/5", "https://b.example/users/u/statuses/3", context=TOPIC)
    reading, _ = await look({"/post/5": reply}, "/post/5")
    assert reading.statuses[0].parent_uri == "https://b.example/users/u/statuses/3"
    assert LookTarget(TOPIC, HOST, base.THREAD, TOPIC) in reading.further


async def test_a_deleted_post_is_gone_and_a_closed_category_a_refusal() -> None:
    tombstone = {"id": f"https://{HOST}/post/1", "type": "Tombstone", "formerType": "Note"}
    reading, _ = await look({"/post/1": tombstone}, "/post/1")
    assert reading.gone
    reading, _ = await look({"/post/1": Forbidden(HOST, 401)}, "/post/1")
    assert reading.refused
    reading, _ = await look({"/topic/7": Forbidden(HOST, 403)}, "/topic/7", base.THREAD, TOPIC)
    assert reading.notes
    assert reading.refused is None


async def test_a_topic_that_is_no_collection_is_an_answer_of_no_use() -> None:
    with pytest.raises(AnswerRefused):
        await look({"/topic/7": note("/post/1")}, "/topic/7", base.THREAD, TOPIC)


OBJECTS = f"https://{HOST}/ap/collection/9"
FOREIGN = {
    "id": "https://b.example/users/u/statuses/3",
    "type": "Note",
    "inReplyTo": f"https://{HOST}/ap/object/1",
    "attributedTo": "https://b.example/users/u",
}


async def test_a_topic_with_its_posts_inside_tells_the_whole_tree_at_once() -> None:
    items = [
        note("/ap/object/1"),
        note("/ap/object/2", f"https://{HOST}/ap/object/1"),
        FOREIGN,
        note("/ap/object/4", FOREIGN["id"]),
    ]
    collection = {"id": OBJECTS, "type": "OrderedCollection", "orderedItems": items}
    reading, _ = await look({"/ap/collection/9": collection}, "/x", base.THREAD, OBJECTS)
    assert reading.further == ()
    assert {s.uri: s.parent_uri for s in reading.statuses} == {
        f"https://{HOST}/ap/object/1": None,
        f"https://{HOST}/ap/object/2": f"https://{HOST}/ap/object/1",
        FOREIGN["id"]: f"https://{HOST}/ap/object/1",
        f"https://{HOST}/ap/object/4": FOREIGN["id"],
    }
    assert len(reading.listed) == 4


@pytest.mark.parametrize(
    "bad",
    [
        FOREIGN | {"to": ["https://b.example/users/u/followers"]},
        FOREIGN | {"type": "Tombstone"},
        note("/ap/object/5") | {"to": [], "cc": []},
        note("/ap/object/5") | {"attributedTo": "https://b.example/users/u"},
        {"type": "Like", "id": "https://b.example/likes/1", "object": "https://b.example/x"},
        {"type": "Announce", "id": "https://b.example/boosts/1", "object": FOREIGN},
        {"type": "Note", "id": "https://192.168.0.1/3"},
        None,
        17,
        [["https://b.example/users/u/statuses/3"]],
        {"id": 5},
    ],
)
async def test_what_is_not_for_everybody_or_no_post_is_left_out_and_costs_nothing_else(
    bad: object,
) -> None:
    collection = {"type": "OrderedCollection", "orderedItems": [bad, note("/ap/object/2")]}
    reading, _ = await look({"/ap/collection/9": collection}, "/x", base.THREAD, OBJECTS)
    assert [s.uri for s in reading.statuses] == [f"https://{HOST}/ap/object/2"]
    assert reading.listed == (f"https://{HOST}/ap/object/2",)
    page = {"type": "OrderedCollectionPage", "orderedItems": [bad, note("/ap/object/2")]}
    hint = f"https://{HOST}/ap/object/1/replies?page=1"
    reading, _ = await look(
        {"/ap/object/1/replies?page=1": page}, "/ap/object/1", base.REPLIES, hint
    )
    assert [s.uri for s in reading.statuses] == [f"https://{HOST}/ap/object/2"]


async def test_a_collection_of_activities_stands_for_the_posts_they_brought() -> None:
    conversation = f"https://{HOST}/conversation/1"
    brought = note("/item/2", f"https://{HOST}/item/1")
    items = [
        {"type": "Create", "id": f"https://{HOST}/activity/1", "object": note("/item/1")},
        {"type": "Add", "object": {"type": "Create", "object": brought}},
        {"type": "Add", "object": {"type": "Like", "object": f"https://{HOST}/item/1"}},
        {"type": "Create", "object": "https://b.example/item/3"},
        {"type": "Add", "object": {"type": "Add", "object": {"type": "Add", "object": brought}}},
    ]
    document = {"id": conversation, "type": "OrderedCollection", "orderedItems": items}
    reading, _ = await look({"/conversation/1": document}, "/x", base.THREAD, conversation)
    assert [s.uri for s in reading.statuses] == [f"https://{HOST}/item/{n}" for n in (1, 2)]
    assert reading.listed[-1] == "https://b.example/item/3"


async def test_where_the_context_is_a_name_its_history_is_read() -> None:
    history = f"https://{HOST}/conversation/1"
    post = note("/item/1", context="tag:a.example,2026:1", contextHistory=history)
    reading, _ = await look({"/item/1": post}, "/item/1", of=Software("streams", "25.1"))
    assert reading.further == (LookTarget(history, HOST, base.THREAD, history),)


BOOKS = Software("bookwyrm", "0.9.2")


def counted(path: str, count: int, **more: Any) -> dict[str, Any]:
    """A post as BookWyrm gives it, with how many replies it has."""
    uri = f"https://{HOST}{path}/replies"
    replies = {"id": uri, "type": "OrderedCollection", "totalItems": count}
    return note(path, **more) | {"replies": replies | {"first": f"{uri}?page=1", "last": uri}}


async def test_a_page_of_whole_posts_is_followed_only_where_they_say_that_they_have_replies() -> (
    None
):
    asked = f"https://{HOST}/user/u/comment/1"
    items = [
        counted("/user/u/status/2", 0, parent=asked),
        counted("/user/u/status/3", 17, parent=asked),
        counted("/user/u/status/4", 3, parent=asked) | {"to": [f"https://{HOST}/user/u"]},
        {"id": f"https://{HOST}/user/u/status/5", "type": "Tombstone"},
        FOREIGN | {"inReplyTo": asked, "to": [PUBLIC]},
    ]
    page = {"type": "OrderedCollectionPage", "orderedItems": items, "next": None}
    hint = f"{asked}/replies?page=1"
    reading, _ = await look(
        {"/user/u/comment/1/replies?page=1": page},
        "/user/u/comment/1",
        base.REPLIES,
        hint,
        of=BOOKS,
    )
    assert {s.uri: s.replies_count for s in reading.statuses} == {
        f"https://{HOST}/user/u/status/2": 0,
        f"https://{HOST}/user/u/status/3": 17,
        FOREIGN["id"]: None,
    }
    third = f"https://{HOST}/user/u/status/3"
    assert set(reading.further) == {
        LookTarget(third, HOST, base.REPLIES, f"{third}/replies?page=1"),
        LookTarget(FOREIGN["id"], "b.example", "", base.PLACED),
    }


@pytest.mark.parametrize("software", ["snac", "smithereen"])
async def test_an_empty_first_page_inside_the_post_leads_to_the_next_one(software: str) -> None:
    following = f"https://{HOST}/u/r/1?page=true"
    first = {"type": "CollectionPage", "items": [], "next": following}
    replies = {"id": f"https://{HOST}/u/r/1", "type": "Collection", "first": first}
    post = note("/u/p/1", replies=replies, context=f"https://{HOST}/u/p/1#ctxt")
    reading, _ = await look({"/u/p/1": post}, "/u/p/1", of=Software(software, "2.94"))
    assert LookTarget(post["id"], HOST, base.REPLIES, following) in reading.further
    if software == "snac":
        assert len(reading.further) == 1


@pytest.mark.parametrize(
    ("origin", "at_most"), [("nodebb", 300), ("discourse", 2), ("bookwyrm", 220), ("friendica", 2)]
)
async def test_a_thread_of_three_levels_becomes_whole(origin: str, at_most: int) -> None:
    world = worlds.build("levels", seed=1, now=1.7e9, replies=300, origin=origin)
    root = world.timeline[0].status.root
    reader = Reader(world)
    await reader.read(root)
    assert {s.uri for s in root.branch() if s is not root} <= set(reader.known)
    parents = {s.uri: s.parent.uri for s in root.branch() if s.parent is not None}
    assert {uri: reader.parents.get(uri) for uri in parents} == parents
    assert reader.requests.total() <= at_most
