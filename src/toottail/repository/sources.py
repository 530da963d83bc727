"""Sources of members: what is due to be read, how far it was read, and why it is not."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from toottail.repository.database import Connection
from toottail.types.sources import PASSIVE, Source

OFF_FOR = timedelta(days=1)
"""What the home refused is not asked for again before this is over."""
POSITION_FOR = timedelta(hours=1)
"""A reading that was stopped goes on where it was within this time; then it begins anew."""

_CHOOSE = """
INSERT INTO sources (member_id, home, kind, name, entries, collect_at)
SELECT members.id, members.home, t.kind, t.name, t.entries,
    CASE WHEN t.active THEN $6::timestamptz END
FROM members, unnest($2::text[], $3::text[], $4::integer[], $5::boolean[])
    AS t (kind, name, entries, active)
WHERE members.id = $1
ON CONFLICT (member_id, kind, name) DO UPDATE
SET enabled = true, entries = EXCLUDED.entries, tries = 0, since = NULL,
    collect_at = CASE WHEN sources.off_until > $6 THEN NULL ELSE EXCLUDED.collect_at END
"""

# What another run of this member is still about to read stays on.
_DROP_OTHERS = """
UPDATE sources SET enabled = false, collect_at = NULL
WHERE member_id = $1 AND enabled
    AND NOT EXISTS (SELECT FROM unnest($2::text[], $3::text[]) AS t (kind, name)
                    WHERE (t.kind, t.name) = (sources.kind, sources.name))
    AND NOT EXISTS (SELECT FROM runs JOIN run_sources AS rs ON rs.run_id = runs.id
                    WHERE runs.member_id = $1 AND runs.ended_at IS NULL AND NOT rs.collected
                        AND (rs.kind, rs.name) = (sources.kind, sources.name))
"""

# A served member's own word counts at once: no run of theirs waits for what is off now.
_NO_LONGER = """
UPDATE run_sources AS rs SET collected = true, told = 'switched off'
FROM runs JOIN members ON members.id = runs.member_id
WHERE runs.id = rs.run_id AND member_id = $1 AND served AND ended_at IS NULL AND NOT rs.collected
    AND NOT EXISTS (SELECT FROM unnest($2::text[], $3::text[]) AS t (kind, name)
                    WHERE (t.kind, t.name) = (rs.kind, rs.name))
"""

_OF_RUN = """
INSERT INTO run_sources (run_id, kind, name, wanted, collected, told)
SELECT $1, kind, name, entries, collect_at IS NULL, CASE WHEN collect_at IS NULL THEN told END
FROM sources
WHERE member_id = $2 AND enabled
ON CONFLICT DO NOTHING
"""

_DUE = """
WITH due AS (
    SELECT member_id, kind, name, collect_at,
        row_number() OVER (PARTITION BY member_id ORDER BY collect_at, kind, name) AS place
    FROM sources JOIN members ON members.id = member_id
    WHERE members.home = $1 AND slice = $7 AND sources.home = $1 AND collect_at <= $2
        AND active_until > $2
        AND member_id <> ALL ($4::bigint[])
), first AS (
    SELECT member_id, kind, name FROM due WHERE place <= $6
    ORDER BY collect_at, kind, name LIMIT $5
)
SELECT now() AS found_at, s.member_id, members.served, s.kind, s.name, s.ref, s.newest_id, s.depth,
    s.tries, coalesce(s.since, s.collect_at) AS due_at,
    CASE WHEN s.page_at > $2::timestamptz - $3::interval
            AND array_remove(array_agg(runs.id), NULL) <@ s.page_runs
        THEN ROW(s.page_max_id, s.page_read, s.page_newest_id) END AS position,
    coalesce(max(rs.wanted), s.entries) AS wanted,
    array_remove(array_agg(runs.id), NULL) AS run_ids,
    members.account, members.account_id, members.named, members.scopes, members.tag_servers,
    greatest(members.read_at, members.seen_at) AS seen_at, members.markers_at, members.marked,
    (SELECT p.entries FROM sources AS p WHERE p.member_id = s.member_id AND p.enabled
         AND p.kind = 'mentioned') AS mentioned,
    (SELECT p.entries FROM sources AS p WHERE p.member_id = s.member_id AND p.enabled
         AND p.kind = 'boosted') AS boosted
