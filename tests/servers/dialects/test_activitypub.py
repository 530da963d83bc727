"""ActivityPub without signatures as an origin's dialect."""

from __future__ import annotations

from typing import Any

import pytest

from tests.servers.dialects.edge import Canned, FakeAsker, asker
from toottail.errors import AnswerRefused, Forbidden, Gone
from toottail.servers.dialects import base
from toottail.servers.dialects.activitypub import ActivityPub
from toottail.servers.dialects.collections import PAGES_AT_MOST, PageHint
from toottail.servers.nodeinfo import Software
from toottail.types.statuses import LookTarget, Reading

HOST = "a.example"
NOTE = "https://a.example/posts/1"
PUBLIC = "https://www.w3.org/ns/activitystreams#Public"
UNKNOWN = Software("smallpub", "1")


def note(number: int = 1, **more: Any) -> dict[str, Any]:
    return {
        "id": f"https://a.example/posts/{number}",
        "type": "Note",
        "attributedTo": "https://a.example/users/u",
        "to": [PUBLIC],
        "published": "2026-01-02T03:04:05Z",
        "url": f"https://a.example/@u/{number}",
    } | more


def page(items: object, **more: Any) -> dict[str, Any]:
    return {"type": "CollectionPage", "items": items} | more


async def look(documents: Canned, target: LookTarget | None = None) -> Reading:
    ask = asker(FakeAsker(HOST, documents))
    return await ActivityPub().look(ask, target or LookTarget(NOTE, HOST), UNKNOWN)


def replies(url: str, uri: str = NOTE) -> LookTarget:
    return LookTarget(uri, HOST, base.REPLIES, url)


@pytest.mark.parametrize(
    "kind", ["Note", "Question", "Article", "Page", "Image", "Audio", "Video", "Event"]
)
async def test_every_kind_of_post_is_read(kind: str) -> None:
    above = {"id": "https://b.example/posts/9", "type": "Note"}
    reading = await look({"/posts/1": note(type=[kind, "Thing"], inReplyTo=above)})
    (status,) = reading.statuses
    assert (status.uri, status.parent_uri, status.is_reply) == (NOTE, above["id"], True)
    assert (status.url, status.replies_count) == ("https://a.example/@u/1", None)


@pytest.mark.parametrize("word", [PUBLIC, "as:Public", "Public"])
@pytest.mark.parametrize("field", ["to", "cc"])
async def test_public_and_unlisted_are_told_by_any_spelling(word: str, field: str) -> None:
    reading = await look({"/posts/1": note() | {"to": [], "cc": [], field: word}})
    assert len(reading.statuses) == 1


async def test_a_post_for_followers_is_left_alone() -> None:
    reading = await look({"/posts/1": note(to=["https://a.example/users/u/followers"])})
    assert reading == Reading(notes=("not public",))


@pytest.mark.parametrize(
    "wrong",
    [
        {"id": "https://b.example/posts/1"},
        {"attributedTo": "https://b.example/users/u"},
        {"attributedTo": [{"id": "https://a.example/u"}, "https://b.example/u"]},
        {"attributedTo": None},
        {"type": "Person"},
        {"id": None},
    ],
)
async def test_a_host_speaks_only_for_its_own(wrong: dict[str, Any]) -> None:
    with pytest.raises(AnswerRefused):
        await look({"/posts/1": note(**wrong)})


async def test_what_needs_a_signature_is_refused_in_words() -> None:
    assert (await look({"/posts/1": Forbidden(HOST, 401)})).refused == base.NEEDS_SIGNATURE
    fake = FakeAsker(HOST, {})
    gotosocial = Software("gotosocial", "0.20")
    reading = await ActivityPub().look(asker(fake), LookTarget(NOTE, HOST), gotosocial)
    assert reading.refused
    assert fake.asked == []


