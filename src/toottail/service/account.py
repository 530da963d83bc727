"""What members see and change: their page, their sources, pausing and leaving."""

from __future__ import annotations

from collections.abc import Sequence

from toottail.service.context import Service
from toottail.types.service import FirstRun, Overview


async def overview(service: Service, member_id: int) -> Overview:
    """All that the member's page shows. Raises `NotSignedIn` where the member has left."""
    raise NotImplementedError


async def first_run(service: Service, member_id: int) -> FirstRun | None:
    """How far the member's first run is; cheap enough to be asked each second."""
    raise NotImplementedError


async def choose(service: Service, member_id: int, sources: Sequence[str]) -> None:
    """Makes these sources (words as in docs/sources.md) the member's; all others are off.

    Raises `BadRequest`. One that the token has no scope for is stored and told, see `Overview`.
    """
    raise NotImplementedError


async def pause(service: Service, member_id: int, *, by_operator: bool = False) -> None:
    """Nothing is done for the member until they, or the operator, resume."""
    raise NotImplementedError


async def resume(service: Service, member_id: int, *, by_operator: bool = False) -> None:
    """Goes on after a pause. Raises `NotAllowed` where only the operator may."""
    raise NotImplementedError


async def leave(service: Service, member_id: int) -> bool:
    """Deletes every row of the member and ends the token at the home.

    Returns whether the home confirmed that the token is no more; the rows are gone in any case.
    """
    raise NotImplementedError


async def export(service: Service, member_id: int) -> dict[str, object]:
    """All that is stored about a member, as JSON; the token only as "stored, encrypted"."""
    raise NotImplementedError
