"""The table of ways decides who is asked how, and who is not asked at all."""

from __future__ import annotations

import pytest

from tests.servers.dialects.edge import FakeAsker, asker
from toottail.servers.dialects import base, choose
from toottail.servers.dialects.software import CAPPED, NO_LISTING, SIGNED_ONLY, WAYS, WHOLE, way_of
from toottail.servers.nodeinfo import Software
from toottail.types.statuses import LookTarget

BRIDGE = Software("bridgy-fed", "20260822t101112")


@pytest.mark.parametrize("name", [name for name, way in WAYS.items() if way.by == "nothing"])
@pytest.mark.parametrize("how", [base.BEGIN, base.REPLIES, base.AROUND, base.AP])
async def test_software_without_any_way_is_refused_in_words_and_asked_nothing(
    name: str, how: str
) -> None:
    software = Software(name, "1.0")
    fake = FakeAsker("a.example", {})
    target = LookTarget("https://a.example/post/1", "a.example", how)
    reading = await choose(software).look(asker(fake), target, software)
    assert fake.asked == []
    assert reading.refused == WAYS[name].why
    assert not reading.further


def test_the_way_decides_about_the_dialect() -> None:
    expected = {"contexts": "mastodon", "collections": "activitypub", "nothing": "nothing"}
    found = {
        name: choose(Software(name, "1.0")).name for name in WAYS if way_of(name).by in expected
    }
    # Some software has a dialect of its own beside the table.
    own = set(found.values()) - set(expected.values())
    assert {n: f for n, f in found.items() if f not in own} == {
        n: expected[WAYS[n].by] for n, f in found.items() if f not in own
    }
    assert found["mitra"] == found["friendica"] == found["iceshrimp.net"] == "mastodon"


def test_what_stands_nowhere_is_asked_for_its_collections() -> None:
    assert way_of("newpub").by == "collections"
    assert choose(Software("newpub", "1.0")).name == "activitypub"


def test_discourse_and_bookwyrm_answer_unsigned_requests() -> None:
    assert {"gotosocial", "threads"} <= SIGNED_ONLY
    assert SIGNED_ONLY.isdisjoint({"discourse", "bookwyrm", "nodebb"})


def test_contexts_are_capped_or_whole_and_names_are_no_listings() -> None:
    assert CAPPED.isdisjoint(WHOLE)
    assert {"mastodon", "iceshrimp.net"} <= CAPPED
    assert {"mitra", "friendica", "hollo"} <= WHOLE
    assert NO_LISTING.isdisjoint({"nodebb", "discourse", "streams", "mastodon"})


def test_every_way_has_a_reason() -> None:
    assert all(len(way.why) > 15 for way in WAYS.values())
