"""The Mastodon API as an origin's dialect."""

from __future__ import annotations

from typing import Any

import pytest

from tests.servers.dialects.edge import MASTODON, FakeAsker, asker
from toottail.errors import AnswerRefused, Forbidden, Gone, TooManyRequests
from toottail.servers.dialects import base, choose
from toottail.servers.dialects.local_ids import local_id_of
from toottail.servers.dialects.mastodon import Mastodon
from toottail.servers.nodeinfo import Software
from toottail.types.statuses import LookTarget, Reading

HOST = "a.example"
UUID = "0190a1b2-0000-7000-8000-000000000001"


def uri(number: int, host: str = HOST) -> str:
    return f"https://{host}/users/u/statuses/{number}"


def status(
    number: int, parent: int | None = None, replies: int = 0, host: str = HOST, **more: Any
) -> dict[str, Any]:
    return {
        "id": str(number),
        "uri": uri(number, host),
        "url": f"https://{host}/@u/{number}",
        "in_reply_to_id": str(parent) if parent else None,
        "replies_count": replies,
        "created_at": "2026-01-02T03:04:05.678Z",
        "visibility": "public",
        "account": {"acct": "u", "note": "<p>hello</p>"},
    } | more


def context(above: list[Any], below: list[Any]) -> dict[str, Any]:
    return {"ancestors": above, "descendants": below}


async def look(
    documents: dict[str, object],
    target: LookTarget | None = None,
    software: Software = MASTODON,
    host: str = HOST,
) -> Reading:
    ask = asker(FakeAsker(host, documents))
    return await choose(software).look(ask, target or LookTarget(uri(1), HOST), software)


def path(number: int | str) -> str:
    return f"/api/v1/statuses/{number}/context"


@pytest.mark.parametrize(
    ("address", "expected"),
    [
        ("https://a.example/users/u/statuses/123", "123"),
        ("https://a.example/ap/users/9/statuses/123", "123"),
        ("https://a.example/@u/123", "123"),
        (f"https://a.example/@u/{UUID}", UUID),
        ("https://a.example/notice/AbCdEf0123456789xy", "AbCdEf0123456789xy"),
        ("https://a.example/@u/statuses/01HABCDEF", None),
        ("https://a.example/users/u/statuses/123/activity", None),
        ("https://a.example/users/u/statuses/../../secret", None),
    ],
)
def test_the_local_id_is_read_from_the_uri(address: str, expected: str | None) -> None:
    assert local_id_of(address) == expected


async def test_a_whole_thread_takes_one_request_and_tells_every_parent() -> None:
    fake = FakeAsker(HOST, {path(1): context([], [status(2, 1, 1), status(3, 2)])})
    reading = await Mastodon().look(asker(fake), LookTarget(uri(1), HOST), MASTODON)
    assert fake.asked == [path(1)]
    assert {s.uri: s.parent_uri for s in reading.statuses} == {uri(2): uri(1), uri(3): uri(2)}
    assert (reading.further, reading.cut_at) == ((), ())
    first = reading.statuses[0]
    assert first.created_at is not None
    assert first.created_at.isoformat() == "2026-01-02T03:04:05.678000+00:00"
    assert (first.local_id, first.replies_count, first.is_reply) == ("2", 1, True)


async def test_a_reply_is_chained_to_its_ancestors() -> None:
    above = [status(7, host="b.example"), status(8, 7, 1)]
    reading = await look({path(9): context(above, [])}, LookTarget(uri(9), HOST))
    assert {s.uri: s.parent_uri for s in reading.statuses} == {
        uri(7, "b.example"): None,
        uri(8): uri(7, "b.example"),
        uri(9): uri(8),
    }


async def test_one_bad_item_loses_no_other() -> None:
    bad = [{"id": 5}, "text", status(4, 1, uri="ftp://x"), status(6, 1, account=7), None]
    reading = await look({path(1): context([], [*bad, status(2, 1)])})
    assert {s.uri for s in reading.statuses} == {uri(6), uri(2)}


async def test_followers_only_and_private_names_are_never_in_a_reading() -> None:
    below = [
        status(2, 1, visibility="private"),
        status(3, 1, visibility="direct"),
        status(4, 1, host="printer.local"),
        status(5, 1, uri="https://127.0.0.1/users/u/statuses/5"),
        status(6, 1, uri="http://b.example/users/u/statuses/6"),
        status(7, 2),
    ]
    reading = await look({path(1): context([], below)})
    assert [(s.uri, s.parent_uri, s.is_reply) for s in reading.statuses] == [(uri(7), None, True)]


async def test_an_author_who_wants_no_robots_is_marked() -> None:
    note = '<p><a href="https://a.example/tags/nobot">#<span>NoBot</span></a></p>'
    notes = [note, "first line\nnobot", "a nobottle", None]
    below = [status(n, 1, account={"acct": "u", "note": x}) for n, x in enumerate(notes, start=2)]
    reading = await look({path(1): context([], below)})
    assert [s.opted_out for s in reading.statuses] == [True, True, False, False]


