"""What the operator sees and decides."""

from __future__ import annotations

from toottail.service.context import Service
from toottail.types.service import OperatorView


async def view(service: Service) -> OperatorView:
    """The operator's page."""
    raise NotImplementedError


async def decide_opt_out(service: Service, number: int, *, block: bool) -> None:
    """Blocks the server that a wish names, or declines. Raises `NotFound`."""
    raise NotImplementedError


async def invite(service: Service, *, uses: int, days: int | None, note: str) -> str:
    """A new invite code, shown once: only its digest is stored. Raises `BadRequest`."""
    raise NotImplementedError
