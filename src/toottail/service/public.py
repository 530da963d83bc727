"""What everybody may see and do without signing in."""

from __future__ import annotations

from typing import Literal

from toottail.service.context import Service
from toottail.types.service import PublicStatus

OptOutResult = Literal["done", "asked"]


async def status(service: Service) -> PublicStatus:
    """The service in numbers; read from the database at most every few seconds."""
    raise NotImplementedError


async def ready(service: Service) -> dict[str, str]:
    """What is not ready, by part, in words; empty where all is well."""
    raise NotImplementedError


async def opt_out(
    service: Service, host: str, contact: str, words: str, address: str
) -> OptOutResult:
    """An admin wants a server left alone.

    ``done`` where the server itself says so, by a robots.txt group for TootTail or a file
    ``/.well-known/toottail-opt-out``: it is blocked from the next request on. Otherwise the wish
    waits for the operator. Raises `BadRequest` or `TooManyAttempts`.
    """
    raise NotImplementedError
