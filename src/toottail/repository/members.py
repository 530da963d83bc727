"""Members and the runs made for them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal
from uuid import UUID, uuid4

from toottail.repository import slices, sources
from toottail.repository.database import Connection
from toottail.types.sources import PASSIVE, Choices

PausedWhy = Literal["member", "operator", "token", "home", "idle"]
"""``idle``: the member has not been seen to read for long."""

_ENSURE = """
INSERT INTO members (home, token_fingerprint, token_sealed) VALUES ($1, $2, $3)
ON CONFLICT (home, token_fingerprint) DO UPDATE SET token_sealed = $3
RETURNING id, account
"""

# A conversation that was merged away while it was asked about is nobody's: the requests were made
# all the same, and count for all. What others look at beside a run is none of its business.
_SPEND = """
WITH counted AS (
    SELECT runs.id, members.home FROM members JOIN runs ON runs.member_id = members.id
    WHERE NOT served AND ended_at IS NULL
), about AS (
    SELECT * FROM counted WHERE EXISTS (
        SELECT FROM run_conversations
        WHERE run_id = counted.id AND conversation_id = ANY($1::bigint[]))
)
INSERT INTO spending (run_id, home, remote)
SELECT id, CASE WHEN home = $2 THEN $3::integer ELSE 0 END,
    CASE WHEN home = $2 THEN 0 ELSE $3::integer END
FROM (SELECT * FROM about
      UNION ALL SELECT * FROM counted WHERE NOT EXISTS (SELECT FROM about)
          AND NOT EXISTS (SELECT FROM conversations WHERE id = ANY($1::bigint[]))) AS those
"""

# Of a service's thousands of open runs none is dry: those are looked for first, and alone.
_ONLY_DRY = """
SELECT EXISTS (
    SELECT FROM runs JOIN members ON members.id = member_id
        JOIN run_conversations AS rc ON rc.run_id = runs.id
    WHERE dry AND ended_at IS NULL AND members.home = $2 AND conversation_id = $1)
AND NOT EXISTS (
    SELECT FROM runs JOIN members ON members.id = member_id
        JOIN run_conversations AS rc ON rc.run_id = runs.id
    WHERE NOT dry AND ended_at IS NULL AND members.home = $2 AND conversation_id = $1)
"""

_SPEND_MEMBER = """
INSERT INTO spending (run_id, home, remote)
SELECT runs.id, $2, 0 FROM runs JOIN members ON members.id = member_id
WHERE NOT served AND member_id = $1 AND ended_at IS NULL
"""

_SPEND_HOST = """
INSERT INTO spending (run_id, home, remote)
SELECT runs.id, CASE WHEN members.home = $1 THEN $2::integer ELSE 0 END,
    CASE WHEN members.home = $1 THEN 0 ELSE $2::integer END
FROM runs JOIN members ON members.id = runs.member_id
WHERE NOT served AND ended_at IS NULL AND (members.home = $1 OR EXISTS (
    SELECT FROM run_feeds JOIN feeds ON feeds.id = feed_id
    WHERE run_feeds.run_id = runs.id AND feeds.host = $1) OR EXISTS (
    SELECT FROM run_conversations AS rc WHERE rc.run_id = runs.id AND (
        EXISTS (SELECT FROM looks
                WHERE looks.conversation_id = rc.conversation_id AND host = $1)
        OR EXISTS (SELECT FROM statuses
                   WHERE statuses.conversation_id = rc.conversation_id AND statuses.host = $1))))
"""

# One sign-in of an account at a time: two would both find that it is not there yet.
_ONE_AT_A_TIME = "SELECT pg_advisory_xact_lock(hashtextextended($1, $2))"
_SIGN_IN_LOCKS = 0x7369676E

_SERVED = """
SELECT id FROM members
WHERE home = $1 AND served
    AND (account_id = $2 OR ((account_id IS NULL OR $2::text IS NULL) AND account = $3))
