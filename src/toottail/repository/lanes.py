"""Lanes: who may work at a host now, and the fence that keeps everybody else's writes out.

A visit takes its lane by raising ``epoch``. Every transaction of the visit first calls `hold`,
which share-locks the row's key, of which the epoch is part: a takeover waits until the transaction
is over, and a transaction that begins after a takeover finds another epoch and stores nothing. A
renewal leaves the key as it is and waits for nobody.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from toottail.errors import LaneLost
from toottail.repository.database import Connection
from toottail.repository.slices import SHARING_LOCK
from toottail.types.lanes import host_of_lane

# Each row begins where no earlier row of that name has been, for lanes are forgotten (`purging`).
_CREATE = """
INSERT INTO lanes (key, epoch) SELECT $1, nextval('lane_beginnings') << 32
WHERE NOT EXISTS (SELECT FROM lanes WHERE key = $1)
ON CONFLICT DO NOTHING
"""

_TAKE = """
WITH taken AS (
    UPDATE lanes
    SET epoch = epoch + 1, holder = $2, poked = false, lease_until = clock_timestamp() + $3
    WHERE key = $1 AND (lease_until IS NULL OR lease_until < clock_timestamp())
    RETURNING key, epoch, budget
), logged AS (
    INSERT INTO visits (key, epoch, worker) SELECT key, epoch, $2 FROM taken
)
SELECT epoch, budget FROM taken
"""

_HELD_SLICES = """
SELECT count(*) FROM lanes
WHERE strpos(key, '#') > 0 AND split_part(key, '#', 1) = $1 AND lease_until >= clock_timestamp()
"""

_POKE = """
UPDATE lanes SET poked = true
WHERE key = $1 AND lease_until >= clock_timestamp() RETURNING true
"""

_RENEW = """
UPDATE lanes SET lease_until = clock_timestamp() + $3, budget = $4
WHERE key = $1 AND epoch = $2 RETURNING true
"""

_RELEASE = """
WITH released AS (
    UPDATE lanes SET lease_until = NULL, holder = NULL, budget = $3
    WHERE key = $1 AND epoch = $2 AND NOT poked
    RETURNING key, epoch
)
UPDATE visits SET ended_at = clock_timestamp(), requests = $4
FROM released WHERE visits.key = released.key AND visits.epoch = released.epoch
RETURNING true
"""

_UNPOKE = "UPDATE lanes SET poked = false WHERE key = $1 AND epoch = $2 RETURNING true"

_HOLD = "SELECT true FROM lanes WHERE key = $1 AND epoch = $2 FOR KEY SHARE"

_EPOCHS = """
SELECT wanted.key, coalesce(lanes.epoch, 0) AS epoch
FROM unnest($1::text[]) AS wanted (key) LEFT JOIN lanes USING (key)
ORDER BY wanted.key
"""

_JOIN = "INSERT INTO workers (id, egress, memory_limit) VALUES ($1, $2, $3) RETURNING lock_key"

_BEAT = """
UPDATE workers SET seen_at = clock_timestamp(), lanes = $2, memory = $3, over_limit = $4
WHERE id = $1
"""

# Two visits of one lane that overlap. Of one that never ended nobody knows when it did.
_SERVED_TWICE = """
SELECT one.key, one.epoch AS first, other.epoch AS second FROM visits AS one
    JOIN visits AS other ON other.key = one.key AND other.epoch > one.epoch
WHERE other.started_at < one.ended_at ORDER BY one.key, one.epoch
"""

_LEAVE = "DELETE FROM workers WHERE id = $1"

# A worker that is gone has lost its database session, and its advisory lock with it.
_BURY_THE_DEAD = """
WITH dead AS (
    DELETE FROM workers
    WHERE NOT EXISTS (
        SELECT FROM pg_locks
        WHERE locktype = 'advisory' AND database = (
                SELECT oid FROM pg_database WHERE datname = current_database())
            AND classid = $1::oid AND objid = workers.lock_key::oid AND granted)
    RETURNING id
), jobs AS (
    DELETE FROM pgqueuer WHERE queue_manager_id IN (SELECT id FROM dead)
)
UPDATE lanes SET lease_until = NULL, holder = NULL
WHERE holder IN (SELECT id FROM dead) RETURNING key
"""

# Over a network a lost session may be a broken line: after a day nothing goes on behind it.
_FORGET_WORKERS = """
DELETE FROM workers
WHERE started_at < $2::timestamptz - interval '1 day' AND NOT EXISTS (
    SELECT FROM pg_locks
    WHERE locktype = 'advisory' AND database = (
            SELECT oid FROM pg_database WHERE datname = current_database())
        AND classid = $1::oid AND objid = workers.lock_key::oid AND granted)
