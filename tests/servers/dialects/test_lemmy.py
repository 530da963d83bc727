"""Lemmy's own API as an origin's dialect, in both versions."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from tests.servers.dialects.edge import FakeAsker, Reader, asker
from toottail.errors import Forbidden, Gone, RemoteError, RobotsRefused, ServerFault, StatusError
from toottail.servers.dialects import base, choose
from toottail.servers.dialects.communities import POST_THREAD
from toottail.servers.nodeinfo import Software
from toottail.simulator import worlds
from toottail.types.statuses import LookTarget, Reading

HOST, OTHER = "a.example", "b.example"
POST = f"https://{HOST}/post/7"
OLD, NEW = Software("lemmy", "0.19.20"), Software("lemmy", "1.0.0-beta.1")
TREE = "type_=All&sort=Old&max_depth=60"
LIST = f"/api/v3/comment/list?post_id=7&{TREE}"


def post(uri: str = POST, number: int = 7, **more: Any) -> dict[str, Any]:
    return {
        "id": number,
        "name": "A post",
        "ap_id": uri,
        "published": "2026-01-02T03:04:05.678901Z",
        "deleted": False,
        "removed": False,
    } | more


def view(
    path: str, uri: str = "", community: str = HOST, of: dict[str, Any] | None = None, **more: Any
) -> dict[str, Any]:
    number = int(path.split(".")[-1])
    comment = {
        "id": number,
        "ap_id": uri or f"https://{HOST}/comment/{number}",
        "path": path,
        "content": "hello",
        "published": "2026-01-02T04:05:06Z",
        "deleted": False,
        "removed": False,
    }
    return {
        "comment": comment | more,
        "counts": {"child_count": more.get("below", 0)},
        "creator": {"id": 3, "name": "u", "bio": more.get("bio")},
        "post": of or post(),
        "community": {"actor_id": f"https://{community}/c/talk", "visibility": "Public"},
    }


async def look(
    documents: dict[str, object], target: LookTarget, software: Software = OLD, host: str = HOST
) -> tuple[Reading, FakeAsker]:
    fake = FakeAsker(host, documents)
    reading = await choose(software).look(asker(fake), target, software)
    return reading, fake


def tree_of(reading: Reading) -> dict[str, str | None]:
    return {status.uri: status.parent_uri for status in reading.statuses}


def own(number: int) -> str:
    return f"https://{HOST}/comment/{number}"


async def test_one_request_lists_a_thread_with_its_authors_on_other_hosts() -> None:
    theirs = f"https://{OTHER}/comment/90"
    views = [view("0.11"), view("0.11.12", theirs), view("0.11.12.13")]
    reading, fake = await look({LIST: {"comments": views}}, LookTarget(POST, HOST))
    assert tree_of(reading) == {POST: None, own(11): POST, theirs: own(11), own(13): theirs}
    assert [status.host for status in reading.statuses] == [HOST, HOST, OTHER, HOST]
    assert [status.is_reply for status in reading.statuses] == [False, True, True, True]
    assert reading.statuses[1].created_at == datetime(2026, 1, 2, 4, 5, 6, tzinfo=UTC)
    assert reading.further == ()
    assert fake.asked == [LIST]


async def test_deleted_and_removed_comments_are_left_out_and_those_below_keep_their_place() -> None:
    views = [view("0.11", deleted=True), view("0.11.12"), view("0.13", removed=True)]
    reading, _ = await look({LIST: {"comments": views}}, LookTarget(POST, HOST))
    assert tree_of(reading) == {POST: None, own(12): own(11)}


async def test_an_opt_out_in_a_profile_is_seen() -> None:
    views = [view("0.11", bio="I am #nobot"), view("0.12", bio="nobody")]
    reading, _ = await look({LIST: {"comments": views}}, LookTarget(POST, HOST))
    assert [status.opted_out for status in reading.statuses] == [False, True, False]


async def test_a_malformed_comment_costs_only_itself() -> None:
    bad = [7, {"comment": None}, view("0.x.14"), view("0.15", "https://127.0.0.1/comment/15")]
    odd = {**view("0.16"), "creator": 4, "counts": []}
    views = [*bad, view("0.11"), view("0.17", id=18), odd]
    reading, _ = await look({LIST: {"comments": views}}, LookTarget(POST, HOST))
    assert tree_of(reading) == {POST: None, own(11): POST, own(16): POST}


async def test_the_host_of_the_community_is_asked_for_a_post_that_was_written_elsewhere() -> None:
    views = [view("0.11", community=OTHER)]
    reading, _ = await look({LIST: {"comments": views}}, LookTarget(POST, HOST))
    (question,) = reading.further
    assert question == LookTarget(POST, OTHER, POST_THREAD)

    theirs = (
        view("0.52", own(11), OTHER, post(POST, 51)),
        view("0.52.53", "", OTHER, post(POST, 51)),
    )
    documents = {
        f"/api/v3/resolve_object?q=https%3A%2F%2F{HOST}%2Fpost%2F7": {
            "post": {"post": post(POST, 51), "community": {}}
        },
        f"/api/v3/comment/list?post_id=51&{TREE}": {"comments": theirs},
    }
    reading, fake = await look(documents, question, host=OTHER)
    assert tree_of(reading) == {own(11): POST, own(53): own(11)}
    assert reading.further == ()
    assert len(fake.asked) == 2


async def test_a_community_host_that_does_not_know_the_post_is_asked_no_further() -> None:
    for answer in (Gone(OTHER, 404), StatusError(OTHER, 400), {"post": {"post": post(own(8), 51)}}):
        documents: dict[str, object] = {"/api/v3/resolve_object": answer}
        reading, fake = await look(documents, LookTarget(POST, OTHER, POST_THREAD), host=OTHER)
        assert (reading.statuses, reading.further) == ((), ())
        assert reading.notes == (f"does not know {POST}",)
        assert len(fake.asked) == 1


async def test_a_post_without_comments_is_read_itself() -> None:
    found = {"post": post(), "community": {"actor_id": f"https://{OTHER}/c/talk"}}
    documents: dict[str, object] = {
        LIST: {"comments": []},
        "/api/v3/post?id=7": {"post_view": found},
    }
    reading, _ = await look(documents, LookTarget(POST, HOST))
    assert tree_of(reading) == {POST: None}
    assert reading.further == (LookTarget(POST, OTHER, POST_THREAD),)


async def test_a_deleted_post_is_gone() -> None:
    for flag in ("deleted", "removed"):
        gone = post() | {flag: True}
        empty: dict[str, object] = {
            LIST: {"comments": []},
            "/api/v3/post": {"post_view": {"post": gone}},
        }
        full: dict[str, object] = {LIST: {"comments": [view("0.11", of=gone)]}}
        for documents in (empty, full):
            reading, _ = await look(documents, LookTarget(POST, HOST))
            assert reading == Reading(gone=True)


async def test_a_comment_that_is_asked_first_leads_to_its_post_in_two_requests() -> None:
    elsewhere = post(f"https://{OTHER}/post/1", 9)
    chain = [view(path, of=elsewhere) for path in ("0.11", "0.11.12", "0.11.12.13")]
    documents: dict[str, object] = {
        f"/api/v3/comment/list?parent_id=12&{TREE}": {"comments": chain[1:]},
        f"/api/v3/comment/list?parent_id=11&{TREE}": {"comments": chain},
    }
    reading, fake = await look(documents, LookTarget(own(12), HOST))
    root = f"https://{OTHER}/post/1"
    assert tree_of(reading) == {root: None, own(11): root, own(12): own(11), own(13): own(12)}
    assert reading.further == ()
    assert len(fake.asked) == 2


async def test_a_comment_on_the_post_itself_takes_one_request() -> None:
    elsewhere = post("https://c.example/post/1", 9)
    documents: dict[str, object] = {
        "/api/v3/comment/list": {"comments": [view("0.11", community=OTHER, of=elsewhere)]}
    }
    reading, fake = await look(documents, LookTarget(own(11), HOST))
    assert tree_of(reading) == {
        "https://c.example/post/1": None,
        own(11): "https://c.example/post/1",
    }
    assert reading.further == (LookTarget("https://c.example/post/1", OTHER, POST_THREAD),)
    assert len(fake.asked) == 1


async def test_a_deleted_comment_is_gone_and_an_unknown_one_is_asked_by_activitypub() -> None:
    path = f"/api/v3/comment/list?parent_id=11&{TREE}"
    reading, _ = await look(
        {path: {"comments": [view("0.11", deleted=True)]}}, LookTarget(own(11), HOST)
    )
    assert reading.gone
    answers: list[object] = [{"comments": []}, Gone(HOST, 404), StatusError(HOST, 400)]
    for answer in answers:
        reading, _ = await look({path: answer}, LookTarget(own(11), HOST))
        assert reading.further == (LookTarget(own(11), HOST, base.AP),)
        assert not reading.gone


async def test_a_comment_whose_ancestors_are_not_all_listed_is_asked_by_activitypub_too() -> None:
    documents: dict[str, object] = {
        f"/api/v3/comment/list?parent_id=13&{TREE}": {"comments": [view("0.11.12.13")]},
        f"/api/v3/comment/list?parent_id=11&{TREE}": {"comments": [view("0.11")]},
    }
    reading, _ = await look(documents, LookTarget(own(13), HOST))
    assert tree_of(reading) == {POST: None, own(11): POST, own(13): None}
    assert reading.further == (LookTarget(own(13), HOST, base.AP),)


async def test_a_view_around_a_comment_is_its_whole_thread_and_ends_there() -> None:
    documents: dict[str, object] = {
        f"/api/v3/comment/list?parent_id=11&{TREE}": {"comments": [view("0.11", community=OTHER)]},
        LIST: {"comments": [view("0.11"), view("0.12")]},
    }
    reading, _ = await look(documents, LookTarget(own(11), HOST, base.AROUND))
    assert tree_of(reading) == {POST: None, own(11): POST, own(12): POST}
    assert reading.further == ()


async def test_what_stays_on_its_host_is_not_listed() -> None:
    for visibility in ("LocalOnly", "local_only_public", "private"):
        local = view("0.11")
        local["community"]["visibility"] = visibility
        for uri, path in ((POST, LIST), (own(11), f"/api/v3/comment/list?parent_id=11&{TREE}")):
            reading, _ = await look({path: {"comments": [local]}}, LookTarget(uri, HOST))
            assert reading == Reading(notes=("not public",))


async def test_a_tree_that_is_cut_leads_to_all_pages_in_one_look() -> None:
    numbers = range(100, 450)
    # Each third answers the post, the others the one before: parents are on earlier pages too.
    paths = {n: f"0.{n}" if n % 3 == 1 else f"0.{n - (n - 1) % 3}.{n}" for n in numbers}
    views = [view(paths[n], below=0 if n % 3 != 1 else 2) for n in numbers]
    tree = sorted(views, key=lambda one: paths[one["comment"]["id"]].split(".")[:-1])
    reading, _ = await look({LIST: {"comments": tree[:300]}}, LookTarget(POST, HOST))
    assert reading.further == (LookTarget(POST, HOST, POST_THREAD, "7 1"),)
    flat = "/api/v3/comment/list?post_id=7&type_=All&sort=Old&limit=50&page="
    documents: dict[str, object] = {
        f"{flat}{page + 1}": {"comments": views[50 * page : 50 * page + 50]} for page in range(8)
    }
    reading, fake = await look(documents, reading.further[0])
    assert len(reading.statuses) == 350
    assert all(status.parent_uri for status in reading.statuses)
    assert reading.further == ()
    assert len(fake.asked) == 8


async def test_a_full_tree_that_counts_itself_whole_leads_nowhere() -> None:
    views = [view("0.11", below=299), *(view(f"0.11.{n}") for n in range(100, 399))]
    reading, _ = await look({LIST: {"comments": views}}, LookTarget(POST, HOST))
    assert (len(reading.statuses), reading.further) == (301, ())


async def test_a_host_that_gives_the_same_page_for_ever_is_left_at_the_second() -> None:
    page = {"comments": [view(f"0.{n}") for n in range(100, 150)]}
    target = LookTarget(POST, HOST, POST_THREAD, "7 1")
    reading, fake = await look({"/api/v3/comment/list": page}, target)
    assert len(reading.statuses) == 50
    assert len(fake.asked) == 2


async def test_version_4_is_asked_by_cursors() -> None:
    def new(number: int) -> dict[str, Any]:
        made = view(f"0.{number}")
        made["comment"]["published_at"] = made["comment"].pop("published")
        made["comment"]["child_count"] = 0
        made["community"] = {"ap_id": f"https://{OTHER}/c/talk", "visibility": "public"}
        del made["counts"]
        return made

    first = "/api/v4/comment/list?post_id=7&type_=all&sort=old&max_depth=60"
    documents: dict[str, object] = {
        first: {"items": [new(n) for n in range(100, 400)], "next_page": "xY-_1"},
        f"{first}&page_cursor=xY-_1": {"items": [new(n) for n in range(400, 420)]},
    }
    reading, _ = await look(documents, LookTarget(POST, HOST), NEW)
    assert reading.statuses[1].created_at is not None
    assert reading.further == (
        LookTarget(POST, HOST, POST_THREAD, "7 1"),
        LookTarget(POST, OTHER, POST_THREAD),
    )
    reading, fake = await look(documents, reading.further[0], NEW)
    assert len(reading.statuses) == 320
    assert fake.asked == [first, f"{first}&page_cursor=xY-_1"]


async def test_version_4_finds_a_post_of_another_host() -> None:
    documents: dict[str, object] = {
        "/api/v4/resolve_object": {"type_": "post", "post": post(POST, 51), "community": {}},
        "/api/v4/comment/list": {"items": [view("0.52", of=post(POST, 51))]},
    }
    reading, _ = await look(documents, LookTarget(POST, OTHER, POST_THREAD), NEW, OTHER)
    assert tree_of(reading) == {own(52): POST}


async def test_a_cursor_that_comes_again_ends_the_listing() -> None:
    page = {"items": [view(f"0.{n}") for n in range(100, 400)], "next_page": "same"}
    target = LookTarget(POST, HOST, POST_THREAD, "7 1")
    _, fake = await look({"/api/v4/comment/list": page}, target, NEW)
    assert len(fake.asked) == 2


@pytest.mark.parametrize(
    ("error", "closed"),
    [
        (Forbidden(HOST, 403), True),
        (StatusError(HOST, 400, "answered 400: instance_is_private"), True),
        (Gone(HOST, 404), False),
        (StatusError(HOST, 400, "answered 400"), False),
    ],
)
async def test_where_the_api_tells_nothing_activitypub_is_asked(
    error: RemoteError, closed: bool
) -> None:
    reading, _ = await look({"/api/v3/comment/list": error}, LookTarget(POST, HOST))
    assert reading.further == (LookTarget(POST, HOST, base.AP),)
    assert (base.NOTE_API_OFF in reading.notes) is closed
    foreign = LookTarget(f"https://{OTHER}/post/1", HOST, POST_THREAD, "7")
    reading, _ = await look({"/api/v3/comment/list": error}, foreign)
    assert reading.further == ()


async def test_a_robots_txt_that_closes_the_api_leaves_activitypub_to_who_can_sign() -> None:
    fake = FakeAsker(HOST, {"/api/v4/comment/list": RobotsRefused(HOST, "robots.txt")})
    with pytest.raises(RobotsRefused):
        await choose(NEW).look(asker(fake), LookTarget(POST, HOST), NEW)
    fake.signs = True
    reading = await choose(NEW).look(asker(fake), LookTarget(POST, HOST), NEW)
    assert reading == Reading(further=(LookTarget(POST, HOST, base.AP),))


async def test_a_fault_of_the_server_is_tried_again() -> None:
    with pytest.raises(ServerFault):
        await look({"/api/v3/comment/list": ServerFault(HOST, 502)}, LookTarget(POST, HOST))


async def test_what_is_neither_post_nor_comment_is_read_by_activitypub() -> None:
    note = {
        "id": f"https://{HOST}/u/me",
        "type": "Note",
        "attributedTo": f"https://{HOST}/u/me",
        "to": "as:Public",
        "inReplyTo": own(11),
    }
    reading, _ = await look({"/u/me": note}, LookTarget(f"https://{HOST}/u/me", HOST))
    assert tree_of(reading) == {f"https://{HOST}/u/me": own(11)}


@pytest.mark.parametrize(
    ("origin", "world", "replies", "requests"),
    [
        ("lemmy", "levels", 300, 1),
        ("lemmy1", "levels", 300, 1),
        ("lemmy", "large", 700, 16),
        ("lemmy1", "large", 700, 4),
    ],
)
async def test_a_simulated_thread_becomes_whole(
    origin: str, world: str, replies: int, requests: int
) -> None:
    made = worlds.build(world, seed=1, now=1.7e9, replies=replies, origin=origin)
    root = made.timeline[0].status.root
    reader = Reader(made)
    await reader.read(root)
    below = [status for status in root.branch() if status.parent is not None]
    assert {s.uri: s.parent.uri for s in below if s.parent} == reader.parents
    assert reader.requests.total() == requests
