"""Registrations: our OAuth client at each home, made once and used by all its members."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import timedelta

from toottail.repository.database import Connection, Row

# Homes drop clients that nobody holds a token of (Mastodon 4.2 after a day). What is no longer
# known there cannot be told beforehand: the browser would end on an error page of the home.
_TRUSTED_FOR = timedelta(hours=1)

_USABLE = """
SELECT registrations.* FROM registrations WHERE home = $1 AND (
    created_at > now() - $2::interval
    OR EXISTS (SELECT FROM members WHERE members.home = $1 AND served
               AND paused_why IS DISTINCT FROM 'token'))
"""

_KEEP = """
INSERT INTO registrations
    (home, client_id, secret_sealed, redirect_uri, scopes, knows_profile, revoke_path)
VALUES ($1, $2, $3, $4, $5, $6, $7)
ON CONFLICT (home) DO UPDATE SET client_id = $2, secret_sealed = $3, redirect_uri = $4,
    scopes = $5, knows_profile = $6, revoke_path = $7, created_at = now()
WHERE registrations.client_id IS NOT DISTINCT FROM $8
RETURNING true
"""


@dataclass(frozen=True, slots=True)
class Registration:
    """A client: ``scopes`` are all it may ever ask for, separated by spaces.

    ``knows_profile``: the home understands the scope ``profile``.
    """

    home: str
    client_id: str
    secret_sealed: bytes = field(repr=False)
    redirect_uri: str
    scopes: str
    knows_profile: bool
    revoke_path: str = "/oauth/revoke"


async def get(conn: Connection, home: str) -> Registration | None:
    """The client at a home, whether it is still good or not: to revoke what was issued to it."""
    row = await conn.fetchrow("SELECT * FROM registrations WHERE home = $1", home)
    return _read(row)


async def usable(
    conn: Connection, home: str, redirect_uri: str, scopes: Iterable[str]
) -> Registration | None:
    """The client at a home if a sign-in may ask for ``scopes`` with it, and the home has it still.

    The latter is believed while a member there has a good token, and for an hour in any case.
    """
    found = _read(await conn.fetchrow(_USABLE, home, _TRUSTED_FOR))
    if found is None or found.redirect_uri != redirect_uri:
        return None
    return found if set(scopes) <= set(found.scopes.split()) else None


async def keep(conn: Connection, made: Registration, instead_of: str | None) -> Registration:
    """Stores a new client in place of the one with the id ``instead_of``, None for none.

    Where another process has stored one since, that one is kept. Returns the one that is.
    """
    await conn.fetchval(
        _KEEP,
        made.home,
        made.client_id,
        made.secret_sealed,
        made.redirect_uri,
        made.scopes,
        made.knows_profile,
        made.revoke_path,
        instead_of,
    )
    kept = await get(conn, made.home)
    return kept or made


async def distrust_profile(conn: Connection, home: str) -> None:
    """Notes that a token with the scope ``profile`` does not tell there whose it is."""
    await conn.execute("UPDATE registrations SET knows_profile = false WHERE home = $1", home)


async def drop(conn: Connection, home: str, client_id: str) -> None:
    """Forgets a client that the home no longer knows."""
    await conn.execute(
        "DELETE FROM registrations WHERE home = $1 AND client_id = $2", home, client_id
    )


def _read(row: Row | None) -> Registration | None:
    if row is None:
        return None
    values = dict(row.items())
    values.pop("created_at")
    return Registration(**values)