"""


@dataclass(frozen=True, slots=True)
class _Work:
    """A table that carries work: which column names the lane, and which says when it is due.

    It is due for those of ``members`` who are ``concerned``. ``pending`` is the condition of the
    index on lane and time.
    """

    table: str
    lane: str
    at: str
    members: str
    concerned: str
    pending: str = ""

    @property
    def _pending(self) -> str:
        return self.pending or f"{self.at} IS NOT NULL"

    def lanes(self) -> str:
        """All lanes with something pending, by leaps on the index: it does not matter how much."""
        pick = f"SELECT {self.lane} AS lane FROM {self.table} WHERE {self._pending}"  # noqa: S608
        return f"""with_{self.table} AS (
            ({pick} ORDER BY {self.lane} LIMIT 1)
          UNION ALL
            SELECT ({pick} AND {self.lane} > before.lane ORDER BY {self.lane} LIMIT 1)
            FROM with_{self.table} AS before WHERE before.lane IS NOT NULL)"""  # noqa: S608

    def those_due(self) -> str:
        """Of these the lanes that nobody holds and that have something due."""
        return f"""SELECT lane FROM with_{self.table}, LATERAL (
            SELECT FROM {self.table}
            WHERE {self.lane} = with_{self.table}.lane AND {self._pending} AND {self.at} <= $1
                AND EXISTS (
                    SELECT FROM {self.members} WHERE {self.concerned} AND active_until > $1)
            LIMIT 1) AS work
        WHERE lane NOT IN (SELECT key FROM held)"""  # noqa: S608


_MEMBERS = "members JOIN watchers ON members.id = watchers.member_id"
_WORK = (
    _Work("sources", "home", "collect_at", "members", "id = member_id AND slice = 0"),
    _Work("feed_watches", "home", "next_at", "members", "id = member_id"),
    _Work(
        "feeds",
        "host",
        "next_at",
        "members JOIN feed_watches ON members.id = feed_watches.member_id",
        "feed_id = feeds.id",
        pending="state = 'due'",
    ),
    _Work(
        "looks",
        "host",
        "next_at",
        _MEMBERS,
        "watchers.conversation_id = looks.conversation_id",
        pending="state = 'due'",
    ),
    *(
        _Work(
            table,
            "home",
            "next_at",
            _MEMBERS,
            f"watchers.conversation_id = {table}.conversation_id AND members.home = {table}.home",
        )
        for table in ("watches", "deliveries")
    ),
)


def _slices() -> str:
    """All homes that have slices, likewise."""
    return """with_slices AS (
            (SELECT home FROM members WHERE slice > 0 ORDER BY home LIMIT 1)
          UNION ALL
            SELECT (SELECT home FROM members WHERE slice > 0 AND home > before.home
                    ORDER BY home LIMIT 1)
            FROM with_slices AS before WHERE before.home IS NOT NULL)"""


def _slices_due() -> str:
    """Slices with what waits longest at their homes, and lanes that take members in or let them go.

    By what is due, for most of a home's members have nothing due.
    """
    return """SELECT lane FROM with_slices, LATERAL (
            SELECT lane_of(members.home, slice) AS lane
            FROM sources JOIN members ON members.id = member_id
            WHERE sources.home = with_slices.home AND collect_at <= $1 AND slice > 0
                AND active_until > $1
                AND lane_of(members.home, slice) NOT IN (SELECT key FROM held)
            ORDER BY collect_at LIMIT 1000) AS work
      UNION
        SELECT lane_of(home, slice) FROM members
        WHERE (slice_to IS NOT NULL OR carried IS NOT NULL)
            AND lane_of(home, slice) NOT IN (SELECT key FROM held)"""


_DUE = (
    "WITH RECURSIVE held AS MATERIALIZED (SELECT key FROM lanes WHERE lease_until >= $1), "  # noqa: S608
    + ", ".join([_slices(), *(work.lanes() for work in _WORK)])
    + " UNION ".join([*(work.those_due() for work in _WORK), _slices_due()])
    + " UNION SELECT host FROM hosts WHERE probe_at <= $1 AND host NOT IN (SELECT key FROM held)"
)

WORKER_LOCKS = 0x746F6F74
"""First half of the two-part advisory lock that each live worker holds."""
TICK_LOCK = 0x7469636B
"""Advisory lock of the process whose tick counts."""
HOUSEKEEPING_LOCK = 0x686F7573
"""Advisory lock of the process that keeps house."""


@dataclass(frozen=True, slots=True)
class Taken:
    """A lane just taken: its epoch, and the budget as its last holder left it."""

    epoch: int
    budget: dict[str, Any]


async def take(conn: Connection, key: str, worker: UUID, lease: timedelta) -> Taken | None:
    """The lane ``key`` for ``worker``, or None while somebody else's lease runs."""
    row = await conn.fetchrow(_TAKE, key, worker, lease)
    if row is None:
        await conn.execute(_CREATE, key)
        row = await conn.fetchrow(_TAKE, key, worker, lease)
    return Taken(row["epoch"], json.loads(row["budget"])) if row else None


