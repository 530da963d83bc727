"""What anonymous readers get from Friendica, Mitra and Iceshrimp.NET by the Mastodon API."""

from __future__ import annotations

from typing import Any

import pytest

from tests.servers.dialects.edge import FakeAsker, asker
from toottail.errors import Forbidden, Gone
from toottail.servers.dialects import base, choose
from toottail.servers.dialects.cuts import Caps, find_gaps
from toottail.servers.entities import ApiStatus
from toottail.servers.nodeinfo import Software
from toottail.types.statuses import LookTarget, Reading

HOST = "a.example"
FRIENDICA = Software("friendica", "2024.09")
GUID = "735a2029-1968-d4c5-8b1b-1f3b12345678"
URI = f"https://{HOST}/objects/{GUID}"
PAGE = (
    b'<!DOCTYPE html><html><head><title>x</title>\n<link href="display/feed-item/4711.atom"'
    b' rel="alternate" type="application/atom+xml">\n<link '
    b'href="display/feed-item/4700/conversation.atom" rel="conversation">' + b"x" * 9000
)


def status(number: int, parent: int | None, uri: str, count: int = 0) -> dict[str, Any]:
    """A public status as the API shows it."""
    return {
        "id": str(number),
        "uri": uri,
        "in_reply_to_id": None if parent is None else str(parent),
        "replies_count": count,
        "visibility": "public",
        "account": {"acct": "u"},
    }


async def look(
    documents: dict[str, object], target: LookTarget, software: Software = FRIENDICA
) -> tuple[Reading, FakeAsker]:
    fake = FakeAsker(HOST, documents)
    return await choose(software).look(asker(fake), target, software), fake


async def test_the_page_tells_the_id_and_the_context_lists_all() -> None:
    below = status(4712, 4711, "https://b.example/users/u/statuses/1")
    documents: dict[str, object] = {
        f"/display/{GUID}": PAGE,
        "/api/v1/statuses/4711/context": {"ancestors": [], "descendants": [below]},
    }
    reading, fake = await look(documents, LookTarget(URI, HOST))
    assert fake.asked == [f"/display/{GUID}", "/api/v1/statuses/4711/context?limit=2000"]
    assert fake.options[0]["cut"] is True
    (found,) = reading.statuses
    assert found.parent_uri == URI
    assert not reading.further


@pytest.mark.parametrize(
    "page", [b"<html><head></head>", b"", Forbidden(HOST, 403), Gone(HOST, 404)]
)
async def test_a_page_without_the_id_leads_to_activitypub(page: object) -> None:
    note = {
        "id": URI,
        "type": "Note",
        "attributedTo": f"https://{HOST}/profile/u",
        "to": "as:Public",
        "inReplyTo": "https://b.example/users/u/statuses/1",
        "context": f"{URI}#context",
    }
    documents: dict[str, object] = {f"/display/{GUID}": page, f"/objects/{GUID}": note}
    reading, fake = await look(documents, LookTarget(URI, HOST))
    assert fake.asked == [f"/display/{GUID}", f"/objects/{GUID}"]
    assert reading.statuses[0].parent_uri == "https://b.example/users/u/statuses/1"
    assert not reading.further


async def test_an_api_that_is_closed_is_remembered() -> None:
    documents: dict[str, object] = {
        f"/display/{GUID}": PAGE,
        "/api/v1/statuses/4711/context": Forbidden(HOST, 401),
    }
    reading, _ = await look(documents, LookTarget(URI, HOST))
    assert reading.notes == (base.NOTE_API_OFF,)
    assert reading.further == (LookTarget(URI, HOST, base.AP),)


@pytest.mark.parametrize(
    ("software", "path", "local_id"),
    [
        ("mitra", f"/objects/{GUID}", GUID),
        ("iceshrimp.net", "/notes/9zk3h2a1bcdefghi", "9zk3h2a1bcdefghi"),
    ],
)
async def test_the_uri_holds_the_id_where_the_software_has_it_there(
    software: str, path: str, local_id: str
) -> None:
    documents: dict[str, object] = {
        f"/api/v1/statuses/{local_id}/context": {"ancestors": [], "descendants": []}
    }
    _, fake = await look(
        documents, LookTarget(f"https://{HOST}{path}", HOST), Software(software, "1")
    )
    assert fake.asked == [f"/api/v1/statuses/{local_id}/context"]


def cut_by_level(parents: dict[int, int], counts: dict[int, int]) -> list[str]:
    """Where a listing of 60 that was cut level by level is asked on."""
    listed = [
        ApiStatus(id=str(n), uri=f"https://a.example/{n}", in_reply_to_id=str(p))
        for n, p in parents.items()
    ]
    for one in listed:
        one.replies_count = counts.get(int(one.id), 0)
    gaps = find_gaps("1", listed, Caps(by_level=True))
    return sorted([*gaps.contexts, *gaps.replies])


def test_a_listing_cut_by_level_is_asked_on_at_everything_that_lacks_replies() -> None:
    parents = dict.fromkeys(range(2, 32), 1) | {n: 2 + n % 5 for n in range(32, 62)}
    counts = {2: 6, 3: 6, 4: 6, 5: 6, 6: 6, 9: 4, 40: 1}
    assert cut_by_level(parents, counts) == ["40", "9"]
    assert cut_by_level(dict.fromkeys(range(2, 62), 1), {}) == ["1"]
    assert cut_by_level(dict.fromkeys(range(2, 40), 1), {9: 4}) == []