FROM first JOIN sources AS s USING (member_id, kind, name)
    JOIN members ON members.id = s.member_id
    LEFT JOIN runs ON runs.member_id = s.member_id AND runs.ended_at IS NULL
        AND EXISTS (SELECT FROM run_sources WHERE run_id = runs.id AND NOT collected
                    AND (kind, name) = (s.kind, s.name))
    LEFT JOIN run_sources AS rs ON rs.run_id = runs.id AND (rs.kind, rs.name) = (s.kind, s.name)
GROUP BY s.member_id, s.kind, s.name, members.id
ORDER BY s.collect_at, s.kind, s.name
"""

# A run that began meanwhile still waits for its own reading, and so does a stream that was opened
# or lost meanwhile. Of a member who has been paused since nothing is due, but it will be.
_COLLECTED = """
UPDATE sources SET newest_id = coalesce($4, newest_id), depth = greatest($5, depth), tries = 0,
    read_at = now(), told = $6, off_until = $7, page_at = NULL, since = NULL,
    collect_at = CASE WHEN $7::timestamptz IS NULL AND EXISTS (
        SELECT FROM runs JOIN run_sources AS rs ON rs.run_id = runs.id
        WHERE member_id = $1 AND ended_at IS NULL AND NOT collected
            AND (rs.kind, rs.name) = ($2, $3)) THEN collect_at
        WHEN enabled AND $7 IS NULL AND anew_at > $10 THEN collect_at
        WHEN enabled AND streamed AND $8::timestamptz IS NOT NULL
            THEN greatest($8, $9::timestamptz)
        WHEN enabled THEN $8 END
WHERE member_id = $1 AND kind = $2 AND name = $3
"""

# One of its members was served: then the home works again for all.
_HOME_WORKS = """
UPDATE members SET failing_since = NULL, problem = NULL, delete_at = NULL,
    paused_why = NULL, paused_at = NULL, active_until = 'infinity'
WHERE served AND failing_since IS NOT NULL AND (paused_why IS NULL OR paused_why = 'home')
    AND home = (SELECT home FROM members WHERE id = $1)
"""

_POSITION = """
UPDATE sources SET page_max_id = $4, page_read = $5, page_newest_id = $6, page_runs = $7,
    page_at = $8
WHERE member_id = $1 AND kind = $2 AND name = $3 AND (anew_at IS NULL OR anew_at <= $9)
"""

_RUNS_COLLECTED = """
UPDATE run_sources SET collected = true, told = $4
WHERE run_id = ANY($1) AND kind = $2 AND name = $3
"""

_SWITCHED_OFF_RUNS = """
UPDATE run_sources AS rs SET collected = true, told = $4 FROM runs
WHERE runs.id = rs.run_id AND runs.member_id = $1 AND ended_at IS NULL
    AND rs.kind = $2 AND rs.name = $3 AND NOT rs.collected
"""

_COUNT = """
WITH counted AS (
    UPDATE run_sources SET read = read + $4 WHERE run_id = ANY($1) AND kind = $2 AND name = $3
)
UPDATE runs SET statuses_read = statuses_read + $5 WHERE id = ANY($1) AND $5 > 0
"""

_SPAWN = """
INSERT INTO sources (member_id, home, kind, name, ref, entries, collect_at)
SELECT members.id, home, 'list', t.name, t.ref, $4, $5
FROM members, unnest($2::text[], $3::text[]) AS t (name, ref) WHERE members.id = $1
ON CONFLICT (member_id, kind, name) DO UPDATE
SET enabled = true, ref = EXCLUDED.ref,
    -- With a rhythm of its own it is not due for being found again.
    collect_at = CASE WHEN sources.enabled AND NOT $6 AND sources.collect_at IS NOT NULL
                 THEN sources.collect_at ELSE EXCLUDED.collect_at END
