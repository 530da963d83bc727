"""The way of one status to one home, as far as it is stored: for who asks why it is not there."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from toottail.repository.database import Connection

_URI = """
SELECT coalesce(
    (SELECT uri FROM statuses WHERE uri = $1),
    (SELECT uri FROM deliveries WHERE home = $2 AND local_id = $3),
    (SELECT uri FROM statuses WHERE url = $1 LIMIT 1))
"""

_STATUS = """
SELECT s.uri, s.host, s.listed_by, s.created_at, s.found_at, s.parent_uri,
    d.state, d.tries, d.observed, d.inferred, d.changed_at, d.next_at AS again_at,
    w.began_at, w.ends_at, w.compared_at, w.stage, w.next_at AS stage_due_at, w.problem,
    c.host AS origin, c.looked_at, c.next_look_at,
    (SELECT n.shut_out FROM standing(ARRAY[s.host], $2) AS n) AS shut_out
FROM statuses AS s JOIN conversations AS c ON c.id = s.conversation_id
    JOIN watches AS w ON w.conversation_id = c.id AND w.home = $2
    LEFT JOIN deliveries AS d ON d.home = $2 AND d.uri = s.uri
WHERE s.uri = $1
"""

_OPEN_LOOKS = """
SELECT looks.host, count(*) AS questions, min(next_at) AS at, max(looks.problem) AS problem
FROM looks JOIN statuses USING (conversation_id)
WHERE statuses.uri = $1 AND looks.state = 'due' GROUP BY looks.host ORDER BY looks.host
"""

_MEMBERS = """
SELECT m.id, coalesce(nullif(m.account, ''), m.named, '') AS account, m.paused_why, m.problem,
    coalesce(m.active_until > $2, false) AS active, m.read_at,
    (SELECT w.seen_at FROM watchers AS w JOIN statuses AS s USING (conversation_id)
     WHERE w.member_id = m.id AND s.uri = $3) AS saw_at,
    (SELECT max(sources.read_at) FROM sources WHERE sources.member_id = m.id) AS sources_read_at,
    (SELECT min(collect_at) FROM sources WHERE sources.member_id = m.id) AS collect_at,
    (SELECT max(told) FROM sources WHERE sources.member_id = m.id AND kind = 'home') AS told
FROM members AS m
WHERE m.home = $1 AND ($4::text IS NULL
    OR lower(coalesce(nullif(m.account, ''), m.named, '')) = lower($4))
ORDER BY saw_at DESC NULLS LAST, m.id LIMIT 500
"""

_LANE = """
SELECT lanes.key, lanes.budget,
    CASE WHEN lease_until >= $2 THEN holder::text END AS holder,
    visit.worker::text AS last_worker, visit.started_at, visit.ended_at, visit.requests,
    (SELECT count(*) FROM deliveries WHERE home = $1 AND next_at <= $2) AS deliveries_due,
    (SELECT count(*) FROM looks WHERE host = $1 AND state = 'due' AND next_at <= $2) AS looks_due
FROM lanes LEFT JOIN LATERAL (
    SELECT worker, started_at, ended_at, requests FROM visits
    WHERE visits.key = lanes.key ORDER BY epoch DESC LIMIT 1) AS visit ON true
WHERE lanes.key = $1
"""

_HOST = """
SELECT $1::text AS host, n.barred, h.answered_at, h.problem, h.problem_at, h.refused,
    CASE WHEN h.refused_until > $2 THEN h.refused_until END AS refused_until,
    coalesce('api-off' = ANY(h.notes), false) AS api_off,
    (SELECT count(DISTINCT conversation_id) FROM looks WHERE looks.host = $1) AS conversations
FROM standing(ARRAY[$1::text], '') AS n LEFT JOIN hosts AS h ON h.host = n.host
"""


@dataclass(frozen=True, slots=True)
class StatusTrail:
    """What is stored of a status and of its home's interest in it.

    ``state`` is None where the home was never asked for it and never showed it. ``stage`` is that
    of the home's watch, due at ``stage_due_at`` (None: something else wakes it).
    """

    uri: str
    host: str
    listed_by: str
    created_at: datetime | None
    found_at: datetime
    parent_uri: str | None
    state: str | None
    tries: int | None
    observed: str | None
    inferred: str | None
    changed_at: datetime | None
    again_at: datetime | None
    began_at: datetime
    ends_at: datetime
    compared_at: datetime | None
    stage: str
    stage_due_at: datetime | None
    problem: str | None
    origin: str
    looked_at: datetime | None
    next_look_at: datetime | None
    shut_out: bool


@dataclass(frozen=True, slots=True)
class OpenLooks:
    """Questions to a host that are still open: the next is due ``at``."""

    host: str
    questions: int
    at: datetime
    problem: str | None


@dataclass(frozen=True, slots=True)
class MemberTrail:
    """A member of the home; ``saw_at``: when a timeline of theirs last showed the conversation."""

    id: int
    account: str
    paused_why: str | None
    problem: str | None
    active: bool
    read_at: datetime
    saw_at: datetime | None
    sources_read_at: datetime | None
    collect_at: datetime | None
    told: str | None


@dataclass(frozen=True, slots=True)
class LaneTrail:
    """A lane: who holds it now, who did last, and its budget as stored."""

    key: str
    budget: dict[str, Any]
    holder: str | None
    last_worker: str | None
    started_at: datetime | None
    ended_at: datetime | None
    requests: int | None
    deliveries_due: int
    looks_due: int


@dataclass(frozen=True, slots=True)
class HostTrail:
    """What is known of a host; ``conversations`` are those that it was asked about."""

    host: str
    barred: str | None
    answered_at: datetime | None
    problem: str | None
    problem_at: datetime | None
    refused: str | None
    refused_until: datetime | None
    api_off: bool
    conversations: int


async def find(conn: Connection, url: str, local: tuple[str, str] | None) -> str | None:
    """The URI of the status with this URI or page; None where it is not known."""
    uri: str | None = await conn.fetchval(_URI, url, *(local or (None, None)))
    return uri


async def status(conn: Connection, uri: str, home: str) -> StatusTrail | None:
    """Of a status in a conversation that ``home`` watches."""
    row = await conn.fetchrow(_STATUS, uri, home)
    return None if row is None else StatusTrail(**row)


async def open_looks(conn: Connection, uri: str) -> Sequence[OpenLooks]:
    """What is still to be asked about the status's conversation, by host."""
    return [OpenLooks(**row) for row in await conn.fetch(_OPEN_LOOKS, uri)]


async def members(
    conn: Connection, home: str, uri: str | None, account: str | None, now: datetime
) -> Sequence[MemberTrail]:
    """Members of a home (``account``: only that one), those who saw the conversation first."""
    return [MemberTrail(**row) for row in await conn.fetch(_MEMBERS, home, now, uri, account)]


async def lane(conn: Connection, key: str, now: datetime) -> LaneTrail | None:
    """The main lane of a host; None where there never was one."""
    row = await conn.fetchrow(_LANE, key, now)
    if row is None:
        return None
    values = dict(row.items())
    return LaneTrail(**values | {"budget": json.loads(values["budget"])})


async def host(conn: Connection, name: str, now: datetime) -> HostTrail:
    """What is known of a host, whoever asked it."""
    (row,) = await conn.fetch(_HOST, name, now)
    return HostTrail(**row)
