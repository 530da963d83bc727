"""Members and the runs made for them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from toottail.repository.database import Connection
from toottail.types.sources import Choices

_ENSURE = """
INSERT INTO members (home, token_fingerprint, token_sealed) VALUES ($1, $2, $3)
ON CONFLICT (home, token_fingerprint) DO UPDATE SET token_sealed = $3
RETURNING id, account
"""

_SPEND = """
INSERT INTO spending (run_id, home, remote)
SELECT DISTINCT runs.id, CASE WHEN members.home = $2 THEN $3::integer ELSE 0 END,
    CASE WHEN members.home = $2 THEN 0 ELSE $3::integer END
FROM runs JOIN members ON members.id = runs.member_id
    JOIN run_conversations AS rc ON rc.run_id = runs.id
WHERE ended_at IS NULL AND rc.conversation_id = ANY($1::bigint[])
"""

_SPEND_ANYWAY = """
INSERT INTO spending (run_id, home, remote)
SELECT runs.id, CASE WHEN members.home = $1 THEN $2::integer ELSE 0 END,
    CASE WHEN members.home = $1 THEN 0 ELSE $2::integer END
FROM runs JOIN members ON members.id = runs.member_id WHERE ended_at IS NULL
"""

_SPEND_MEMBER = """
INSERT INTO spending (run_id, home, remote)
SELECT id, $2, 0 FROM runs WHERE member_id = $1 AND ended_at IS NULL
"""

_SPEND_HOST = """
INSERT INTO spending (run_id, home, remote)
SELECT runs.id, CASE WHEN members.home = $1 THEN $2::integer ELSE 0 END,
    CASE WHEN members.home = $1 THEN 0 ELSE $2::integer END
FROM runs JOIN members ON members.id = runs.member_id
WHERE ended_at IS NULL AND (members.home = $1 OR EXISTS (
    SELECT FROM run_feeds JOIN feeds ON feeds.id = feed_id
    WHERE run_feeds.run_id = runs.id AND feeds.host = $1) OR EXISTS (
    SELECT FROM run_conversations AS rc WHERE rc.run_id = runs.id AND (
        EXISTS (SELECT FROM looks
                WHERE looks.conversation_id = rc.conversation_id AND host = $1)
        OR EXISTS (SELECT FROM statuses
                   WHERE statuses.conversation_id = rc.conversation_id AND statuses.host = $1))))
"""


_SERVE_AGAIN = """
UPDATE members SET account = $3, token_fingerprint = $4, token_sealed = $5, scopes = $6,
    problem = NULL, failing_since = NULL, delete_at = NULL,
    paused_why = CASE WHEN paused_why IN ('member', 'operator') THEN paused_why END,
    active_until = CASE WHEN paused_why IN ('member', 'operator') THEN active_until
                   ELSE 'infinity' END
WHERE home = $1 AND account_id = $2 AND served RETURNING id
"""

_SERVE = """
INSERT INTO members (home, account_id, account, token_fingerprint, token_sealed, scopes, served,
    active_until)
VALUES ($1, $2, $3, $4, $5, $6, true, 'infinity')
ON CONFLICT (home, token_fingerprint) DO UPDATE SET account_id = $2, account = $3,
    token_sealed = $5, scopes = $6, served = true, active_until = 'infinity'
