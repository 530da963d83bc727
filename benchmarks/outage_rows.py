"""What the database knows of lanes before and after an outage, and what is left to be done."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from benchmarks.own_postgres import OwnPostgres
from toottail.repository import lanes, operations

_MOST = 100_000

_HOLDERS = """
SELECT lanes.key, lanes.epoch, workers.egress AS worker
FROM lanes JOIN workers ON workers.id = lanes.holder
WHERE lease_until >= to_timestamp($2) AND ($1::text IS NULL OR workers.egress = $1)
"""
_VISITED = """
SELECT had.key, extract(epoch FROM min(visits.started_at))::float8 AS at
FROM unnest($1::text[], $2::bigint[]) AS had (key, epoch)
    JOIN visits ON visits.key = had.key AND visits.epoch > had.epoch
GROUP BY had.key
"""
_ALL_SERVE = """
SELECT count(DISTINCT egress) FROM workers
WHERE seen_at > to_timestamp($2) AND egress = ANY($1)
"""
_RUNS_LEFT = "SELECT count(*) FROM runs WHERE ended_at IS NULL"
_READ_ALL_AGAIN = """
UPDATE sources SET collect_at = now() FROM members
WHERE members.id = member_id AND collect_at IS NOT NULL AND active_until > now()
"""
_READINGS_LEFT = """
SELECT count(*) FROM sources JOIN members ON members.id = member_id
WHERE collect_at <= now() AND active_until > now()
"""
_LOOK_AGAIN_AT_ALL = """
UPDATE conversations SET wake_at = now(), next_look_at = now()
WHERE looked_at IS NOT NULL AND next_look_at IS NOT NULL
"""
_LOOKS_LEFT = """
SELECT (SELECT count(*) FROM conversations WHERE wake_at <= now())
    + (SELECT count(*) FROM looks WHERE state IN ('due', 'held'))
    + (SELECT count(*) FROM watches WHERE stage NOT IN ('done', 'failed'))
"""

_KNOWN_OF = """
SELECT conversations.id, looked_at::text, next_look_at::text, wake_at::text,
    (SELECT count(*) FROM statuses WHERE conversation_id = conversations.id) AS statuses,
    (SELECT count(*) FROM statuses WHERE uri = $3) AS this_one,
    (SELECT string_agg(state, ' ') FROM looks WHERE conversation_id = conversations.id) AS looks,
    (SELECT stage FROM watches WHERE home = $1 AND conversation_id = conversations.id) AS watch,
    (SELECT state FROM deliveries WHERE home = $1 AND uri = $3) AS delivery
FROM conversations WHERE root_uri = $2
"""


@dataclass(frozen=True, slots=True)
class Held:
    """A lane in the hands of ``worker``, in its visit ``epoch``; ``due`` is how much waits."""

    key: str
    epoch: int
    worker: str
    due: int


@asynccontextmanager
async def _connected(postgres: OwnPostgres) -> AsyncIterator[Any]:
    connection = await postgres.connect()
    try:
        yield connection
    finally:
        await connection.close()


async def held(
    postgres: OwnPostgres, worker: str | None = None, at: float | None = None
) -> list[Held]:
    """Lanes that ``worker``, or anybody, holds now, or held ``at`` a moment of an outage."""
    async with _connected(postgres) as conn:
        holders = await conn.fetch(_HOLDERS, worker, time.time() if at is None else at)
        due = {row.key: row.due for row in await operations.lanes(conn, _now(), _MOST)}
    return [
        Held(row["key"], row["epoch"], row["worker"], due.get(row["key"], 0)) for row in holders
    ]


async def visited(postgres: OwnPostgres, had: Sequence[Held]) -> dict[str, float]:
    """When (Unix seconds) the next visit of each of these lanes began, of those that had one."""
    async with _connected(postgres) as conn:
        keys, epochs = [lane.key for lane in had], [lane.epoch for lane in had]
        return {row["key"]: row["at"] for row in await conn.fetch(_VISITED, keys, epochs)}


async def waiting(postgres: OwnPostgres, had: Sequence[Held]) -> set[str]:
    """Those of these lanes that still have work due."""
    async with _connected(postgres) as conn:
        due = {row.key for row in await operations.lanes(conn, _now(), _MOST) if row.due}
    return {lane.key for lane in had} & due


async def serving(postgres: OwnPostgres, names: Sequence[str], since: float) -> int:
    """How many of the workers gave a sign of life after ``since``, in Unix seconds."""
    async with _connected(postgres) as conn:
        return int(await conn.fetchval(_ALL_SERVE, list(names), since))


async def served_twice(postgres: OwnPostgres) -> list[tuple[str, int, int]]:
    """Visits of one lane that overlapped."""
    async with _connected(postgres) as conn:
        return await lanes.served_twice(conn)


async def runs_left(postgres: OwnPostgres) -> int:
    """Members whose first run is not over."""
    async with _connected(postgres) as conn:
        return int(await conn.fetchval(_RUNS_LEFT))


async def read_all_again(postgres: OwnPostgres) -> None:
    """Time goes by: all timelines are due."""
    async with _connected(postgres) as conn:
        await conn.execute(_READ_ALL_AGAIN)


async def look_again_at_all(postgres: OwnPostgres) -> None:
    """Time goes by: all conversations are due to be looked at."""
    async with _connected(postgres) as conn:
        await conn.execute(_LOOK_AGAIN_AT_ALL)


async def known_of(postgres: OwnPostgres, lost: Mapping[str, str]) -> dict[str, Any]:
    """What the rows say of a reply that is lost, as the report names it."""
    async with _connected(postgres) as conn:
        row = await conn.fetchrow(_KNOWN_OF, lost["home"], lost["thread"], lost["uri"])
        return {} if row is None else dict(row)


async def left(postgres: OwnPostgres) -> int:
    """Readings, looks and homes' conversations that are not through."""
    async with _connected(postgres) as conn:
        return int(await conn.fetchval(_READINGS_LEFT)) + int(await conn.fetchval(_LOOKS_LEFT))


def _now() -> datetime:
    return datetime.now(UTC)
