"""What everybody may ask."""

from __future__ import annotations

from fastapi import APIRouter

from toottail.api.description import problems
from toottail.api.guards import Address, Here
from toottail.api.models import OptOutTaken, OptOutWish, ServerName
from toottail.service import public, sign_in
from toottail.types.service import HomeCheck, PublicStatus

router = APIRouter(prefix="/api/v1", tags=["everybody"])


@router.get("/status", operation_id="getStatus", summary="The service in numbers")
async def status(service: Here) -> PublicStatus:
    """Members, homes, replies brought home, how long they took."""
    return await public.status(service)


@router.post(
    "/servers/verify",
    operation_id="verifyServer",
    summary="Whether a server can be a home here",
    responses=problems(429),
)
async def verify(service: Here, wish: ServerName, address: Address) -> HomeCheck:
    """Asks the server what it is. That it cannot be served is no error here: see `why_not`."""
    return await sign_in.verify(service, wish.server, address)


@router.post(
    "/opt-outs",
    operation_id="optOut",
    summary="An admin wants a server left alone",
    responses=problems(429),
)
async def opt_out(service: Here, wish: OptOutWish, address: Address) -> OptOutTaken:
    """In force at once where the server itself says so, else the operator decides."""
    result = await public.opt_out(service, wish.host, wish.contact, wish.words, address)
    return OptOutTaken(result=result)
