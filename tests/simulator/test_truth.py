"""What counts as missing, listed and reachable, and what the floors are, on hand-made worlds."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from toottail.simulator.faults import Fault
from toottail.simulator.floors import floor_home, floor_remote
from toottail.simulator.hostile import arm
from toottail.simulator.options import Options
from toottail.simulator.report import report
from toottail.simulator.server import Simulator
from toottail.simulator.truth import Conversation, Truth
from toottail.simulator.world import Status, World
from toottail.simulator.worlds import build

from .scenery import NOW, author, chain, empty, root

A, B, C = "a.example", "b.example", "c.example"


def _world(home: str = "mastodon", a: str = "mastodon") -> tuple[World, Status, list[Status]]:
    world = empty(home, [(A, a), (B, "mastodon"), (C, "mastodon")])
    top = root(world, A)
    return world, top, chain(world, top, [B, C, A])


def _judged(world: World) -> Conversation:
    return Truth(world).conversations()[0]


def test_everything_that_an_open_origin_lists_is_reachable() -> None:
    world, _, line = _world()
    judged = _judged(world)
    assert judged.missing == judged.reachable == set(line)
    assert judged.leaves == {line[2]}


def test_nothing_below_a_reply_that_cannot_be_fetched_is_reachable() -> None:
    for spoil in ("dead", "deleted"):
        world, _, line = _world()
        if spoil == "dead":
            world.hosts[C].faults.append(Fault("dead"))
        else:
            world.delete(line[1])
        judged = _judged(world)
        assert judged.reachable == {line[0]}
        assert Truth(world).why_not(judged, line[2]) == "a reply above it cannot be fetched"


def test_an_author_who_opted_out_is_not_brought_by_name_but_may_come_along() -> None:
    world, _, line = _world()
    line[1].author.nobot = True
    assert _judged(world).reachable == {line[0], line[2]}
    world, _, line = _world(home="never")
    line[1].author.nobot = True
    assert _judged(world).reachable == {line[0]}


def test_a_thread_of_a_closed_origin_is_unreachable_unless_another_host_lists_it() -> None:
    world, top, line = _world(a="gotosocial")
    assert _judged(world).reachable == set()
    world.show(line[0], at=line[0].at)
    judged = _judged(world)
    assert judged.shown == [line[0], top] or judged.shown == [top, line[0]]
    assert judged.listed >= {line[1], line[2]}


def test_an_origin_that_forbids_robots_lists_nothing() -> None:
    world, _, line = _world()
    world.hosts[A].faults.append(Fault("robots"))
    judged = _judged(world)
    assert judged.reachable == set()
    assert Truth(world).why_not(judged, line[0]) == "listed by no host that may be read"


def test_replies_for_followers_only_are_not_even_missing() -> None:
    world, _, line = _world()
    world.hide(line[2], "private")
    assert _judged(world).missing == set(line[:2])


def test_made_up_statuses_are_neither_missing_nor_reachable() -> None:
    world, _, line = _world()
    world.hosts[A].faults.append(Fault("hostile", victim=B))
    arm(world)
    assert _judged(world).missing == set(line)
    assert _judged(world).reachable == set(line)


def test_a_walk_past_the_caps_finds_the_whole_of_a_deep_and_wide_thread() -> None:
    world = empty(hosts=[(A, "mastodon"), (B, "mastodon")])
    top = root(world, A)
    line = chain(world, top, [A, B] * 40)
    for number in range(150):
        world.post(author(world, B), top, at=line[-1].at + 1000 + number)
    world.spread(top)
    assert len(_judged(world).reachable) == 230


def test_the_floor_at_home_counts_pages_leaves_and_compares() -> None:
    world, _, line = _world()
    world.bring_home(line[:1])
    aside = root(world, B)
    assert floor_home(world, Truth(world)) == {
        "timeline": 1,
        "resolves": 1,
        "compares": 1,
        "total": 3,
    }
    world.post(author(world, C), aside, at=aside.at + 1)
    world.spread(aside)
    assert floor_home(world, Truth(world))["total"] == 5


def test_the_floor_elsewhere_counts_conversations_hosts_and_what_the_caps_force() -> None:
    world, top, _ = _world()
    assert floor_remote(world, Truth(world)) == {
        "conversations": 1,
        "further": 0,
        "hosts": 3,
        "total": 4,
    }
    for number in range(130):
        world.post(author(world, B), top, at=top.at + 100_000 + number)
    world.spread(top)
    # Two pages of replies and a context list the rest; each that is only named is one more.
    named = floor_remote(world, Truth(world))["further"] - 3
    assert 130 - 60 <= named <= 130


def test_a_host_that_turns_everybody_away_or_wants_signatures_costs_one_request() -> None:
    for flavour, fault, total in (("mastodon", "dead", 1), ("gotosocial", None, 1)):
        world, _, _ = _world(a=flavour)
        world.hosts[A].faults.extend([Fault(fault)] if fault else [])
        assert floor_remote(world, Truth(world))["total"] == total


def test_the_floor_of_a_deep_thread_is_one_further_request_per_twenty_levels() -> None:
    world = empty(hosts=[(A, "mastodon")])
    chain(world, root(world, A), [A] * 100)
    assert floor_remote(world, Truth(world))["further"] == 4


def test_the_floor_of_an_origin_without_the_api_counts_each_reply_that_is_only_named() -> None:
    world, top, _ = _world(a="activitypub")
    world.post(author(world, C), top, at=top.at + 100_000)
    world.spread(top)
    floor = floor_remote(world, Truth(world))
    # One page, the two it names, what is below one of them at its own host and the origin's.
    assert floor["further"] == 1 + 2 + 1 + 1
    assert floor["hosts"] == 9


@pytest.mark.parametrize("home", ["mastodon", "mastodon45", "gotosocial", "takahe", "never"])
@pytest.mark.parametrize("name", ["small", "faulty"])
async def test_resolving_just_the_leaves_brings_home_exactly_what_is_reachable(
    name: str, home: str, tmp_path: Path
) -> None:
    world = build(name, seed=3, home=home, now=NOW)
    simulator = Simulator(world, tmp_path, options=Options(latency_scale=0))
    leaves = [s for c in simulator.truth.conversations() for s in c.leaves]
    for leaf in sorted(leaves, key=lambda s: s.at):
        assert await simulator.fetching.resolve(leaf.uri) is leaf
    for _ in range(200):
        await asyncio.sleep(0)
    found = report(simulator)
    await simulator.fetching.close()
    assert found["reachable"] > 200
    assert found["still_missing"] == []
    assert found["recovered"] == found["reachable"]