async def test_where_replies_are_as_usual_only_they_are_asked_for() -> None:
    named = LookTarget(NOTE, HOST, "", base.PLACED)
    replies = {"type": "Collection", "first": {"items": ["https://b.example/posts/3"]}}
    for documents, asked in (
        ({"/posts/1/replies": replies, "/posts/1": note()}, ["/posts/1/replies"]),
        ({"/posts/1": note(replies=replies)}, ["/posts/1/replies", "/posts/1"]),
    ):
        fake = FakeAsker(HOST, documents)
        fake.notes = frozenset({base.NOTE_USUAL_REPLIES})
        question, reading = named, Reading()
        while not reading.statuses:
            reading = await ActivityPub().look(asker(fake), question, Software("smallpub", "1"))
            question = reading.further[0]
        assert fake.asked == asked
        assert "https://b.example/posts/3" in {s.uri for s in reading.statuses}


async def test_two_ways_to_one_collection_are_one_question() -> None:
    fake = FakeAsker(HOST, {})
    fake.notes = frozenset({base.NOTE_USUAL_REPLIES})
    by_listing = await look({"/posts/1": note(replies=f"{NOTE}/replies")})
    for hint in (base.PLACED, base.below(NOTE)):
        named = LookTarget(NOTE, HOST, "", hint)
        reading = await ActivityPub().look(asker(fake), named, Software("smallpub", "1"))
        assert reading.further == by_listing.further
    assert fake.asked == []


async def test_a_host_that_names_its_replies_as_usual_is_remembered_for_it() -> None:
    usual = await look({"/posts/1": note(replies=f"{NOTE}/replies")})
    other = await look({"/posts/1": note(replies=f"{NOTE}/answers")})
    assert usual.notes == (base.NOTE_USUAL_REPLIES,)
    assert other.notes == ()


async def test_what_was_deleted_is_gone() -> None:
    assert (await look({"/posts/1": Gone(HOST, 410)})).gone
    assert (await look({"/posts/1": {"type": "Tombstone", "id": NOTE}})).gone


async def test_named_replies_are_children_to_ask_about_at_their_own_hosts() -> None:
    items = ["https://a.example/posts/2", "https://b.example/posts/3", "https://10.0.0.1/4", 5]
    reading = await look({"/posts/1": note(replies={"type": "Collection", "items": items})})
    assert {s.uri: s.parent_uri for s in reading.statuses if s.uri != NOTE} == dict.fromkeys(
        items[:2], NOTE
    )
    assert reading.further == (
        LookTarget("https://a.example/posts/2", HOST),
        LookTarget("https://b.example/posts/3", "b.example", "", base.PLACED),
    )
    assert next(s for s in reading.statuses if s.uri == NOTE).replies_count == 2


async def test_many_replies_of_one_host_are_wanted_together() -> None:
    items = [f"https://b.example/posts/{n}" for n in range(3)]
    reading = await look({"/posts/1": note(replies={"type": "Collection", "items": items})})
    assert {t.hint for t in reading.further} == {base.below(NOTE)}


async def test_embedded_replies_are_walked_without_a_request() -> None:
    inner = note(3, inReplyTo="https://a.example/posts/2", replies={"items": [], "totalItems": 0})
    outer = note(2, inReplyTo=NOTE, replies={"type": "Collection", "items": [inner]})
    fake = FakeAsker(HOST, {"/posts/1": note(replies={"type": "Collection", "items": [outer]})})
    reading = await ActivityPub().look(asker(fake), LookTarget(NOTE, HOST), UNKNOWN)
    assert fake.asked == ["/posts/1"]
    assert {s.uri[-1]: s.parent_uri for s in reading.statuses} == {
        "1": None,
        "2": NOTE,
        "3": "https://a.example/posts/2",
    }
    assert reading.further == ()


async def test_an_embedded_reply_that_forges_its_author_is_not_believed() -> None:
    forged = note(2, attributedTo="https://b.example/users/v", inReplyTo=NOTE)
    elsewhere = note(3, id="https://b.example/posts/3", inReplyTo="https://c.example/1")
    reading = await look({"/posts/1": note(replies={"items": [forged, elsewhere]})})
    assert {s.uri for s in reading.statuses} == {NOTE, "https://b.example/posts/3"}
    named = LookTarget("https://b.example/posts/3", "b.example", "", base.PLACED)
    assert reading.further == (named,)


