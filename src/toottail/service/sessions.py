"""Sessions: who a browser's cookie belongs to."""

from __future__ import annotations

from datetime import timedelta

from toottail.service.context import Service
from toottail.types.service import Session

LASTS = timedelta(days=30)
"""So long after its last use a session ends."""


async def start(service: Service, member_id: int) -> str:
    """A new session; returns its cookie, of which only a digest is stored."""
    raise NotImplementedError


async def find(service: Service, cookie: str | None) -> Session:
    """Whose session ``cookie`` is. Raises `NotSignedIn`."""
    raise NotImplementedError


async def end(service: Service, cookie: str | None) -> None:
    """Ends a session; none is fine."""
    raise NotImplementedError


async def end_all(service: Service, member_id: int) -> None:
    """Ends all sessions of a member."""
    raise NotImplementedError


def check_csrf(session: Session, given: str | None) -> None:
    """Compares in constant time. Raises `NotAllowed` (code ``csrf``)."""
    raise NotImplementedError
