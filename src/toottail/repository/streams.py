"""Streams of members: who holds which, how many at each home, and what their loss makes due.

A row is taken by one worker at a time and given back when its stream is lost, with the time from
which on anybody may take it again. While it is open the member's timeline is marked as streamed;
that mark and the time of the next reading are in one row, so that a reading that ends in the moment
of the loss cannot put the next one off.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from uuid import UUID

from toottail.repository.database import Connection

STREAMS_LOCK = 0x7374726D
"""Advisory lock of the process that gives streams to itself."""
DEAD_AFTER = timedelta(seconds=20)
"""A worker that gave no sign of life for so long holds no streams any more."""
PACE = timedelta(seconds=2)
"""A home gets one new connection in this time, whoever makes it."""
FULL_FOR = timedelta(minutes=10)
"""Members beyond what their home is given wait so long for a place."""
ASKED_EVERY = timedelta(days=1)
"""A home is asked so often where its streams are."""
_CONSIDERED = 5_000

# Whose timeline has been read once, so that home and token are known to work, and who was there in
# the last fortnight: with a stream they would count as active at home for ever. Many come at once
# when streams are switched on: their places in time are spread.
_ENROL = """
INSERT INTO streams (member_id, home, retry_at)
SELECT members.id, members.home, now() + random() * $3::interval
FROM members JOIN hosts ON hosts.host = members.home
WHERE served AND active_until > now() AND software = ANY($1)
    AND greatest(read_at, seen_at) > now() - interval '14 days'
    AND NOT EXISTS (SELECT FROM streams WHERE member_id = members.id)
    AND EXISTS (SELECT FROM sources WHERE member_id = members.id AND kind = 'home' AND name = ''
                AND enabled AND read_at IS NOT NULL)
LIMIT $2 ON CONFLICT DO NOTHING
"""

_DISMISS = """
DELETE FROM streams USING members
WHERE members.id = member_id AND worker IS NULL AND (
    NOT served OR active_until IS NULL OR active_until <= now()
    OR greatest(read_at, seen_at) <= now() - interval '14 days'
    OR NOT EXISTS (SELECT FROM sources WHERE sources.member_id = members.id AND kind = 'home'
                   AND name = '' AND enabled))
"""

_FREE_DEAD = """
WITH dead AS (
    UPDATE streams SET worker = NULL, up_since = NULL, retry_at = now()
    WHERE worker IS NOT NULL AND NOT EXISTS (
        SELECT FROM workers WHERE id = streams.worker AND seen_at > now() - $1::interval)
    RETURNING member_id
), read AS (
    UPDATE sources SET streamed = false, anew_at = now(),
        collect_at = CASE WHEN collect_at IS NOT NULL THEN least(collect_at, now()) END
    FROM dead WHERE sources.member_id = dead.member_id AND streamed
)
SELECT count(*) FROM dead
"""

_CLAIM = """
WITH ready AS (
    SELECT member_id, streams.home, retry_at FROM streams JOIN members ON members.id = member_id
    WHERE worker IS NULL AND retry_at <= now() AND served AND active_until > now()
        AND failing_since IS NULL
    ORDER BY retry_at LIMIT $4
), at_home AS (
    SELECT home,
        (SELECT count(*) FROM streams WHERE home = h.home AND worker IS NOT NULL) AS held,
        (SELECT max(claimed_at) FROM streams WHERE home = h.home) AS last,
        (SELECT max(asked_at) FROM streams WHERE home = h.home) AS asked_at,
        (SELECT max(place) FROM streams WHERE home = h.home) AS place
    FROM (SELECT DISTINCT home FROM ready) AS h
), too_many AS (
    UPDATE streams SET retry_at = now() + $6::interval FROM at_home
    WHERE streams.home = at_home.home AND held >= $2 AND worker IS NULL AND retry_at <= now()
), chosen AS (
    SELECT DISTINCT ON (home) member_id, asked_at, place FROM ready JOIN at_home USING (home)
    WHERE held < $2 AND (last IS NULL OR last <= now() - $5::interval) ORDER BY home, retry_at
), taken AS (SELECT * FROM chosen LIMIT $3)
UPDATE streams SET worker = $1, claimed_at = now(), up_since = NULL,
    place = taken.place, asked_at = taken.asked_at
FROM taken JOIN members ON members.id = taken.member_id LEFT JOIN hosts ON hosts.host = members.home
WHERE streams.member_id = taken.member_id
RETURNING streams.member_id, streams.home, token_sealed, failures,
    coalesce(software, 'unknown') AS software, coalesce(version, '') AS version,
    streams.place, streams.asked_at
"""

_HELD = """
SELECT member_id, coalesce(served AND active_until > now(), false)
    AND greatest(read_at, seen_at) > now() - interval '14 days' AND EXISTS (
        SELECT FROM sources WHERE sources.member_id = members.id AND kind = 'home' AND name = ''
            AND enabled) AS wanted
FROM streams JOIN members ON members.id = member_id WHERE worker = $1
"""

_SHARE = """
SELECT (SELECT count(*) FROM streams
        WHERE worker IS NOT NULL OR retry_at <= now() + interval '1 minute') AS all_streams,
    (SELECT count(*) FROM workers
     WHERE streams IS NOT NULL AND seen_at > now() - $1::interval) AS workers
"""

_TELL = "UPDATE workers SET streams = $2 WHERE id = $1"

# What came between the last reading and this moment is read now, once more and from the top.
_UP = """
WITH up AS (
    UPDATE streams SET up_since = now(), problem = NULL
    WHERE member_id = ANY($1::bigint[]) AND worker = $2 RETURNING member_id
)
UPDATE sources SET streamed = true, anew_at = now(), page_at = NULL,
    collect_at = CASE WHEN collect_at IS NOT NULL THEN least(collect_at, now()) END
