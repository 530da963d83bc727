"""Whom a home blocks: asked once a day, when something is about to be wanted for its sake."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta

from toottail.flow.visit import Visit
from toottail.repository import blocks, members

FRESH = timedelta(days=1)
"""So long what a home said of its blocks is believed."""


async def knows_blocks(visit: Visit) -> bool:
    """Whether the home was asked lately."""
    async with visit.connection() as conn:
        known = await blocks.kept(conn, "home", visit.host)
    read_at = known.read_at if known is not None else None
    return read_at is not None and visit.now() - read_at < FRESH


async def learn_blocks(visit: Visit, of: Sequence[int]) -> bool:
    """Asks the home, as one of the members ``of``; False where it was asked lately.

    What blocked hosts wrote would be asked for in vain, and what replies to it would hang nowhere.
    """
    async with visit.one_at_a_time:
        if await knows_blocks(visit):
            return False
        member, client = await visit.home(of)
        rules = await client.domain_blocks()
        async with visit.fenced() as conn:
            await blocks.store(conn, "home", visit.host, rules, visit.now())
            await members.spend_for_member(conn, member, visit.sent())
    return True