ORDER BY account_id LIMIT 1 FOR UPDATE
"""

_HAS_IT = """
SELECT id FROM members WHERE home = $1 AND token_fingerprint = $2 FOR UPDATE
"""

# What both rows saw goes on as the served one's.
_TAKE_OVER_HISTORY = """
WITH seen AS (DELETE FROM watchers WHERE member_id = $1 RETURNING conversation_id, seen_at)
INSERT INTO watchers (member_id, conversation_id, seen_at)
SELECT $2, conversation_id, seen_at FROM seen ON CONFLICT DO NOTHING
"""

_NEW = """
INSERT INTO members (home, token_fingerprint, token_sealed, account_id) VALUES ($1, $2, $3, $4)
RETURNING id
"""

# A pause that the member or the operator wanted is not ended by signing in.
_RENEW = """
UPDATE members SET served = true, token_fingerprint = $2, token_sealed = $3, account = $4,
    account_id = coalesce($5, account_id), scopes = $6, failing_since = NULL, delete_at = NULL,
    problem = NULL, read_at = now(),
    paused_at = CASE WHEN paused_why IN ('member', 'operator') THEN paused_at END,
    active_until = CASE WHEN paused_why IN ('member', 'operator') THEN NULL
                   ELSE 'infinity'::timestamptz END,
    paused_why = CASE WHEN paused_why IN ('member', 'operator') THEN paused_why END
WHERE id = $1 RETURNING paused_why IS NULL
"""

# Of one account that was moved here and signed in under another spelling there are two.
_SET_ACCOUNT_ID = """
UPDATE members SET account_id = $2 WHERE id = $1 AND NOT (served AND EXISTS (
    SELECT FROM members AS other WHERE other.home = members.home AND other.account_id = $2
        AND other.served AND other.id <> $1))
"""

_PAUSE = """
UPDATE members SET paused_why = $2, paused_at = now(), active_until = NULL, delete_at = $3
WHERE id = $1 AND served
    AND (paused_why IS DISTINCT FROM 'operator' OR $2 = 'operator')
"""

_RESUME = """
UPDATE members SET paused_why = NULL, paused_at = NULL, failing_since = NULL, delete_at = NULL,
    problem = NULL, active_until = 'infinity', read_at = now()
WHERE id = $1 AND served
"""

_READ_ALL = """
UPDATE sources SET tries = 0, since = NULL,
    collect_at = CASE WHEN off_until > $2 THEN off_until ELSE $2::timestamptz END
WHERE member_id = $1 AND enabled AND kind <> ALL($3)
"""

_WAKE_ALL = """
UPDATE conversations SET wake_at = greatest(next_look_at, now()) FROM watchers
WHERE member_id = $1 AND conversations.id = conversation_id
    AND wake_at IS NULL AND next_look_at IS NOT NULL
"""

_REFUSE = """
UPDATE members SET problem = $3,
    paused_why = CASE WHEN served THEN coalesce(paused_why, 'token') END,
    paused_at = CASE WHEN served THEN coalesce(paused_at, now()) END,
    delete_at = CASE WHEN served THEN coalesce(delete_at, $4) END,
    active_until = CASE WHEN NOT served THEN active_until END
WHERE id = $1 AND token_sealed = $2 RETURNING true
"""

_FAIL_HOME = """
WITH failing AS (
    UPDATE members SET problem = $2, failing_since = coalesce(failing_since, $3)
    WHERE served AND home = $1 AND active_until > $3 RETURNING failing_since
)
SELECT min(failing_since) FROM failing
"""

_PAUSE_FAILING = """
UPDATE members SET paused_why = 'home', paused_at = now(), active_until = NULL, delete_at = $2
WHERE served AND paused_why IS NULL AND failing_since <= $1 RETURNING id
"""

_TRY_HOMES = """
UPDATE members SET active_until = $2 WHERE id IN (
    SELECT DISTINCT ON (home) id FROM members WHERE served AND paused_why = 'home'
        AND home NOT IN (SELECT home FROM members WHERE served AND paused_why = 'home'
            AND coalesce(active_until, paused_at) > $1)
    ORDER BY home, id)
RETURNING id
"""

_ROW = """
SELECT id, home, account, named, account_id, scopes, token_sealed, served, paused_why, paused_at,
    failing_since, delete_at, problem, created_at, seen_at