FROM up WHERE sources.member_id = up.member_id AND kind = 'home' AND name = ''
"""

_LOST = """
WITH told AS (
    SELECT * FROM unnest($1::bigint[], $3::interval[], $4::integer[], $5::text[])
        AS t (member_id, wait, failures, problem)
), lost AS (
    UPDATE streams SET worker = NULL, up_since = NULL, retry_at = now() + wait,
        failures = told.failures, problem = told.problem
    FROM told WHERE streams.member_id = told.member_id AND worker = $2
    RETURNING streams.member_id
)
UPDATE sources SET streamed = false, anew_at = now(),
    collect_at = CASE WHEN collect_at IS NOT NULL THEN least(collect_at, now()) END
FROM lost WHERE sources.member_id = lost.member_id AND streamed
"""

_PUT_OFF_HOME = """
UPDATE streams SET retry_at = greatest(retry_at, now() + $2::interval),
    failures = greatest(failures, $3)
WHERE home = $1 AND worker IS NULL
"""

_STORE_PLACE = "UPDATE streams SET place = $2, asked_at = now() WHERE home = $1"

# The key of the lane's row, as `lanes.hold` does: renewals neither wait for this nor hinder it.
# See `store_shown` in `flow/streamed.py`.
_SHARE_LANE = "SELECT true FROM lanes WHERE key = $1 FOR KEY SHARE SKIP LOCKED"

_STILL_SERVED = """
SELECT id FROM members
WHERE id = ANY($1::bigint[]) AND home = $2 AND served AND active_until > now()
"""


@dataclass(frozen=True, slots=True)
class Claim:
    """A stream that is ours to open.

    ``failures`` in a row came before it. ``place`` is the host of the home's streams as known since
    ``asked_at``; None where it has none, or was not asked yet.
    """

    member_id: int
    home: str
    token_sealed: bytes = field(repr=False)
    failures: int
    software: str
    version: str
    place: str | None
    asked_at: datetime | None


@dataclass(frozen=True, slots=True)
class Loss:
    """A stream that is over: anybody may take it after ``wait``; ``failures`` in a row by now."""

    wait: timedelta
    failures: int
    problem: str | None


async def enrol(conn: Connection, software: Sequence[str], most: int, spread: timedelta) -> None:
    """Makes rows for members who can have a stream, at most so many; drops those who cannot."""
    await conn.execute(_DISMISS)
    await conn.execute(_ENROL, list(software), most, spread)


async def free_dead(conn: Connection) -> int:
    """Gives back what workers held that are gone; returns how many streams that were."""
    freed: int = await conn.fetchval(_FREE_DEAD, DEAD_AFTER)
    return freed


async def claim(conn: Connection, worker: UUID, *, per_home: int, most: int) -> list[Claim]:
    """At most ``most`` streams for ``worker``, one of each home and never too soon after another.

    A home has at most ``per_home``. To be called by one process at a time: `STREAMS_LOCK`.
    """
    rows = await conn.fetch(_CLAIM, worker, per_home, most, _CONSIDERED, PACE, FULL_FOR)
    return [Claim(**row) for row in rows]


async def held(conn: Connection, worker: UUID) -> dict[int, bool]:
    """The members whose streams a worker holds, and whether they still want one."""
    return {row["member_id"]: row["wanted"] for row in await conn.fetch(_HELD, worker)}


async def fair_share(conn: Connection) -> int:
    """How many streams each of the workers that take any should hold."""
    row = await conn.fetchrow(_SHARE, DEAD_AFTER)
    assert row is not None
    return -(-int(row["all_streams"]) // max(1, int(row["workers"])))


async def tell(conn: Connection, worker: UUID, count: int) -> None:
    """Notes how many streams a worker holds."""
    await conn.execute(_TELL, worker, count)


async def note_up(conn: Connection, worker: UUID, member_ids: Sequence[int]) -> None:
    """Notes that streams of ``worker`` are open; the timelines are read once more."""
    await conn.execute(_UP, list(member_ids), worker)


async def note_lost(conn: Connection, worker: UUID, losses: dict[int, Loss]) -> None:
    """Gives streams of ``worker`` back, by member; their timelines are to be read at once."""
    all_losses = list(losses.values())
    await conn.execute(
        _LOST,
        list(losses),
        worker,
        [loss.wait for loss in all_losses],
        [loss.failures for loss in all_losses],
        [loss.problem for loss in all_losses],
    )


async def put_off_home(conn: Connection, home: str, wait: timedelta, failures: int) -> None:
    """No stream of a home that nobody holds is tried before ``wait`` is over."""
    await conn.execute(_PUT_OFF_HOME, home, wait, failures)


async def store_place(conn: Connection, home: str, place: str | None) -> None:
    """Notes the host of a home's streams; None: it has none."""
    await conn.execute(_STORE_PLACE, home, place)


async def lock_out_leaving(conn: Connection, home: str) -> bool:
    """From now to the end of the transaction nobody leaves ``home``.

    False where somebody is just leaving, where its lane just changes hands, or where it has none.
    """
    return bool(await conn.fetchval(_SHARE_LANE, home))


async def still_served(conn: Connection, home: str, member_ids: Sequence[int]) -> set[int]:
    """Those of ``member_ids`` who are served at ``home`` and not paused."""
    return {row["id"] for row in await conn.fetch(_STILL_SERVED, list(member_ids), home)}
