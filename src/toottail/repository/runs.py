"""Runs of one account: how far they are, and what they brought."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from toottail.errors import StorageConflict
from toottail.repository.database import Connection
from toottail.types.reports import Progress

_PROGRESS = """
SELECT NOT EXISTS (SELECT FROM run_sources WHERE run_sources.run_id = runs.id
        AND NOT run_sources.collected) AS collected,
    (SELECT count(*) FROM run_feeds WHERE run_feeds.run_id = runs.id) AS feeds,
    (SELECT count(*) FROM run_feeds WHERE run_feeds.run_id = runs.id AND NOT EXISTS (
        SELECT FROM feed_watches AS fw WHERE fw.feed_id = run_feeds.feed_id
            AND fw.home = members.home AND fw.stage IN ('read', 'bring'))) AS feeds_done,
    runs.statuses_read, runs.problem, runs.exit_code,
    count(rc.conversation_id) AS conversations,
    count(*) FILTER (WHERE watches.alone) AS alone,
    count(*) FILTER (WHERE stage IS NOT NULL AND stage <> 'look') AS looked,
    count(*) FILTER (WHERE (members.served AND ended IS NOT NULL)
        OR ((stage IN ('done', 'failed')
                OR (runs.dry AND stage = 'plan' AND watches.next_at IS NULL))
            AND NOT EXISTS (SELECT FROM looks WHERE looks.state = 'due'
                AND looks.conversation_id = rc.conversation_id))) AS finished
FROM runs JOIN members ON members.id = runs.member_id
    LEFT JOIN run_conversations AS rc ON rc.run_id = runs.id
    LEFT JOIN watches ON watches.conversation_id = rc.conversation_id
        AND watches.home = members.home
WHERE runs.id = $1 GROUP BY runs.id, members.home
"""

_DELIVERED = """
SELECT coalesce(sum(s.found), 0)::bigint AS found,
    coalesce(sum(d.delivered), 0)::bigint AS delivered
FROM runs JOIN members ON members.id = runs.member_id
    JOIN run_conversations AS rc ON rc.run_id = runs.id
    CROSS JOIN LATERAL (
        SELECT count(*) AS found FROM statuses
        WHERE conversation_id = rc.conversation_id) AS s
    CROSS JOIN LATERAL (
        SELECT count(*) AS delivered FROM deliveries
        WHERE conversation_id = rc.conversation_id AND home = members.home
            AND state IN ('delivered', 'resolved') AND changed_at >= runs.started_at) AS d
WHERE runs.id = $1
"""

_WAITING = """
SELECT host, min(next_at) AS at FROM looks
    JOIN run_conversations AS rc USING (conversation_id)
WHERE rc.run_id = $1 AND state = 'due' GROUP BY host HAVING min(next_at) > now() + interval '2 s'
UNION ALL
SELECT sources.home, min(sources.collect_at) FROM runs JOIN sources USING (member_id)
WHERE runs.id = $1 AND sources.collect_at > now() + interval '2 s' AND EXISTS (
    SELECT FROM run_sources AS rs WHERE rs.run_id = runs.id AND NOT rs.collected
        AND (rs.kind, rs.name) = (sources.kind, sources.name)) GROUP BY sources.home
UNION ALL
SELECT host, min(next_at) FROM feeds JOIN run_feeds ON feed_id = id
WHERE run_id = $1 AND state = 'due' AND next_at > now() + interval '2 s' GROUP BY host
UNION ALL
SELECT watches.home, min(watches.next_at) FROM watches
    JOIN run_conversations AS rc USING (conversation_id)
    JOIN runs ON runs.id = rc.run_id JOIN members ON members.id = runs.member_id
        AND members.home = watches.home
WHERE rc.run_id = $1 AND watches.tries > 0 GROUP BY watches.home
HAVING min(watches.next_at) > now() + interval '2 s'
UNION ALL
SELECT deliveries.home, min(deliveries.next_at) FROM deliveries
    JOIN run_conversations AS rc USING (conversation_id)
    JOIN runs ON runs.id = rc.run_id JOIN members ON members.id = runs.member_id
        AND members.home = deliveries.home