RETURNING id
"""


@dataclass(frozen=True, slots=True)
class Member:
    """A member as stored; ``account`` is None where the token does not tell."""

    id: int
    account: str | None


async def ensure(conn: Connection, home: str, fingerprint: bytes, sealed: bytes) -> Member:
    """The member with this token at this home, made where there is none."""
    (row,) = await conn.fetch(_ENSURE, home, fingerprint, sealed)
    return Member(row["id"], row["account"])


async def serve(
    conn: Connection,
    home: str,
    account_id: str,
    account: str,
    fingerprint: bytes,
    sealed: bytes,
    scopes: Sequence[str],
) -> int:
    """Serves the account from now on; who is served already has a new token with that."""
    values = (home, account_id, account, fingerprint, sealed, " ".join(sorted(scopes)))
    member_id: int | None = await conn.fetchval(_SERVE_AGAIN, *values)
    if member_id is None:
        member_id = await conn.fetchval(_SERVE, *values)
    assert member_id is not None
    return member_id


async def set_account(
    conn: Connection,
    member_id: int,
    account: str,
    account_id: str | None = None,
    scopes: Sequence[str] = (),
) -> None:
    """Notes whose token it is (``account`` is empty where that is not told) and what it may do."""
    await conn.execute(
        "UPDATE members SET account = $2, account_id = coalesce($3, account_id), scopes = $4"
        " WHERE id = $1",
        member_id,
        account,
        account_id,
        " ".join(sorted(scopes)) or None,
    )


async def set_account_id(conn: Connection, member_id: int, account_id: str) -> None:
    """Notes the home's own id of the member's account."""
    await conn.execute("UPDATE members SET account_id = $2 WHERE id = $1", member_id, account_id)


async def set_choices(
    conn: Connection, member_id: int, choices: Choices, named: str | None
) -> None:
    """Notes what a member wants done, and how they name their account."""
    await conn.execute(
        "UPDATE members SET profile_posts = $2, profile_again = $3, with_conversations = $4,"
        " tag_servers = $5, named = coalesce($6, named) WHERE id = $1",
        member_id,
        choices.profile_posts,
        choices.profile_again,
        choices.with_conversations,
        list(choices.tag_servers),
        named,
    )


async def account_of(conn: Connection, member_id: int) -> str | None:
    """Whose token it is; None where the home did not tell."""
    account: str | None = await conn.fetchval(
        "SELECT coalesce(nullif(account, ''), named) FROM members WHERE id = $1", member_id
    )
    return account


async def stay_active(conn: Connection, member_id: int, until: datetime) -> None:
    """Work is done for the member until then."""
    await conn.execute("UPDATE members SET active_until = $2 WHERE id = $1", member_id, until)


async def sealed_tokens(conn: Connection, home: str, now: datetime) -> dict[int, bytes]:
    """The sealed tokens of the active members of ``home``."""
    rows = await conn.fetch(
        "SELECT id, token_sealed FROM members WHERE home = $1 AND active_until > $2", home, now
    )
    return {row["id"]: row["token_sealed"] for row in rows}


async def refuse(conn: Connection, member_id: int, problem: str) -> None:
    """Notes why a member's token is of no use: their runs end with it."""
    await conn.execute("UPDATE members SET problem = $2 WHERE id = $1", member_id, problem)
    await conn.execute("UPDATE sources SET collect_at = NULL WHERE member_id = $1", member_id)
    await conn.execute("UPDATE feed_watches SET next_at = NULL WHERE member_id = $1", member_id)
    await conn.execute(
        "UPDATE runs SET problem = $2, exit_code = 2 WHERE member_id = $1 AND ended_at IS NULL",
        member_id,
        problem,
    )


async def fail_home(conn: Connection, home: str, problem: str) -> None:
    """Notes that a home fails: the running runs of its members end with it."""
    await conn.execute(
        "UPDATE runs SET problem = $2, exit_code = 1 FROM members"
        " WHERE members.id = member_id AND home = $1 AND ended_at IS NULL",
        home,
        problem,
    )


async def only_dry(conn: Connection, conversation_id: int, home: str) -> bool:
    """Whether every run that wants this conversation at this home only wants to see the plan."""
    row = await conn.fetchval(
        "SELECT bool_and(runs.dry) FROM runs JOIN members ON members.id = member_id"
        " JOIN run_conversations AS rc ON rc.run_id = runs.id"
        " WHERE ended_at IS NULL AND members.home = $2 AND conversation_id = $1",
        conversation_id,
        home,
    )
    return bool(row)


async def spend(
    conn: Connection, conversation_ids: Sequence[int], host: str, requests: int
) -> None:
    """Counts requests to ``host`` for all running runs that read these conversations."""
    if not requests:
        return
    counted = await conn.execute(_SPEND, list(conversation_ids), host, requests)
    if counted == "INSERT 0 0":
        # The conversation was merged away while it was asked about: they were made all the same.
        await conn.execute(_SPEND_ANYWAY, host, requests)


async def spend_for_member(conn: Connection, member_id: int, requests: int) -> None:
    """Counts requests to the member's home for their running runs."""
    if requests:
        await conn.execute(_SPEND_MEMBER, member_id, requests)


async def spend_for_host(conn: Connection, host: str, requests: int) -> None:
    """Counts requests that were about ``host`` itself for the runs that need it."""
    if requests:
        await conn.execute(_SPEND_HOST, host, requests)


async def start_run(conn: Connection, run_id: UUID, member_id: int, *, dry: bool) -> None:
    """Begins a run; runs of this member that were killed are ended."""
    await conn.execute(
        "UPDATE runs SET ended_at = now(), problem = coalesce(runs.problem, 'interrupted')"
        " FROM members WHERE members.id = member_id AND member_id = $1 AND ended_at IS NULL"
        " AND (members.active_until IS NULL OR active_until < now())",
        member_id,
    )
    await conn.execute(
        "INSERT INTO runs (id, member_id, dry) VALUES ($1, $2, $3)",
        run_id,
        member_id,
        dry,
    )


async def end_run(conn: Connection, run_id: UUID, problem: str | None = None) -> None:
    """Ends a run."""
    await conn.execute(
        "UPDATE runs SET ended_at = now(), problem = coalesce($2, problem) WHERE id = $1",
        run_id,
        problem,
    )
