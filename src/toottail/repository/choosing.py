"""The sources of a member of the service, as they choose them; no run reads these."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from toottail.repository.database import Connection
from toottail.types.sources import PASSIVE, Source

_OTHERS_OFF = """
UPDATE sources SET enabled = false, collect_at = NULL
WHERE member_id = $1 AND enabled
    AND NOT EXISTS (SELECT FROM unnest($2::text[], $3::text[]) AS t (kind, name)
                    WHERE (t.kind, t.name) = (sources.kind, sources.name))
"""

_OF_RUNS = """
UPDATE run_sources SET collected = true FROM runs
WHERE runs.id = run_id AND runs.member_id = $1 AND runs.ended_at IS NULL
    AND NOT EXISTS (SELECT FROM unnest($2::text[], $3::text[]) AS t (kind, name)
                    WHERE (t.kind, t.name) = (run_sources.kind, run_sources.name))
"""

# What was on already keeps its rhythm, what is on now is read at once; `due` is false for what
# cannot be read: that is passive, or the token lacks a scope for it.
_ON = """
INSERT INTO sources (member_id, home, kind, name, entries, collect_at, told)
SELECT members.id, members.home, t.kind, t.name, t.entries,
    CASE WHEN t.due THEN $7::timestamptz END, t.told
FROM members, unnest($2::text[], $3::text[], $4::integer[], $5::boolean[], $6::text[])
    AS t (kind, name, entries, due, told)
WHERE members.id = $1
ON CONFLICT (member_id, kind, name) DO UPDATE
SET enabled = true, entries = EXCLUDED.entries, tries = 0,
    told = coalesce(EXCLUDED.told, CASE WHEN sources.off_until > $7 THEN sources.told END),
    collect_at = CASE WHEN EXCLUDED.collect_at IS NULL THEN NULL
                 WHEN sources.enabled THEN coalesce(sources.collect_at, EXCLUDED.collect_at)
                 WHEN sources.off_until > $7 THEN sources.off_until
                 ELSE EXCLUDED.collect_at END
"""


async def choose(
    conn: Connection,
    member_id: int,
    chosen: Sequence[Source],
    lacking: Sequence[str | None],
    now: datetime,
) -> None:
    """Makes ``chosen`` the sources of a member and switches all others off.

    What was not on is due at once. ``lacking`` says of each, in words for people, why the token
    does not let it be read; None where it does.
    """
    kinds, names = [s.kind for s in chosen], [s.name for s in chosen]
    due = [s.kind not in PASSIVE and why is None for s, why in zip(chosen, lacking, strict=True)]
    await conn.execute(_OTHERS_OFF, member_id, kinds, names)
    await conn.execute(_OF_RUNS, member_id, kinds, names)
    entries = [s.entries for s in chosen]
    await conn.execute(_ON, member_id, kinds, names, entries, due, list(lacking), now)