WHERE rc.run_id = $1 AND deliveries.state = 'pending' AND deliveries.next_at IS NOT NULL
GROUP BY deliveries.home
HAVING min(deliveries.next_at) > now() + interval '2 s'
ORDER BY at
"""

_OUTCOME = """
SELECT
    count(*) AS found,
    count(*) FILTER (WHERE d.state = 'already_there'
        OR (d.state = 'delivered' AND d.changed_at < runs.started_at)) AS already_there,
    count(*) FILTER (WHERE d.state = 'delivered'
        AND d.changed_at >= runs.started_at) AS delivered,
    count(*) FILTER (WHERE d.state IN ('unattached', 'resolved')) AS unattached,
    count(*) FILTER (WHERE d.state IN ('not_obtained', 'given_up')) AS not_obtained,
    count(*) FILTER (WHERE d.state IS NULL OR d.state IN ('pending', 'expected')) AS unreachable
FROM runs JOIN members ON members.id = runs.member_id
    JOIN run_conversations AS rc ON rc.run_id = runs.id
    JOIN conversations AS c ON c.id = rc.conversation_id
    JOIN statuses AS s ON s.conversation_id = c.id
    LEFT JOIN deliveries AS d ON d.home = members.home AND d.uri = s.uri
    LEFT JOIN watches AS w ON w.home = members.home AND w.conversation_id = c.id
WHERE runs.id = $1 AND w.alone IS NOT TRUE
    AND NOT (s.uri = c.root_uri AND d.state = 'already_there')
"""

_BROUGHT = """
SELECT count(*) AS wanted,
    count(*) FILTER (WHERE d.state = 'delivered' AND d.changed_at >= runs.started_at) AS delivered,
    count(*) FILTER (WHERE d.state IN ('not_obtained', 'given_up')) AS not_obtained
FROM runs JOIN members ON members.id = runs.member_id
    JOIN run_conversations AS rc ON rc.run_id = runs.id
    JOIN watches AS w ON w.home = members.home AND w.conversation_id = rc.conversation_id
    JOIN deliveries AS d ON d.home = members.home AND d.conversation_id = rc.conversation_id
WHERE runs.id = $1 AND w.alone
"""

_FEEDS = """
SELECT count(*) FILTER (WHERE kind = 'profile') AS profiles,
    count(*) FILTER (WHERE kind = 'hashtag') AS hashtags,
    count(*) FILTER (WHERE state = 'opted_out') AS opted_out
FROM run_feeds JOIN feeds ON feeds.id = feed_id WHERE run_id = $1
"""

_FEEDS_FAILED = """
SELECT CASE kind WHEN 'hashtag' THEN '#' || name || ' at ' || host ELSE name END AS name, problem
FROM run_feeds JOIN feeds ON feeds.id = feed_id
WHERE run_id = $1 AND state = 'failed' ORDER BY 1
"""

_SPENT = """
SELECT coalesce(sum(home), 0)::int AS home, coalesce(sum(remote), 0)::int AS remote
FROM spending WHERE run_id = $1
"""

_HOSTS_FAILED = """
SELECT looks.host, max(looks.problem) AS problem FROM looks
    JOIN run_conversations AS rc USING (conversation_id)
    JOIN runs ON runs.id = rc.run_id JOIN members ON members.id = runs.member_id
WHERE rc.run_id = $1 AND looks.host <> members.home GROUP BY looks.host
HAVING count(*) FILTER (WHERE state = 'failed') > 0
    AND count(*) FILTER (WHERE state = 'done') = 0
