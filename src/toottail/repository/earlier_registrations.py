"""Clients at homes to which tokens were issued that are still in use, but no new ones are."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from toottail.repository.database import Connection

# Where a home has no client yet, this is it until somebody signs in anew.
_TAKE_OVER = """
WITH first AS (
    INSERT INTO registrations
        (home, client_id, secret_sealed, redirect_uri, scopes, knows_profile)
    VALUES ($1, $2, $3, $4, $5, false)
    ON CONFLICT (home) DO NOTHING
    RETURNING client_id
)
INSERT INTO earlier_registrations (home, client_id, secret_sealed)
SELECT $1, $2, $3 WHERE NOT EXISTS (SELECT FROM first)
    AND NOT EXISTS (SELECT FROM registrations WHERE home = $1 AND client_id = $2)
ON CONFLICT DO NOTHING
"""

_OF_HOME = """
SELECT client_id, secret_sealed, revoke_path FROM earlier_registrations
WHERE home = $1 ORDER BY created_at DESC
"""


@dataclass(frozen=True, slots=True)
class EarlierClient:
    """A client that can still revoke the tokens that were issued to it."""

    client_id: str
    secret_sealed: bytes = field(repr=False)
    revoke_path: str = "/oauth/revoke"


async def take_over(
    conn: Connection, home: str, client: EarlierClient, *, redirect_uri: str, scopes: str
) -> None:
    """Stores the client of a service that was moved over; one that is known stays as it is."""
    await conn.execute(
        _TAKE_OVER, home, client.client_id, client.secret_sealed, redirect_uri, scopes
    )


async def of_home(conn: Connection, home: str) -> Sequence[EarlierClient]:
    """The earlier clients at a home, the latest first."""
    return [EarlierClient(**row) for row in await conn.fetch(_OF_HOME, home)]
