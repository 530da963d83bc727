"""The worlds by name are what they promise, and the same for the same seed."""

from __future__ import annotations

from collections import Counter

import pytest

from toottail.errors import UsageError
from toottail.simulator.faults import KINDS
from toottail.simulator.truth import Truth
from toottail.simulator.world import World
from toottail.simulator.worlds import build

from .scenery import NOW


def _print_of(world: World) -> list[tuple[object, ...]]:
    home = world.home.known
    return [
        (s.uri, s.parent.uri if s.parent else "", s.at, s.visibility, home.get(s))
        for s in world.statuses
    ] + [(e.id, e.status.uri) for e in world.timeline]


def _depth(world: World) -> int:
    return max(sum(1 for _ in s.ancestors()) for s in world.statuses)


@pytest.mark.parametrize("name", ["tiny", "small", "faulty", "large", "levels", "limits"])
def test_one_seed_gives_one_world_and_another_seed_another(name: str) -> None:
    first, again = build(name, seed=7, now=NOW), build(name, seed=7, now=NOW)
    assert _print_of(first) == _print_of(again)
    assert _print_of(first) != _print_of(build(name, seed=8, now=NOW))


@pytest.mark.parametrize("seed", range(1, 6))
def test_the_small_world_has_forty_entries_and_about_four_hundred_missing_replies(
    seed: int,
) -> None:
    world = build("small", seed=seed, now=NOW)
    judged = Truth(world).conversations()
    missing = sum(len(c.missing) for c in judged)
    at_home = sum(s in world.home.known and s.parent is not None for s in world.statuses)
    assert len(world.timeline) == 40
    assert 330 <= missing <= 460
    assert 140 <= at_home <= 260
    assert sum(len(c.reachable) for c in judged) == missing
    assert {s.status.visibility for s in world.timeline} >= {"public", "private", "direct"}
    assert not any(host.faults for host in world.hosts.values())


def test_the_large_world_is_deep_and_wide_and_three_percent_are_at_home() -> None:
    world = build("large", now=NOW)
    assert len(world.statuses) == 2001
    assert _depth(world) > 60
    assert max(len(s.children) for s in world.statuses) > 300
    assert 0.02 < len(world.home.known) / 2000 < 0.04


def test_the_world_of_levels_has_three_of_them_and_the_first_host_writes_on_each() -> None:
    world = build("levels", now=NOW, origin="hollo")
    above = {s: sum(1 for _ in s.ancestors()) for s in world.statuses}
    first = world.hosts["big.example"]
    assert Counter(above.values()) == {0: 1, 1: 100, 2: 100, 3: 100}
    assert {above[s] for s in world.statuses if s.host == first.name} == {0, 1, 2, 3}
    assert first.flavour.software == "hollo"
    assert list(world.home.known) == [world.statuses[0]]


def test_the_faulty_world_has_every_fault_on_three_hosts_in_ten() -> None:
    world = build("faulty", now=NOW)
    kinds = {fault.kind for host in world.hosts.values() for fault in host.faults}
    faulty = sum(bool(host.faults) for host in world.hosts.values())
    assert kinds == KINDS
    assert 0.27 < faulty / len(world.hosts) < 0.33
    assert len({e.status.root.host for e in world.timeline} & _faulty_names(world)) >= 16
    assert any(s.deleted for s in world.statuses)
    assert any(a.nobot for a in world.accounts)


def _faulty_names(world: World) -> set[str]:
    return {host.name for host in world.hosts.values() if host.faults}


def test_a_world_of_another_name_is_refused() -> None:
    with pytest.raises(UsageError, match="there are: faulty"):
        build("nowhere")
