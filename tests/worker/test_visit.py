"""One visit: what becomes of its steps when one of them fails."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any, cast
from uuid import uuid4

import pytest

from tests.repository.rows import member, run, watch
from toottail.errors import DatabaseUnavailable
from toottail.repository import hosts, looks
from toottail.repository.database import Database
from toottail.servers.budgets import HostBudget, standard_limits
from toottail.settings import Settings
from toottail.worker import chores
from toottail.worker.chores import Chore
from toottail.worker.engine import Engine
from toottail.worker.lease import Lease, steady
from toottail.worker.visit import LaneVisit

KEY = "a.example"


async def _visit(database: Database, key: str = KEY) -> LaneVisit:
    lease = Lease(database, key, uuid4(), 60.0, steady)
    limits = standard_limits()
    assert await lease.take(lambda state: HostBudget.from_state(KEY, state, defaults=limits))
    engine = SimpleNamespace(
        settings=Settings(), database=database, door=None, stopping=False, crowded=False
    )
    return LaneVisit(cast("Engine", engine), lease)


async def test_where_one_step_cannot_store_what_it_did_the_others_still_can(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    stored = []

    async def ended_by_the_server() -> None:
        raise DatabaseUnavailable("The connection to the database is lost.")

    async def answered_a_moment_later() -> None:
        await asyncio.sleep(0.1)
        stored.append(KEY)

    def chore(number: int, run: Callable[[], Awaitable[None]]) -> Chore:
        return Chore(("look", number), run, put_off=cast("Callable[..., Awaitable[None]]", None))

    async def due(*_: object, **__: object) -> list[Chore]:
        return [chore(1, answered_a_moment_later), chore(2, ended_by_the_server)]

    monkeypatch.setattr(chores, "due", due)
    visit = await _visit(database)
    with pytest.raises(DatabaseUnavailable):
        await visit.run()
    assert stored == [KEY]


async def test_a_slice_that_may_read_nothing_is_given_back_at_once(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with database.connection() as conn:
        await run(conn, await member(conn, KEY))
        await conn.execute("UPDATE members SET slice = 1")
    looked = 0
    ask = chores.due

    async def due(*given: Any, **more: Any) -> list[Chore]:
        nonlocal looked
        looked += 1
        assert looked < 5, "it looks again and again"
        return await ask(*given, **more)

    monkeypatch.setattr(chores, "due", due)
    visit = await _visit(database, f"{KEY}#1")
    assert not visit.may_collect(), "nobody knows what the home runs"
    await visit.run()
    assert looked == 1


async def test_whether_a_host_answers_is_found_out_at_once_when_it_is_wanted_during_a_visit(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    looked, probed = 0, []
    ask = chores.due

    async def due(*given: Any, **more: Any) -> list[Chore]:
        nonlocal looked
        looked += 1
        assert looked < 5, "it looks again and again"
        if looked == 1:
            async with database.connection() as conn:
                await hosts.want_probes(conn, [KEY], datetime.now(UTC))
        return await ask(*given, **more)

    async def know(_: LaneVisit, read: bool) -> None:
        probed.append(read)
        async with database.connection() as conn:
            await hosts.drop_probe(conn, KEY)

    monkeypatch.setattr(chores, "due", due)
    monkeypatch.setattr(chores, "_know_host", know)
    visit = await _visit(database)
    await visit.run()
    assert probed == [False]


async def test_what_waits_for_the_answer_of_another_host_is_not_looked_for_without_a_pause(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with database.connection() as conn:
        number = await watch(conn, "https://root.example/1", "1")
        await conn.execute(
            "INSERT INTO looks (conversation_id, host, uri, named_by) VALUES ($1, $2, $3, $2)",
            number,
            KEY,
            f"https://{KEY}/2",
        )
        assert await looks.due(conn, KEY, datetime.now(UTC), 9) == [], "the root goes first"
    looked = 0
    ask = chores.due

    async def due(*given: Any, **more: Any) -> list[Chore]:
        nonlocal looked
        looked += 1
        return await ask(*given, **more)

    monkeypatch.setattr(chores, "due", due)
    monkeypatch.setattr("toottail.worker.visit.LONGEST", 1.0)
    await (await _visit(database)).run()
    assert 1 < looked < 10


async def test_a_worker_with_all_its_lanes_begins_less_in_each(database: Database) -> None:
    visit = await _visit(database)
    usual = [visit.room(member_wise=member_wise) for member_wise in (True, False)]
    cast("Any", visit)._engine.crowded = True
    crowded = [visit.room(member_wise=member_wise) for member_wise in (True, False)]
    assert crowded == [most - most // 4 for most in usual]
    assert crowded < usual
