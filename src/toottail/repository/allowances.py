"""Allowances of the service itself, each a time at which all of it is used up."""

from __future__ import annotations

from datetime import timedelta

from toottail.repository.database import Connection

# One statement, so that two processes never both take the last use.
_USE = """
INSERT INTO allowances AS old (key, used_up) VALUES ($1, now() + $2::interval)
ON CONFLICT (key) DO UPDATE SET used_up = greatest(old.used_up, now()) + $2::interval
WHERE old.used_up <= now() + $3::interval - $2::interval
RETURNING true
"""

# Another one, for the one above does not see what it waited for.
_WAIT = """
SELECT used_up + $2::interval - $3::interval - now() FROM allowances WHERE key = $1
"""

_SHORTEST = timedelta(seconds=1)


async def use(conn: Connection, key: str, step: timedelta, depth: timedelta) -> timedelta | None:
    """Counts one use of ``key`` that takes ``step`` to come back; ``depth`` may be used at once.

    Returns None, or how long to wait where it is one too many; then it is not counted.
    """
    if await conn.fetchval(_USE, key, step, depth):
        return None
    wait: timedelta | None = await conn.fetchval(_WAIT, key, step, depth)
    return max(wait or step, _SHORTEST)
