"""Whether somebody new may become a member: sign-ups, invites, the limit."""

from __future__ import annotations

from toottail.errors import SignInRefused
from toottail.repository import invites
from toottail.repository.database import Connection
from toottail.repository.sign_ins import Standing
from toottail.service.context import Service

_CLOSED = "This service takes no new members. Who is a member already can always sign in."
_FULL = "This service is full. Who is a member already can always sign in."
_NEEDED = "New members need an invite here. Ask whoever told you of this service for a code."
_INVALID = "This invite is not good, or no longer: ask whoever gave it to you for a new one."


async def check(
    conn: Connection,
    service: Service,
    standing: Standing,
    invite: bytes | None,
    *,
    spend: bool = False,
) -> None:
    """Refuses whom the settings do not let in; with ``spend`` the invite is counted down.

    Raises `SignInRefused`: closed, full, invite_needed or invite_invalid.
    """
    settings = service.settings
    if settings.sign_ups == "closed":
        raise SignInRefused(_CLOSED, "closed")
    if settings.most_members and standing.members >= settings.most_members:
        raise SignInRefused(_FULL, "full")
    if settings.sign_ups != "invite":
        return
    if invite is None:
        raise SignInRefused(_NEEDED, "invite_needed")
    good = await (invites.spend if spend else invites.is_good)(conn, invite)
    if not good:
        raise SignInRefused(_INVALID, "invite_invalid")
