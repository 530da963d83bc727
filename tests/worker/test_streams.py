"""Streams over real sockets: what is new becomes a watch at once, and nothing is lost with one."""

from __future__ import annotations

import asyncio
import time
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tests.flow.conftest import OpenStage
from tests.flow.stage import HOME, Stage, people, thread
from tests.worker.services import first_run_over, member, served, sign_in, until
from toottail.errors import DatabaseUnavailable
from toottail.repository import streams as rows
from toottail.repository.sealing import open_sealer
from toottail.servers.door import Door
from toottail.servers.streams import Limits
from toottail.simulator.grants import Grant
from toottail.simulator.streaming import Streaming
from toottail.simulator.world import Status, World
from toottail.worker import stream_notes, streams
from toottail.worker.engine import Engine

ON = {"streams": "on"}


@pytest.fixture(autouse=True)
def _hurried(monkeypatch: pytest.MonkeyPatch) -> None:
    """Members are found, and lost streams tried again, without the usual patience."""
    monkeypatch.setattr(streams, "ENROL_EVERY", 0.2)
    monkeypatch.setattr(streams, "SURVEY_EVERY", 0.2)
    monkeypatch.setattr(streams, "EVERY", 0.2)
    monkeypatch.setattr(streams, "_FIRST_WAIT", timedelta(seconds=0.5))
    monkeypatch.setattr(rows, "PACE", timedelta(0))


def _world(home: str = "mastodon") -> World:
    world = World(1, home=home, now=time.time())
    ada, bela = people(world, "a.example", "b.example")
    root, _ = thread(world, ada, [bela])
    world.show(root, at=root.at)
    return world


def _streaming(stage: Stage, home: str = HOME) -> Streaming:
    return stage.simulator.households[home].streaming


def _post(stage: Stage) -> Status:
    """A new post comes into the member's timeline."""
    world = stage.world
    author = next(a for a in world.accounts if a.host == "a.example")
    status = world.post(author, at=int(time.time() * 1000))
    world.show(status, at=status.at)
    return status


async def _watched(stage: Stage, status: Status) -> bool:
    return bool(
        await stage.sql(
            "SELECT FROM watches JOIN statuses USING (conversation_id)"
            " JOIN watchers USING (conversation_id) WHERE uri = $1 AND home = $2",
            status.uri,
            HOME,
        )
    )


async def _streams(stage: Stage) -> list[dict[str, Any]]:
    return await stage.sql("SELECT * FROM streams ORDER BY member_id")


async def _up(stage: Stage, count: int = 1) -> None:
    """Until so many streams are open, and what they are to replace has been read once more."""

    async def open_and_read() -> bool:
        ready = await stage.sql(
            "SELECT FROM sources JOIN streams USING (member_id)"
            " WHERE up_since IS NOT NULL AND streamed AND read_at > up_since"
        )
        return len(ready) == count

    await until(open_and_read)


async def _ready(stage: Stage) -> int:
    member_id = await sign_in(stage)
    await first_run_over(stage)
    await _up(stage)
    return member_id


@pytest.mark.parametrize("home", ["mastodon", "gotosocial"])
async def test_a_new_status_is_a_watch_and_is_looked_at_without_a_reading(
    open_stage: OpenStage, home: str
) -> None:
    stage = await open_stage(_world(home), ON)
    async with served(stage):
        await _ready(stage)
        stage.reset_counters()
        status = _post(stage)

        async def looked_at() -> bool:
            return bool(
                await stage.sql(
                    "SELECT FROM conversations WHERE root_uri = $1 AND looked_at IS NOT NULL",
                    status.uri,
                )
            )

        # What is promised: within ten seconds.
        await until(looked_at, within=10)
        assert await _watched(stage, status)
        assert stage.asked(HOME, "timeline") == 0
    assert _streaming(stage).tokens_in_urls == 0


async def test_while_a_stream_is_open_the_timeline_is_hardly_read(open_stage: OpenStage) -> None:
    stage = await open_stage(_world(), ON)
    async with served(stage):
        await _ready(stage)
        (source,) = await stage.sql("SELECT collect_at FROM sources")
    ahead = source["collect_at"] - datetime.now(UTC)
    assert timedelta(minutes=40) < ahead <= timedelta(minutes=60)
    # Without the stream it is due.
    (source,) = await stage.sql("SELECT collect_at, streamed FROM sources")
    assert not source["streamed"]
    assert source["collect_at"] <= datetime.now(UTC)


