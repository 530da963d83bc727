"""Members with many conversations each, straight in the database."""

from __future__ import annotations

from uuid import uuid4

from toottail.repository.database import Connection, Database
from toottail.service import sessions
from toottail.service.context import Service

CONVERSATIONS, STATUSES = 1000, 40
_HOME = "watched.example"

_MEMBER = """
INSERT INTO members (home, token_fingerprint, token_sealed, active_until, served, account,
    account_id)
VALUES ($1, $2::bytea, $3, 'infinity', true, $4, 'id-' || $4) RETURNING id
"""
_CONVERSATIONS = """
INSERT INTO conversations (root_uri, host, looked_at)
SELECT 'https://a.example/' || $1 || '/' || n, 'a.example', now()
FROM generate_series(1, $2::integer) AS n
"""
_STATUSES = """
INSERT INTO statuses (uri, conversation_id, host, placed, listed_by, created_at)
SELECT root_uri || '/' || k, id, 'h' || k || '.example', true, 'a.example', now()
FROM conversations, generate_series(1, $2::integer) AS k WHERE id > $1 ORDER BY k, id
"""
# Over the last forty days, of which the page shows thirty.
_DELIVERIES = """
INSERT INTO deliveries (home, uri, conversation_id, state, changed_at)
SELECT $2, uri, conversation_id, (ARRAY['already_there', 'delivered', 'resolved',
    'not_obtained'])[1 + ord % 4], now() - (ord % 40) * interval '1 day'
FROM statuses WHERE conversation_id > $1
"""
_WATCHES = """
INSERT INTO watches (home, conversation_id, anchor_uri, stage)
SELECT $2, id, root_uri, 'done' FROM conversations WHERE id > $1
"""
_WATCHERS = """
INSERT INTO watchers (member_id, conversation_id, seen_at)
SELECT $2, id, now() - id * interval '1 s' FROM conversations WHERE id > $1
"""
_RUN = """
WITH run AS (
    INSERT INTO runs (id, member_id, started_at, ended_at)
    VALUES ($2, $3, now() - interval '40 days', CASE WHEN $4 THEN now() END) RETURNING id
), source AS (
    INSERT INTO run_sources (run_id, kind, wanted, collected) SELECT id, 'home', 400, $4 FROM run
)
INSERT INTO run_conversations (run_id, conversation_id)
SELECT run.id, conversations.id FROM run, conversations WHERE conversations.id > $1
"""


async def fill(database: Database, service: Service) -> dict[str, str]:
    """Four members; gives the session of one whose first run is ``over``, and of one: ``on``."""
    members = {}
    async with database.connection() as conn:
        for name, over in (("over", True), ("on", False), ("third", True), ("fourth", True)):
            members[name] = await _member(conn, service, name, over=over)
        # As the server's own upkeep would have done after a while.
        await conn.execute("VACUUM (ANALYZE)")
    return {name: await sessions.start(service, members[name]) for name in ("over", "on")}


async def _member(conn: Connection, service: Service, name: str, *, over: bool) -> int:
    token = service.sealer.seal(f"token of {name}")
    number: int = await conn.fetchval(_MEMBER, _HOME, name.encode(), token, name)
    first = await conn.fetchval("SELECT coalesce(max(id), 0) FROM conversations")
    await conn.execute(_CONVERSATIONS, name, CONVERSATIONS)
    await conn.execute(_STATUSES, first, STATUSES)
    await conn.execute(_DELIVERIES, first, _HOME)
    await conn.execute(_WATCHES, first, _HOME)
    await conn.execute(_WATCHERS, first, number)
    await conn.execute(_RUN, first, uuid4(), number, over)
    return number