async def take_slice(
    conn: Connection, key: str, worker: UUID, lease: timedelta, most: int
) -> Taken | None:
    """The same for a slice of a home; None as well while ``most`` others of that home are held."""
    home = host_of_lane(key)
    async with conn.transaction():
        await conn.execute("SELECT pg_advisory_xact_lock($1, hashtext($2))", SHARING_LOCK, home)
        if await conn.fetchval(_HELD_SLICES, home) >= most:
            return None
        return await take(conn, key, worker, lease)


async def poke(conn: Connection, key: str) -> bool:
    """Tells the holder of a lane that work came in; False when nobody holds it any more."""
    return bool(await conn.fetchval(_POKE, key))


async def renew(
    conn: Connection, key: str, epoch: int, lease: timedelta, budget: dict[str, Any]
) -> None:
    """Prolongs a lease and stores what it reserves of the budget. Raises `LaneLost`."""
    if not await conn.fetchval(_RENEW, key, epoch, lease, json.dumps(budget)):
        raise LaneLost(f"another worker holds the lane {key}")


async def release(
    conn: Connection, key: str, epoch: int, budget: dict[str, Any], requests: int
) -> bool:
    """Gives a lane back; False when work came in meanwhile and the visit must go on.

    Raises `LaneLost`.
    """
    if await conn.fetchval(_RELEASE, key, epoch, json.dumps(budget), requests):
        return True
    if await conn.fetchval(_UNPOKE, key, epoch):
        return False
    raise LaneLost(f"another worker holds the lane {key}")


async def hold(conn: Connection, key: str, epoch: int) -> None:
    """The fence: to be called first in each transaction of a visit. Raises `LaneLost`."""
    if not await conn.fetchval(_HOLD, key, epoch):
        raise LaneLost(f"another worker holds the lane {key}")


async def epochs(conn: Connection, keys: Sequence[str]) -> dict[str, int]:
    """The present epoch of each lane (0 where there was no visit yet), ordered by key."""
    return {row["key"]: row["epoch"] for row in await conn.fetch(_EPOCHS, list(keys))}


async def due(conn: Connection, now: datetime) -> list[str]:
    """Lanes that nobody holds and that have work for an active member."""
    return [row["lane"] for row in await conn.fetch(_DUE, now)]


async def join(conn: Connection, worker: UUID, *, egress: str = "", memory_limit: int = 0) -> None:
    """Enters a worker; ``conn`` must stay open as long as it lives (it carries its lock)."""
    async with conn.transaction():
        lock_key = await conn.fetchval(_JOIN, worker, egress, memory_limit)
        await conn.execute("SELECT pg_advisory_lock($1, $2)", WORKER_LOCKS, lock_key)


async def beat(
    conn: Connection, worker: UUID, *, lanes: int, memory: int, over_limit: bool
) -> None:
    """A worker's sign of life: how many lanes it holds, its memory in bytes (0: not known)."""
    await conn.execute(_BEAT, worker, lanes, memory, over_limit)


async def served_twice(conn: Connection) -> list[tuple[str, int, int]]:
    """(lane, epoch, epoch) of visits that overlapped; there must be none."""
    rows = await conn.fetch(_SERVED_TWICE)
    return [(row["key"], row["first"], row["second"]) for row in rows]


async def leave(conn: Connection, worker: UUID) -> None:
    """Takes a worker out that has given back all its lanes."""
    await conn.execute(_LEAVE, worker)


async def forget_workers(conn: Connection, now: datetime) -> int:
    """Takes out workers that ended without a word more than a day ago; returns how many."""
    done = await conn.execute(_FORGET_WORKERS, WORKER_LOCKS, now)
    return int(done.rpartition(" ")[2])


async def bury_the_dead(conn: Connection) -> list[str]:
    """Frees at once what workers held whose sessions are gone; returns the lanes.

    Only for the embedded database: there a lost session means a dead process, while over a
    network it may mean a broken line, with the worker's requests still under way.
    """
    return [row["key"] for row in await conn.fetch(_BURY_THE_DEAD, WORKER_LOCKS)]
