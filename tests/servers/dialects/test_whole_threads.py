"""Conversations of a pretend fediverse become whole, and what that costs in requests."""

from __future__ import annotations

import tracemalloc

import msgspec
import pytest

from tests.servers.dialects.edge import MASTODON, FakeAsker, Reader, asker
from toottail.servers.dialects.mastodon import Mastodon
from toottail.simulator import worlds
from toottail.simulator.world import Status
from toottail.types.statuses import LookTarget


def replies_of(root: Status) -> set[str]:
    return {s.uri for s in root.branch() if s.listable and s is not root}


@pytest.mark.parametrize(
    ("origin", "replies", "at_most"),
    [
        ("mastodon", 40, 1),
        ("mastodon", 300, 1.0),
        ("mastodon45", 600, 0.5),
        ("hollo", 2000, 1),
        ("activitypub", 150, 1.2),
        ("api-off", 150, 1.2),
    ],
)
async def test_a_thread_becomes_whole(origin: str, replies: int, at_most: float) -> None:
    """``at_most``: requests, where 1 for the one look, else for each reply."""
    world = worlds.build("large", seed=1, now=1.7e9, replies=replies, origin=origin)
    root = world.timeline[0].status.root
    reader = Reader(world)
    await reader.read(root)
    assert replies_of(root) <= set(reader.known)
    allowed = 1 if isinstance(at_most, int) else at_most * replies
    assert reader.requests.total() <= allowed


async def test_the_context_of_a_large_thread_costs_little_more_than_its_body() -> None:
    note = "x" * 3000
    below = [
        {
            "id": str(n),
            "uri": f"https://a.example/users/u/statuses/{n}",
            "in_reply_to_id": str(n - 1),
            "visibility": "public",
            "account": {"acct": "u", "note": note},
        }
        for n in range(2, 4098)
    ]
    body = msgspec.json.encode({"ancestors": [], "descendants": below})
    fake = FakeAsker("a.example", {"/api/v1/statuses/1/context": body})
    target = LookTarget("https://a.example/users/u/statuses/1", "a.example")
    del below
    tracemalloc.start()
    reading = await Mastodon().look(asker(fake), target, MASTODON)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert len(reading.statuses) == 4096
    assert peak < 8 << 20, peak
