"""Rows for the tests of the repository: members, conversations, and what is stored of them."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4

from toottail.repository import conversations, members, sources, timelines
from toottail.repository.conversations import Locked
from toottail.repository.database import Connection
from toottail.repository.timelines import Seen
from toottail.types.hosts import host_of
from toottail.types.sources import Source
from toottail.types.statuses import FoundStatus

HOME = "home.example"


def now() -> datetime:
    return datetime.now(UTC)


async def member(conn: Connection, home: str = HOME, name: str = "mira") -> int:
    """An active member of ``home``."""
    made = await members.ensure(conn, home, name.encode(), b"sealed")
    await members.stay_active(conn, made.id, now() + timedelta(minutes=10))
    return made.id


async def run(conn: Connection, member_id: int, wanted: int = 200, *, dry: bool = False) -> UUID:
    """A run of the member that has begun, its timeline due."""
    run_id = uuid4()
    await members.start_run(conn, run_id, member_id, dry=dry)
    await sources.choose(conn, member_id, run_id, [Source("home", entries=wanted)], now())
    return run_id


def seen(
    uri: str, local_id: str, parent_id: str | None = None, replies_count: int | None = None
) -> Seen:
    """A status as the home's timeline shows it."""
    host = host_of(uri)
    assert host is not None
    return Seen(uri, host, None, local_id, parent_id, replies_count, now() - timedelta(hours=1))


def found(uri: str, parent: str | None = None, **more: object) -> FoundStatus:
    """A status as a host lists it."""
    host = host_of(uri)
    assert host is not None
    return FoundStatus(uri, host, parent_uri=parent, is_reply=parent is not None, **more)  # type: ignore[arg-type]


async def watch(
    conn: Connection, uri: str, local_id: str, *, home: str = HOME, name: str = "mira"
) -> int:
    """The conversation of ``uri``, watched by a member of ``home`` who saw it."""
    member_id = await member(conn, home, name)
    await timelines.store_seen(conn, home, member_id, [seen(uri, local_id)])
    return await conversation_of(conn, uri)


async def conversation_of(conn: Connection, uri: str) -> int:
    """The number of the conversation that holds ``uri``."""
    number: int | None = await conn.fetchval(
        "SELECT conversation_id FROM statuses WHERE uri = $1", uri
    )
    assert number is not None, f"{uri} is not stored"
    return number


async def locked(conn: Connection, number: int) -> Locked:
    """The conversation, held by this transaction."""
    row = await conversations.lock(conn, number)
    assert row is not None
    return row


async def states(conn: Connection, home: str = HOME) -> dict[str, str]:
    """The state of each delivery to ``home``, by URI."""
    rows = await conn.fetch("SELECT uri, state FROM deliveries WHERE home = $1", home)
    return {row["uri"]: row["state"] for row in rows}


async def stages(conn: Connection, conversation_id: int) -> dict[str, str]:
    """The stage of each watch of a conversation, by home."""
    rows = await conn.fetch(
        "SELECT home, stage FROM watches WHERE conversation_id = $1", conversation_id
    )
    return {row["home"]: row["stage"] for row in rows}


async def set_stage(conn: Connection, stage: str, homes: Sequence[str] = (HOME,)) -> None:
    """All watches of ``homes`` are at ``stage``, their looks done."""
    await conn.execute(
        "UPDATE watches SET stage = $1, next_at = NULL WHERE home = ANY($2)", stage, list(homes)
    )
    await conn.execute("UPDATE looks SET state = 'done'")
    await conn.execute("UPDATE conversations SET looked_at = now()")