ORDER BY looks.host
"""

_CONVERSATIONS = "SELECT conversation_id FROM run_conversations WHERE run_id = $1"


_OPEN = """
SELECT runs.id, moved, moved_at FROM runs JOIN members ON members.id = member_id
WHERE ended_at IS NULL AND served ORDER BY runs.seen_at NULLS FIRST LIMIT $1
"""

_MOVED = """
UPDATE runs SET seen_at = $3, moved = $2, moved_at = CASE WHEN moved <> $2 THEN $3 ELSE moved_at END
WHERE id = $1
"""


async def progress(conn: Connection, run_id: UUID) -> Progress:
    """How far a run is. Raises `StorageConflict` where its member has just left."""
    row = await conn.fetchrow(_PROGRESS, run_id)
    if row is None:
        raise StorageConflict("the run is gone with its member")
    (counts,) = await conn.fetch(_DELIVERED, run_id)
    waiting = await conn.fetch(_WAITING, run_id)
    return Progress(
        collected=row["collected"],
        feeds=row["feeds"],
        feeds_done=row["feeds_done"],
        statuses_read=row["statuses_read"],
        conversations=row["conversations"],
        alone=row["alone"],
        looked=row["looked"],
        finished=row["finished"],
        found=counts["found"],
        delivered=counts["delivered"],
        waiting_for=tuple((w["host"], w["at"]) for w in waiting),
        problem=row["problem"],
        exit_code=row["exit_code"],
    )


@dataclass(frozen=True, slots=True)
class OpenRun:
    """A run of a served member that goes on; ``done`` and ``moved_at`` as last noted."""

    id: UUID
    moved: int
    moved_at: datetime


async def open_of_served(conn: Connection, most: int) -> list[OpenRun]:
    """Runs of served members that have not ended, those first that were not seen to for longest."""
    rows = await conn.fetch(_OPEN, most)
    return [OpenRun(**row) for row in rows]


async def note_moved(conn: Connection, run_id: UUID, moved: int, now: datetime) -> None:
    """Notes how far a run is, to see later whether it goes on."""
    await conn.execute(_MOVED, run_id, moved, now)


async def take_up(conn: Connection, run_ids: Sequence[UUID]) -> bool:
    """Whether one of these runs has not yet taken up what earlier ones left; it has now."""
    rows = await conn.fetch(
        "UPDATE runs SET resumed = true WHERE id = ANY($1) AND NOT resumed RETURNING id",
        list(run_ids),
    )
    return bool(rows)


async def outcome(conn: Connection, run_id: UUID) -> dict[str, int]:
    """Replies by what became of them: found, already_there, delivered, unattached, …"""
    (row,) = await conn.fetch(_OUTCOME, run_id)
    return dict(row.items())


async def spent(conn: Connection, run_id: UUID) -> tuple[int, int]:
    """Requests made for a run: to the home, and to all other hosts."""
    (row,) = await conn.fetch(_SPENT, run_id)
    return row["home"], row["remote"]


async def brought(conn: Connection, run_id: UUID) -> dict[str, int]:
    """Profiles and hashtags of a run, and the posts of theirs that were wanted by themselves."""
    (feeds,) = await conn.fetch(_FEEDS, run_id)
    (posts,) = await conn.fetch(_BROUGHT, run_id)
    return dict(feeds.items()) | {f"posts_{name}": count for name, count in posts.items()}


async def feeds_failed(conn: Connection, run_id: UUID) -> dict[str, str]:
    """Profiles and hashtags that could not be read, and why."""
    return {r["name"]: r["problem"] or "" for r in await conn.fetch(_FEEDS_FAILED, run_id)}


async def hosts_failed(conn: Connection, run_id: UUID) -> dict[str, str]:
    """Hosts that told a run nothing, and why."""
    return {r["host"]: r["problem"] or "" for r in await conn.fetch(_HOSTS_FAILED, run_id)}


async def conversation_ids(conn: Connection, run_id: UUID) -> Sequence[int]:
    """The conversations that a run has read."""
    return [row["conversation_id"] for row in await conn.fetch(_CONVERSATIONS, run_id)]


_STRANDED = """
UPDATE watches SET stage = CASE WHEN stage = 'look' THEN 'compare' ELSE 'plan' END, next_at = now()
FROM runs JOIN members ON members.id = runs.member_id
    JOIN run_conversations AS rc ON rc.run_id = runs.id
WHERE runs.id = $1 AND NOT runs.dry AND watches.home = members.home
    AND watches.conversation_id = rc.conversation_id
    AND watches.next_at IS NULL AND watches.stage NOT IN ('done', 'failed')
    AND NOT EXISTS (SELECT FROM looks WHERE looks.conversation_id = rc.conversation_id
                    AND looks.state = 'due')
    AND NOT EXISTS (SELECT FROM deliveries WHERE deliveries.home = watches.home
                    AND deliveries.conversation_id = rc.conversation_id
                    AND deliveries.next_at IS NOT NULL AND deliveries.state = 'pending')
RETURNING watches.home
"""


async def free_stranded(conn: Connection, run_id: UUID) -> int:
    """Lets watches go on that wait for something that will not come; returns how many.

    None should ever be there: this is the net below the flow.
    """
    return len(await conn.fetch(_STRANDED, run_id))
