"""What is stored about one conversation, for a person who asks about it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from toottail.repository.database import Connection

_BY_URI = "SELECT conversation_id FROM statuses WHERE uri = $1"

_BY_PAGE = "SELECT conversation_id FROM statuses WHERE url = $1 LIMIT 1"

_BY_LOCAL_ID = """
SELECT conversation_id FROM deliveries WHERE home = $1 AND local_id = $2
"""

_HOMES = "SELECT home FROM watches WHERE conversation_id = $1 ORDER BY home"

_WATCH = """
SELECT c.id, c.root_uri, c.host, c.looked_at, c.next_look_at, w.stage, w.next_at, w.problem,
    w.verifies, hosts.software, hosts.version, hosts.fetches_ancestors
FROM conversations AS c JOIN watches AS w ON w.conversation_id = c.id
    LEFT JOIN hosts ON hosts.host = w.home
WHERE c.id = $1 AND w.home = $2
"""

_DETAILS = """
SELECT s.uri, s.url, s.created_at, d.inferred, d.changed_at, d.next_at
FROM statuses AS s LEFT JOIN deliveries AS d ON d.home = $2 AND d.uri = s.uri
WHERE s.conversation_id = $1
"""

_ASKED = """
SELECT host, count(*) FILTER (WHERE state = 'done') AS answered,
    count(*) FILTER (WHERE state IN ('due', 'held')) AS open,
    max(problem) FILTER (WHERE state <> 'done') AS problem
FROM looks WHERE conversation_id = $1 GROUP BY host ORDER BY min(id)
"""


@dataclass(frozen=True, slots=True)
class WatchedConversation:
    """A conversation and how far a home's interest in it has come.

    ``stage`` is that of the watch, ``next_at`` when its next step is due. ``software``,
    ``version`` and ``fetches_ancestors`` are the home's, as far as they are known.
    """

    id: int
    root_uri: str
    host: str
    looked_at: datetime | None
    next_look_at: datetime | None
    stage: str
    next_at: datetime | None
    problem: str | None
    verifies: int
    software: str | None
    version: str | None
    fetches_ancestors: bool | None


@dataclass(frozen=True, slots=True)
class Details:
    """What a tree's node does not tell: ``url`` is the page for people."""

    uri: str
    url: str | None
    created_at: datetime | None
    inferred: str | None
    changed_at: datetime | None
    next_at: datetime | None


@dataclass(frozen=True, slots=True)
class Asked:
    """A host that was asked about a conversation: how many questions it answered, how many are
    still open, and what went wrong with the others."""

    host: str
    answered: int
    open: int
    problem: str | None


async def find_conversation(
    conn: Connection, url: str, local: tuple[str, str] | None
) -> int | None:
    """The conversation with a status of this URI or page; None where none is known.

    ``local`` is what the URL would mean as a page of a home: (its host, the home's own id).
    """
    number: int | None = await conn.fetchval(_BY_URI, url)
    if number is None and local is not None:
        number = await conn.fetchval(_BY_LOCAL_ID, *local)
    if number is None:
        number = await conn.fetchval(_BY_PAGE, url)
    return number


async def watching_homes(conn: Connection, conversation_id: int) -> Sequence[str]:
    """The homes whose members saw a conversation."""
    return [row["home"] for row in await conn.fetch(_HOMES, conversation_id)]


async def watched(conn: Connection, conversation_id: int, home: str) -> WatchedConversation:
    """A conversation that ``home`` watches."""
    (row,) = await conn.fetch(_WATCH, conversation_id, home)
    return WatchedConversation(**row)


async def details(conn: Connection, conversation_id: int, home: str) -> dict[str, Details]:
    """Of each status in a conversation, by its URI."""
    rows = await conn.fetch(_DETAILS, conversation_id, home)
    return {row["uri"]: Details(**row) for row in rows}


async def asked(conn: Connection, conversation_id: int) -> Sequence[Asked]:
    """The hosts that were asked about a conversation, in the order of the first question."""
    return [Asked(**row) for row in await conn.fetch(_ASKED, conversation_id)]
