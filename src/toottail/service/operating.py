"""What the operator sees and decides."""

from __future__ import annotations

from datetime import UTC, datetime

from toottail.errors import NotFound
from toottail.repository import blocks, operations, opt_outs, people
from toottail.service import public
from toottail.service.context import Service
from toottail.service.people import shown
from toottail.types.service import OperatorView

MOST_ROWS = 200
"""So many rows of each kind are shown, those that need a look first."""


async def view(service: Service) -> OperatorView:
    """The operator's page; of each list the `MOST_ROWS` that matter most."""
    status = await public.status(service)
    now = datetime.now(UTC)
    async with service.database.connection() as conn:
        lanes = await operations.lanes(conn, now, MOST_ROWS)
        size = await operations.size(conn)
        monthly = service.settings.monthly_cost
        return OperatorView(
            public=status,
            homes=tuple(await operations.homes(conn, MOST_ROWS)),
            lanes=tuple(lanes),
            hosts_with_errors=tuple(await operations.hosts_with_errors(conn, MOST_ROWS)),
            opt_outs=tuple(await opt_outs.waiting(conn)),
            members=tuple(shown(row) for row in await people.newest(conn, MOST_ROWS)),
            oldest_due=lanes[0].late if lanes else 0.0,
            requests_day=size.requests_day,
            database_bytes=size.database_bytes,
            monthly_cost=monthly,
            cost_per_member=_share(monthly, status.members),
        )


def _share(monthly: float | None, members: int) -> float | None:
    return monthly / members if monthly is not None and members else None


async def decide_opt_out(service: Service, number: int, *, block: bool) -> None:
    """Blocks the server that a wish names, or declines. Raises `NotFound`."""
    async with service.database.transaction() as conn:
        host = await opt_outs.decide(conn, number, "done" if block else "declined")
        if host is None:
            raise NotFound("No such wish is waiting.")
        if block:
            await blocks.block(conn, host, "its admin asked")


async def invite(service: Service, *, uses: int, days: int | None, note: str) -> str:
    """A new invite code, shown once: only its digest is stored. Raises `BadRequest`."""
    raise NotImplementedError
