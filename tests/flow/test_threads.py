"""Single threads on which a promise can be seen: boosts, privacy, opt-outs, deletions, merging."""

from __future__ import annotations

import pytest

from tests.flow.conftest import OpenStage
from tests.flow.stage import HOME, people, thread
from toottail.simulator import origin
from toottail.simulator.faults import Fault
from toottail.simulator.question import error
from toottail.simulator.world import World
from toottail.simulator.worlds import build

NOW = 1_790_000_000.0


def world_of(*hosts: str, home: str = "mastodon") -> World:
    world = World(1, home=home, now=NOW)
    for host in hosts:
        world.add_host(host, "mastodon")
    return world


async def test_a_boost_is_followed_to_what_was_boosted(open_stage: OpenStage) -> None:
    world = world_of()
    ada, bela, chen = people(world, "a.example", "b.example", "c.example")
    root, replies = thread(world, ada, [bela, chen, bela])
    world.show(root, at=root.at + 1000, boosted_by=bela)
    stage = await open_stage(world)
    outcome = await stage.fetch()
    assert outcome.finished
    assert all(stage.has(reply) for reply in replies)


async def test_followers_only_and_direct_posts_are_never_touched(open_stage: OpenStage) -> None:
    world = world_of()
    ada, bela = people(world, "a.example", "b.example")
    for visibility in ("private", "direct"):
        secret, _ = thread(world, ada, [bela, bela])
        world.hide(secret, visibility)
        world.show(secret, at=secret.at)
    root, replies = thread(world, ada, [bela, bela, bela])
    world.hide(replies[1], "private")
    world.show(root, at=root.at)
    stage = await open_stage(world)
    outcome = await stage.fetch()
    assert outcome.finished
    assert outcome.conversations == 1
    assert stage.judge()["secrets_touched"] == 0
    assert [stage.has(reply) for reply in replies] == [True, False, True]
    stored = {row["uri"] for row in await stage.sql("SELECT uri FROM statuses")}
    assert stored == {root.uri, replies[0].uri, replies[2].uri}


@pytest.mark.parametrize("home", ["mastodon", "never"])
async def test_who_opts_out_is_not_resolved_by_name(open_stage: OpenStage, home: str) -> None:
    world = world_of(home=home)
    ada, bela, chen = people(world, "a.example", "b.example", "c.example")
    chen.nobot = True
    root, replies = thread(world, ada, [bela, chen, bela])
    above = world.post(chen, root, at=root.at + 500_000)
    below = world.post(bela, above, at=root.at + 600_000)
    world.spread(root)
    world.show(root, at=root.at)
    stage = await open_stage(world)
    outcome = await stage.fetch()
    assert outcome.finished
    assert stage.resolves(replies[1]) == stage.resolves(above) == 0
    assert [stage.has(reply) for reply in replies] == [True, False, True]
    assert stage.has(below) is stage.has(above) is (home == "mastodon")
    assert stage.judge()["still_missing"] == []


async def test_a_deleted_reply_takes_only_what_hangs_below_it_along(open_stage: OpenStage) -> None:
    world = world_of()
    ada, bela, chen = people(world, "a.example", "b.example", "c.example")
    root, replies = thread(world, ada, [bela, chen, bela])
    below = world.post(bela, replies[1], at=root.at + 500_000)
    world.spread(root)
    world.delete(replies[1])
    world.show(root, at=root.at)
    stage = await open_stage(world)
    outcome = await stage.fetch()
    assert outcome.finished
    assert stage.has(replies[0])
    assert stage.has(replies[2])
    assert not stage.has(replies[1])
    assert not stage.has(below)
    assert outcome.not_obtained + outcome.unreachable + outcome.unattached == 2
    assert stage.judge()["still_missing"] == []


async def test_a_reply_in_the_timeline_leads_to_its_whole_conversation(
    open_stage: OpenStage,
) -> None:
    world = world_of()
    ada, bela, chen = people(world, "a.example", "b.example", "c.example")
    root, replies = thread(world, ada, [bela, chen, bela, chen], deep=True)
    side = world.post(chen, root, at=root.at + 900_000)
    world.spread(root)
    world.show(replies[2], at=replies[2].at)
    stage = await open_stage(world)
    outcome = await stage.fetch()
    assert outcome.finished
    assert stage.has(side)
    assert stage.has(replies[3])
    assert stage.judge()["still_missing"] == []


async def test_posts_of_one_thread_seen_apart_become_one_conversation_promptly(
    open_stage: OpenStage,
) -> None:
    world = world_of()
    hosts = [f"h{n}.example" for n in range(6)]
    ada, *others = people(world, "a.example", *hosts)
    root, replies = thread(world, ada, others, deep=True)
    side = world.post(others[0], root, at=root.at + 900_000)
    world.spread(root)
    world.show(root, at=root.at)
    for reply in replies[1:]:
        world.show(reply, at=reply.at)
    stage = await open_stage(world)
    outcome = await stage.fetch(within=30)
    assert outcome.finished
    assert stage.has(side)
    assert len(await stage.sql("SELECT id FROM conversations")) == 1
    assert outcome.seconds < 8, "no lane had to wait for a lease to run out"


