"""What posts say is read live, with the member's own token, and kept nowhere."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from tests.flow.stage import HOME, Stage, people, play, thread
from tests.flow.test_threads import world_of
from toottail.errors import HomeFailed, NotFound, TooManyAttempts
from toottail.repository.sealing import open_sealer
from toottail.servers.door import Door
from toottail.service import account, conversations
from toottail.service.allowances import LIVE_TEXTS
from toottail.service.context import Service
from toottail.simulator.world import Status


class Scene:
    """A home whose member had one thread made whole, and the service that tells of it."""

    def __init__(self, stage: Stage, service: Service, root: Status, replies: list[Status]) -> None:
        self.stage = stage
        self.service = service
        self.root = root
        self.replies = replies

    async def member(self) -> int:
        (row,) = await self.stage.sql("SELECT id FROM members")
        number: int = row["id"]
        return number


@pytest.fixture
async def scene(
    database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[Scene]:
    world = world_of()
    ada, bela = people(world, "a.example", "b.example")
    root, replies = thread(world, ada, [bela, ada, bela], deep=True)
    world.show(root, at=root.at)
    async with play(world, database_url, tmp_path, monkeypatch, {}, {}) as stage:
        assert (await stage.fetch()).delivered == 3
        await stage.sql("UPDATE members SET served = true, active_until = 'infinity'")
        async with Door(stage.settings) as door:
            service = Service(stage.settings, stage.database, door, open_sealer(stage.settings))
            yield Scene(stage, service, root, replies)


async def test_a_completed_thread_is_listed_as_it_is(scene: Scene) -> None:
    member = await scene.member()
    (row,) = (await conversations.listed(scene.service, member)).rows
    assert (row.total, row.were_here, row.here, row.working) == (4, 1, 4, False)
    overview = await account.overview(scene.service, member)
    assert (overview.totals.whole, overview.totals.delivered) == (1, 3)
    assert overview.days[-1].delivered + overview.days[-2].delivered == 3
    assert overview.first_run is not None
    assert overview.first_run.progress.delivered == 3


async def test_every_status_of_a_thread_is_read_in_two_requests(scene: Scene) -> None:
    member = await scene.member()
    number = await conversations.find(scene.service, member, scene.root.uri)
    scene.stage.reset_counters()
    with capture_logs() as logs:
        texts = await conversations.texts(scene.service, member, number)
    assert set(texts) == {status.uri for status in (scene.root, *scene.replies)}
    said = texts[scene.root.uri]
    assert said.handle == f"@{scene.root.author.name}@a.example"
    assert said.text
    assert "<" not in said.text
    counted = scene.stage.simulator.counters.by_host
    assert {host: sum(kinds.values()) for host, kinds in counted.items() if kinds} == {HOME: 2}
    assert said.text not in str(logs)
    tables = await scene.stage.sql(
        "SELECT table_name FROM information_schema.tables"
        " WHERE table_schema = 'public' AND table_type = 'BASE TABLE'"
    )
    for table in tables:
        rows = await scene.stage.sql(f"SELECT * FROM {table['table_name']}")
        assert said.text not in str(rows), table


async def test_a_token_that_the_home_no_longer_takes_is_told_without_it(scene: Scene) -> None:
    member = await scene.member()
    number = await conversations.find(scene.service, member, scene.root.uri)
    token = scene.stage.simulator.home.token
    scene.stage.simulator.home.grants[token].revoked = True
    with pytest.raises(HomeFailed, match="sign in again") as refused:
        await conversations.texts(scene.service, member, number)
    assert token not in str(refused.value)


async def test_reading_texts_is_limited(scene: Scene) -> None:
    member = await scene.member()
    number = await conversations.find(scene.service, member, scene.root.uri)
    for _ in range(LIVE_TEXTS.at_once):
        await conversations.texts(scene.service, member, number)
    with pytest.raises(TooManyAttempts) as refused:
        await conversations.texts(scene.service, member, number)
    assert refused.value.retry_after > 0


async def test_texts_of_a_conversation_that_the_home_never_showed_cannot_be_read(
    scene: Scene,
) -> None:
    member = await scene.member()
    number = await conversations.find(scene.service, member, scene.root.uri)
    await scene.stage.sql("UPDATE watches SET root_id = NULL, anchor_id = NULL")
    scene.stage.reset_counters()
    with pytest.raises(HomeFailed, match="has not shown"):
        await conversations.texts(scene.service, member, number)
    await scene.stage.sql("DELETE FROM watchers")
    with pytest.raises(NotFound):
        await conversations.texts(scene.service, member, number)
    assert scene.stage.asked(HOME, "context") == 0
