"""What is stored about a member: all of it is theirs to see, and goes when they leave.

These ask the database which tables there are, so that a new one cannot be forgotten.
"""

from __future__ import annotations

import re

from toottail.repository import exports
from toottail.repository.database import Connection, Database

# Tables whose rows are deleted with a member's row, whatever is between.
_GO_ALONG = """
WITH RECURSIVE gone AS (
    SELECT 'members'::regclass AS oid
  UNION
    SELECT conrelid::regclass FROM pg_constraint JOIN gone ON confrelid = gone.oid
    WHERE contype = 'f' AND confdeltype = 'c'
) SELECT oid::text FROM gone WHERE oid <> 'members'::regclass ORDER BY 1
"""

_NAME_A_MEMBER = """
SELECT table_name FROM information_schema.columns
WHERE table_schema = 'public' AND column_name LIKE '%member%' AND data_type = 'bigint' ORDER BY 1
"""

_COLUMNS = """
SELECT column_name FROM information_schema.columns
WHERE table_schema = 'public' AND table_name = $1
"""

NOT_SHOWN = {
    "run_conversations": "conversations, which are shown, once more",
    "run_sources": "sources, which are shown, once more",
    "run_feeds": "profiles, which are shown, once more",
    "spending": "how many requests a run took; of nothing that is theirs",
}
SECRET = {"token_sealed", "token_fingerprint", "carried"}
"""Of a member's row: the token, what stands for it, and how much of its limits is used."""
TOLD_OTHERWISE = {"active_until", "served"}


async def _names(conn: Connection, query: str, *arguments: object) -> list[str]:
    return [row[0] for row in await conn.fetch(query, *arguments)]


async def test_every_table_that_names_a_member_loses_its_rows_with_them(
    database: Database,
) -> None:
    async with database.connection() as conn:
        naming = await _names(conn, _NAME_A_MEMBER)
        gone = await _names(conn, _GO_ALONG)
    assert len(naming) > 4
    assert [table for table in naming if table not in gone] == []


async def test_every_such_table_is_in_what_members_are_shown(database: Database) -> None:
    async with database.connection() as conn:
        gone = await _names(conn, _GO_ALONG)
    shown = " ".join(value for name, value in vars(exports).items() if name.isupper())
    missing = [table for table in gone if not re.search(rf"\b{table}\b", shown)]
    assert sorted(missing) == sorted(NOT_SHOWN)


async def test_every_column_of_a_members_row_is_shown_but_secrets(database: Database) -> None:
    async with database.connection() as conn:
        stored = set(await _names(conn, _COLUMNS, "members"))
    shown = set(re.findall(r"\w+", exports._MEMBER))
    assert stored - shown == SECRET
    assert shown & SECRET == set()
    assert stored >= TOLD_OTHERWISE


async def test_every_column_of_their_sources_and_sessions_is_shown_but_the_cookies_digest(
    database: Database,
) -> None:
    async with database.connection() as conn:
        sources = set(await _names(conn, _COLUMNS, "sources"))
        sessions = set(await _names(conn, _COLUMNS, "sessions"))
    assert sources - set(re.findall(r"\w+", exports._SOURCES)) == {"home"}, "the member's own"
    assert sessions - set(re.findall(r"\w+", exports._SESSIONS)) == {"digest"}
