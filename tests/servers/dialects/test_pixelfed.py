"""Pixelfed as an origin: what its pages show to guests, and posts that lead only upwards."""

from __future__ import annotations

from typing import Any

import pytest

from tests.servers.dialects.edge import Canned, FakeAsker, Reader, asker
from tests.servers.dialects.test_whole_threads import replies_of
from toottail.errors import AnswerRefused, Forbidden, Gone
from toottail.servers.dialects import base
from toottail.servers.dialects.pixelfed import COMMENTS, ELSEWHERE, MOST_PAGES, PAGE, Pixelfed
from toottail.servers.nodeinfo import Software
from toottail.simulator import worlds
from toottail.types.statuses import LookTarget, Reading

HOST = "pix.example"
PIXELFED = Software("pixelfed", "0.12.5")
POST = "https://pix.example/p/ada/100"
PROFILE = "/api/v2/profile/ada/status/100"
LIST = "/api/v2/comments/7/status/100"
FAR = "https://a.example/users/bela/statuses/9"
PUBLIC = "https://www.w3.org/ns/activitystreams#Public"
FIRST = LookTarget(POST, HOST, COMMENTS, "7 100 1")


def post(number: int, uri: str = "", **more: Any) -> dict[str, Any]:
    account = {"id": "7", "username": "ada", "acct": "ada", "note": "", "local": True}
    return {
        "_v": 1,
        "id": str(number),
        "uri": uri or f"https://pix.example/p/ada/{number}",
        "in_reply_to_id": None,
        "created_at": "2026-01-02T03:04:05.000Z",
        "visibility": "public",
        "reply_count": 0,
        "comments_disabled": False,
        "local": True,
        "account": account,
    } | more


def from_elsewhere(number: int, uri: str, **more: Any) -> dict[str, Any]:
    account = {"id": "8", "username": "bela", "acct": "bela@a.example", "note": "", "local": False}
    return post(number, uri, local=False, account=account, **more)


def page(*items: object) -> dict[str, Any]:
    return {"data": list(items), "meta": {"pagination": {"total": len(items)}}}


async def look(documents: Canned, target: LookTarget | None = None) -> Reading:
    fake = FakeAsker(HOST, documents)
    reading = await Pixelfed().look(asker(fake), target or LookTarget(POST, HOST), PIXELFED)
    assert len(fake.asked) <= 1
    return reading


async def test_a_post_leads_to_its_comments_and_without_any_to_nothing() -> None:
    reading = await look({PROFILE: {"status": post(100, reply_count=2)}})
    assert [(s.uri, s.is_reply) for s in reading.statuses] == [(POST, False)]
    assert reading.further == (FIRST,)
    assert (await look({PROFILE: {"status": post(100)}})).further == ()


async def test_comments_of_its_own_people_are_listed_with_their_ids() -> None:
    documents = {f"{LIST}?limit=50&page=1": page(post(102, reply_count=1), post(101))}
    reading = await look(documents, FIRST)
    assert {s.uri: s.parent_uri for s in reading.statuses} == {
        "https://pix.example/p/ada/102": POST,
        "https://pix.example/p/ada/101": POST,
    }
    below = LookTarget("https://pix.example/p/ada/102", HOST, COMMENTS, "7 102 1")
    assert reading.further == (below,)


async def test_a_comment_from_elsewhere_is_asked_for_by_its_authors_full_name() -> None:
    made_up = "https://pix.example/p/bela/103"
    reading = await look({LIST: page(from_elsewhere(103, made_up))}, FIRST)
    asked = LookTarget(made_up, HOST, ELSEWHERE, f"bela@a.example 103 {POST}")
    assert (reading.statuses, reading.further) == ((), (asked,))
    told = {"status": from_elsewhere(103, FAR, reply_count=4)}
    reading = await look({"/api/v2/profile/@bela@a.example/status/103": told}, asked)
    assert [(s.uri, s.host, s.parent_uri) for s in reading.statuses] == [(FAR, "a.example", POST)]
    assert reading.further == (LookTarget(FAR, HOST, COMMENTS, "8 103 1"),)


