"""Every source leads to its conversations; one that the token may not see stops no other."""

from __future__ import annotations

from typing import Any

import pytest

from tests.flow.conftest import OpenStage
from tests.flow.stage import HOME, Stage, people, thread
from toottail.flow import collect_accounts
from toottail.servers.budgets import Limit, standard_limits
from toottail.simulator.question import document
from toottail.simulator.world import Status, World
from toottail.types.reports import Report
from toottail.types.sources import Choices, parse_sources
from toottail.worker import chores, engine

EVERYTHING = ["home", "lists", "notifications", "bookmarks", "favourites", "replied"]
HOSTS = ["a.example", "b.example", "c.example"]


def choices(*sources: str, **more: object) -> Choices:
    return Choices(parse_sources(sources), **more)  # type: ignore[arg-type]


def told(report: Report) -> dict[str, str]:
    """Why sources were not read."""
    return {one.source: one.problem for one in report.sources if one.problem is not None}


@pytest.fixture
def shelves() -> tuple[World, dict[str, list[Status]]]:
    """A world with a thread for each source, and the replies it has to bring, by source."""
    world = World(1, now=1_790_000_000.0)
    authors = people(world, *HOSTS)
    ada, bela, _ = authors
    wanted: dict[str, list[Status]] = {}
    roots: dict[str, Status] = {}
    for source in EVERYTHING:
        roots[source], wanted[source] = thread(world, ada, [bela, bela, bela])
    own = world.belongings
    world.show(roots["home"], at=roots["home"].at)
    own.add_list(world, "Friends", roots["lists"])
    own.notify(world, "favourite", bela)
    own.notify(world, "mention", ada, roots["notifications"])
    own.bookmark(world, roots["bookmarks"])
    own.favour(world, roots["favourites"])
    answer = world.post(world.member, roots["replied"], at=roots["replied"].at + 900_000)
    world.spread(roots["replied"])
    world.bring_home([answer])
    return world, wanted


async def test_each_source_brings_its_own_conversations_home(
    open_stage: OpenStage, shelves: tuple[World, dict[str, list[Status]]]
) -> None:
    world, wanted = shelves
    stage = await open_stage(world, scopes="read")
    for source, replies in wanted.items():
        report = await stage.fetch(choices=choices(source))
        assert report.finished
        assert told(report) == {}
        assert all(stage.has(reply) for reply in replies), source
        later = EVERYTHING[EVERYTHING.index(source) + 1 :]
        assert not any(stage.has(reply) for other in later for reply in wanted[other])


async def test_all_sources_together_are_one_run_that_the_next_does_not_repeat(
    open_stage: OpenStage, shelves: tuple[World, dict[str, list[Status]]]
) -> None:
    world, wanted = shelves
    stage = await open_stage(world, scopes="read")
    report = await stage.fetch(choices=choices(*EVERYTHING))
    assert all(stage.has(reply) for replies in wanted.values() for reply in replies)
    assert report.conversations == len(EVERYTHING)
    stage.reset_counters()
    again = await stage.fetch(choices=choices(*EVERYTHING))
    assert stage.judge()["requests_remote"] == 0
    # One for each source, and one for the only list.
    assert stage.judge()["requests_home"] == again.requests == len(EVERYTHING) + 1


async def test_a_token_with_few_scopes_reads_what_it_may_and_names_what_it_lacks(
    open_stage: OpenStage, shelves: tuple[World, dict[str, list[Status]]]
) -> None:
    world, wanted = shelves
    stage = await open_stage(world, scopes="read:statuses read:search")
    report = await stage.fetch(choices=choices(*EVERYTHING, "followings"), named="mira")
    assert report.finished
    assert told(report) == {
        "lists": "the token lacks the scope read:lists",
        "notifications": "the token lacks the scope read:notifications",
        "bookmarks": "the token lacks the scope read:bookmarks",
        "favourites": "the token lacks the scope read:favourites",
        "followings": "the token lacks the scope read:accounts",
    }
    for source, replies in wanted.items():
        assert all(stage.has(reply) for reply in replies) is (source in ("home", "replied"))


async def test_where_the_home_does_not_tell_the_scopes_its_refusal_does(
    open_stage: OpenStage, shelves: tuple[World, dict[str, list[Status]]]
) -> None:
    world, wanted = shelves
    stage = await open_stage(world, scopes="read:statuses read:search")
    _hide_scopes(stage)
    report = await stage.fetch(choices=choices("home", "bookmarks", "replied"))
    assert report.finished
    assert told(report)["bookmarks"] == "the home refuses it: the token lacks read:bookmarks"
    assert "the account is not named" in told(report)["replied"]
    assert all(stage.has(reply) for reply in wanted["home"])
    stage.reset_counters()
    await stage.fetch(choices=choices("home", "bookmarks"))
    assert stage.judge()["requests_home"] == 1, "what was refused is not asked for at once"


