"""Sign-ins under way, each good once: what was asked for, by digests of state and cookie."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import timedelta

from toottail.repository.database import Connection
from toottail.types.sources import Choices, Source

_BEGIN = """
INSERT INTO sign_ins (state_digest, browser_digest, home, verifier_sealed, scopes, sources,
    invite_digest, expires_at)
VALUES ($1, $2, $3, $4, $5, $6, $7, now() + $8::interval)
"""

# Only the browser that began it ends it: who learnt the state alone cannot even spoil it.
_TAKE = """
DELETE FROM sign_ins WHERE state_digest = $1 AND browser_digest = $2
RETURNING home, verifier_sealed, scopes, sources, invite_digest, expires_at > now() AS fresh
"""

# Two who come at once must not both take the last place.
_PLACES_LOCK = 0x746F6F74706C61  # the letters "tootpla"

_STANDING = """
SELECT (SELECT id FROM members WHERE home = $1 AND served
        AND (account_id = $2 OR (account_id IS NULL AND account = $3))
        ORDER BY account_id LIMIT 1) AS member_id,
    EXISTS (SELECT FROM members WHERE home = $1 AND served) AS home_is_served,
    (SELECT count(*) FROM members WHERE served) AS members
"""


_CHOICES = """
SELECT profile_posts, profile_again, with_conversations, tag_servers FROM members WHERE id = $1
"""

_SOURCES = """
SELECT kind, name, entries FROM sources WHERE member_id = $1 AND enabled ORDER BY kind, name
"""


@dataclass(frozen=True, slots=True)
class SignIn:
    """A sign-in under way; ``scopes`` are separated by spaces."""

    home: str
    verifier_sealed: bytes = field(repr=False)
    scopes: str
    sources: Sequence[str]
    invite_digest: bytes | None = None


@dataclass(frozen=True, slots=True)
class Standing:
    """Who is here: the account, anybody of its home, and how many in all."""

    member_id: int | None
    home_is_served: bool
    members: int


async def begin(
    conn: Connection, state_digest: bytes, browser_digest: bytes, made: SignIn, lasts: timedelta
) -> None:
    """Stores a sign-in for as long as it may take."""
    await conn.execute(
        _BEGIN,
        state_digest,
        browser_digest,
        made.home,
        made.verifier_sealed,
        made.scopes,
        list(made.sources),
        made.invite_digest,
        lasts,
    )


async def take(conn: Connection, state_digest: bytes, browser_digest: bytes) -> SignIn | None:
    """The sign-in of this state and browser, which is gone with that; None where it is no more."""
    row = await conn.fetchrow(_TAKE, state_digest, browser_digest)
    if row is None or not row["fresh"]:
        return None
    values = dict(row.items())
    values.pop("fresh")
    return SignIn(**values)


async def standing(
    conn: Connection, home: str, account_id: str | None = None, account: str | None = None
) -> Standing:
    """Whether an account, or anybody of its home, is a member, and how many members there are."""
    row = await conn.fetchrow(_STANDING, home, account_id, account)
    assert row is not None
    return Standing(**dict(row.items()))


async def choices_of(conn: Connection, member_id: int) -> Choices:
    """What a member wants done now."""
    row = await conn.fetchrow(_CHOICES, member_id)
    assert row is not None
    rows = await conn.fetch(_SOURCES, member_id)
    chosen = tuple(Source(one["kind"], one["name"], one["entries"]) for one in rows)
    return Choices(
        **{**dict(row.items()), "sources": chosen, "tag_servers": tuple(row["tag_servers"])}
    )


async def holds(conn: Connection, home: str, fingerprints: Sequence[bytes]) -> bool:
    """Whether a member's token has one of these fingerprints."""
    return bool(
        await conn.fetchval(
            "SELECT true FROM members WHERE home = $1 AND token_fingerprint = ANY($2) LIMIT 1",
            home,
            list(fingerprints),
        )
    )


async def one_at_a_time(conn: Connection) -> None:
    """Until the caller's transaction ends nobody else becomes a member."""
    await conn.execute("SELECT pg_advisory_xact_lock($1)", _PLACES_LOCK)