async def test_a_cut_thread_leads_to_its_replies_collection_and_its_last_branch() -> None:
    below = [status(n, 1) for n in range(2, 60)] + [status(60, 1, 9), status(61, 60, 2)]
    reading = await look({path(1): context([], below)})
    assert set(reading.further) == {
        LookTarget(uri(60), HOST, base.CONTEXT, "60"),
        LookTarget(uri(1), HOST, base.REPLIES, f"{uri(1)}/replies?page=true"),
    }


async def test_the_note_is_read_first_where_it_leads_to_a_listing_of_the_thread() -> None:
    below = [status(n, 1) for n in range(2, 62)]
    fake = FakeAsker(HOST, {path(1): context([], below)})
    target = LookTarget(uri(1), HOST)
    reading = await Mastodon().look(asker(fake), target, Software("mastodon", "4.5.1"))
    assert LookTarget(uri(1), HOST, base.REPLIES) in reading.further


async def test_direct_replies_to_a_foreign_status_are_asked_of_its_own_host() -> None:
    below = [status(2, 1, 90, host="b.example"), *(status(n, 2) for n in range(3, 62))]
    reading = await look({path(1): context([], below)})
    assert LookTarget(uri(2, "b.example"), "b.example") in reading.further


async def test_a_climb_that_reached_its_cap_goes_on_from_the_top() -> None:
    above = [status(n, n - 1) for n in range(60, 100)]
    reading = await look({path(100): context(above, [])}, LookTarget(uri(100), HOST))
    assert LookTarget(uri(60), HOST, base.CONTEXT, "60") in reading.further


async def test_a_participant_is_not_the_last_word_on_what_others_wrote() -> None:
    above = [status(5, host="root.example")]
    below = [status(11, 10, host="c.example"), status(12, 10)]
    reading = await look({path(10): context(above, below)}, LookTarget(uri(10), HOST))
    assert reading.further == (LookTarget(uri(11, "c.example"), "c.example", "", base.PLACED),)


async def test_more_that_is_wanted_below_an_ancestor_takes_one_more_request() -> None:
    root = uri(5, "root.example")
    target = LookTarget(uri(10), HOST, "", base.below(root))
    above = [status(5, host="root.example")]
    reading = await look({path(10): context(above, [])}, target)
    assert reading.further == (LookTarget(root, HOST, base.CONTEXT, "5"),)


async def test_pleroma_lists_what_is_older_so_the_last_of_it_is_no_parent() -> None:
    pleroma = Software("pleroma", "2.9")
    target = LookTarget("https://a.example/notice/Abcdefghij12", HOST)
    older = [status(5), status(6, 5), status(7, 5)]
    reading = await look({path("Abcdefghij12"): context(older, [])}, target, pleroma)
    assert target.uri not in {s.uri for s in reading.statuses}
    assert reading.further == (LookTarget(uri(5), HOST, base.CONTEXT, "5"),)


@pytest.mark.parametrize("answer", [401, 403])
async def test_a_closed_api_leads_to_activitypub_and_is_remembered(answer: int) -> None:
    reading = await look({path(1): Forbidden(HOST, answer)})
    assert reading.further == (LookTarget(uri(1), HOST, base.AP),)
    assert reading.notes == (base.NOTE_API_OFF,)
    assert choose(MASTODON, {base.NOTE_API_OFF}).name == "activitypub"


async def test_a_deleted_status_is_gone() -> None:
    assert (await look({path(1): Gone(HOST, 404)})).gone
    assert (await look({path(1): Gone(HOST, 410)})).gone


async def test_a_foreign_status_that_a_host_lacks_is_not_gone() -> None:
    target = LookTarget(uri(5, "b.example"), HOST, base.CONTEXT, "5")
    assert not (await look({path(5): Gone(HOST, 404)}, target)).gone


async def test_a_missing_answer_of_software_that_hides_is_asked_through_activitypub() -> None:
    pleroma = Software("pleroma", "2.9")
    target = LookTarget("https://a.example/notice/Abcdefghij12", HOST)
    reading = await look({}, target, pleroma)
    assert reading.further == (LookTarget(target.uri, HOST, base.AP),)


async def test_what_may_be_tried_again_is_raised() -> None:
    with pytest.raises(TooManyRequests):
        await look({path(1): TooManyRequests(HOST, None)})
    with pytest.raises(AnswerRefused):
        await look({path(1): b'{"ancestors": [}'})
    with pytest.raises(AnswerRefused):
        await look({path(1): b"[" * 100_000})


async def test_a_hint_never_leaves_the_path_it_belongs_to() -> None:
    fake = FakeAsker(HOST, {})
    target = LookTarget(uri(1), HOST, base.CONTEXT, "../../oauth/x?")
    await Mastodon().look(asker(fake), target, MASTODON)
    assert fake.asked == [path(1)]


def test_nodeinfo_decides_and_the_unknown_is_asked_through_activitypub() -> None:
    names = {n: choose(Software(n, "1")).name for n in ("mastodon", "hollo", "akkoma", "hometown")}
    assert set(names.values()) == {"mastodon"}
    assert choose(Software("unknown", "")).name == "activitypub"
    assert choose(Software("nodebb", "4.15.1")).name == "activitypub"
