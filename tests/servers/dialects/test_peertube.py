"""PeerTube as an origin: threads of comments and their trees."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from tests.servers.dialects.edge import Canned, FakeAsker, Reader, asker
from tests.servers.dialects.test_whole_threads import replies_of
from toottail.errors import AnswerRefused, Forbidden, Gone, RemoteError
from toottail.servers.dialects import base
from toottail.servers.dialects.peertube import HIDDEN, MOST_THREADS, PAGE, THREADS, TREE, PeerTube
from toottail.servers.nodeinfo import Software
from toottail.simulator import worlds
from toottail.types.statuses import FoundStatus, LookTarget, Reading

HOST = "tube.example"
PEERTUBE = Software("peertube", "7.3.0")
ID = "9c9de5e8-0a1e-484a-b099-e80766180a6d"
VIDEO = f"https://tube.example/videos/watch/{ID}"
LIST = f"/api/v1/videos/{ID}/comment-threads"
PUBLIC = "https://www.w3.org/ns/activitystreams#Public"
AT = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)


def comment(number: int, uri: str = "", **more: Any) -> dict[str, Any]:
    """A comment as the API shows it, without what is not read anyway."""
    return {
        "id": number,
        "url": uri or f"{VIDEO}/comments/{number}",
        "text": "Nice!",
        "threadId": number,
        "inReplyToCommentId": None,
        "videoId": 42,
        "createdAt": "2026-01-02T03:04:05.000Z",
        "deletedAt": None,
        "heldForReview": False,
        "isDeleted": False,
        "totalReplies": 0,
        "account": {"id": 3, "name": "u", "host": HOST, "description": None, "avatars": []},
    } | more


def node(number: int, *children: object, **more: Any) -> dict[str, Any]:
    return {"comment": comment(number, **more), "children": list(children)}


def threads(*items: object) -> dict[str, Any]:
    return {"total": 9999, "totalNotDeletedComments": 9999, "data": list(items)}


async def look(documents: Canned, target: LookTarget | None = None) -> Reading:
    fake = FakeAsker(HOST, documents)
    reading = await PeerTube().look(asker(fake), target or LookTarget(VIDEO, HOST), PEERTUBE)
    assert len(fake.asked) == 1
    return reading


def tree_of(number: int) -> LookTarget:
    return LookTarget(f"{VIDEO}/comments/{number}", HOST, TREE, f"{ID} {number}")


async def test_threads_are_replies_to_the_video_and_those_with_replies_are_asked_further() -> None:
    elsewhere = "https://a.example/users/u/statuses/9"
    reading = await look({LIST: threads(comment(1, totalReplies=2), comment(2, elsewhere))})
    first = FoundStatus(f"{VIDEO}/comments/1", HOST, None, VIDEO, True, AT)
    assert reading.statuses == (first, FoundStatus(elsewhere, "a.example", None, VIDEO, True, AT))
    assert reading.further == (tree_of(1),)


async def test_a_tree_tells_the_place_of_everything_below_a_thread() -> None:
    far = "https://a.example/users/u/statuses/9"
    tree = node(1, node(2, node(3, uri=far), node(4)), node(5), totalReplies=4)
    reading = await look({f"{LIST}/1": tree}, tree_of(1))
    assert {s.uri: s.parent_uri for s in reading.statuses} == {
        f"{VIDEO}/comments/2": f"{VIDEO}/comments/1",
        far: f"{VIDEO}/comments/2",
        f"{VIDEO}/comments/4": f"{VIDEO}/comments/2",
        f"{VIDEO}/comments/5": f"{VIDEO}/comments/1",
    }
    assert reading.further == ()


@pytest.mark.parametrize(
    "uri",
    [
        VIDEO,
        f"{VIDEO}/",
        "https://tube.example/w/kkGMgK9ZtnKfYAgnEtQxbv",
        "https://tube.example/videos/watch/kkGMgK9ZtnKfYAgnEtQxbv",
        f"https://tube.example/w/{ID}?start=10s",
    ],
)
async def test_a_video_is_known_by_any_of_its_addresses(uri: str) -> None:
    short = "/api/v1/videos/kkGMgK9ZtnKfYAgnEtQxbv/comment-threads"
    listed = threads(comment(1))
    reading = await look({LIST: listed, short: listed}, LookTarget(uri, HOST))
    assert [s.parent_uri for s in reading.statuses] == [uri]


async def test_threads_are_read_a_hundred_at_a_time_the_oldest_first() -> None:
    full = threads(*(comment(n) for n in range(1, PAGE + 1)))
    following = LookTarget(VIDEO, HOST, THREADS, f"{ID} {PAGE}")
    reading = await look({f"{LIST}?start=0&count=100&sort=createdAt": full})
    assert reading.further == (following,)
    assert (await look({LIST: full | {"total": PAGE}})).further == ()
    rest = threads(comment(101, totalReplies=1))
    reading = await look({f"{LIST}?start=100&count=100&sort=createdAt": rest}, following)
    assert reading.further == (tree_of(101),)
    assert [s.parent_uri for s in reading.statuses] == [VIDEO]


async def test_a_list_never_goes_on_for_ever() -> None:
    full = threads(*(comment(n) for n in range(1, PAGE + 1)))
    pages, targets = 0, [LookTarget(VIDEO, HOST)]
    while targets:
        pages += 1
        targets = list((await look({LIST: full}, targets[0])).further)
    assert pages == MOST_THREADS // PAGE


async def test_a_deleted_comment_is_left_out_and_keeps_the_replies_to_it_in_their_place() -> None:
    gone: dict[str, Any] = {
        "isDeleted": True,
        "account": None,
        "text": "",
        "deletedAt": "2026-01-03T00:00:00Z",
    }
    reading = await look({LIST: threads(comment(1, totalReplies=1, **gone))})
    assert reading == Reading(further=(tree_of(1),))
    reading = await look({f"{LIST}/1": node(1, node(2, node(3), **gone), **gone)}, tree_of(1))
    assert [(s.uri, s.parent_uri) for s in reading.statuses] == [
        (f"{VIDEO}/comments/3", f"{VIDEO}/comments/2")
    ]


async def test_what_waits_for_approval_is_no_reply_yet() -> None:
    assert (await look({LIST: threads(comment(1, heldForReview=True))})).statuses == ()


async def test_comments_that_are_switched_off_are_no_comments() -> None:
    assert await look({LIST: threads()}) == Reading()


async def test_a_comment_leads_to_what_it_replies_to() -> None:
    uri = f"{VIDEO}/comments/7"
    document = {
        "id": uri,
        "type": "Note",
        "attributedTo": "https://tube.example/accounts/u",
        "to": [PUBLIC],
        "inReplyTo": VIDEO,
        "url": uri,
    }
    reading = await look({f"/videos/watch/{ID}/comments/7": document}, LookTarget(uri, HOST))
    assert [(s.uri, s.parent_uri) for s in reading.statuses] == [(uri, VIDEO)]


async def test_a_deleted_comment_that_is_asked_for_is_gone() -> None:
    uri = f"{VIDEO}/comments/7"
    tombstone = {"id": uri, "type": "Tombstone", "formerType": "Note", "inReplyTo": VIDEO}
    reading = await look({f"/videos/watch/{ID}/comments/7": tombstone}, LookTarget(uri, HOST))
    assert reading.gone


async def test_what_this_host_knows_of_the_video_of_another_is_found_by_its_own_comment() -> None:
    elsewhere = "https://other.example/videos/watch/" + ID
    around = LookTarget(f"{VIDEO}/comments/7", HOST, base.AROUND)
    reading = await look({f"/api/v1/videos/{ID}": {"id": 1, "url": elsewhere}}, around)
    page = LookTarget(elsewhere, HOST, THREADS, f"{ID} 0")
    assert reading == Reading(further=(page,))
    reading = await look({LIST: threads(comment(7))}, page)
    assert [s.parent_uri for s in reading.statuses] == [elsewhere]
    with pytest.raises(AnswerRefused):
        await look({f"/api/v1/videos/{ID}": {"url": "https://127.0.0.1/1"}}, around)


@pytest.mark.parametrize("status", [401, 403])
async def test_a_video_for_members_is_refused_in_words(status: int) -> None:
    assert (await look({LIST: Forbidden(HOST, status)})).refused == HIDDEN


async def test_a_video_that_is_not_there_is_gone() -> None:
    assert (await look({})).gone


@pytest.mark.parametrize("error", [Forbidden(HOST, 403), Gone(HOST, 404)])
@pytest.mark.parametrize("how", [THREADS, TREE])
async def test_a_later_page_that_is_lost_takes_nothing_with_it(
    error: RemoteError, how: str
) -> None:
    target = LookTarget(VIDEO, HOST, how, f"{ID} 100")
    reading = await look({LIST: error, f"{LIST}/100": error}, target)
    assert (reading.gone, reading.refused) == (False, None)
    assert reading.notes


@pytest.mark.parametrize(
    "bad",
    [
        None,
        7,
        "x",
        [],
        {},
        comment(1) | {"id": "x"},
        comment(1) | {"id": -1},
        comment(1) | {"account": 3},
        comment(1, "https://127.0.0.1/1"),
        comment(1) | {"url": None},
    ],
)
async def test_one_bad_item_never_costs_the_others(bad: object) -> None:
    reading = await look({LIST: threads(bad, comment(2))})
    assert [s.uri for s in reading.statuses] == [f"{VIDEO}/comments/2"]
    nodes = [bad, {"comment": bad, "children": bad}, {"comment": bad, "children": [node(3)]}]
    reading = await look({f"{LIST}/1": node(1, *nodes, node(2))}, tree_of(1))
    found = {s.uri: s.parent_uri for s in reading.statuses}
    assert found[f"{VIDEO}/comments/2"] == f"{VIDEO}/comments/1"
    assert f"{VIDEO}/comments/3" in found


async def test_who_opts_out_is_known_by_the_profile() -> None:
    account = {"name": "u", "host": "a.example", "description": "<p>no bots: #nobot</p>"}
    reading = await look({LIST: threads(comment(1, account=account), comment(2))})
    assert [s.opted_out for s in reading.statuses] == [True, False]


async def test_a_thread_of_three_levels_becomes_whole() -> None:
    world = worlds.build("levels", now=1.7e9, replies=300, origin="peertube")
    root = world.timeline[0].status.root
    reader = Reader(world)
    await reader.read(root)
    assert replies_of(root) <= set(reader.known)
    everything = {s.uri: s.parent.uri for s in root.branch() if s.parent is not None}
    assert everything.items() <= reader.parents.items()
    # One request for the threads, and one for each of those that have replies.
    trees = sum(bool(thread.children) for thread in root.children)
    assert reader.requests.total() == 1 + trees
