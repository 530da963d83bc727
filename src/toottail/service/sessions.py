"""Sessions: who a browser's cookie belongs to."""

from __future__ import annotations

import hashlib
import hmac
import secrets
from datetime import UTC, datetime, timedelta

from toottail.errors import NotAllowed, NotSignedIn
from toottail.flow.rhythm import AWAY_AFTER
from toottail.repository import presence, sessions
from toottail.repository.database import Connection
from toottail.service.context import Service
from toottail.types.service import Session

LASTS = timedelta(days=30)
"""So long after its last use a session ends."""
_NOTED_EACH = timedelta(hours=1)
_LONGEST_COOKIE = 128


def digest_of(secret: str) -> bytes:
    """What is stored of a secret that is itself random: who reads the database cannot use it."""
    return hashlib.sha256(secret.encode("utf-8", "surrogateescape")).digest()


def new_secret() -> str:
    """32 random bytes, fit for a cookie or a URL."""
    return secrets.token_urlsafe(32)


async def start(service: Service, member_id: int) -> str:
    """A new session; returns its cookie, of which only a digest is stored."""
    async with service.database.transaction() as conn:
        return await start_in(conn, member_id)


async def start_in(conn: Connection, member_id: int) -> str:
    """The same, within the caller's transaction."""
    cookie = new_secret()
    await presence.welcome(conn, member_id, datetime.now(UTC), AWAY_AFTER)
    await sessions.start(conn, digest_of(cookie), member_id, LASTS)
    return cookie


async def find(service: Service, cookie: str | None) -> Session:
    """Whose session ``cookie`` is. Raises `NotSignedIn`."""
    if not cookie or len(cookie) > _LONGEST_COOKIE:
        raise NotSignedIn
    digest = digest_of(cookie)
    async with service.database.connection() as conn:
        found = await sessions.find(conn, digest, _NOTED_EACH)
        if found is None:
            raise NotSignedIn
        if found.stale:
            async with conn.transaction():
                await presence.welcome(conn, found.member_id, datetime.now(UTC), AWAY_AFTER)
                await sessions.touch(conn, digest, LASTS)
    handle = f"@{found.account.removeprefix('@').partition('@')[0]}@{found.home}"
    return Session(
        member_id=found.member_id,
        handle=handle,
        csrf=_csrf(cookie),
        is_operator=is_operator(service, handle),
    )


def is_operator(service: Service, handle: str) -> bool:
    """Whether the settings name this account, ``@me@example.social``, as an operator's."""
    wanted = handle.removeprefix("@").lower()
    return any(name.removeprefix("@").lower() == wanted for name in service.settings.operators)


async def end(service: Service, cookie: str | None) -> None:
    """Ends a session; none is fine."""
    if cookie:
        async with service.database.connection() as conn:
            await sessions.end(conn, digest_of(cookie))


async def end_all(service: Service, member_id: int) -> None:
    """Ends all sessions of a member."""
    async with service.database.connection() as conn:
        await sessions.end_all(conn, member_id)


def check_csrf(session: Session, given: str | None) -> None:
    """Compares in constant time. Raises `NotAllowed` (code ``csrf``)."""
    if not hmac.compare_digest(session.csrf.encode(), (given or "").encode("utf-8", "replace")):
        raise NotAllowed(
            "This did not come from one of our own pages. Open the page again and try once more.",
            "csrf",
        )


def _csrf(cookie: str) -> str:
    # The cookie is 32 random bytes that pages cannot read: nobody else can tell this value.
    return hashlib.sha256(
        b"toottail csrf\0" + cookie.encode("utf-8", "surrogateescape")
    ).hexdigest()
