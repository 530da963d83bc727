"""Served members over real sockets: whole threads without a run, pauses, tokens, leaving."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from datetime import UTC, datetime, timedelta
from typing import Any

import asyncpg
import pytest

from tests.flow.conftest import OpenStage
from tests.flow.stage import HOME, Stage, people, thread
from tests.worker.services import (
    all_looked_since,
    first_run_over,
    member,
    served,
    sign_in,
    until,
    wake_all,
)
from toottail.errors import StorageError
from toottail.repository import delays, lanes, leaving, members
from toottail.repository.embedded import EmbeddedPostgres
from toottail.repository.lanes import WORKER_LOCKS
from toottail.simulator.grants import Grant
from toottail.simulator.world import Status, World
from toottail.simulator.worlds import build
from toottail.worker import engine, housekeeping

HANDLE = "mira"


def small_world() -> tuple[World, Status, list[Status]]:
    """One thread in the timeline, its three replies not at the home."""
    world = World(1, now=1_790_000_000.0)
    ada, bela, carl = people(world, "a.example", "b.example", "c.example")
    root, replies = thread(world, ada, [bela, carl, bela])
    world.show(root, at=root.at)
    return world, root, replies


async def test_the_timeline_of_a_served_member_becomes_whole(open_stage: OpenStage) -> None:
    stage = await open_stage(build("small"))
    async with served(stage):
        await sign_in(stage)
        await first_run_over(stage)
    found = stage.judge()
    assert found["still_missing"] == []
    assert found["recovered"] == found["reachable"] > 0
    assert found["repeated_resolves"] == 0
    assert await stage.sql("SELECT problem FROM runs") == [{"problem": None}]
    (source,) = await stage.sql("SELECT collect_at, depth FROM sources")
    ahead = source["collect_at"] - datetime.now(UTC)
    assert timedelta(minutes=1) < ahead < timedelta(minutes=8), "it is read again by itself"


async def test_new_replies_come_home_without_a_new_run(open_stage: OpenStage) -> None:
    world, root, _ = small_world()
    stage = await open_stage(world)
    async with served(stage):
        await sign_in(stage)
        await first_run_over(stage)
        made = stage.change(replies=[{"to": root.uri, "count": 3}])["replies"]
        new = [stage.world.by_uri[uri] for uri in made]
        assert not any(stage.has(reply) for reply in new)
        await wake_all(stage)

        async def came() -> bool:
            return all(stage.has(reply) for reply in new)

        await until(came)
    assert len(await stage.sql("SELECT FROM runs")) == 1


async def test_how_late_all_of_it_was_done_is_counted(open_stage: OpenStage) -> None:
    world, root, _ = small_world()
    stage = await open_stage(world)
    async with served(stage):
        await sign_in(stage)
        await first_run_over(stage)
        (line,) = await stage.sql("SELECT max(next_at - turn) AS head FROM looks WHERE first")
        assert line["head"] > timedelta(hours=6), "an old post has its usual replies by now"
        (line,) = await stage.sql("SELECT max(next_look_at - turn) AS head FROM conversations")
        assert timedelta(0) < line["head"] < timedelta(hours=6)
        made = stage.change(replies=[{"to": root.uri, "count": 3}])["replies"]
        await stage.sql("UPDATE watches SET began_at = 'epoch'")
        await wake_all(stage)

        async def came() -> bool:
            return all(stage.has(stage.world.by_uri[uri]) for uri in made)

        await until(came)
    async with stage.database.connection() as conn:
        rows = await delays.read(conn, datetime.now(UTC), hours=(1,))
    done = {row.kind: row.done for row in rows}
    assert set(done) == {"wake", "collect", "look", "compare", "resolve", "reply"}
    (wakes,) = await stage.sql("SELECT count(*) FROM conversations")
    assert done["wake"] == wakes["count"]
    assert done["resolve"] == stage.asked(HOME, "search")
    assert all(0 <= row.median <= row.late for row in rows)


async def test_a_look_that_finds_nothing_new_asks_the_home_for_nothing(
    open_stage: OpenStage,
) -> None:
    world, root, _ = small_world()
    # Two replies that are never brought, so that the home lacks something for good.
    shy = world.add_account(world.hosts["b.example"], "shy", nobot=True)
    for number in range(2):
        world.post(shy, root, at=root.at + 600_000 + number)
    world.spread(root)
    stage = await open_stage(world)
    async with served(stage):
        await sign_in(stage)
        await first_run_over(stage)
        stage.reset_counters()
        before = datetime.now(UTC)
        await wake_all(stage)
        await all_looked_since(stage, before)
    asked = {host: sum(kinds.values()) for host, kinds in stage.simulator.counters.by_host.items()}
    assert asked.pop(HOME, 0) == 0
    assert sum(asked.values()) > 0
    watches = await stage.sql("SELECT DISTINCT stage FROM watches")
    assert watches == [{"stage": "done"}]


async def test_a_paused_member_is_asked_for_nothing_until_they_go_on(
    open_stage: OpenStage,
) -> None:
    world, root, _ = small_world()
    stage = await open_stage(world)
    async with served(stage):
        member_id = await sign_in(stage)
        await first_run_over(stage)
        async with stage.database.transaction() as conn:
            await members.pause(conn, member_id, "member")
        (new,) = stage.change(replies=[{"to": root.uri, "count": 1}])["replies"]
        stage.reset_counters()
        await wake_all(stage)
        await stage.sql("UPDATE sources SET collect_at = now()")

        async def asleep() -> bool:
            return not await stage.sql("SELECT FROM conversations WHERE wake_at IS NOT NULL")

        await until(asleep)
        await asyncio.sleep(1)
        assert stage.simulator.counters.by_host == {}
        async with stage.database.transaction() as conn:
            await members.resume(conn, member_id, datetime.now(UTC))

        async def came() -> bool:
            return stage.has(stage.world.by_uri[new])

        await until(came)


async def test_pausing_in_the_middle_of_the_work_ends_it_within_the_visit(
    open_stage: OpenStage,
) -> None:
    stage = await open_stage(build("small"), resolve=0.3)
    async with served(stage):
        member_id = await sign_in(stage)

        async def at_work() -> bool:
            return stage.asked(HOME, "search") > 3

        await until(at_work)
        async with stage.database.transaction() as conn:
            await members.pause(conn, member_id, "member")

        async def let_go() -> bool:
            return not await stage.sql("SELECT FROM lanes WHERE lease_until > now()")

        await until(let_go)
        stage.reset_counters()
        await asyncio.sleep(1)
        assert stage.simulator.counters.by_host == {}
        assert stage.judge()["still_missing"] != []


async def test_who_revokes_the_token_is_paused_and_told_and_removed_after_the_grace_time(
    open_stage: OpenStage,
) -> None:
    world, _, _ = small_world()
    stage = await open_stage(world)
    async with served(stage):
        member_id = await sign_in(stage)
        await first_run_over(stage)
        stage.simulator.home.grants[stage.simulator.home.token].revoked = True
        stage.reset_counters()
        await stage.sql("UPDATE sources SET collect_at = now()")

        async def paused() -> bool:
            return (await member(stage, member_id)).paused_why == "token"

        await until(paused)
        await stage.sql("UPDATE sources SET collect_at = now()")
        await asyncio.sleep(1)
        assert sum(stage.simulator.counters.by_host[HOME].values()) == 1, "it is tried once"
        assert await stage.sql("SELECT FROM members WHERE active_until > now()") == []
        row = await member(stage, member_id)
        assert row.problem is not None
        assert "token" in row.problem
        assert row.delete_at is not None
        assert row.delete_at > datetime.now(UTC) + timedelta(days=13)
        await housekeeping.tidy(stage.settings, stage.database)
        assert await stage.sql("SELECT FROM members") != []
        await stage.sql("UPDATE members SET delete_at = now() - interval '1 s'")
        await housekeeping.tidy(stage.settings, stage.database)
        assert await stage.sql("SELECT FROM members") == []


async def test_a_new_token_is_used_at_once_and_the_old_one_pauses_nobody(
    open_stage: OpenStage,
) -> None:
    world, root, replies = small_world()
    stage = await open_stage(world, scopes="read")
    home = stage.simulator.home
    home.grants["second"] = Grant("second", world.member, frozenset({"read"}))
    async with served(stage):
        member_id = await sign_in(stage)
        await first_run_over(stage)
        home.grants[home.token].revoked = True
        assert await sign_in(stage, token="second") == member_id
        (new,) = stage.change(replies=[{"to": root.uri, "count": 1}])["replies"]
        await wake_all(stage)

        async def came() -> bool:
            return stage.has(stage.world.by_uri[new])

        await until(came)
        assert (await member(stage, member_id)).paused_why is None
    assert all(stage.has(reply) for reply in replies)


async def test_a_home_that_fails_for_days_pauses_its_members_and_works_for_all_again(
    open_stage: OpenStage,
) -> None:
    world, _, _ = small_world()
    stage = await open_stage(world)
    async with served(stage):
        member_id = await sign_in(stage)
        await first_run_over(stage)
        stage.change(faults={HOME: [{"kind": "malformed"}]})
        await stage.sql("UPDATE sources SET collect_at = now()")

        async def failing() -> bool:
            return (await member(stage, member_id)).failing_since is not None

        await until(failing)

        async def put_off() -> bool:
            later = "SELECT FROM sources WHERE collect_at > now() + interval '5 s'"
            return bool(await stage.sql(later))

        await until(put_off)
        await stage.sql("UPDATE members SET failing_since = now() - interval '73 hours'")
        await housekeeping.tidy(stage.settings, stage.database)
        paused = await member(stage, member_id)
        assert paused.paused_why == "home"
        assert paused.delete_at is not None
        # Once a day it is tried whether the home is back.
        stage.change(faults={HOME: []})
        await stage.sql("UPDATE members SET paused_at = now() - interval '2 days'")
        await stage.sql("UPDATE sources SET collect_at = now()")
        await housekeeping.tidy(stage.settings, stage.database)

        async def back() -> bool:
            return (await member(stage, member_id)).paused_why is None

        await until(back)
    well = await member(stage, member_id)
    assert (well.failing_since, well.delete_at, well.problem) == (None, None, None)


async def _everything(stage: Stage) -> str:
    """All tables, each value as text."""
    tables = await stage.sql(
        "SELECT relname FROM pg_class WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace"
    )
    dumped = []
    for table in tables:
        name = table["relname"]
        rows = await stage.sql(f'SELECT to_jsonb(t)::text AS row FROM "{name}" AS t')
        binary = await stage.sql(
            "SELECT attname FROM pg_attribute WHERE attrelid = $1::text::regclass AND attnum > 0"
            " AND atttypid = 'bytea'::regtype",
            name,
        )
        dumped += [f"{name}: {row['row']}" for row in rows]
        for column in binary:
            what = f'SELECT encode("{column["attname"]}", \'escape\') AS v FROM "{name}"'
            dumped += [f"{name}: {row['v']}" for row in await stage.sql(what)]
    return "\n".join(dumped)


async def _traces(stage: Stage, fingerprint: bytes, hidden: list[str]) -> list[str]:
    dump = await _everything(stage)
    words = [HOME, HANDLE, stage.simulator.home.token, fingerprint.hex(), *hidden]
    return [line for line in dump.splitlines() for word in words if word in line]


async def _fingerprint(stage: Stage) -> bytes:
    (row,) = await stage.sql("SELECT token_fingerprint AS it FROM members WHERE home = $1", HOME)
    found: bytes = row["it"]
    return found


@pytest.mark.parametrize("moment", ["done", "collect", "resolve"])
async def test_who_leaves_leaves_nothing_behind_even_in_the_middle_of_the_work(
    open_stage: OpenStage, moment: str, capsys: pytest.CaptureFixture[str]
) -> None:
    stage = await open_stage(build("small"), resolve=0.3)
    uris = [status.uri for status in stage.world.statuses]
    async with served(stage):
        member_id = await sign_in(stage, "home", "followings")
        fingerprint = await _fingerprint(stage)

        async def far_enough() -> bool:
            if moment == "done":
                return not await stage.sql("SELECT FROM runs WHERE ended_at IS NULL")
            kind = {"collect": "context", "resolve": "search"}[moment]
            return sum(kinds[kind] for kinds in stage.simulator.counters.by_host.values()) > 3

        await until(far_enough, within=120)
        assert await _traces(stage, fingerprint, uris) != []
        assert await leaving.remove(stage.database, member_id) == [HOME]
        assert await _traces(stage, fingerprint, uris) == []
        await asyncio.sleep(2)
        assert await _traces(stage, fingerprint, uris) == []
    assert await _traces(stage, fingerprint, uris) == []
    told = capsys.readouterr().out
    assert not re.search(r"(step|visit) failed", told), "who has left is no fault"


async def test_who_leaves_takes_nothing_away_from_those_who_stay(open_stage: OpenStage) -> None:
    world, root, replies = small_world()
    stage = await open_stage(world, scopes="read")
    home = stage.simulator.home
    home.grants["second"] = Grant("second", world.member, frozenset({"read"}))
    async with served(stage):
        first = await sign_in(stage)
        second = await sign_in(stage, token="second", account="zoe")
        await first_run_over(stage)
        fingerprint = await _fingerprint_of(stage, first)
        assert await leaving.remove(stage.database, first) == []
        (budget,) = await stage.sql("SELECT budget::text AS it FROM lanes WHERE key = $1", HOME)
        assert f"token:{second}" in budget["it"]
        assert f":{first}" not in budget["it"]
        assert fingerprint.hex() not in await _everything(stage)
        made = stage.change(replies=[{"to": root.uri, "count": 1}])["replies"]
        await wake_all(stage)

        async def came() -> bool:
            return stage.has(stage.world.by_uri[made[0]])

        await until(came)
    assert all(stage.has(reply) for reply in replies)


async def _fingerprint_of(stage: Stage, member_id: int) -> bytes:
    (row,) = await stage.sql("SELECT token_fingerprint AS it FROM members WHERE id = $1", member_id)
    found: bytes = row["it"]
    return found


@asynccontextmanager
async def _outage(stage: Stage, postgres: EmbeddedPostgres) -> AsyncIterator[None]:
    """The database is away while the block lasts, all its connections broken."""
    (name,) = (await stage.sql("SELECT current_database() AS it"))[0].values()
    outside = await postgres.connect()
    try:
        await outside.execute(f"ALTER DATABASE {name} ALLOW_CONNECTIONS false")
        await outside.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = $1", name
        )
        yield
        await outside.execute(f"ALTER DATABASE {name} ALLOW_CONNECTIONS true")
    finally:
        await outside.close()


async def test_an_outage_of_the_database_is_waited_for_and_told(
    open_stage: OpenStage, postgres: EmbeddedPostgres, capsys: pytest.CaptureFixture[str]
) -> None:
    world, root, _ = small_world()
    stage = await open_stage(world)
    async with served(stage):
        await sign_in(stage)
        await first_run_over(stage)
        (made,) = stage.change(replies=[{"to": root.uri, "count": 1}])["replies"]
        await wake_all(stage)
        async with _outage(stage, postgres):
            await asyncio.sleep(5)
        assert "the database is away" in capsys.readouterr().out

        async def came() -> bool:
            return stage.has(stage.world.by_uri[made])

        await until(came)


async def test_each_outage_of_the_database_begins_with_short_pauses(
    open_stage: OpenStage, postgres: EmbeddedPostgres, capsys: pytest.CaptureFixture[str]
) -> None:
    world, _, _ = small_world()
    stage = await open_stage(world)
    known: set[object] = set()

    async def served_anew() -> bool:
        try:
            rows = await stage.sql("SELECT id FROM workers")
        except StorageError:
            return False
        new = {row["id"] for row in rows} - known
        known.update(new)
        return bool(new)

    async with served(stage):
        for _ in range(2):
            await until(served_anew)
            capsys.readouterr()
            said: list[str] = []

            async def tried_twice(said: list[str] = said) -> bool:
                said += re.findall("again_in=([0-9.]+)", capsys.readouterr().out)
                return len(said) > 1

            async with _outage(stage, postgres):
                await until(tried_twice)
            assert said[:2] == ["1.0", "2.0"]


async def test_a_worker_that_lost_the_connection_it_is_known_by_begins_anew(
    open_stage: OpenStage,
) -> None:
    world, _, _ = small_world()
    stage = await open_stage(world)
    async with served(stage):
        known: list[dict[str, object]] = []

        async def there() -> bool:
            known[:] = await stage.sql("SELECT id FROM workers")
            return bool(known)

        await until(there)
        # Nothing is asked on it: it only holds a lock, without which others take it for dead.
        await stage.sql(
            "SELECT pg_terminate_backend(pid) FROM pg_locks"
            " WHERE locktype = 'advisory' AND classid = $1::bigint::oid",
            WORKER_LOCKS,
        )

        async def begun_anew() -> bool:
            return bool(await stage.sql("SELECT FROM workers WHERE id <> $1", known[0]["id"]))

        await until(begun_anew, within=30)


async def test_an_outage_in_the_moment_in_which_a_worker_joins_is_waited_for(
    open_stage: OpenStage, monkeypatch: pytest.MonkeyPatch
) -> None:
    world, _, _ = small_world()
    stage = await open_stage(world)
    join, tries = lanes.join, 0

    async def broken_once(*args: Any, **more: Any) -> None:
        nonlocal tries
        tries += 1
        if tries == 1:
            raise asyncpg.ConnectionDoesNotExistError("connection was closed")
        await join(*args, **more)

    monkeypatch.setattr(lanes, "join", broken_once)

    async def there() -> bool:
        return bool(await stage.sql("SELECT FROM workers"))

    async with served(stage):
        await until(there)


async def test_a_dispatcher_that_does_not_end_is_not_waited_for(
    open_stage: OpenStage, monkeypatch: pytest.MonkeyPatch
) -> None:
    over = asyncio.Event()

    async def never(*_: object) -> None:
        with suppress(asyncio.CancelledError):
            await over.wait()
        await over.wait()

    for limit in ("_FINISH_WITHIN", "_STOP_WITHIN", "_ABANDON_AFTER"):
        monkeypatch.setattr(engine, limit, 0.1)
    monkeypatch.setattr(engine.Engine, "_dispatch", never)
    world, _, _ = small_world()
    stage = await open_stage(world)

    async def there() -> bool:
        return bool(await stage.sql("SELECT FROM workers"))

    try:
        async with served(stage):
            await until(there)
        assert not await there(), "it has left"
    finally:
        over.set()


async def test_a_worker_whose_connections_broke_takes_lanes_again_though_a_visit_waits_for_a_host(
    open_stage: OpenStage, caplog: pytest.LogCaptureFixture
) -> None:
    world, _, _ = small_world()
    stage = await open_stage(world, {"idle_timeout": "90", "total_timeout": "90"})
    stage.change(faults={"a.example": [{"kind": "slow"}]})
    async with served(stage):
        await sign_in(stage)

        async def waiting() -> bool:
            return stage.simulator.counters.in_flight["a.example"] > 0

        await until(waiting)
        (before,) = await stage.sql("SELECT id FROM workers")

        async def begun_anew() -> bool:
            return bool(await stage.sql("SELECT FROM workers WHERE id <> $1", before["id"]))

        await stage.sql(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
            " WHERE datname = current_database() AND pid <> pg_backend_pid()"
        )
        await until(begun_anew, within=30)
    assert "Flush failed" not in caplog.text, "what cannot be noted is not tried again and again"


async def test_the_lanes_are_free_when_the_worker_was_stopped_before_a_slow_host_answered(
    open_stage: OpenStage,
) -> None:
    world, _, _ = small_world()
    stage = await open_stage(world)
    stage.change(faults={"a.example": [{"kind": "slow"}]})
    async with served(stage):
        await sign_in(stage)

        async def waiting() -> bool:
            return stage.simulator.counters.in_flight["a.example"] > 0

        await until(waiting)
        began = datetime.now(UTC)
    assert datetime.now(UTC) - began < timedelta(seconds=10)
    assert await stage.sql("SELECT key FROM lanes WHERE lease_until IS NOT NULL") == []
    assert await stage.sql("SELECT FROM workers") == []
