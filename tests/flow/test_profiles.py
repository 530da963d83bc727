"""Profiles: the newest posts of accounts come home, once, and of nobody who does not want that."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tests.flow.conftest import OpenStage
from tests.flow.stage import HOME, Stage, people, thread
from tests.flow.test_sources import choices, told
from toottail.simulator.faults import Fault
from toottail.simulator.world import Account, Status, World

NOW = 1_790_000_000.0


def posts(world: World, author: Account, count: int) -> list[Status]:
    """The newest last."""
    return [world.post(author, at=world.now - 9_000_000 + n * 1000) for n in range(count)]


def profile_requests(stage: Stage, host: str) -> int:
    return stage.asked(host, "profile")


@pytest.mark.parametrize("flavour", ["mastodon", "activitypub", "hollo", "pleroma", "api-off"])
async def test_the_newest_posts_of_whom_the_member_follows_come_home(
    open_stage: OpenStage, flavour: str
) -> None:
    world = World(1, now=NOW)
    (ada,) = people(world, "a.example", flavour=flavour)
    made = posts(world, ada, 12)
    world.belongings.followings = [ada]
    stage = await open_stage(world, scopes="read")
    report = await stage.fetch(choices=choices("followings", profile_posts=10))
    assert report.finished
    assert report.feeds_failed == {}
    assert [stage.has(post) for post in made] == [False] * 2 + [True] * 10
    assert (report.profiles, report.posts_delivered, report.conversations) == (1, 10, 0)
    # Two of the home's: who is followed, and what it shows of her already.
    assert stage.asked(HOME, "search") == 10
    stage.reset_counters()
    await stage.sql("UPDATE feeds SET read_at = now() - interval '2 hours'")
    again = await stage.fetch(choices=choices("followings", profile_posts=10))
    assert again.posts_delivered == stage.judge()["requests_remote"] == 0
    assert stage.judge()["requests_home"] == 1


async def test_a_profile_is_asked_for_again_when_its_time_is_over_and_brings_what_is_new(
    open_stage: OpenStage,
) -> None:
    world = World(1, now=NOW)
    (ada,) = people(world, "a.example")
    made = posts(world, ada, 3)
    world.belongings.followings = [ada]
    stage = await open_stage(world, scopes="read")
    await stage.fetch(choices=choices("followings"))
    made.append(world.post(ada, at=world.now))
    await stage.sql("UPDATE feed_watches SET again_at = now()")
    await stage.sql("UPDATE feeds SET read_at = now() - interval '2 hours'")
    before = stage.judge()["requests_home"]
    await stage.fetch(choices=choices("followings"))
    assert [stage.resolves(post) for post in made] == [1, 1, 1, 1]
    assert profile_requests(stage, "a.example") == 4
    # Who is followed, and the resolve: of one post it pays not to ask what is there.
    assert stage.judge()["requests_home"] - before == 2


async def test_a_reply_and_a_thread_of_ones_own_are_posts_too(open_stage: OpenStage) -> None:
    world = World(1, now=NOW)
    ada, bela = people(world, "a.example", "b.example")
    root, (answer,) = thread(world, bela, [ada])
    first, chain = thread(world, ada, [ada, ada], deep=True)
    world.belongings.followings = [ada]
    stage = await open_stage(world, scopes="read")
    report = await stage.fetch(choices=choices("followings"))
    assert report.finished
    assert all(stage.has(post) for post in (answer, root, first, *chain))
    assert stage.judge()["repeated_resolves"] == 0
    assert stage.resolves(first) == 0, "the last of the chain brings it along"
    assert report.posts_delivered == 4
    # Whether the chain came along is seen; where the answer hangs is not what was wanted.
    assert stage.asked(HOME, "context") == 2


async def test_what_the_home_shows_of_an_account_is_not_brought_again(
    open_stage: OpenStage,
) -> None:
    world = World(1, now=NOW)
    (ada,) = people(world, "a.example")
    made = posts(world, ada, 8)
    world.bring_home(made[:5])
    world.belongings.followers = [ada]
    stage = await open_stage(world, scopes="read")
    await stage.fetch(choices=choices("followers"))
    assert [stage.resolves(post) for post in made] == [0] * 5 + [1] * 3


async def test_who_opts_out_is_neither_asked_nor_brought(open_stage: OpenStage) -> None:
    world = World(1, now=NOW)
    nobot, indexed, found, ada = people(world, "n.example", "i.example", "d.example", "a.example")
    nobot.nobot, indexed.indexable, found.discoverable = True, False, False
    everybody = [nobot, indexed, found, ada]
    made = {account.name: posts(world, account, 2) for account in everybody}
    world.belongings.followings = everybody
    root, _ = thread(world, ada, [])
    world.show(root, at=root.at)
    for account in everybody:
        world.belongings.notify(world, "follow", account)
    stage = await open_stage(world, scopes="read")
    report = await stage.fetch(choices=choices("followings", "notifiers"))
    assert report.finished
    for account in (nobot, indexed, found):
        assert sum(stage.simulator.counters.by_host[account.host].values()) == 0
        assert not any(stage.resolves(post) for post in made[account.name])
    assert all(stage.has(post) for post in made[ada.name])


async def test_an_opt_out_that_no_list_of_the_home_showed_costs_the_one_request_that_shows_it(
    open_stage: OpenStage,
) -> None:
    world = World(1, now=NOW)
    (ada,) = people(world, "a.example")
    ada.nobot = True
    made = posts(world, ada, 2)
    stage = await open_stage(world, scopes="read")
    name = f"account:@{ada.name}@a.example"
    report = await stage.fetch(choices=choices(name))
    assert (report.profiles, report.profiles_opted_out) == (1, 1)
    assert profile_requests(stage, "a.example") == 1
    await stage.fetch(choices=choices(name))
    assert profile_requests(stage, "a.example") == 1
    assert not any(stage.resolves(post) for post in made)


async def test_whom_a_timeline_mentions_and_boosts_is_completed_when_that_is_chosen(
    open_stage: OpenStage,
) -> None:
    world = World(1, now=NOW)
    ada, bela, chen = people(world, "a.example", "b.example", "c.example")
    mentioning = world.post(ada, world.post(bela, at=world.now - 9_000), at=world.now - 8_000)
    boosted = world.post(chen, at=world.now - 7_000)
    world.show(mentioning, at=mentioning.at)
    world.show(boosted, at=boosted.at, boosted_by=ada)
    by_bela, by_chen = posts(world, bela, 1), posts(world, chen, 1)
    stage = await open_stage(world, scopes="read")
    await stage.fetch(choices=choices("home", "mentioned"))
    assert [stage.has(post) for post in (*by_bela, *by_chen)] == [True, False]
    await stage.fetch(choices=choices("home", "mentioned", "boosted"))
    # The page was read before, and is read again.
    assert [stage.has(post) for post in (*by_bela, *by_chen)] == [True, True]


async def test_accounts_on_lists_those_who_ask_and_a_named_one(open_stage: OpenStage) -> None:
    world = World(1, now=NOW)
    ada, bela, chen = people(world, "a.example", "b.example", "c.example")
    root, _ = thread(world, ada, [])
    world.belongings.add_list(world, "Friends", root)
    world.belongings.follow_requests = [bela]
    by = {account.name: posts(world, account, 2) for account in (ada, bela, chen)}
    stage = await open_stage(world, scopes="read")
    wanted = ("list_accounts:friends", "follow_requests", f"account:@{chen.name}@c.example")
    report = await stage.fetch(choices=choices(*wanted))
    assert told(report) == {}
    assert report.profiles == 3
    assert all(stage.has(post) for some in by.values() for post in some)


async def test_posts_come_with_their_conversations_when_that_is_chosen(
    open_stage: OpenStage,
) -> None:
    world = World(1, now=NOW)
    ada, bela = people(world, "a.example", "b.example")
    threads = [thread(world, ada, [bela, bela, ada]) for _ in range(3)]
    known, (_, *rest) = threads[0][0], threads
    world.bring_home([known])
    world.belongings.followings = [ada]
    stage = await open_stage(world, scopes="read")
    wanted = choices("followings", with_conversations=True)
    report = await stage.fetch(choices=wanted)
    assert report.finished
    assert report.conversations == 3
    assert all(stage.has(post) for root, replies in threads for post in (root, *replies))
    assert len(rest) == 2
    stage.reset_counters()
    await stage.fetch(choices=wanted)
    assert stage.judge()["requests_remote"] == 0


async def test_a_post_that_came_alone_gets_its_conversation_when_the_timeline_shows_it(
    open_stage: OpenStage,
) -> None:
    world = World(1, now=NOW)
    ada, bela = people(world, "a.example", "b.example")
    root, replies = thread(world, ada, [bela, bela])
    world.belongings.followings = [ada]
    stage = await open_stage(world, scopes="read")
    await stage.fetch(choices=choices("followings"))
    assert stage.has(root)
    assert not any(stage.has(reply) for reply in replies)
    world.show(root, at=root.at)
    report = await stage.fetch(choices=choices("home"))
    assert report.finished
    assert all(stage.has(reply) for reply in replies)


async def test_a_profile_whose_host_is_down_is_named_and_stops_nothing(
    open_stage: OpenStage,
) -> None:
    world = World(1, now=NOW)
    ada, bela = people(world, "a.example", "b.example")
    made = posts(world, bela, 2)
    world.hosts["a.example"].faults.append(Fault("robots"))
    world.belongings.followings = [ada, bela]
    stage = await open_stage(world, scopes="read")
    report = await stage.fetch(choices=choices("followings"))
    assert report.finished
    assert "robots.txt" in report.feeds_failed[f"{ada.name}@a.example"]
    assert all(stage.has(post) for post in made)
    assert stage.judge()["robots_violations"] == {}


async def test_a_dry_run_names_the_posts_and_brings_none(open_stage: OpenStage) -> None:
    world = World(1, now=NOW)
    (ada,) = people(world, "a.example")
    made = posts(world, ada, 3)
    world.belongings.followings = [ada]
    stage = await open_stage(world, scopes="read")
    report = await stage.fetch(choices=choices("followings"), dry=True)
    assert set(report.would_resolve) == {post.uri for post in made}
    assert stage.asked(HOME, "search") == 0
    await stage.fetch(choices=choices("followings"))
    assert all(stage.has(post) for post in made)


async def test_hashtags_are_read_at_the_named_servers(open_stage: OpenStage) -> None:
    world = World(1, now=NOW)
    ada, bela = people(world, "a.example", "b.example")
    made = posts(world, ada, 8)
    for post in made:
        world.hosts["b.example"].learn(post)
    # What a post is tagged with follows from its number.
    from toottail.simulator.profiles import hashtags_of

    tag = next(tags[0] for post in made if (tags := hashtags_of(post)))
    tagged = [post for post in made if tag in hashtags_of(post)]
    world.belongings.hashtags = [tag]
    stage = await open_stage(world, scopes="read")
    report = await stage.fetch(choices=choices("hashtags", tag_servers=("b.example", HOME)))
    assert told(report) == {}
    assert (report.hashtags, report.posts_delivered) == (1, len(tagged))
    assert [stage.has(post) for post in made] == [post in tagged for post in made]
    assert bela is not None
    stage.reset_counters()
    named = replace(choices(f"hashtag:{tag}"), tag_servers=("b.example",))
    await stage.fetch(choices=named)
    assert stage.judge()["requests_home"] == 0, "it was read a moment ago"
    told_why = told(await stage.fetch(choices=choices("hashtags")))
    assert "no servers are named" in told_why["hashtags"]