FROM members
"""


@dataclass(frozen=True, slots=True)
class MemberRow:
    """A member with all that the service keeps of them; ``problem`` is told in words.

    ``paused_why`` is None while they are served; ``delete_at`` is when they will be removed.
    """

    id: int
    home: str
    account: str | None
    named: str | None
    account_id: str | None
    scopes: str | None
    token_sealed: bytes = field(repr=False)
    served: bool
    paused_why: PausedWhy | None
    paused_at: datetime | None
    failing_since: datetime | None
    delete_at: datetime | None
    problem: str | None
    created_at: datetime
    seen_at: datetime | None

    @property
    def handle(self) -> str:
        """``@mira@home.example``; the home alone where it did not tell whose the token is."""
        name = (self.account or self.named or "").removeprefix("@")
        return f"@{name}" if "@" in name else f"@{name}@{self.home}" if name else self.home


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
    *,
    home: str,
    account_id: str | None,
    account: str,
    token_fingerprint: bytes,
    token_sealed: bytes,
    scopes: str | None,
    choices: Choices,
    now: datetime,
) -> tuple[int, bool]:
    """Serves an account from now on, in the caller's transaction; (member id, whether it is new).

    There is one served member for each account of a home: who comes back has a new token and these
    choices, and goes on unless they, or the operator, paused it. A member of `toottail fetch` with
    this token becomes it. ``account_id`` is the home's own id, None where it is not known yet.
    """
    await conn.execute(_ONE_AT_A_TIME, f"{home} {account_id}", _SIGN_IN_LOCKS)
    served = await conn.fetchval(_SERVED, home, account_id, account)
    same = await conn.fetchval(_HAS_IT, home, token_fingerprint)
    member_id: int = served or same
    if served is not None and same not in (None, served):
        await conn.execute(_TAKE_OVER_HISTORY, same, served)
        await conn.execute("DELETE FROM members WHERE id = $1", same)
    if member_id is None:
        member_id = await conn.fetchval(_NEW, home, token_fingerprint, token_sealed, account_id)
    is_new = not await conn.fetchval("SELECT served FROM members WHERE id = $1", member_id)
    renewal = (token_fingerprint, token_sealed, account, account_id, scopes)
    goes_on = await conn.fetchval(_RENEW, member_id, *renewal)
    if is_new:
        await slices.place(conn, home, member_id)
    await set_choices(conn, member_id, choices, None)
    # The new token may do what the old one was refused.
    await conn.execute(
        "UPDATE sources SET off_until = NULL, told = NULL, streamed = false WHERE member_id = $1",
        member_id,
    )
    await conn.execute("DELETE FROM streams WHERE member_id = $1", member_id)
    run_id = await _first_run(conn, member_id) if goes_on else None
    await sources.choose(conn, member_id, run_id, choices.sources, now)
    if goes_on:
        await conn.execute(_WAKE_ALL, member_id)
    return member_id, is_new


async def _first_run(conn: Connection, member_id: int) -> UUID:
    """The run under way of a member, begun where there is none."""
    under_way: UUID | None = await conn.fetchval(
        "SELECT id FROM runs WHERE member_id = $1 AND ended_at IS NULL AND NOT dry"
        " ORDER BY started_at DESC LIMIT 1",
        member_id,
    )
    if under_way is not None:
        return under_way
    run_id = uuid4()
    await start_run(conn, run_id, member_id, dry=False)
    return run_id


async def pause(
    conn: Connection, member_id: int, why: PausedWhy, delete_at: datetime | None = None
) -> None:
    """Nothing is done for a served member until `resume`, and from ``delete_at`` on they are gone.

    What the operator paused stays so, whatever else happens.
    """
    await conn.execute(_PAUSE, member_id, why, delete_at)


async def resume(conn: Connection, member_id: int, now: datetime) -> None:
    """Goes on serving a member, whatever paused them: all their sources are due."""
    await conn.execute(_RESUME, member_id)
    await conn.execute(_READ_ALL, member_id, now, list(PASSIVE))
    await conn.execute(_WAKE_ALL, member_id)


async def get(conn: Connection, member_id: int) -> MemberRow | None:
    """A member; None where there is none of that number."""
    row = await conn.fetchrow(_ROW + " WHERE id = $1", member_id)
    return MemberRow(**row) if row else None


async def pause_failing(
    conn: Connection, failing_since: datetime, delete_at: datetime
) -> list[int]:
    """Pauses the members whose home has failed since then or longer; returns who they are."""
    rows = await conn.fetch(_PAUSE_FAILING, failing_since, delete_at)
    return [row["id"] for row in rows]


async def try_homes_again(conn: Connection, tried_before: datetime, until: datetime) -> list[int]:
    """Lets one member of each failed home be active until then, where none was for long.

    If the home serves them, all its members go on.
    """
    rows = await conn.fetch(_TRY_HOMES, tried_before, until)
    for row in rows:
        await conn.execute(_READ_ALL, row["id"], tried_before, list(PASSIVE))
    return [row["id"] for row in rows]


async def to_be_removed(conn: Connection, now: datetime, most: int) -> list[tuple[int, str]]:
    """Members whose grace time is over, and why they were paused."""
    rows = await conn.fetch(
        "SELECT id, coalesce(paused_why, '') AS why FROM members WHERE delete_at <= $1"
        " ORDER BY delete_at LIMIT $2",
        now,
        most,
    )
    return [(row["id"], row["why"]) for row in rows]


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
    """Notes the home's own id of the member's account, unless somebody is served under it."""
    await conn.execute(_SET_ACCOUNT_ID, member_id, account_id)


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
    """Work is done for the member until then; who is served is active anyway, or paused."""
    await conn.execute(
        "UPDATE members SET active_until = $2 WHERE id = $1 AND NOT served", member_id, until
    )


async def sealed_tokens(
    conn: Connection, home: str, of: Sequence[int], now: datetime
) -> dict[int, bytes]:
    """The sealed tokens of those among ``of`` who are active members of ``home``."""
    rows = await conn.fetch(
        "SELECT id, token_sealed FROM members"
        " WHERE id = ANY($2::bigint[]) AND home = $1 AND active_until > $3",
        home,
        list(of),
        now,
    )
    return {row["id"]: row["token_sealed"] for row in rows}


async def refuse(
    conn: Connection, member_id: int, sealed: bytes, problem: str, delete_at: datetime
) -> bool:
    """Notes why a member's token is of no use: their runs end with it, and who is served pauses.

    False where it is not the member's token any more.
    """
    if not await conn.fetchval(_REFUSE, member_id, sealed, problem, delete_at):
        return False
    await conn.execute("UPDATE sources SET collect_at = NULL WHERE member_id = $1", member_id)
    await conn.execute("UPDATE feed_watches SET next_at = NULL WHERE member_id = $1", member_id)
    await conn.execute(
        "UPDATE runs SET problem = $2, exit_code = 2 WHERE member_id = $1 AND ended_at IS NULL",
        member_id,
        problem,
    )
    return True


async def fail_home(conn: Connection, home: str, problem: str, now: datetime) -> datetime:
    """Notes that a home fails: the running runs of its members end with it.

    Returns since when it has failed its served members; ``now`` where it has none.
    """
    await conn.execute(
        "UPDATE runs SET problem = $2, exit_code = 1 FROM members"
        " WHERE members.id = member_id AND home = $1 AND ended_at IS NULL",
        home,
        problem,
    )
    since: datetime | None = await conn.fetchval(_FAIL_HOME, home, problem, now)
    return since or now


async def only_dry(conn: Connection, conversation_id: int, home: str) -> bool:
    """Whether every run that wants this conversation at this home only wants to see the plan."""
    only: bool = await conn.fetchval(_ONLY_DRY, conversation_id, home)
    return only


async def spend(
    conn: Connection, conversation_ids: Sequence[int], host: str, requests: int
) -> None:
    """Counts requests to ``host`` for all running runs that read these conversations.

    Here as below: for runs that tell about it. Of served members', who share most requests and may
    be thousands at once, none are counted.
    """
    if requests:
        await conn.execute(_SPEND, list(conversation_ids), host, requests)


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
