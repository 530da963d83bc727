"""Misskey's own API and that of its forks as an origin's dialect."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tests.servers.dialects.edge import FakeAsker, Reader, asker
from toottail.errors import AnswerRefused, Forbidden, Gone, RobotsRefused, StatusError
from toottail.servers.budgets import HostBudget, standard_limits
from toottail.servers.dialects import base, choose
from toottail.servers.dialects.misskey import ABOVE
from toottail.servers.dialects.note_trees import BRANCH
from toottail.servers.nodeinfo import Software
from toottail.servers.outcomes import error_text
from toottail.simulator import worlds
from toottail.types.statuses import LookTarget, Reading

HOST = "a.example"
MISSKEY = Software("misskey", "2025.11.0")
SHARKEY = Software("sharkey", "2025.4.4")
FIREFISH = Software("firefish", "20240729")


def local(number: int) -> str:
    return f"9abcde{number:04d}"


def uri(number: int) -> str:
    return f"https://{HOST}/notes/{local(number)}"


def note(number: int, parent: int | None = None, replies: int = 0, **more: Any) -> dict[str, Any]:
    return {
        "id": local(number),
        "createdAt": "2026-01-02T03:04:05.678Z",
        "userId": "9xyz",
        "user": {"id": "9xyz", "username": "u", "host": None},
        "text": "hello",
        "visibility": "public",
        "localOnly": False,
        "repliesCount": replies,
        "replyId": local(parent) if parent else None,
        "renoteId": None,
    } | more


def remote(number: int, parent: int | None = None, replies: int = 0) -> dict[str, Any]:
    address = f"https://b.example/users/v/statuses/{number}"
    user = {"id": "9xyy", "username": "v", "host": "b.example"}
    return note(
        number, parent, replies, user=user, uri=address, url=f"https://b.example/@v/{number}"
    )


def below(number: int, left: int, whole: bool = True, paged: bool = False, until: str = "") -> str:
    return f"{local(number)} {left} {'whole' if whole else 'own'} {'page' if paged else 'tree'}" + (
        f" {until}" if until else ""
    )


def branch(number: int, left: int, **place: Any) -> LookTarget:
    return LookTarget(uri(number), HOST, BRANCH, below(number, left, **place))


async def look(
    documents: dict[str, object],
    target: LookTarget | None = None,
    software: Software = MISSKEY,
) -> tuple[Reading, FakeAsker]:
    fake = FakeAsker(HOST, documents)
    target = target or LookTarget(uri(1), HOST)
    return await choose(software).look(asker(fake), target, software), fake


@pytest.mark.parametrize(
    "name",
    ["misskey", "sharkey", "firefish", "foundkey", "iceshrimp", "calckey", "cherrypick", "catodon"],
)
def test_the_family_is_known_by_name(name: str) -> None:
    assert choose(Software(name, "1")).name == "misskey"
    assert choose(Software("iceshrimp.net", "2025.1")).name != "misskey"


async def test_a_root_without_replies_costs_one_request() -> None:
    reading, fake = await look({"/api/notes/show": note(1)})
    assert fake.asked == [f'/api/notes/show {{"noteId":"{local(1)}"}}']
    (found,) = reading.statuses
    assert (found.uri, found.host, found.parent_uri, found.is_reply) == (uri(1), HOST, None, False)
    assert found.created_at == datetime(2026, 1, 2, 3, 4, 5, 678000, UTC)
    assert reading.further == ()


async def test_the_replies_of_a_root_are_asked_for_as_many_as_are_counted() -> None:
    reading, _ = await look({"/api/notes/show": note(1, replies=3)})
    assert reading.further == (branch(1, 3),)


async def test_the_replies_are_led_to_the_note_and_those_with_replies_are_asked_on() -> None:
    replies = [note(4, 1, 2), remote(3, 1, 1), note(2, 1)]
    reading, fake = await look({"/api/notes/replies": replies}, branch(1, 3))
    assert fake.asked == [f'/api/notes/replies {{"limit":100,"noteId":"{local(1)}"}}']
    assert {s.parent_uri for s in reading.statuses} == {uri(1)}
    foreign = "https://b.example/users/v/statuses/3"
    assert [s.uri for s in reading.statuses] == [uri(4), foreign, uri(2)]
    assert [s.replies_count for s in reading.statuses] == [2, 1, 0]
    assert reading.further == (
        branch(4, 2),
        LookTarget(foreign, HOST, BRANCH, below(3, 1)),
    )


async def test_what_others_wrote_is_asked_at_home_where_the_thread_began_elsewhere() -> None:
    replies = [note(4, 1, 2), remote(3, 1, 1)]
    reading, _ = await look({"/api/notes/replies": replies}, branch(1, 3, whole=False))
    assert reading.further == (
        branch(4, 2, whole=False),
        LookTarget("https://b.example/users/v/statuses/3", "b.example", "", base.PLACED),
    )


async def test_a_listing_is_read_page_by_page_until_all_that_is_counted_was_listed() -> None:
    first = [note(number, 1) for number in range(250, 150, -1)]
    reading, _ = await look({"/api/notes/replies": first}, branch(1, 150))
    following = branch(1, 50, until=local(151))
    assert reading.further == (following,)
    rest = [note(number, 1) for number in range(150, 100, -1)]
    reading, fake = await look({"/api/notes/replies": rest}, following)
    assert f'"untilId":"{local(151)}"' in fake.asked[0]
    assert reading.further == ()
    reading, _ = await look({"/api/notes/replies": first}, branch(1, 100))
    assert reading.further == ()


async def test_a_page_that_comes_again_ends_the_listing() -> None:
    page = [note(number, 1) for number in range(250, 150, -1)]
    reading, _ = await look({"/api/notes/replies": page}, branch(1, 900, until=local(151)))
    assert reading.further == ()


async def test_quotes_and_what_is_not_for_everybody_are_left_out_with_all_below_it() -> None:
    tree = [
        note(2, 1),
        note(3, None, renoteId=local(1)),
        note(4, 3),
        note(5, 1, visibility="followers"),
        note(6, 5),
        note(7, 1, localOnly=True),
        note(8, 1, isHidden=True, text=None),
        note(9, 1, visibility="home"),
    ]
    reading, _ = await look({"/api/notes/children": tree}, branch(1, 6), FIREFISH)
    assert {s.uri for s in reading.statuses} == {uri(2), uri(9)}


async def test_a_tree_comes_with_one_request_and_only_its_gaps_are_asked_for() -> None:
    tree = [note(2, 1, 2), note(3, 2, 1), note(4, 3), note(5, 1, 4)]
    tree += [note(10 + n, 3 + n, 1) for n in range(1)] + [note(30, 2, 140)]
    tree += [note(1000 + n, 30) for n in range(99)]
    reading, fake = await look({"/api/notes/children": tree}, branch(1, 2), FIREFISH)
    assert '"depth":100' in fake.asked[0]
    parents = {s.uri: s.parent_uri for s in reading.statuses}
    assert parents[uri(4)] == uri(3)
    assert parents[uri(1000)] == uri(30)
    assert len(parents) == len(tree)
    assert reading.further == (branch(30, 140, paged=True),)


async def test_a_note_with_more_replies_than_a_tree_shows_of_one_is_read_by_pages() -> None:
    tree = [note(100 + n, 1, n % 2) for n in range(99)] + [note(500, 101)]
    reading, _ = await look({"/api/notes/children": tree}, branch(1, 130), FIREFISH)
    assert branch(1, 130, paged=True) in reading.further
    replies = [note(300 - n, 1, 1) for n in range(100)]
    reading, fake = await look({"/api/notes/replies": replies}, reading.further[-1], FIREFISH)
    assert "depth" not in fake.asked[0]
    assert {t.how for t in reading.further} == {BRANCH, base.REPLIES}
    assert reading.further[-1] == branch(1, 30, paged=True, until=local(201))
    reading, fake = await look(
        {"/api/notes/children": [note(9, 300)]}, reading.further[0], FIREFISH
    )
    assert [(s.uri, s.parent_uri) for s in reading.statuses] == [(uri(9), uri(300))]


async def test_a_tree_too_large_to_be_read_is_read_by_pages() -> None:
    refused = AnswerRefused(HOST, "answered with more than 8388608 bytes")
    reading, _ = await look({"/api/notes/children": refused}, branch(1, 5000), FIREFISH)
    assert reading == Reading(further=(branch(1, 5000, paged=True),))


async def test_sharkey_is_asked_to_leave_quotes_out_and_within_its_limits() -> None:
    reading, fake = await look({"/api/notes/children": [note(2, 1)]}, branch(1, 1), SHARKEY)
    assert '"showQuotes":false' in fake.asked[0]
    assert fake.options[0]["allowances"] == ["anonymous", "sharkey:children"]
    assert len(reading.statuses) == 1


def test_what_sharkey_allows_is_never_exceeded() -> None:
    names = ("sharkey:children",)
    budget = HostBudget(HOST, defaults=standard_limits())
    now, tokens, before = datetime(2026, 1, 1, tzinfo=UTC), 25.0, None
    for _ in range(200):
        now = budget.earliest(names, now)
        if before is not None:
            tokens = min(25.0, tokens + (now - before).total_seconds() * 4)
        before = now
        tokens -= 1
        assert tokens >= 0
        budget.spend(names, now)
        now += timedelta(milliseconds=1)


async def test_a_reply_that_is_asked_first_leads_up_to_its_root() -> None:
    asked = note(5, 4, 1, reply=note(4, 3))
    reading, _ = await look({"/api/notes/show": asked}, LookTarget(uri(5), HOST))
    assert [(s.uri, s.parent_uri, s.is_reply) for s in reading.statuses] == [
        (uri(5), uri(4), True),
        (uri(4), None, True),
    ]
    upwards = LookTarget(uri(5), HOST, ABOVE, f"{local(5)} 0")
    assert reading.further == (branch(5, 1, whole=False), upwards)
    chain = [note(4, 3), note(3, 2), remote(2, 1), note(1)]
    reading, fake = await look({"/api/notes/conversation": chain}, upwards)
    assert fake.asked == [f'/api/notes/conversation {{"limit":100,"noteId":"{local(5)}"}}']
    far = "https://b.example/users/v/statuses/2"
    assert {s.uri: s.parent_uri for s in reading.statuses} == {
        uri(5): uri(4),
        uri(4): uri(3),
        uri(3): far,
        far: uri(1),
        uri(1): None,
    }
    assert reading.further == ()


async def test_a_reply_to_the_root_itself_needs_no_question_about_what_is_above() -> None:
    asked = note(5, 4, 0, reply=note(4))
    reading, _ = await look({"/api/notes/show": asked}, LookTarget(uri(5), HOST))
    assert reading.further == ()
    assert reading.statuses[0].parent_uri == uri(4)


async def test_a_long_way_up_is_gone_in_several_steps_but_not_for_ever() -> None:
    chain = [note(number, number - 1) for number in range(300, 200, -1)]
    documents: dict[str, object] = {"/api/notes/conversation": chain}
    hint = f"{local(301)} 0"
    reading, _ = await look(documents, LookTarget(uri(301), HOST, ABOVE, hint))
    assert reading.further == (LookTarget(uri(201), HOST, ABOVE, f"{local(201)} 1"),)
    hint = f"{local(301)} 19"
    reading, _ = await look(documents, LookTarget(uri(301), HOST, ABOVE, hint))
    assert reading.further == ()


async def test_the_way_up_ends_at_what_is_not_for_everybody() -> None:
    chain = [note(4, 3), note(3, 2, visibility="followers", isHidden=True), note(2)]
    target = LookTarget(uri(5), HOST, ABOVE, f"{local(5)} 0")
    reading, _ = await look({"/api/notes/conversation": chain}, target)
    assert [s.uri for s in reading.statuses] == [uri(5), uri(4)]
    assert reading.statuses[-1].is_reply


async def test_more_below_an_ancestor_is_asked_for_by_the_id_it_has_here() -> None:
    chain = [note(4, 3), remote(3)]
    wanted = "https://b.example/users/v/statuses/3"
    asked = note(5, 4, reply=note(4, 3))
    target = LookTarget(uri(5), HOST, "", base.below(wanted))
    reading, _ = await look({"/api/notes/show": asked}, target)
    (upwards,) = reading.further
    reading, _ = await look({"/api/notes/conversation": chain}, upwards)
    assert reading.further == (LookTarget(wanted, HOST, BRANCH, below(3, 0, whole=False)),)


async def test_a_view_of_a_silent_thread_begins_at_its_topmost_note() -> None:
    chain = [remote(4, 3), remote(3, None, 7)]
    target = LookTarget(uri(5), HOST, base.AROUND)
    reading, fake = await look({"/api/notes/conversation": chain}, target)
    assert len(fake.asked) == 1
    top = "https://b.example/users/v/statuses/3"
    assert [s.parent_uri for s in reading.statuses][1:] == [top, None]
    assert reading.further == (LookTarget(top, HOST, BRANCH, below(3, 7)),)


@pytest.mark.parametrize(
    "code",
    ["CONTENT_RESTRICTED_BY_SERVER", "CONTENT_RESTRICTED_BY_USER", "SIGNIN_REQUIRED"],
)
async def test_what_is_not_shown_to_visitors_is_said_and_not_got_around(code: str) -> None:
    refusal = StatusError(HOST, 400, f"answered 400: {code}")
    listing = [note(2, 1)]
    reading, fake = await look({"/api/notes/show": refusal, "/api/notes/replies": listing})
    assert len(fake.asked) == 1
    assert reading.statuses == ()
    assert reading.further == (LookTarget(uri(1), HOST, base.AP),)
    assert reading.refused is not None
    assert code in reading.refused


async def test_a_robots_txt_that_closes_the_api_leaves_activitypub() -> None:
    closed = RobotsRefused(HOST, "its robots.txt disallows /api/notes/show")
    reading, _ = await look({"/api/notes/show": closed})
    assert reading.further == (LookTarget(uri(1), HOST, base.AP),)
    assert reading.refused is not None
    assert "lists no replies" in reading.refused
    reading, _ = await look({"/api/notes/show": closed}, software=SHARKEY)
    assert reading.further == (LookTarget(uri(1), HOST, base.AP),)
    assert reading.refused is None, "Sharkey has collections of replies"


async def test_a_private_server_is_asked_by_activitypub_and_remembered() -> None:
    reading, _ = await look({"/api/notes/show": Forbidden(HOST, 401)}, software=FIREFISH)
    assert reading.notes == (base.NOTE_API_OFF,)
    assert reading.further == (LookTarget(uri(1), HOST, base.AP),)


async def test_a_deleted_note_is_gone() -> None:
    missing = StatusError(HOST, 400, "answered 400: NO_SUCH_NOTE; No such note.")
    assert (await look({"/api/notes/show": missing}))[0] == Reading(gone=True)
    reading, _ = await look({"/api/notes/replies": missing}, branch(1, 3))
    assert reading == Reading()


def test_the_words_of_an_error_are_read_where_misskey_has_them() -> None:
    body = b'{"error": {"message": "No such note.", "code": "NO_SUCH_NOTE", "id": "24fc", "x": 1}}'
    headers = {"Content-Type": "application/json; charset=utf-8"}
    assert error_text(headers, body) == "NO_SUCH_NOTE; No such note."


async def test_a_fork_without_the_endpoint_is_an_error_and_not_a_note_that_is_gone() -> None:
    with pytest.raises(AnswerRefused, match="has no notes/replies"):
        await look({"/api/notes/replies": Gone(HOST, 404)}, branch(1, 3))


@pytest.mark.parametrize("answer", [[], {"id": 3}, remote(1), b"\xff", "text"])
async def test_an_answer_that_is_no_note_of_the_host_is_refused(answer: object) -> None:
    with pytest.raises(AnswerRefused):
        await look({"/api/notes/show": answer})


async def test_one_malformed_reply_never_costs_the_others() -> None:
    strange: list[Any] = [
        None,
        7,
        {"id": "x y", "replyId": local(1)},
        note(3, 1, user={"host": "b.example"}),
        note(4, 1, uri="https://127.0.0.1/notes/1"),
        note(5, 1, uri=["https://b.example/notes/1"]),
        note(6, 1, user=None),
        note(7, 1, visibility=["public"]),
        note(8, 1, createdAt="yesterday", repliesCount="many", url="http://x/1"),
        note(9, 1),
    ]
    reading, _ = await look({"/api/notes/replies": strange}, branch(1, 9))
    assert [s.uri for s in reading.statuses] == [uri(8), uri(9)]
    assert (reading.statuses[0].created_at, reading.statuses[0].url) == (None, None)


async def test_a_note_whose_address_holds_no_id_is_asked_by_activitypub() -> None:
    target = LookTarget(f"https://{HOST}/objects/1", HOST)
    reading, fake = await look({}, target)
    assert fake.asked == ["/objects/1"]
    assert reading.gone


@pytest.mark.parametrize(
    ("origin", "at_most"), [("misskey", 109), ("sharkey", 109), ("firefish", 4)]
)
async def test_three_hundred_replies_in_three_levels_come_whole(origin: str, at_most: int) -> None:
    world = worlds.build("levels", seed=1, now=1.7e9, origin=origin)
    root = world.timeline[0].status
    reader = Reader(world)
    await reader.read(root)
    assert set(reader.known) == {status.uri for status in root.branch()}
    assert reader.parents == {s.uri: s.parent.uri for s in root.branch() if s.parent}
    assert reader.requests.total() <= at_most
