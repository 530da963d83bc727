"""Worlds of many homes: whose timelines differ, whose homes know different things."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from toottail.simulator.control import play
from toottail.simulator.home import token_of
from toottail.simulator.options import Options
from toottail.simulator.report import members, report, traffic
from toottail.simulator.server import Simulator
from toottail.simulator.town import Townsfolk
from toottail.simulator.truth import Truth
from toottail.simulator.world import World
from toottail.simulator.worlds import build

from .scenery import NOW, running


def _folk(world: World) -> Townsfolk:
    assert isinstance(world.crowd, Townsfolk)
    return world.crowd


def test_the_town_has_ten_homes_two_hundred_members_and_eight_thousand_missing_replies() -> None:
    world = build("town", now=NOW)
    missing = sum(len(c.missing) for home in world.homes for c in Truth(home).conversations())
    assert len(world.homes) == 10
    assert len(world.hosts) == 310
    assert sum(len(_folk(home).members) for home in world.homes) == 200
    assert 7_500 < missing < 9_000
    kinds = {home.home_flavour.software for home in world.homes}
    assert kinds == {"mastodon", "gotosocial", "hollo"}


def test_timelines_of_members_overlap_but_differ_and_are_the_same_at_each_start() -> None:
    first, again = (build("city", homes=4, members=40, now=NOW) for _ in range(2))
    shown = []
    for world in (first, again):
        folk = _folk(world.homes[1])
        shown.append([[entry.status.uri for entry in folk.timeline(m)] for m in folk.members])
    assert shown[0] == shown[1]
    one, other = set(shown[0][0]), set(shown[0][1])
    assert len(one) == len(other) == 40
    assert one != other
    assert one & other


async def test_each_member_has_a_token_that_shows_their_own_timeline(tmp_path: Path) -> None:
    world = build("city", homes=2, members=6, now=NOW)
    async with running(world, tmp_path) as client:
        told = members(client.simulator)
        assert len(told) == 6
        assert len({one["token"] for one in told}) == 6
        folk = _folk(world)
        for member in folk.members[:2]:
            token = token_of(member)
            page = await client.member("/api/v1/timelines/home", token, limit="40")
            wanted = [entry.id for entry in folk.timeline(member)]
            assert [status["id"] for status in page.json()] == wanted


async def test_what_one_home_fetches_the_others_still_lack_and_the_report_says_so(
    tmp_path: Path,
) -> None:
    world = build("city", homes=2, members=20, now=NOW)
    async with running(world, tmp_path) as client:
        before = report(client.simulator)["homes"]
        lacking = [{one["uri"] for one in home["still_missing"]} for home in before.values()]
        (uri, *_) = sorted(lacking[0] & lacking[1])
        token = token_of(_folk(world).members[0])
        for _ in range(2):
            await client.member("/api/v2/search", token, q=uri, resolve="true")
        await client.simulator.fetching.close()
        found = report(client.simulator)
        there = found["homes"]["home.example"]["still_missing"]
        assert uri not in {one["uri"] for one in there if one["why"] != "at home but unattached"}
        elsewhere = found["homes"]["home1.example"]["still_missing"]
        assert uri in {one["uri"] for one in elsewhere}
        assert found["repeated_resolves"] == 1


async def test_requests_beyond_a_limit_and_threads_read_again_are_counted(tmp_path: Path) -> None:
    world = build("city", homes=2, members=4, now=NOW)
    root = next(s for s in _folk(world).round if world.hosts[s.host].flavour.throttled)
    url = f"https://{root.host}/api/v1/statuses/{world.hosts[root.host].known[root]}/context"
    async with running(world, tmp_path, limit_scale=0.01) as client:
        for _ in range(5):
            await client.get(url)
        found = report(client.simulator)
    assert found["over_limit"] == {root.host: {"anonymous": 2}}
    assert found["looks"]["reads"] == 3
    assert found["looks"]["threads_again_within_60_s"] == 2


@pytest.mark.parametrize("home", ["home.example", "home1.example"])
async def test_new_replies_are_waited_for_at_each_home_that_shows_their_thread(
    tmp_path: Path, home: str
) -> None:
    world = build("city", homes=2, members=4)
    simulator = Simulator(world, tmp_path, options=Options())
    root = _folk(next(one for one in world.homes if one.home.name == home)).round[0]
    (uri,) = play(simulator, {"replies": [{"to": root.uri, "count": 1}]})["replies"]
    simulator.life.made.append((world.by_uri[uri], [home]))
    waiting = simulator.life.delays({home: {}})
    assert (waiting["wanted"], waiting["came"]) == (1, 0)
    came = simulator.life.delays({home: {uri: world.by_uri[uri].at / 1000 + 7}})
    assert (came["wanted"], came["came"], came["median"]) == (1, 1, 7.0)


async def test_replies_in_active_threads_are_told_apart_and_later_ones_left_out(
    tmp_path: Path,
) -> None:
    world = build("city", homes=2, members=4)
    life = Simulator(world, tmp_path, options=Options()).life
    root, quiet = _folk(world).round[:2]
    at = world.now
    for thread, seconds in ((root, 0), (quiet, 0), (root, 500), (root, 1000), (quiet, 601)):
        life.note(world.post(root.author, thread, at=at + 1000 * seconds), ["home.example"])
    came = {"home.example": {reply.uri: reply.at / 1000 + 5 for reply, _ in life.made}}
    everything = life.delays(came)
    assert (everything["wanted"], everything["active"]["wanted"]) == (5, 2)
    until = life.delays(came, at / 1000 + 600)
    assert (until["wanted"], until["active"]["wanted"], until["active"]["median"]) == (3, 1, 5.0)
    between = life.delays(came, since=at / 1000 + 400, until=at / 1000 + 600)
    assert (between["wanted"], between["active"]["wanted"]) == (1, 1)
    life.forget()
    life.note(world.post(root.author, root, at=at + 1_500_000), ["home.example"])
    assert life.delays({"home.example": {}})["active"]["wanted"] == 1, "its thread is active still"


async def test_life_can_begin_later_and_new_posts_wait_for_their_first_look(
    tmp_path: Path,
) -> None:
    world = build("city", homes=4, members=40)
    async with running(world, tmp_path) as client:
        simulator = client.simulator
        assert simulator.life.posts == 0
        play(simulator, {"pace": 500})
        for _ in range(2_000):
            if len(simulator.life.posted) >= 20:
                break
            await asyncio.sleep(0.01)
        play(simulator, {"pace": 0})
        posted = simulator.life.posted
        for root in posted:
            timelines = (_folk(h).timeline(m) for h in world.homes for m in _folk(h).members)
            assert any(entry.status is root for shown in timelines for entry in shown)
        (*_, looked) = (r for r in posted if world.hosts[r.host].flavour.software == "mastodon")
        before = traffic(simulator)["first_looks"]
        number = world.hosts[looked.host].known[looked]
        await client.get(f"https://{looked.host}/api/v1/statuses/{number}/context")
        found = traffic(simulator)
    assert (before["wanted"], before["came"]) == (len(posted), 0)
    assert found["first_looks"]["came"] == 1
    assert found["looks"]["threads"] == 1
