"""Sharing out the members of large homes over slices, so that several workers collect for them.

Only where members are to be is written here; the lanes that have them let them go as soon as they
are free (`worker/handing_over.py`), so nothing stops meanwhile.
"""

from __future__ import annotations

import heapq
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from math import ceil

from toottail.repository import slices
from toottail.repository.database import Connection
from toottail.repository.slices import LargeHome
from toottail.servers.nodeinfo import Software
from toottail.servers.sharing import can_be_sliced
from toottail.settings import Settings

TOLERANCE = 0.1
"""Slices are left as they are while the largest has no more than that part over the smallest."""
_WELL_BELOW = 0.8
"""The part of the bound to which a home must shrink before it has fewer slices again."""


@dataclass(frozen=True, slots=True)
class SharedOut:
    """A home whose members are shared out: how many each slice had, and is to have.

    Slice 0 is the home's main lane. ``moved`` members are to go elsewhere now.
    """

    home: str
    members: int
    before: dict[int, int]
    after: dict[int, int]
    moved: int


async def share_out(
    conn: Connection, settings: Settings, *, tolerance: float = 0.0, dry: bool = False
) -> list[SharedOut]:
    """Says where the members of all large homes are to be, in the caller's transaction.

    Slices whose sizes differ by no more than ``tolerance`` are left as they are. With ``dry``
    nothing is written.
    """
    await slices.one_at_a_time(conn)
    shared = []
    for home in await slices.large_homes(conn, settings.slice_members):
        after = _wanted(home, settings, tolerance)
        moves = list(_moves(home.members, after))
        for source, target, count in moves if not dry else ():
            await slices.send(conn, home.home, source, target, count)
        members = sum(home.members.values())
        moved = sum(count for _, _, count in moves)
        shared.append(SharedOut(home.home, members, dict(home.members), after, moved))
    return shared


def _wanted(home: LargeHome, settings: Settings, tolerance: float) -> dict[int, int]:
    software = Software(home.software, "")
    may = can_be_sliced(software, settings.home_in_flight)
    bound = settings.slice_members
    members = sum(home.members.values())
    count = slices_for(members, max(home.members), bound) if may else 0
    return sizes(home.members, count, bound, tolerance)


def slices_for(members: int, now: int, bound: int) -> int:
    """How many slices so many members have, of at most ``bound`` each; ``now``: there are so many.

    0 where the main lane is enough. There are fewer only when members are well below what the
    slices hold, so that a few who come and go change nothing.
    """
    needed = ceil(members / bound)
    if now == 0:
        return needed if members > bound else 0
    if members < _WELL_BELOW * bound:
        return 0
    if needed < now and members < _WELL_BELOW * bound * (now - 1):
        return ceil(members / (_WELL_BELOW * bound))
    return max(now, needed)


def sizes(now: Mapping[int, int], count: int, bound: int, tolerance: float) -> dict[int, int]:
    """How many members each of ``count`` slices is to have; ``now`` by slice, 0 the main lane.

    Who is in none of them goes to the smallest. If then the largest is above ``bound``, or has over
    ``tolerance`` of the mean (and more than one member) over the smallest, all become even.
    """
    members = sum(now.values())
    if count == 0:
        return {0: members}
    heap = [(now.get(number, 0), number) for number in range(1, count + 1)]
    homeless = members - sum(size for size, _ in heap)
    heapq.heapify(heap)
    for _ in range(homeless):
        size, number = heap[0]
        heapq.heapreplace(heap, (size + 1, number))
    spread = max(heap)[0] - min(heap)[0]
    if spread > max(1, tolerance * members / count) or max(heap)[0] > bound:
        # Those that are largest stay larger: as few as can be move.
        order = sorted(heap, key=lambda one: (-one[0], one[1]))
        each, more = divmod(members, count)
        heap = [(each + (place < more), number) for place, (_, number) in enumerate(order)]
    return {number: size for size, number in sorted(heap, key=lambda one: one[1])}


def _moves(now: Mapping[int, int], after: Mapping[int, int]) -> Iterator[tuple[int, int, int]]:
    """(from, to, members) that lead from ``now`` to ``after``."""
    wanting = {n: size - now.get(n, 0) for n, size in after.items() if size > now.get(n, 0)}
    for source in sorted(now):
        surplus = now[source] - after.get(source, 0)
        for target in sorted(wanting):
            count = min(surplus, wanting[target])
            if count > 0:
                yield source, target, count
                wanting[target] -= count
                surplus -= count