"""

_SPAWN_RUNS = """
INSERT INTO run_sources (run_id, kind, name, wanted)
SELECT run_id, 'list', name, $3
FROM unnest($1::uuid[]) AS r (run_id), unnest($2::text[]) AS t (name)
ON CONFLICT DO NOTHING
"""

_LISTED = """
SELECT sources.home, coalesce(nullif(account, ''), named) AS account, kind, name, entries,
    sources.read_at, off_until > now() AS off, told
FROM sources JOIN members ON members.id = member_id
WHERE enabled ORDER BY sources.home, member_id, kind, name
"""


@dataclass(frozen=True, slots=True)
class Position:
    """Where a reading of pages stands: the next one is that below ``max_id``.

    ``read`` entries were read before it, ``newest_id`` is the first of them.
    """

    max_id: str | None = None
    read: int = 0
    newest_id: str | None = None


@dataclass(frozen=True, slots=True)
class DueSource:
    """A source that is due; ``wanted`` entries of it are to be read, from ``position`` on.

    ``account`` is None while nobody asked whose token it is, "" where that is not told; ``named``
    is what its owner says. ``scopes`` is None where they are not told. ``mentioned``, ``boosted``:
    the profiles of so many who are that on a page are wanted, None where none are. ``seen_at`` is
    when the member was last there, as far as known; ``markers_at`` when their home was asked for
    that, ``marked`` whether it tells (None: not asked yet). ``found_at`` is when it was found due,
    by the clock of the database.
    """

    found_at: datetime
    member_id: int
    served: bool
    kind: str
    name: str
    ref: str | None
    newest_id: str | None
    depth: int
    tries: int
    wanted: int
    run_ids: Sequence[UUID]
    account: str | None
    account_id: str | None
    named: str | None
    scopes: str | None
    tag_servers: Sequence[str]
    due_at: datetime | None
    mentioned: int | None
    boosted: int | None
    seen_at: datetime
    markers_at: datetime | None
    marked: bool | None
    position: Position = Position()


@dataclass(frozen=True, slots=True)
class ListedSource:
    """A source as `toottail sources` lists it."""

    home: str
    account: str | None
    kind: str
    name: str
    entries: int
    read_at: datetime | None
    off: bool | None
    told: str | None


async def choose(
    conn: Connection,
    member_id: int,
    run_id: UUID | None,
    chosen: Sequence[Source],
    now: datetime,
) -> None:
    """Makes ``chosen`` the sources of a member and lets a run read them; the others are off.

    Without a run they are due all the same, for a member who is served.
    """
    kinds, names = [s.kind for s in chosen], [s.name for s in chosen]
    active = [s.kind not in PASSIVE for s in chosen]
    entries = [s.entries for s in chosen]
    await conn.execute(_NO_LONGER, member_id, kinds, names)
    await conn.execute(_DROP_OTHERS, member_id, kinds, names)
    await conn.execute(_CHOOSE, member_id, kinds, names, entries, active, now)
    if run_id is not None:
        await conn.execute(_OF_RUN, run_id, member_id)


async def due(
    conn: Connection,
    home: str,
    now: datetime,
    *,
    part: int = 0,
    most: int = 100,
    of_each: int = 100,
    busy: Collection[int] = (),
) -> list[DueSource]:
    """Sources of members of ``home`` in slice ``part`` that are due, the longest waiting first.

    At most ``of_each`` for one member, ``most`` in all, none for those who are ``busy``.
    """
    found = []
    for row in await conn.fetch(_DUE, home, now, POSITION_FOR, list(busy), most, of_each, part):
        fields = dict(row.items())
        position = Position(*fields.pop("position") or ())
        found.append(DueSource(**fields, position=position))
    return found


async def set_position(
    conn: Connection, source: DueSource, position: Position, now: datetime
) -> None:
    """Notes how far a reading is. A run that begins meanwhile needs the pages before it, too."""
    await conn.execute(
        _POSITION,
        source.member_id,
        source.kind,
        source.name,
        position.max_id,
        position.read,
        position.newest_id,
        list(source.run_ids),
        now,
        source.found_at,
    )


async def set_collected(
    conn: Connection,
    source: DueSource,
    *,
    newest_id: str | None = None,
    depth: int = 0,
    again_at: datetime | None,
    streamed_at: datetime | None = None,
) -> None:
    """Notes that a source was read for the runs that waited, ``depth`` entries deep.

    From ``again_at`` on it is due again; None: when somebody wants it. While a stream shows it the
    later of that and ``streamed_at`` counts. The home has shown that it works.
    """
    at = (source.member_id, source.kind, source.name)
    await conn.execute(_RUNS_COLLECTED, list(source.run_ids), source.kind, source.name, None)
    await conn.execute(
        _COLLECTED, *at, newest_id, depth, None, None, again_at, streamed_at, source.found_at
    )
    await conn.execute(_HOME_WORKS, source.member_id)


async def switch_off(
    conn: Connection,
    source: DueSource,
    told: str,
    until: datetime,
    again_at: datetime | None,
) -> None:
    """Notes why a source is of no use; no run waits for it, and it is left alone until then.

    Where it has a time ``again_at``, it is due again when both are over.
    """
    at = (source.member_id, source.kind, source.name)
    await conn.execute(_SWITCHED_OFF_RUNS, *at, told)
    off = (until, None if again_at is None else max(until, again_at))
    await conn.execute(_COLLECTED, *at, None, 0, told, *off, None, source.found_at)


async def come_back(conn: Connection, source: DueSource, at: datetime) -> None:
    """Leaves a source due, but not before ``at``."""
    await conn.execute(
        "UPDATE sources SET collect_at = $4, since = NULL, tries = tries + 1"
        " WHERE member_id = $1 AND kind = $2 AND name = $3",
        source.member_id,
        source.kind,
        source.name,
        at,
    )


async def postpone(conn: Connection, home: str, until: datetime) -> None:
    """Leaves all sources at a home due, but not before its budget allows."""
    await conn.execute(
        "UPDATE sources SET collect_at = $2, since = coalesce(since, collect_at)"
        " WHERE home = $1 AND collect_at < $2",
        home,
        until,
    )


async def postpone_member(conn: Connection, member_id: int, until: datetime) -> None:
    """Leaves all sources of one member due, but not before their token's limits allow."""
    await conn.execute(
        "UPDATE sources SET collect_at = $2, since = coalesce(since, collect_at)"
        " WHERE member_id = $1 AND collect_at < $2",
        member_id,
        until,
    )