async def test_pages_follow_each_other_as_further_questions() -> None:
    first = "https://a.example/posts/1/comments?page=1"
    second = "https://a.example/posts/1/comments?page=2"
    stub = note(replies={"type": "Collection", "first": first})
    assert (await look({"/posts/1": stub})).further == (replies(first),)
    documents = {"/posts/1/comments?page=1": page("https://a.example/posts/2", next=second)}
    (following, child) = (await look(documents, replies(first))).further
    assert (following.how, PageHint.parse(following.hint).url) == (base.REPLIES, second)
    assert child == LookTarget("https://a.example/posts/2", HOST)


async def test_a_listing_never_goes_on_for_ever() -> None:
    circle = {
        "/c?p=1": page([], next="https://a.example/c?p=2"),
        "/c?p=2": page([], next="https://a.example/c?p=1"),
    }
    assert await _pages(circle, "https://a.example/c?p=1") == 2
    endless = {f"/c?p={n}": page([], next=f"https://a.example/c?p={n + 1}") for n in range(999)}
    assert await _pages(endless, "https://a.example/c?p=0") == PAGES_AT_MOST


async def _pages(documents: Canned, url: str) -> int:
    count, targets = 0, [replies(url)]
    while targets:
        count += 1
        targets = list((await look(documents, targets[0])).further)
    return count


async def test_a_page_on_another_host_is_not_asked_for() -> None:
    wrong = note(replies="https://b.example/c", context="https://b.example/contexts/1")
    assert (await look({"/posts/1": wrong})).further == ()


async def test_the_flat_listing_tells_what_belongs_to_the_conversation() -> None:
    url = "https://a.example/contexts/1"
    begin = await look({"/posts/1": note(context=url)})
    assert begin.further == (LookTarget(url, HOST, base.THREAD, url),)
    items = [NOTE, note(2, inReplyTo=NOTE), "https://b.example/posts/3", "https://localhost/4"]
    listing = {"type": "Collection", "first": page(items, next="https://a.example/contexts/1?p=2")}
    reading = await look({"/contexts/1": listing}, begin.further[0])
    assert reading.listed == (NOTE, "https://a.example/posts/2", "https://b.example/posts/3")
    assert [(s.uri, s.parent_uri) for s in reading.statuses] == [
        ("https://a.example/posts/2", NOTE)
    ]
    assert [t.how for t in reading.further] == [base.THREAD]


async def test_where_collections_are_is_learnt_and_a_wrong_guess_does_no_harm() -> None:
    usual = "https://a.example/posts/1/replies"
    documents = {"/posts/1/replies": page(["https://a.example/posts/2"])}
    reading = await look(documents, replies(usual))
    guess = replies("https://a.example/posts/2/replies", "https://a.example/posts/2")
    assert reading.further == (guess,)
    itself = LookTarget("https://a.example/posts/2", HOST, base.REPLIES)
    assert (await look({}, guess)).further == (itself,)
    assert (await look({}, itself)).gone


async def test_a_named_victim_gets_few_questions() -> None:
    items = [f"https://victim.example/posts/{n}" for n in range(1000)]
    reading = await look({"/posts/1": note(replies={"type": "Collection", "items": items})})
    assert len(reading.further) == base.NAMED_AT_MOST


async def test_gotosocials_collections_are_asked_with_the_authors_own_replies() -> None:
    """As it answers: a first page without items, and a bare collection without own replies."""
    bare = f"{NOTE}/replies"
    first = {"id": f"{bare}?page=true", "type": "CollectionPage", "partOf": bare}
    first["next"] = f"{bare}?page=true&only_other_accounts=false"
    collection = {"id": bare, "type": "Collection", "first": first}
    reading = await look({"/posts/1": note(replies=collection)})
    page = f"{bare}?limit=20&only_other_accounts=false"
    assert LookTarget(NOTE, HOST, base.REPLIES, page) in reading.further

    own = f"https://{HOST}/posts/2"
    listed = {
        "id": page,
        "type": "OrderedCollectionPage",
        "totalItems": 1,
        "orderedItems": [own],
        "next": f"{bare}?limit=20&max_id=2&only_other_accounts=false",
    }
    path = page.removeprefix(f"https://{HOST}")
    reading = await look({path: listed}, replies(page))
    below = LookTarget(own, HOST, base.REPLIES, f"{own}/replies?limit=20&only_other_accounts=false")
    assert reading.further == (below,), "and no page after the last one"
