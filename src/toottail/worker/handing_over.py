"""Members who change lanes: the lane that has them gives them away, another goes on with them.

Of a member's token both know what was used lately: it goes with the member. The main lane goes on
to use the token for other work, so it keeps what it knows.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import TYPE_CHECKING

from toottail.repository import slices
from toottail.repository.slices import OnTheMove

if TYPE_CHECKING:
    from toottail.worker.visit import LaneVisit


async def see_to_moves(visit: LaneVisit, busy: Collection[int]) -> None:
    """Takes in who came to the visit's lane, and lets go who is to leave it.

    Not those who are ``busy``: a source of theirs is being read.
    """
    async with visit.connection() as conn:
        moving = await slices.on_the_move(conn, visit.host, visit.part)
    if moving.carried:
        await _take_in(visit, moving)
    leaving = [member for member in moving.leaving if member not in busy]
    if leaving and visit.makes_room():
        await _let_go(visit, leaving)


async def _take_in(visit: LaneVisit, moving: OnTheMove) -> None:
    for carried in moving.carried.values():
        visit.budget.receive(carried, visit.now())
    # Stored with the lane first: what is counted twice after a crash does no harm.
    await visit.store_budget()
    async with visit.fenced() as conn:
        await slices.received(conn, visit.host, visit.part, list(moving.carried))


async def _let_go(visit: LaneVisit, leaving: Sequence[int]) -> None:
    names = {member: _allowances(member) for member in leaving}
    async with visit.fenced() as conn:
        carried = {member: visit.budget.carry(names[member]) for member in leaving}
        lanes = await slices.give_away(conn, visit.host, visit.part, carried)
        await visit.wake(conn, lanes)
    if visit.part:
        for member in leaving:
            visit.budget.drop(names[member])


def _allowances(member: int) -> list[str]:
    return [f"{kind}:{member}" for kind in ("token", "user", "user-paging")]
