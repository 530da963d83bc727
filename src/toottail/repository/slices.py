"""Slices: the members of a very large home, shared out over several lanes for collecting.

A member is in one slice at a time (0: the home's main lane). Whoever shares them out only says
where a member is to go; the lane that has the member gives them away, in a fenced transaction of
its own, while nothing is being read for them. So no two lanes ever collect for one member.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from toottail.repository.database import Connection, unhurried

_MOVED_AT_ONCE = 500

_ANY = "SELECT EXISTS (SELECT FROM members WHERE home = $1 AND slice > 0)"

_ON_THE_MOVE = """
SELECT id, slice_to, carried FROM members
WHERE home = $1 AND slice = $2 AND (slice_to IS NOT NULL OR carried IS NOT NULL)
ORDER BY id LIMIT $3
"""

_RECEIVED = """
UPDATE members SET carried = NULL WHERE id = ANY($3::bigint[]) AND home = $1 AND slice = $2
"""

_GIVE_AWAY = """
UPDATE members SET slice = slice_to, slice_to = NULL, carried = t.carried::jsonb
FROM unnest($3::bigint[], $4::text[]) AS t (id, carried)
WHERE members.id = t.id AND home = $1 AND slice = $2 AND slice_to IS NOT NULL
RETURNING lane_of(home, slice) AS lane
"""

# Whose lanes are many, or are to be.
_SIZES = """
SELECT home, coalesce(slice_to, slice) AS slice, count(*) AS members,
    coalesce((SELECT software FROM hosts WHERE host = home), 'unknown') AS software
FROM members WHERE home IN (
    SELECT home FROM members GROUP BY home
    HAVING count(*) > $1 OR count(*) FILTER (WHERE slice > 0 OR slice_to IS NOT NULL) > 0)
GROUP BY 1, 2 ORDER BY 1, 2
"""

_SEND = """
UPDATE members SET slice_to = nullif($3::smallint, slice) WHERE id IN (
    SELECT id FROM members WHERE home = $1 AND coalesce(slice_to, slice) = $2
    ORDER BY slice_to IS NULL, id LIMIT $4)
"""

# Only where there are slices: the main lane alone begins to give members away.
_PLACE = """
UPDATE members SET slice_to = (
    SELECT coalesce(slice_to, slice) FROM members WHERE home = $1
    GROUP BY 1 HAVING coalesce(slice_to, slice) > 0 ORDER BY count(*), 1 LIMIT 1)
WHERE id = $2 AND slice = 0 AND slice_to IS NULL
    AND EXISTS (SELECT FROM members WHERE home = $1 AND slice > 0)
"""

# Of the slices that wait, those that were not served for longest, as many as there is room for.
_FITTING = """
WITH wanted AS (
    SELECT key, split_part(key, '#', 1) AS home FROM unnest($1::text[]) AS w (key)
), held AS (
    SELECT split_part(key, '#', 1) AS home, count(*) AS n FROM lanes
    WHERE strpos(key, '#') > 0 AND lease_until >= clock_timestamp() GROUP BY 1
), ranked AS (
    SELECT key, home,
        row_number() OVER (PARTITION BY home ORDER BY last.at NULLS FIRST, key) AS place
    FROM wanted LEFT JOIN LATERAL (
        SELECT started_at AS at FROM visits WHERE visits.key = wanted.key
        ORDER BY epoch DESC LIMIT 1) AS last ON true
)
SELECT key FROM ranked LEFT JOIN held USING (home) WHERE place <= $2 - coalesce(n, 0)
"""

_CIRCUIT = "SELECT failures, rest_until FROM home_circuits WHERE home = $1"

_FAILS = """
INSERT INTO home_circuits (home, failures, rest_until) VALUES ($1, $2, $3)
ON CONFLICT (home) DO UPDATE SET failures = greatest(home_circuits.failures, $2),
    rest_until = greatest(home_circuits.rest_until, $3)
"""

SHARING_LOCK = 0x736C6963
"""Advisory lock of who shares out members; with a home's number, of who takes a slice of it."""


