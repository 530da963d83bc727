"""Several accounts in one run: they share what is read elsewhere, and no failure spreads."""

from __future__ import annotations

from pydantic import SecretStr

from tests.flow.conftest import OpenStage
from tests.flow.stage import HOME, people, thread
from tests.flow.test_sources import choices
from toottail.errors import HomeFailed, TokenRefused
from toottail.simulator.faults import Fault
from toottail.simulator.grants import Grant
from toottail.simulator.world import World
from toottail.types.reports import Report
from toottail.worker.run import Order, fetch_all


async def test_accounts_of_one_home_share_looks_profiles_and_deliveries(
    open_stage: OpenStage,
) -> None:
    world = World(1, now=1_790_000_000.0)
    ada, bela = people(world, "a.example", "b.example")
    root, replies = thread(world, ada, [bela, bela, bela])
    world.show(root, at=root.at)
    world.belongings.followings = [bela]
    stage = await open_stage(world, scopes="read")
    home = stage.simulator.home
    home.grants["second"] = Grant("second", world.member, frozenset({"read"}))
    both = [
        Order(HOME, SecretStr(token), choices("home", "followings"))
        for token in (home.token, "second")
    ]
    ended = await fetch_all(stage.settings, stage.database, both)
    assert all(isinstance(one, Report) and one.finished for one in ended)
    assert all(stage.has(reply) for reply in replies)
    assert stage.judge()["repeated_resolves"] == 0
    assert stage.asked("a.example", "context") == 1
    assert stage.asked("b.example", "profile") == 2


async def test_a_refused_token_and_a_home_that_is_none_stop_nobody_else(
    open_stage: OpenStage,
) -> None:
    world = World(1, now=1_790_000_000.0)
    ada, bela = people(world, "a.example", "b.example")
    world.add_host("odd.example", "mastodon", Fault("malformed"))
    root, replies = thread(world, ada, [bela])
    world.show(root, at=root.at)
    stage = await open_stage(world)
    orders = [
        Order(HOME, SecretStr("not-a-token")),
        Order("odd.example", SecretStr("any")),
        Order(HOME, SecretStr(stage.simulator.home.token)),
    ]
    shown: set[int] = set()
    refused, failed, good = await fetch_all(
        stage.settings, stage.database, orders, show=lambda number, _: shown.add(number)
    )
    assert isinstance(refused, TokenRefused)
    assert "not-a-token" not in str(refused)
    assert isinstance(failed, HomeFailed)
    assert isinstance(good, Report)
    assert good.finished
    assert stage.has(replies[0])
    assert 2 in shown
