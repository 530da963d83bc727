"""What becomes of an answer, and of the questions that it leads to."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any, cast

from tests.flow.test_steps_at_once import Lane
from tests.repository.rows import HOME, found, locked, now, states, watch
from tests.servers.dialects.edge import FakeAsker
from toottail.errors import StorageConflict
from toottail.flow.deliver import resolve
from toottail.flow.look import look
from toottail.flow.visit import Visit
from toottail.repository import conversations, deliveries, home_line, looks
from toottail.repository.database import Connection, Database
from toottail.repository.hosts import HostRow
from toottail.servers.dialects import base
from toottail.servers.nodeinfo import Software
from toottail.simulator.activity import PUBLIC
from toottail.types.statuses import LookTarget

HOST, ROOT, REPLY = "a.example", "https://a.example/1", "https://a.example/2"
NOTE = {"type": "Note", "id": ROOT, "attributedTo": "https://a.example/u", "to": [PUBLIC]}


@dataclass
class Answering(Lane):
    """A host that answers from documents, while other transactions end some of ours."""

    row: HostRow = field(default_factory=lambda: HostRow(HOST))
    software: Software = field(default_factory=lambda: Software("smallpub", "1"))
    asker: FakeAsker = field(default_factory=lambda: FakeAsker(HOST, {"/1": NOTE}))
    conflicts: int = 0

    def ask(self) -> FakeAsker:  # type: ignore[override]
        return self.asker

    @asynccontextmanager
    async def fenced(self) -> AsyncIterator[Connection]:
        async with self.database.transaction() as conn:
            yield conn
            if self.conflicts:
                self.conflicts -= 1
                raise StorageConflict("a deadlock")

    def sent(self) -> int:
        return len(self.asker.asked)


async def _rows(conn: Connection) -> list[dict[str, Any]]:
    rows = await conn.fetch("SELECT how, state, named_by FROM looks WHERE uri = $1", REPLY)
    return sorted((dict(row.items()) for row in rows), key=lambda row: row["how"])


async def test_an_answer_that_could_not_be_stored_at_once_is_not_asked_for_again(
    database: Database,
) -> None:
    async with database.transaction() as conn:
        number = await watch(conn, ROOT, "1")
        (due,) = await looks.due(conn, HOST, now(), 9)
    lane = Answering(HOST, database, conflicts=2)
    await look(cast("Visit", lane), due)
    assert (lane.conflicts, lane.asker.asked) == (0, ["/1"])
    async with database.connection() as conn:
        assert await conn.fetchval("SELECT state FROM looks") == "done"
        assert await conn.fetchval("SELECT requests FROM conversations WHERE id = $1", number) == 1


class AtHome(Answering):
    """A home that brings nothing."""

    async def home(self, _of: object) -> tuple[int, AtHome]:
        return 1, self

    async def resolve(self, uri: str) -> None:
        self.asker.asked.append(uri)


async def test_a_resolve_whose_outcome_could_not_be_stored_at_once_is_not_repeated(
    database: Database,
) -> None:
    async with database.transaction() as conn:
        number = await watch(conn, ROOT, "1")
        await conversations.store_found(
            conn, await locked(conn, number), [found(REPLY, ROOT)], HOST
        )
        await deliveries.schedule(conn, HOME, number, [REPLY], [], now())
        (due,) = await home_line.due_deliveries(conn, HOME, now(), 9)
    lane = AtHome(HOME, database, conflicts=2)
    await resolve(cast("Visit", lane), due)
    assert (lane.conflicts, lane.asker.asked) == (0, [REPLY])
    async with database.connection() as conn:
        assert (await states(conn))[REPLY] == "not_obtained"


async def test_a_question_in_another_form_is_still_that_of_who_led_to_it(
    database: Database,
) -> None:
    """A host that names posts of another one must not be believed for what is not there."""
    async with database.transaction() as conn:
        number = await watch(conn, ROOT, "1")
        await conn.execute("UPDATE looks SET state = 'done'")
        placed = LookTarget(REPLY, HOST, base.BEGIN, base.PLACED)
        await looks.add(conn, number, "b.example", [placed], 9)
    lane = Answering(HOST, database, asker=FakeAsker(HOST, {}))
    lane.asker.notes = frozenset({base.NOTE_USUAL_REPLIES})
    needless = {"state": "needless", "named_by": "b.example"}
    due = {"how": "replies", "state": "due", "named_by": "b.example"}
    for rows in (
        [{"how": ""} | needless, due],
        [{"how": ""} | needless, {"how": "replies"} | needless, due],
        [
            {"how": ""} | needless,
            {"how": "replies"} | needless,
            due | {"state": "failed"},
        ],
    ):
        async with database.connection() as conn:
            (question,) = await looks.due(conn, HOST, now(), 9)
        await look(cast("Visit", lane), question)
        async with database.connection() as conn:
            assert await _rows(conn) == rows
    assert lane.asker.asked == ["/2/replies", "/2"]
