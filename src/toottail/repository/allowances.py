"""Allowances of the service itself, each a time at which all of it is used up."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

from toottail.repository.database import Connection

# One statement, so that two processes never both take the last use. Where it is one too many the
# row stays as it is, and how long to wait is read from it.
_USE = """
WITH used AS (
    INSERT INTO allowances AS old (key, used_up) VALUES ($1, now() + $2::interval)
    ON CONFLICT (key) DO UPDATE SET used_up = greatest(old.used_up, now()) + $2::interval
    WHERE old.used_up <= now() + $3::interval - $2::interval
    RETURNING true
)
SELECT EXISTS (SELECT FROM used) AS allowed,
    (SELECT used_up FROM allowances WHERE key = $1) + $2::interval - $3::interval - now() AS wait
"""

_FORGET = "DELETE FROM allowances WHERE used_up < now()"


@dataclass(frozen=True, slots=True)
class Use:
    """Whether a use was allowed and counted; if not, how long to ``wait``."""

    allowed: bool
    wait: timedelta


async def use(conn: Connection, key: str, step: timedelta, depth: timedelta) -> Use:
    """Counts one use of ``key`` that takes ``step`` to come back; ``depth`` may be used at once."""
    row = await conn.fetchrow(_USE, key, step, depth)
    assert row is not None
    # Not there yet when the statement began, but made and used up by others since.
    wait = row["wait"] if row["wait"] is not None else step
    return Use(row["allowed"], max(wait, timedelta()))


async def forget(conn: Connection) -> None:
    """Drops what has come back in full: it counts like one that was never used."""
    await conn.execute(_FORGET)