async def test_what_was_posted_at_the_home_itself_is_never_resolved_there(
    open_stage: OpenStage,
) -> None:
    world = world_of()
    (ada,) = people(world, "a.example")
    root, (own,) = thread(world, ada, [world.member])
    world.show(root, at=root.at)
    world.bring_home([own])
    stage = await open_stage(world)
    outcome = await stage.fetch()
    assert outcome.finished
    assert stage.asked(HOME, "search") == 0


async def test_threads_of_one_host_do_not_use_up_each_others_trust(open_stage: OpenStage) -> None:
    world = world_of()
    ada, bela = people(world, "a.example", "b.example")
    missing = []
    for _ in range(3):
        root, replies = thread(world, ada, [bela] * 12)
        world.show(root, at=root.at)
        missing += replies
    stage = await open_stage(world, resolve=4.0)
    outcome = await stage.fetch()
    assert outcome.finished
    assert sum(stage.has(reply) for reply in missing) == len(missing)


async def test_where_the_origin_lists_little_the_hosts_of_participants_are_asked_for_the_rest(
    open_stage: OpenStage,
) -> None:
    world = world_of()
    (ada,) = people(world, "a.example", flavour="api-off")
    bela, chen = people(world, "b.example", "c.example")
    world.hosts["b.example"].faults.append(Fault("malformed"))
    root, (above, beside) = thread(world, ada, [bela, chen])
    below = world.post(chen, above, at=root.at + 500_000)
    world.spread(root)
    world.show(root, at=root.at)
    world.bring_home([above])
    stage = await open_stage(world)
    outcome = await stage.fetch()
    assert outcome.finished
    assert stage.has(beside)
    assert stage.has(below)


async def test_a_flat_listing_that_is_not_shown_is_not_taken_for_whole(
    open_stage: OpenStage, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(origin, "_thread", lambda *_: error(403, "Forbidden"))
    stage = await open_stage(build("large", replies=200, origin="mastodon45"))
    await stage.fetch()
    found = stage.judge()
    assert found["still_missing"] == []
    assert found["recovered"] == found["reachable"] > 0


async def test_new_replies_are_found_by_a_later_run_when_the_look_is_due(
    open_stage: OpenStage,
) -> None:
    world = world_of()
    ada, bela, chen = people(world, "a.example", "b.example", "c.example")
    root, replies = thread(world, ada, [bela, chen])
    world.show(root, at=root.at)
    stage = await open_stage(world)
    await stage.fetch()
    late = stage.change(replies=[{"to": root.uri, "count": 2}, {"to": replies[0].uri}])["replies"]
    assert len(late) == 3
    stage.reset_counters()
    early = await stage.fetch()
    assert early.delivered == 0
    assert stage.judge()["requests_remote"] == 0
    await stage.sql("UPDATE conversations SET next_look_at = now()")
    stage.reset_counters()
    outcome = await stage.fetch()
    assert outcome.delivered == 3
    assert all(stage.has(stage.world.by_uri[uri]) for uri in late)
    assert not any(stage.resolves(reply) for reply in replies)


@pytest.mark.parametrize("flavour", ["mastodon", "misskey"])
async def test_a_reply_that_only_its_parents_host_lists_is_found_by_a_later_look(
    open_stage: OpenStage, flavour: str
) -> None:
    world = world_of()
    ada, chen = people(world, "a.example", "c.example", flavour="activitypub")
    (bela,) = people(world, "b.example", flavour=flavour)
    root, replies = thread(world, ada, [bela, bela, bela])
    world.show(root, at=root.at)
    stage = await open_stage(world)
    await stage.fetch()
    # What b.example counted is told by nobody else; that was before this one came.
    late = world.post(chen, replies[1], at=root.at + 600_000)
    world.spread(root)
    stage.simulator.truth.forget()
    await stage.sql("UPDATE conversations SET next_look_at = now()")
    await stage.fetch()
    assert stage.has(late)
    assert stage.judge()["still_missing"] == []


async def test_what_a_member_mutes_is_taken_for_at_home_once_a_resolve_returned_it(
    open_stage: OpenStage,
) -> None:
    world = world_of()
    ada, bela, chen = people(world, "a.example", "b.example", "c.example")
    root, replies = thread(world, ada, [bela, chen, bela])
    chen.muted = True
    world.show(root, at=root.at)
    world.bring_home([replies[1]])
    stage = await open_stage(world)
    outcome = await stage.fetch()
    assert outcome.finished
    assert all(stage.has(reply) for reply in replies)
    await stage.sql("UPDATE conversations SET next_look_at = now()")
    stage.reset_counters()
    await stage.fetch()
    assert stage.asked(HOME, "search") == 0
