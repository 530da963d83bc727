"""Members of the service, and conversations of theirs, straight in the database."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from toottail.repository.database import Connection, Database
from toottail.repository.sealing import Sealer
from toottail.servers.door import Door
from toottail.service.context import Service
from toottail.settings import Settings

HOME = "home.example"
KEY = "A" * 43 + "="


def now() -> datetime:
    return datetime.now(UTC)


def service(database: Database, settings: Settings | None = None, **changes: object) -> Service:
    """The open service; its door is shut unless somebody opens it."""
    given = (settings or Settings()).model_copy(update=changes)
    return Service(given, database, Door(given), Sealer([KEY]))


async def member(conn: Connection, name: str = "mira", home: str = HOME, **more: Any) -> int:
    """A member who is served; ``more`` are further columns."""
    columns = {"served": True, "account": name, "account_id": f"id-{name}"} | more
    names = list(columns)
    places = ", ".join(f"${number}" for number in range(4, 4 + len(names)))
    number: int = await conn.fetchval(
        f"INSERT INTO members (home, token_fingerprint, token_sealed, active_until,"
        f" {', '.join(names)}) VALUES ($1, $2, $3, 'infinity', {places}) RETURNING id",
        home,
        name.encode(),
        Sealer([KEY]).seal(f"token of {name}"),
        *columns.values(),
    )
    return number


async def conversation(
    conn: Connection,
    member_id: int,
    name: str,
    states: Sequence[str | None] = ("already_there",),
    *,
    home: str = HOME,
    stage: str = "done",
    alone: bool = False,
    host: str = "a.example",
    seen: datetime | None = None,
) -> int:
    """A conversation that a member watches: a root and replies, each in the state it has at home
    (None: nothing was delivered)."""
    at = seen or now()
    uris = [f"https://{host}/{name}/{number}" for number in range(len(states))]
    found: int = await conn.fetchval(
        "INSERT INTO conversations (root_uri, host, created_at, looked_at)"
        " VALUES ($1, $2, $3, $3) RETURNING id",
        uris[0],
        host,
        at,
    )
    for number, (uri, state) in enumerate(zip(uris, states, strict=True)):
        await conn.execute(
            "INSERT INTO statuses (uri, conversation_id, host, parent_uri, placed, listed_by,"
            " created_at) VALUES ($1, $2, $3, $4, true, $3, $5)",
            uri,
            found,
            host,
            uris[0] if number else None,
            at - timedelta(hours=1),
        )
        if state is not None:
            await conn.execute(
                "INSERT INTO deliveries (home, uri, conversation_id, state, local_id, changed_at)"
                " VALUES ($1, $2, $3, $4, $5, $6)",
                home,
                uri,
                found,
                state,
                f"{name}-{number}",
                at,
            )
    await conn.execute(
        "INSERT INTO watches (home, conversation_id, anchor_uri, anchor_id, root_id, stage, alone)"
        " VALUES ($1, $2, $3, $4, $4, $5, $6)",
        home,
        found,
        uris[0],
        f"{name}-0",
        stage,
        alone,
    )
    await watch(conn, member_id, found, at)
    return found


async def watch(
    conn: Connection, member_id: int, conversation_id: int, at: datetime | None = None
) -> None:
    """A member saw a conversation."""
    await conn.execute(
        "INSERT INTO watchers (member_id, conversation_id, seen_at) VALUES ($1, $2, $3)",
        member_id,
        conversation_id,
        at or now(),
    )


async def many(conn: Connection, member_id: int, conversations: int, statuses: int) -> None:
    """So many conversations of so many statuses for one member, most of them delivered."""
    first = await conn.fetchval("SELECT coalesce(max(id), 0) FROM conversations")
    await conn.execute(
        "INSERT INTO conversations (root_uri, host, looked_at)"
        " SELECT 'https://a.example/' || $1 || '/' || n, 'a.example', now()"
        " FROM generate_series(1, $2::integer) AS n",
        str(first),
        conversations,
    )
    await conn.execute(
        "INSERT INTO statuses (uri, conversation_id, host, placed, listed_by, created_at)"
        " SELECT root_uri || '/' || k, id, 'h' || k || '.example', true, 'a.example', now()"
        " FROM conversations, generate_series(1, $2::integer) AS k WHERE id > $1 ORDER BY id, k",
        first,
        statuses,
    )
    await conn.execute(
        "INSERT INTO deliveries (home, uri, conversation_id, state)"
        " SELECT $2, uri, conversation_id, (ARRAY['already_there', 'delivered', 'resolved',"
        " 'not_obtained'])[1 + ord % 4] FROM statuses WHERE conversation_id > $1",
        first,
        HOME,
    )
    await conn.execute(
        "INSERT INTO watches (home, conversation_id, anchor_uri, stage)"
        " SELECT $2, id, root_uri, 'done' FROM conversations WHERE id > $1",
        first,
        HOME,
    )
    await conn.execute(
        "INSERT INTO watchers (member_id, conversation_id, seen_at)"
        " SELECT $2, id, now() - id * interval '1 s' FROM conversations WHERE id > $1",
        first,
        member_id,
    )