@dataclass(frozen=True, slots=True)
class OnTheMove:
    """Members of one lane on their way: ``leaving`` it, or with what they ``carried`` in."""

    leaving: Sequence[int]
    carried: Mapping[int, dict[str, Any]]


@dataclass(frozen=True, slots=True)
class LargeHome:
    """A home with slices, or with so many members that it may have some.

    ``members`` are those of each slice, counted where they are to be.
    """

    home: str
    software: str
    members: Mapping[int, int]


async def exist(conn: Connection, home: str) -> bool:
    """Whether any member of a home is in another lane than the main one."""
    found: bool = await conn.fetchval(_ANY, home)
    return found


async def on_the_move(conn: Connection, home: str, part: int) -> OnTheMove:
    """Members of slice ``part`` who are to leave it, or have just come; some of many."""
    rows = await conn.fetch(_ON_THE_MOVE, home, part, _MOVED_AT_ONCE)
    return OnTheMove(
        [row["id"] for row in rows if row["slice_to"] is not None],
        {row["id"]: json.loads(row["carried"]) for row in rows if row["carried"] is not None},
    )


async def received(conn: Connection, home: str, part: int, members: Sequence[int]) -> None:
    """What these members carried is in their lane's budget, and that is stored."""
    await conn.execute(_RECEIVED, home, part, list(members))


async def give_away(
    conn: Connection, home: str, part: int, carried: Mapping[int, dict[str, Any]]
) -> set[str]:
    """Lets members of slice ``part`` go where they are to be, with what is known of their limits.

    Returns the lanes that have them now. To be called by who holds the lane, in a fenced
    transaction, for members for whom nothing is being read.
    """
    told = [json.dumps(state) if state else None for state in carried.values()]
    rows = await conn.fetch(_GIVE_AWAY, home, part, list(carried), told)
    return {row["lane"] for row in rows}


async def place(conn: Connection, home: str, member_id: int) -> None:
    """A new member of a home that has slices is to be in the one with the fewest members."""
    await conn.execute(_PLACE, home, member_id)


async def large_homes(conn: Connection, more_than: int) -> list[LargeHome]:
    """Homes that have slices, or more members than that."""
    found: dict[str, dict[int, int]] = defaultdict(dict)
    software: dict[str, str] = {}
    for row in await conn.fetch(_SIZES, more_than):
        found[row["home"]][row["slice"]] = row["members"]
        software[row["home"]] = row["software"]
    return [LargeHome(home, software[home], members) for home, members in found.items()]


async def send(conn: Connection, home: str, source: int, target: int, count: int) -> None:
    """So many members who are in slice ``source``, or on their way there, are to be in another."""
    await conn.execute(_SEND, home, source, target, count)


async def one_at_a_time(conn: Connection) -> None:
    """Waits until nobody else shares out members; for the rest of the transaction.

    That may be a long one where a very large home has no slices yet.
    """
    await conn.execute("SELECT pg_advisory_xact_lock($1)", SHARING_LOCK)
    await unhurried(conn)


async def fitting(conn: Connection, lanes: Sequence[str], most: int) -> list[str]:
    """``lanes`` without the slices for which there is no room: of each home at most ``most``."""
    waiting = [key for key in lanes if "#" in key]
    if not waiting:
        return list(lanes)
    rows = await conn.fetch(_FITTING, waiting, most)
    return [key for key in lanes if "#" not in key] + [row["key"] for row in rows]


async def circuit(conn: Connection, home: str) -> tuple[int, float]:
    """Failures of a home in a row, over all its lanes, and the end of its rest (Unix seconds)."""
    row = await conn.fetchrow(_CIRCUIT, home)
    return (row["failures"], row["rest_until"]) if row else (0, 0.0)


async def tell_circuit(conn: Connection, home: str, failures: int, rest_until: float) -> None:
    """Tells the home's other lanes of its failures; 0: it works."""
    if failures:
        await conn.execute(_FAILS, home, failures, rest_until)
    else:
        await conn.execute("DELETE FROM home_circuits WHERE home = $1", home)
