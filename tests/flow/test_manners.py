"""Who does not want to be asked is not asked, and who is not to be named is not named."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from tests.flow.conftest import OpenStage
from tests.flow.stage import HOME, Stage, people, thread
from tests.flow.trees import node, root
from toottail.errors import SettingsError
from toottail.flow.plan import plan
from toottail.flow.verdicts import Verdict, verdicts
from toottail.repository import blocks
from toottail.simulator.faults import Fault
from toottail.simulator.world import World
from toottail.types.sources import Choices, Source

NOW = 1_790_000_000.0


def world_of(home: str = "mastodon") -> World:
    return World(1, home=home, now=NOW)


def asked(stage: Stage, host: str) -> list[str]:
    """Paths that we asked for anonymously at ``host``."""
    return [a.path for a in stage.simulator.counters.log if a.host == host and not a.authorized]


def asked_for_blocks(stage: Stage) -> int:
    return sum("domain_blocks" in a.path for a in stage.simulator.counters.log)


def rows(names: list[str]) -> str:
    return "#domain,#severity\n" + "".join(f"{name},suspend\n" for name in names)


@pytest.mark.parametrize("home", ["mastodon", "never"])
async def test_blocked_hosts_opted_out_people_and_disallowed_paths_are_left_alone(
    open_stage: OpenStage, tmp_path: Path, home: str
) -> None:
    world = world_of(home)
    ada, bad, sub, shut, shy, crawled, bela = people(
        world,
        "a.example",
        "bad.example",
        "deep.bad.example",
        "shut.example",
        "shy.example",
        "robots.example",
        "b.example",
    )
    shy.nobot = True
    world.hosts["robots.example"].faults.append(Fault("robots"))
    world.home_blocks = {"shut.example": "suspend", "b.example": "silence"}
    for author in (ada, bad, shut, crawled):
        root, _ = thread(world, author, [bad, sub, shut, shy, crawled, bela] * 2)
        world.show(root, at=root.at)
    (tmp_path / "list.csv").write_text(rows(["bad.example"]))
    stage = await open_stage(world, {"blocklists": str(tmp_path / "list.csv")})
    outcome = await stage.fetch()
    assert outcome.finished
    assert asked(stage, "bad.example") == asked(stage, "deep.bad.example") == []
    assert stage.judge()["robots_violations"] == {}
    assert set(asked(stage, "robots.example")) == {"/robots.txt"}
    named = set(stage.simulator.counters.resolves)
    unwanted = {"bad.example", "deep.bad.example", "shut.example", "shy.example"}
    assert not {uri for uri in named if uri.split("/")[2] in unwanted}
    assert {uri.split("/")[2] for uri in named} == {"robots.example", "b.example"}
    assert asked_for_blocks(stage) == 1


async def test_profiles_that_are_not_to_be_read_cost_no_request(
    open_stage: OpenStage, tmp_path: Path
) -> None:
    world = world_of()
    hosts = ["ok.example", "nobot.example", "hidden.example", "unlisted.example", "bad.example"]
    hosts += ["robots.example", "shut.example"]
    fine, nobot, hidden, unlisted, *_, crawled, shut = authors = people(world, *hosts)
    nobot.nobot = True
    hidden.indexable = False
    unlisted.discoverable = False
    world.hosts[crawled.host].faults.append(Fault("robots"))
    world.home_blocks = {shut.host: "suspend"}
    for author in authors:
        root, _ = thread(world, author, [])
        world.show(root, at=root.at + 1000, boosted_by=author)
        world.post(author, at=root.at - 3_600_000)
    (tmp_path / "list").write_text("bad.example\n")
    stage = await open_stage(world, {"blocklists": str(tmp_path / "list")})
    sources = (Source("home", entries=200), Source("boosted", entries=80))
    outcome = await stage.fetch(choices=Choices(sources))
    assert outcome.finished
    about = ("lookup", "/accounts/", "/users/", "webfinger")
    log = [a for a in stage.simulator.counters.log if any(word in a.path for word in about)]
    assert {a.host for a in log if "lookup" in a.path} >= {fine.host}
    for author in authors[1:]:
        posts = {status.uri for status in world.statuses if status.author is author}
        assert not [a.path for a in log if a.host == author.host and "/statuses/" not in a.path]
        assert not [a.path for a in log if author.name in a.path and a.host == HOME]
        assert not posts & set(stage.simulator.counters.resolves)
    assert stage.judge()["robots_violations"] == {}


async def test_a_blocked_origin_is_named_in_what_is_said_of_its_conversation(
    open_stage: OpenStage,
) -> None:
    world = world_of()
    bad, bela = people(world, "bad.example", "b.example")
    root, _ = thread(world, bad, [bela, bela])
    world.show(root, at=root.at)
    stage = await open_stage(world)
    async with stage.database.transaction() as conn:
        await blocks.block(conn, "bad.example", "they asked us to")
    outcome = await stage.fetch()
    assert outcome.finished
    assert asked(stage, "bad.example") == []
    words = "bad.example: blocked by the operator: they asked us to"
    assert outcome.hosts_failed == {"bad.example": words}
    assert [row["problem"] for row in await stage.sql("SELECT problem FROM watches")] == [words]


async def test_where_there_is_an_allow_list_only_hosts_on_it_are_asked(
    open_stage: OpenStage, tmp_path: Path
) -> None:
    world = world_of()
    ada, bela = people(world, "a.example", "b.a.example")
    for author in (ada, bela):
        root, _ = thread(world, author, [ada, ada, bela, bela])
        world.show(root, at=root.at)
    (tmp_path / "allowed").write_text("a.example\n")
    stage = await open_stage(world, {"allowlist": str(tmp_path / "allowed")})
    outcome = await stage.fetch()
    assert outcome.finished
    assert outcome.delivered >= 2
    assert asked(stage, "b.a.example") == []
    assert {uri.split("/")[2] for uri in stage.simulator.counters.resolves} == {"a.example"}


async def test_what_replies_to_a_host_that_the_home_blocks_is_not_asked_for(
    open_stage: OpenStage,
) -> None:
    world = world_of()
    ada, shut, bela = people(world, "a.example", "very.shut.example", "b.example")
    world.home_blocks = {"shut.example": "suspend"}
    root, (above, below, *beside) = thread(world, ada, [shut, bela], deep=True)
    beside.append(world.post(bela, root, at=root.at + 900_000))
    world.spread(root)
    world.show(root, at=root.at)
    stage = await open_stage(world)
    outcome = await stage.fetch()
    assert outcome.finished
    assert stage.has(beside[0])
    assert stage.resolves(above) == stage.resolves(below) == 0
    assert outcome.unreachable == 2
    await stage.sql("UPDATE conversations SET next_look_at = now()")
    stage.reset_counters()
    await stage.fetch()
    assert asked_for_blocks(stage) == 0, "it was asked today"


async def test_a_home_is_not_asked_for_its_blocks_when_nothing_is_to_be_resolved(
    open_stage: OpenStage,
) -> None:
    world = world_of()
    (ada,) = people(world, "a.example")
    root, replies = thread(world, ada, [world.member])
    world.show(root, at=root.at)
    world.bring_home(replies)
    stage = await open_stage(world)
    await stage.fetch()
    assert asked_for_blocks(stage) == 0
    assert stage.asked(HOME, "search") == 0


async def test_a_host_that_forbids_everything_is_left_alone_for_hours_and_then_asked_little(
    open_stage: OpenStage,
) -> None:
    world = world_of()
    closed, bela = people(world, "closed.example", "b.example")
    world.hosts["closed.example"].faults.append(Fault("forbidden"))
    for _ in range(10):
        root, _ = thread(world, closed, [bela])
        world.show(root, at=root.at)
    stage = await open_stage(world)
    assert (await stage.fetch()).finished
    assert len(asked(stage, "closed.example")) <= 10
    (row,) = await stage.sql("SELECT * FROM hosts WHERE host = 'closed.example'")
    assert row["refused_times"] == 1
    assert row["refused_until"] > datetime.now(UTC) + timedelta(hours=5)

    later = "UPDATE conversations SET next_look_at = now()"
    await stage.sql(later)
    stage.reset_counters()
    assert (await stage.fetch()).finished
    assert asked(stage, "closed.example") == []

    await stage.sql(later)
    await stage.sql(
        "UPDATE hosts SET refused_until = now(), robots_at = NULL, identified_at = NULL"
    )
    assert (await stage.fetch()).finished
    assert 1 <= len(asked(stage, "closed.example")) <= 7
    (row,) = await stage.sql("SELECT * FROM hosts WHERE host = 'closed.example'")
    assert row["refused_times"] == 2

    stage.change(faults={"closed.example": []})
    await stage.sql(later)
    await stage.sql(
        "UPDATE hosts SET refused_until = now(), robots_at = NULL, identified_at = NULL"
    )
    assert (await stage.fetch()).finished
    (row,) = await stage.sql("SELECT * FROM hosts WHERE host = 'closed.example'")
    assert (row["refused_times"], row["refused_until"]) == (0, None)


async def test_a_list_that_was_never_read_stops_everything_and_an_old_copy_goes_on(
    open_stage: OpenStage, tmp_path: Path
) -> None:
    world = world_of()
    ada, bad = people(world, "a.example", "bad.example")
    root, _ = thread(world, bad, [ada])
    world.show(root, at=root.at)
    path = tmp_path / "list.csv"
    stage = await open_stage(world, {"blocklists": str(path)})
    with pytest.raises(SettingsError, match=r"list\.csv: cannot be read"):
        await stage.fetch()
    assert {a.host for a in stage.simulator.counters.log} <= {HOME}
    assert not any(a.authorized for a in stage.simulator.counters.log)
    path.write_text(rows(["bad.example"]))
    await stage.fetch()
    path.unlink()
    await stage.fetch()
    assert asked(stage, "bad.example") == []


async def test_what_was_deleted_since_a_round_was_planned_is_not_named_any_more(
    open_stage: OpenStage,
) -> None:
    world = world_of()
    ada, bela = people(world, "a.example", "b.example")
    root, replies = thread(world, ada, [bela, bela])
    world.show(root, at=root.at)
    world.delete(replies[0])
    stage = await open_stage(world)
    await stage.fetch()
    failed = await stage.sql("SELECT uri FROM deliveries WHERE state = 'not_obtained'")
    assert [row["uri"] for row in failed] == [replies[0].uri]
    await stage.sql("UPDATE statuses SET gone = true WHERE uri = $1", replies[0].uri)
    await stage.sql("UPDATE deliveries SET next_at = now() WHERE state = 'not_obtained'")
    stage.reset_counters()
    assert (await stage.fetch()).finished
    assert stage.resolves(replies[0]) == 0


def test_a_barred_reply_may_come_along_but_one_that_the_home_blocks_takes_all_below_it() -> None:
    barred = node("a", host="bad.example", barred="on the block list x", answers=False)
    nodes = [root(), barred, node("b", "a"), node("c", "b")]
    assert plan(nodes, climbs=True).resolve == ("b",), "from the top down: nobody asks its host"
    assert plan(nodes, climbs=False).resolve == ()
    said = verdicts(nodes, plan(nodes, climbs=True), looked=True)
    assert said["a"] == Verdict("unreachable", "bad.example: on the block list x")
    assert said["b"].kind == "not_yet"

    shut = node("a", host="bad.example", shut_out=True)
    nodes = [root(), shut, node("b", "a"), node("c", "b")]
    for climbs in (True, False):
        found = plan(nodes, climbs=climbs)
        assert found.resolve == ()
        assert not found.wait_for
        said = verdicts(nodes, found, looked=True)
        assert said["a"].words == "out of reach: the home blocks bad.example"
        assert {said[name].kind for name in "abc"} == {"unreachable"}
