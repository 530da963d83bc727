"""What the operator sees and decides."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from toottail.errors import BadRequest, NotFound
from toottail.repository import blocks, delays, invites, operations, opt_outs, people
from toottail.servers.plain_text import one_line
from toottail.service import public
from toottail.service.context import Service
from toottail.service.people import shown
from toottail.service.sessions import digest_of, new_secret
from toottail.types.service import OperatorView

MOST_ROWS = 200
"""So many rows of each kind are shown, those that need a look first."""
MOST_USES = 1_000
MOST_DAYS = 3_650
_NOTE_AT_MOST = 200
_NO_WISH = "No such wish is waiting."
_MOST_ID = 1 << 63


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
            delays=tuple(await delays.read(conn, now)),
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
    if not 0 < number < _MOST_ID:
        raise NotFound(_NO_WISH)
    async with service.database.transaction() as conn:
        host = await opt_outs.decide(conn, number, "done" if block else "declined")
        if host is None:
            raise NotFound(_NO_WISH)
        if block:
            await blocks.block(conn, host, "its admin asked")


async def invite(service: Service, *, uses: int, days: int | None, note: str) -> str:
    """A new invite code, shown once: only its digest is stored. Raises `BadRequest`.

    It lets ``uses`` new members in, within ``days`` from now, or whenever where that is None.
    """
    if not 1 <= uses <= MOST_USES:
        raise BadRequest(f"An invite is for 1 to {MOST_USES} new members.")
    if days is not None and not 1 <= days <= MOST_DAYS:
        raise BadRequest(f"An invite is good for 1 to {MOST_DAYS} days.")
    code = new_secret()
    until = datetime.now(UTC) + timedelta(days=days) if days is not None else None
    async with service.database.connection() as conn:
        await invites.make(conn, digest_of(code), one_line(note, _NOTE_AT_MOST), uses, until)
    return code