async def test_comments_are_read_fifty_at_a_time_and_never_for_ever() -> None:
    full = page(*(post(n) for n in range(200, 200 + PAGE)))
    pages, targets = 0, [FIRST]
    while targets:
        pages += 1
        targets = list((await look({LIST: full}, targets[0])).further)
    assert pages == MOST_PAGES


async def test_a_reply_leads_to_its_parent_through_activitypub() -> None:
    reading = await look({PROFILE: {"status": post(100, in_reply_to_id="99")}})
    document = LookTarget(POST, HOST, base.AP)
    assert reading.further == (document,)
    note = {
        "id": POST,
        "type": "Note",
        "attributedTo": "https://pix.example/users/ada",
        "to": [PUBLIC],
        "inReplyTo": FAR,
    }
    reading = await look({"/p/ada/100": note}, document)
    assert [(s.uri, s.parent_uri) for s in reading.statuses] == [(POST, FAR)]
    assert reading.refused is None


@pytest.mark.parametrize("error", [Forbidden(HOST, 403), Gone(HOST, 404), {"status": None}])
async def test_where_guests_see_nothing_the_post_itself_is_asked_and_then_it_is_said(
    error: object,
) -> None:
    document = LookTarget(POST, HOST, base.AP)
    assert await look({PROFILE: error}) == Reading(further=(document,))
    note = {
        "id": POST,
        "type": "Note",
        "attributedTo": "https://pix.example/users/ada",
        "to": [PUBLIC],
        "inReplyTo": None,
    }
    reading = await look({"/p/ada/100": note}, document)
    assert reading.refused
    assert reading.further == ()
    assert (await look({}, document)).gone


async def test_comments_for_members_are_refused_in_words() -> None:
    assert (await look({LIST: Forbidden(HOST, 403)}, FIRST)).refused


@pytest.mark.parametrize(
    "target", [FIRST, LookTarget(POST, HOST, ELSEWHERE, f"b@a.example 1 {POST}")]
)
async def test_a_later_answer_that_is_lost_takes_nothing_with_it(target: LookTarget) -> None:
    reading = await look({}, target)
    assert not reading.gone
    assert reading.notes


async def test_only_what_anybody_may_see_is_listed() -> None:
    hidden = [post(101, visibility="private"), post(102, visibility="direct")]
    assert await look({LIST: page(*hidden)}, FIRST) == Reading()
    reading = await look({PROFILE: {"status": post(100, visibility="private", reply_count=1)}})
    assert (reading.statuses, reading.further) == ((), ())


@pytest.mark.parametrize(
    "bad",
    [
        None,
        7,
        {},
        post(101) | {"id": 101},
        post(101) | {"id": "../1"},
        post(101) | {"account": None},
        post(101, "https://127.0.0.1/1"),
        post(101, "https://a.example/p/ada/101"),
        from_elsewhere(103, "https://pix.example/p/b/1") | {"account": {"id": "8", "acct": "@/.."}},
    ],
)
async def test_one_bad_item_never_costs_the_others(bad: object) -> None:
    reading = await look({LIST: page(bad, post(102))}, FIRST)
    assert [s.uri for s in reading.statuses] == ["https://pix.example/p/ada/102"]
    assert reading.further == ()


async def test_who_opts_out_is_known_by_the_profile() -> None:
    account = {"id": "7", "acct": "ada", "note": "<p>#nobot</p>"}
    reading = await look({LIST: page(post(101, account=account), post(102))}, FIRST)
    assert [s.opted_out for s in reading.statuses] == [True, False]


async def test_what_is_no_post_of_its_shape_is_asked_through_activitypub() -> None:
    with pytest.raises(AnswerRefused):
        await look(
            {"/stories/1": {"type": "Story"}}, LookTarget("https://pix.example/stories/1", HOST)
        )


async def test_a_thread_of_three_levels_becomes_whole() -> None:
    world = worlds.build("levels", now=1.7e9, replies=300, origin="pixelfed")
    root = world.timeline[0].status.root
    reader = Reader(world)
    await reader.read(root)
    assert replies_of(root) <= set(reader.known)
    everything = {s.uri: s.parent.uri for s in root.branch() if s.parent is not None}
    assert everything.items() <= reader.parents.items()
    # Below half of the replies something must be asked for, and for each of the other half its id.
    assert reader.requests.total() <= 300