def _hide_scopes(stage: Stage) -> None:
    """As servers before Mastodon 4.3 do."""
    stage.simulator.home._app = lambda grant: document({"name": "TootTail"})  # type: ignore[method-assign]


async def test_one_list_may_be_named_by_its_title(open_stage: OpenStage) -> None:
    world = World(1, now=1_790_000_000.0)
    ada, bela, _ = people(world, *HOSTS)
    roots, replies = zip(*(thread(world, ada, [bela, bela]) for _ in range(2)), strict=True)
    for title, root in zip(("News", "Friends"), roots, strict=True):
        world.belongings.add_list(world, title, root)
    stage = await open_stage(world, scopes="read")
    report = await stage.fetch(choices=choices("list:friends", "list:Nobody"))
    assert told(report) == {"list:Nobody": "the member has no list 'Nobody'"}
    assert [all(stage.has(reply) for reply in some) for some in replies] == [False, True]


async def test_a_long_shelf_is_paged_as_deep_as_it_is_wanted(open_stage: OpenStage) -> None:
    world = World(1, now=1_790_000_000.0)
    (ada,) = people(world, "a.example")
    for _ in range(90):
        root, _ = thread(world, ada, [])
        world.belongings.bookmark(world, root)
    stage = await open_stage(world, scopes="read")
    report = await stage.fetch(choices=choices("bookmarks=80"))
    assert [one.entries for one in report.sources] == [80]
    assert report.conversations == 80
    stage.reset_counters()
    await stage.fetch(choices=choices("bookmarks=80"))
    assert stage.judge()["requests_home"] == 1, "the newest page closes the gap"
    assert stage.asked(HOME, "search") == 0


def pages_asked(stage: Stage, source: str) -> list[str]:
    """What the home was asked for of one source, each with its query."""
    paths = [asked.path for asked in stage.simulator.counters.log if asked.host == HOME]
    return [path for path in paths if path.partition("?")[0].endswith(f"/{source}")]


@pytest.fixture
def stops(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Why sources were stopped, where the home allows one further page in 2.5 s."""
    plenty = Limit(3000, 300, 1.0)
    one_page = standard_limits() | {"anonymous": plenty, "user-paging": Limit(1, 2.5, 1.0)}
    monkeypatch.setattr(engine, "standard_limits", lambda *_: one_page)
    told: list[str] = []
    put_off = chores._put_off_sources

    async def stopped(*put: Any) -> None:
        told.append(put[-1])
        await put_off(*put)

    monkeypatch.setattr(chores, "_put_off_sources", stopped)
    return told


@pytest.mark.parametrize("source", ["bookmarks", "home"])
async def test_a_reading_that_is_stopped_between_two_pages_asks_for_none_twice(
    open_stage: OpenStage, stops: list[str], source: str
) -> None:
    world = World(1, now=1_790_000_000.0)
    (ada,) = people(world, "a.example")
    for _ in range(110):
        root, _ = thread(world, ada, [])
        world.belongings.bookmark(world, root)
        world.show(root, at=root.at)
    stage = await open_stage(world, scopes="read", throttles=False)
    report = await stage.fetch(choices=choices(f"{source}=100"))
    assert stops == ["its limit is used up"]
    assert report.finished
    assert report.conversations == 100
    assert [one.entries for one in report.sources] == [100]
    pages = pages_asked(stage, source)
    assert len(set(pages)) == len(pages) == 3
    stage.reset_counters()
    await stage.fetch(choices=choices(f"{source}=100"))
    assert len(pages_asked(stage, source)) == 1, "the newest page closes the gap"


async def test_a_list_of_people_that_is_stopped_between_two_pages_goes_on_there(
    open_stage: OpenStage, stops: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(collect_accounts, "_PAGE", 4)
    world = World(1, now=1_790_000_000.0)
    world.belongings.followings = people(world, *["b.example"] * 11)
    stage = await open_stage(world, scopes="read", throttles=False)
    report = await stage.fetch(choices=choices("followings=10"))
    assert stops == ["its limit is used up"]
    assert report.finished
    assert (report.profiles, [one.entries for one in report.sources]) == (10, [10])
    pages = pages_asked(stage, "following")
    assert len(set(pages)) == len(pages) == 3
