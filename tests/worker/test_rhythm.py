"""Served members over real sockets, each by their own rhythm: who reads, and who is away."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tests.flow.conftest import OpenStage
from tests.flow.stage import HOME, Stage, people, thread
from tests.worker.services import first_run_over, member, served, sign_in, until
from toottail.repository import presence
from toottail.simulator.world import Status, World

MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)
OTHER = "other.example"


def small_world(home: str = "mastodon") -> tuple[World, Status]:
    """One thread in the timeline, its replies not at the home."""
    world = World(1, home=home, now=1_790_000_000.0)
    ada, bela, carl = people(world, "a.example", "b.example", "c.example")
    root, _ = thread(world, ada, [bela, carl])
    world.show(root, at=root.at)
    return world, root


async def _away(stage: Stage, since: timedelta) -> None:
    """So much time goes by in which nobody reads, or opens a page of ours."""
    stage.simulator.home.read_at["mira"] = (datetime.now(UTC) - since).timestamp()
    await _forget_presence(stage, since)


async def _forget_presence(stage: Stage, since: timedelta) -> None:
    await stage.sql(
        "UPDATE members SET read_at = $1, seen_at = NULL, markers_at = markers_at - $2::interval",
        datetime.now(UTC) - since,
        since,
    )


async def _read_now(stage: Stage) -> dict[str, Any]:
    """Lets the timeline be read once more; what is stored of its member then."""
    await stage.sql("UPDATE sources SET collect_at = now(), read_at = NULL")

    async def read() -> bool:
        return not await stage.sql("SELECT FROM sources WHERE read_at IS NULL")

    await until(read)
    (row,) = await stage.sql(
        "SELECT collect_at - now() AS ahead, now() - members.read_at AS away, marked, markers_at,"
        " paused_why FROM sources JOIN members ON members.id = member_id WHERE kind = 'home'"
    )
    return row


async def test_whoever_reads_is_read_for_every_few_minutes_and_asked_about_once_an_hour(
    open_stage: OpenStage,
) -> None:
    world, _ = small_world()
    stage = await open_stage(world)
    async with served(stage):
        await sign_in(stage)
        await first_run_over(stage)
        (first,) = await stage.sql("SELECT markers_at FROM members")
        assert first["markers_at"] is None, "no first run waits for markers"
        told = await _read_now(stage)
        assert (told["marked"], told["away"] < MINUTE) == (True, True)
        assert 2 * MINUTE < told["ahead"] < 8 * MINUTE
        stage.reset_counters()
        again = await _read_now(stage)
        assert again["markers_at"] == told["markers_at"]
        assert dict(stage.simulator.counters.by_host[HOME]) == {"timeline": 1}


@pytest.mark.parametrize(
    ("since", "least", "most"),
    [
        (2 * DAY, 7 * MINUTE, 23 * MINUTE),
        (10 * DAY, 1.6 * HOUR, 5 * HOUR),
        (21 * DAY, 3 * DAY, 11 * DAY),
    ],
)
async def test_a_member_who_is_away_is_read_for_less_and_less(
    open_stage: OpenStage, since: timedelta, least: timedelta, most: timedelta
) -> None:
    world, _ = small_world()
    stage = await open_stage(world)
    async with served(stage):
        await sign_in(stage)
        await first_run_over(stage)
        await _away(stage, since)
        assert least < (await _read_now(stage))["ahead"] < most
        # Their marker moves: the next reading finds it, and goes on as for any reader.
        stage.simulator.home.read_at["mira"] = datetime.now(UTC).timestamp()
        await stage.sql("UPDATE members SET markers_at = now() - interval '2 hours'")
        assert (await _read_now(stage))["ahead"] < 8 * MINUTE


async def test_for_who_sleeps_nothing_is_asked_until_they_open_a_page_and_then_all_comes_home(
    open_stage: OpenStage,
) -> None:
    world, root = small_world()
    stage = await open_stage(world)
    async with served(stage):
        member_id = await sign_in(stage)
        await first_run_over(stage)
        await _away(stage, 70 * DAY)
        assert (await _read_now(stage))["paused_why"] == "idle"
        assert (await member(stage, member_id)).delete_at is None
        (made,) = stage.change(replies=[{"to": root.uri, "count": 1}])["replies"]
        new = stage.world.by_uri[made]
        stage.reset_counters()
        await stage.sql("UPDATE sources SET collect_at = now()")
        await stage.sql("UPDATE conversations SET wake_at = now(), next_look_at = now()")

        async def asleep() -> bool:
            return not await stage.sql("SELECT FROM conversations WHERE wake_at IS NOT NULL")

        await until(asleep)
        assert stage.simulator.counters.by_host == {}
        async with stage.database.transaction() as conn:
            await presence.welcome(conn, member_id, datetime.now(UTC), DAY)

        async def came() -> bool:
            return stage.has(new)

        await until(came)
    assert (await member(stage, member_id)).paused_why is None


@pytest.mark.parametrize("home", ["never", "mastodon"])
async def test_who_shows_nothing_of_their_reading_is_read_for_more_slowly_and_never_given_up(
    open_stage: OpenStage, home: str
) -> None:
    world, _ = small_world(home)
    stage = await open_stage(world)
    async with served(stage):
        await sign_in(stage)
        await first_run_over(stage)
        stage.simulator.home.read_at["mira"] = None
        await _forget_presence(stage, 300 * DAY)
        told = await _read_now(stage)
        assert (told["marked"], told["paused_why"]) == (False, None)
        assert 7 * MINUTE < told["ahead"] < 1.6 * HOUR


async def test_whoever_posts_is_there_whatever_their_markers_say(open_stage: OpenStage) -> None:
    world, _ = small_world()
    at = int((datetime.now(UTC) - HOUR).timestamp() * 1000)
    world.show(world.post(world.member, at=at), at=at)
    stage = await open_stage(world)
    async with served(stage):
        await sign_in(stage)
        await first_run_over(stage)
        await _away(stage, 70 * DAY)
        told = await _read_now(stage)
        assert told["paused_why"] is None
        assert 0.9 * HOUR < told["away"] < 1.2 * HOUR
        assert told["ahead"] < 8 * MINUTE


async def test_where_all_members_share_a_limit_they_are_read_for_less_before_it_is_used_up(
    open_stage: OpenStage,
) -> None:
    world, _ = small_world("gotosocial")
    stage = await open_stage(world, limit_scale=1.0)
    async with served(stage):
        await sign_in(stage)
        await first_run_over(stage)
        await stage.sql(
            "INSERT INTO members (home, token_fingerprint, token_sealed, served, active_until)"
            " SELECT $1, n::text::bytea, '', true, 'infinity' FROM generate_series(1, 600) AS n",
            HOME,
        )
        await stage.sql(
            "INSERT INTO sources (member_id, kind, home, entries, collect_at, read_at)"
            " SELECT id, 'home', home, 40, now() + interval '1 day', now() FROM members"
            " ON CONFLICT DO NOTHING"
        )
        (mine,) = await stage.sql("SELECT min(id) AS id FROM members")
        await stage.sql(
            "UPDATE sources SET collect_at = now(), read_at = NULL WHERE member_id = $1", mine["id"]
        )

        async def read() -> bool:
            return not await stage.sql("SELECT FROM sources WHERE read_at IS NULL")

        await until(read)
        (row,) = await stage.sql(
            "SELECT collect_at - now() AS ahead FROM sources WHERE member_id = $1", mine["id"]
        )
    # 601 timelines at half of one request a second.
    assert 9 * MINUTE < row["ahead"] < 31 * MINUTE


async def test_a_reply_in_one_homes_timeline_comes_to_the_other_home_that_slept(
    open_stage: OpenStage,
) -> None:
    world, root = small_world()
    other = world.beside(OTHER, "mastodon")
    other.show(root, at=root.at)
    stage = await open_stage(world)
    token = stage.simulator.households[OTHER].home.token
    async with served(stage):
        await sign_in(stage)
        await sign_in(stage, token=token, account="zoe", home=OTHER)
        await first_run_over(stage)
        (made,) = stage.change(replies=[{"to": root.uri, "count": 1}])["replies"]
        new = stage.world.by_uri[made]
        other.show(new, at=new.at)
        assert not stage.has(new)
        # Quiet for a day: nobody would look for hours, and at the other home nobody is due.
        await stage.sql(
            "UPDATE conversations SET looked_at = now() - interval '1 day', wake_at = NULL,"
            " next_look_at = now() + interval '20 hours' WHERE next_look_at IS NOT NULL"
        )
        await stage.sql("UPDATE sources SET collect_at = now() + interval '1 day'")
        await stage.sql("UPDATE sources SET collect_at = now() WHERE home = $1", OTHER)

        async def came() -> bool:
            return stage.has(new)

        await until(came)
