"""What the operator sees and decides."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Annotated

from fastapi import APIRouter, Path

from toottail.api.description import problems
from toottail.api.guards import Here, Operator
from toottail.api.models import Decision, Invite, InviteWish, Number
from toottail.errors import NotFound, NotSignedIn
from toottail.service import account, operating
from toottail.types.service import OperatorView

router = APIRouter(prefix="/api/v1/operator", tags=["operator"], responses=problems(403))


@contextmanager
def _known() -> Iterator[None]:
    """Of a member who is not here the service says that they are not signed in."""
    try:
        yield
    except NotSignedIn:
        raise NotFound("There is no such member.") from None


MemberId = Annotated[Number, Path(description="The member's number.")]


@router.get("", operation_id="getOperatorView", summary="The operator's page")
async def view(service: Here, _: Operator) -> OperatorView:
    """Homes, lanes, hosts with errors, wishes to be left alone, members, costs."""
    return await operating.view(service)


@router.post(
    "/opt-outs/{number}",
    operation_id="decideOptOut",
    summary="Block the server that a wish names, or decline",
    status_code=204,
    responses=problems(404),
)
async def decide(
    service: Here,
    _: Operator,
    number: Annotated[Number, Path(description="The wish's number.")],
    decision: Decision,
) -> None:
    """A block is in force from the next request on."""
    await operating.decide_opt_out(service, number, block=decision.block)


@router.post("/invites", operation_id="invite", summary="Make an invite code", status_code=201)
async def invite(service: Here, _: Operator, wish: InviteWish) -> Invite:
    """Shown once: only its digest is stored."""
    code = await operating.invite(service, uses=wish.uses, days=wish.days, note=wish.note)
    return Invite(code=code)


@router.post(
    "/members/{number}/pause",
    operation_id="pauseMember",
    summary="Pause a member",
    status_code=204,
    responses=problems(404),
)
async def pause(service: Here, _: Operator, number: MemberId) -> None:
    """Only the operator can resume then."""
    with _known():
        await account.pause(service, number, by_operator=True)


@router.post(
    "/members/{number}/resume",
    operation_id="resumeMember",
    summary="Go on with a member",
    status_code=204,
    responses=problems(404),
)
async def resume(service: Here, _: Operator, number: MemberId) -> None:
    """Whoever paused."""
    with _known():
        await account.resume(service, number, by_operator=True)


@router.post(
    "/members/{number}/remove",
    operation_id="removeMember",
    summary="Remove a member",
    status_code=204,
    responses=problems(404),
)
async def remove(service: Here, _: Operator, number: MemberId) -> None:
    """As if the member had left: every row is deleted, the token ended at the home."""
    with _known():
        await account.leave(service, number)