async def test_what_was_posted_while_a_stream_was_away_is_read(open_stage: OpenStage) -> None:
    stage = await open_stage(_world(), ON)
    async with served(stage):
        await _ready(stage)
        stage.change(faults={HOME: [{"kind": "no-streams"}]})
        assert _streaming(stage).drop() == 1

        async def lost() -> bool:
            return (await _streams(stage))[0]["up_since"] is None

        await until(lost)
        assert (await stage.sql("SELECT streamed FROM sources")) == [{"streamed": False}]
        made = [_post(stage) for _ in range(50)]
        stage.change(faults={HOME: []})
        await stage.sql("UPDATE streams SET retry_at = now()")
        await _up(stage)
        made += [_post(stage) for _ in range(3)]

        async def all_watched() -> bool:
            return all([await _watched(stage, status) for status in made])

        await until(all_watched)
        assert len(_streaming(stage)) == 1


async def test_a_stream_that_falls_silent_is_given_up(
    open_stage: OpenStage, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("toottail.servers.streams.LIMITS", Limits(silence=1.0))
    stage = await open_stage(_world(), ON, alive=0.2)
    async with served(stage):
        await _ready(stage)
        stage.change(faults={HOME: [{"kind": "silent-streams"}]})
        unheard = _post(stage)

        async def given_up() -> bool:
            return bool((await _streams(stage))[0]["failures"])

        await until(given_up)

        async def watched() -> bool:
            return await _watched(stage, unheard)

        await until(watched)


async def test_a_worker_that_could_not_begin_has_no_streams_to_give_back(
    open_stage: OpenStage,
) -> None:
    stage = await open_stage(_world(), ON)
    async with Door(stage.settings) as door:
        engine = Engine(stage.settings, stage.database, door, open_sealer(stage.settings))
        with pytest.raises(DatabaseUnavailable):
            async with streams.listening(engine):
                raise DatabaseUnavailable("away")


async def test_streams_are_off_unless_they_are_wanted(open_stage: OpenStage) -> None:
    stage = await open_stage(_world())
    async with served(stage):
        await sign_in(stage)
        await first_run_over(stage)
        await asyncio.sleep(1.5)
        assert await _streams(stage) == []
    assert _streaming(stage).opened == 0


async def test_what_is_off_now_leaves_no_timeline_behind_that_nobody_reads(
    open_stage: OpenStage,
) -> None:
    stage = await open_stage(_world(), ON)
    async with served(stage):
        member_id = await _ready(stage)
    # As a worker leaves it that was killed, and whose operator then switched streams off.
    await stage.sql("UPDATE streams SET worker = gen_random_uuid(), up_since = now()")
    await stage.sql("UPDATE sources SET streamed = true, collect_at = now() + interval '50 min'")
    stage.settings = stage.settings.model_copy(update={"streams": False})
    async with served(stage):

        async def read_by_time() -> bool:
            return bool(
                await stage.sql(
                    "SELECT FROM sources WHERE member_id = $1 AND NOT streamed"
                    " AND collect_at BETWEEN now() AND now() + interval '10 min'",
                    member_id,
                )
            )

        await until(read_by_time)
        assert [row["worker"] for row in await _streams(stage)] == [None]


@pytest.mark.parametrize("home", ["hollo", "takahe"])
async def test_homes_without_streams_are_not_asked_for_any(
    open_stage: OpenStage, home: str
) -> None:
    stage = await open_stage(_world(home), ON)
    async with served(stage):
        await sign_in(stage)
        await first_run_over(stage)
        await asyncio.sleep(1.5)
        assert await _streams(stage) == []
    assert stage.asked(HOME, "stream") == 0


def _crowd(stage: Stage, count: int) -> list[str]:
    """Tokens of so many members of the home."""
    home, tokens = stage.simulator.home, []
    for number in range(count):
        account = stage.world.add_account(stage.world.home, f"member{number}")
        token = f"token of {number}"
        home.grants[token] = Grant(token, account, frozenset({"read"}))
        tokens.append(token)
    return tokens


async def test_a_home_has_no_more_streams_than_it_is_given(open_stage: OpenStage) -> None:
    stage = await open_stage(_world(), ON | {"streams_per_home": "2"})
    async with served(stage), served(stage):
        for number, token in enumerate(_crowd(stage, 5)):
            await sign_in(stage, token=token, account=f"member{number}")
        await first_run_over(stage)
        await _up(stage, 2)
        await asyncio.sleep(1.5)
        assert len(_streaming(stage)) == 2
    assert _streaming(stage).most == 2


async def test_two_workers_share_the_streams_and_nobody_has_two(open_stage: OpenStage) -> None:
    stage = await open_stage(_world(), ON)
    async with served(stage), served(stage):
        for number, token in enumerate(_crowd(stage, 8)):
            await sign_in(stage, token=token, account=f"member{number}")
        await first_run_over(stage)
        await _up(stage, 8)
        listeners = _streaming(stage).listeners
        assert len(listeners) == len(set(listeners)) == 8
        held = await stage.sql("SELECT count(*) AS n FROM streams GROUP BY worker ORDER BY n")
        assert [row["n"] for row in held] == [4, 4]
    assert _streaming(stage).most == 8


async def test_who_stops_leaves_its_streams_to_the_others(open_stage: OpenStage) -> None:
    stage = await open_stage(_world(), ON)
    async with served(stage):
        async with served(stage):
            for number, token in enumerate(_crowd(stage, 6)):
                await sign_in(stage, token=token, account=f"member{number}")
            await first_run_over(stage)
            await _up(stage, 6)
            began = time.monotonic()
        assert time.monotonic() - began < 10, "that is what service managers give"
        await _up(stage, 6)
        assert len(await stage.sql("SELECT DISTINCT worker FROM streams")) == 1
        assert len(_streaming(stage)) == 6


async def test_a_worker_that_comes_later_gets_its_part(open_stage: OpenStage) -> None:
    stage = await open_stage(_world(), ON)
    async with served(stage):
        for number, token in enumerate(_crowd(stage, 12)):
            await sign_in(stage, token=token, account=f"member{number}")
        await first_run_over(stage)
        await _up(stage, 12)
        async with served(stage):

            async def shared() -> bool:
                held = await stage.sql(
                    "SELECT count(*) AS n FROM streams WHERE up_since IS NOT NULL GROUP BY worker"
                )
                return sorted(row["n"] for row in held) in ([4, 8], [5, 7], [6, 6])

            await until(shared)


async def test_a_refused_token_ends_the_stream_and_the_usual_way_tells_why(
    open_stage: OpenStage,
) -> None:
    stage = await open_stage(_world(), ON)
    async with served(stage):
        member_id = await _ready(stage)
        stage.simulator.home.grants[stage.simulator.home.token].revoked = True
        _streaming(stage).drop()

        async def paused() -> bool:
            return (await member(stage, member_id)).paused_why == "token"

        await until(paused)

        async def dismissed() -> bool:
            return await _streams(stage) == []

        await until(dismissed)
        assert stage.asked(HOME, "stream") <= 2


async def test_a_token_that_streams_alone_refuse_is_not_tried_again_for_long(
    open_stage: OpenStage, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Streaming, "_grant", lambda *_: None)
    stage = await open_stage(_world(), ON)
    async with served(stage):
        member_id = await sign_in(stage)
        await first_run_over(stage)

        async def refused() -> bool:
            return bool([row for row in await _streams(stage) if row["failures"]])

        await until(refused)
        (row,) = await _streams(stage)
        assert row["retry_at"] - datetime.now(UTC) > timedelta(hours=20)
        assert (await member(stage, member_id)).paused_why is None
        assert stage.asked(HOME, "stream") == 1


async def test_who_is_paused_has_no_stream(open_stage: OpenStage) -> None:
    stage = await open_stage(_world(), ON)
    async with served(stage):
        member_id = await _ready(stage)
        await stage.sql("UPDATE members SET active_until = NULL, paused_why = 'member'")
        unseen = _post(stage)

        async def closed() -> bool:
            return len(_streaming(stage)) == 0

        await until(closed)
        assert not await _watched(stage, unseen)
        assert await stage.sql("SELECT FROM watchers WHERE member_id = $1", member_id)


async def test_a_frozen_worker_loses_its_streams_to_the_others(open_stage: OpenStage) -> None:
    stage = await open_stage(_world(), ON)
    async with served(stage):
        await _ready(stage)
        # Somebody else took over: this worker was silent for too long.
        await stage.sql("INSERT INTO workers (id, streams) VALUES (gen_random_uuid(), 0)")
        await stage.sql(
            "UPDATE streams SET worker = (SELECT id FROM workers WHERE lanes = 0 AND streams = 0)"
        )

        async def let_go() -> bool:
            return len(_streaming(stage)) == 0

        await until(let_go)


async def test_what_cannot_be_stored_in_time_is_left_to_reading(
    open_stage: OpenStage, monkeypatch: pytest.MonkeyPatch
) -> None:
    stage = await open_stage(_world(), ON)
    async with served(stage):
        await _ready(stage)
        monkeypatch.setattr(stream_notes, "MOST_WAITING", 3)
        made = [_post(stage) for _ in range(30)]

        async def all_watched() -> bool:
            return all([await _watched(stage, status) for status in made])

        await until(all_watched)
        assert (await _streams(stage))[0]["failures"] == 1, "it was dropped for it"