async def count_read(conn: Connection, source: DueSource, entries: int, statuses: int) -> None:
    """Adds to what the runs that wait for this source have read."""
    await conn.execute(_COUNT, list(source.run_ids), source.kind, source.name, entries, statuses)


async def add_lists(
    conn: Connection, source: DueSource, lists: Sequence[tuple[str, str]], now: datetime
) -> None:
    """Makes the timelines of lists, (name, id) each, due for the runs that wait for ``source``."""
    unique = dict(lists)  # the home chooses the names, and one may be told twice
    names, refs = list(unique), list(unique.values())
    waited_for = bool(source.run_ids)
    await conn.execute(_SPAWN, source.member_id, names, refs, source.wanted, now, waited_for)
    await conn.execute(_SPAWN_RUNS, list(source.run_ids), names, source.wanted)


async def set_ref(conn: Connection, source: DueSource, ref: str | None) -> None:
    """Notes the home's own id of what a source names."""
    await conn.execute(
        "UPDATE sources SET ref = $4 WHERE member_id = $1 AND kind = $2 AND name = $3",
        source.member_id,
        source.kind,
        source.name,
        ref,
    )


async def of_run(conn: Connection, run_id: UUID) -> list[tuple[str, str, int, str | None]]:
    """(kind, name, entries read, why it was not read) of each source of a run."""
    rows = await conn.fetch(
        "SELECT kind, name, read, told FROM run_sources WHERE run_id = $1 ORDER BY kind, name",
        run_id,
    )
    return [(row["kind"], row["name"], row["read"], row["told"]) for row in rows]


async def listed(conn: Connection) -> list[ListedSource]:
    """All sources that are switched on, of all members."""
    return [ListedSource(**row) for row in await conn.fetch(_LISTED)]
