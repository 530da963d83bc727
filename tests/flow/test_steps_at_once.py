"""Steps of two lanes at once: what one ends, the other counts on, and nobody waits for nothing."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import cast

import pytest

from tests.repository.rows import HOME, found, locked, now, stages, watch
from tests.repository.test_interleavings import held_up
from toottail.errors import ServerFault
from toottail.flow.asides import follow
from toottail.flow.look import leave
from toottail.flow.prepare import find_software
from toottail.flow.visit import Visit
from toottail.repository import deliveries, home_line, hosts, looks
from toottail.repository.conversations import WATCHED_FOR
from toottail.repository.database import Connection, Database
from toottail.types.counts import Counts
from toottail.types.statuses import LookTarget

ROOT, REPLY, OTHER = "https://a.example/1", "https://b.example/2", "other.example"


@dataclass
class Lane:
    """A visit of ``host`` that asks nobody."""

    host: str
    database: Database
    woken: set[str] = field(default_factory=set)
    signs: bool = False
    watch_for: timedelta = WATCHED_FOR
    counts: Counts = field(default_factory=Counts)

    def now(self) -> datetime:
        return datetime.now(UTC)

    def ask(self) -> Lane:
        return self

    @asynccontextmanager
    async def fenced(self) -> AsyncIterator[Connection]:
        async with self.database.transaction() as conn:
            yield conn

    async def wake(self, _conn: Connection, hosts: Iterable[str]) -> None:
        self.woken.update(hosts)


class Failing(Lane):
    """A host that answers 500, though another step has just had an answer of it."""

    async def get(self, *_: object, **__: object) -> None:
        raise ServerFault(self.host, 500, "answered 500")

    def failures(self) -> int:
        return 0

    def sent(self) -> int:
        return 0


async def test_a_host_is_not_of_unknown_kind_because_another_step_was_answered_meanwhile(
    database: Database,
) -> None:
    lane = Failing("a.example", database)
    with pytest.raises(ServerFault):
        await find_software(cast("Visit", lane), robots=True)
    async with database.connection() as conn:
        assert (await hosts.get(conn, "a.example")).identified_at is None


async def test_a_host_that_is_left_and_the_last_look_elsewhere_end_at_once(
    database: Database,
) -> None:
    async with database.transaction() as conn:
        number = await watch(conn, ROOT, "1")
        await looks.add(conn, number, "a.example", [LookTarget(REPLY, "b.example")], 9)
    lane = Lane("b.example", database)
    async with database.transaction() as conn:
        await locked(conn, number)
        (due,) = await looks.due(conn, "a.example", now(), 9)
        await looks.close(conn, due.id, "done")
        assert (await looks.progress(conn, number, now())).due == 1, "b.example is to be asked yet"
        leaving = await held_up(database, leave(cast("Visit", lane), "no answer"))
    await leaving
    async with database.connection() as conn:
        assert await stages(conn, number) == {HOME: "compare"}
    assert lane.woken == {HOME}


async def test_what_one_home_shows_joins_two_conversations_and_no_home_waits_in_vain(
    database: Database,
) -> None:
    async with database.transaction() as conn:
        number = await watch(conn, ROOT, "1")
        for home, name in ((HOME, "mira"), (OTHER, "nora")):
            await watch(conn, ROOT, "1", home=home, name=name)
            await watch(conn, REPLY, "2", home=home, name=name)
        await conn.execute("UPDATE looks SET state = 'failed'")
        await conn.execute("UPDATE watches SET stage = 'done', next_at = NULL")
        await deliveries.set_stage(conn, HOME, number, "compare", now())
    lane = Lane(HOME, database)
    async with database.transaction() as conn:
        (due,) = await home_line.due_watches(conn, HOME, now(), 9)
        held = await locked(conn, number)
        await follow(conn, cast("Visit", lane), due, held, [found(REPLY, ROOT)])
        assert await conn.fetchval("SELECT count(*) FROM conversations") == 1
        assert await stages(conn, number) == {HOME: "compare", OTHER: "compare"}
    assert OTHER in lane.woken
