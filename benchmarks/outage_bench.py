"""A town, its workers and their database, and the outages that happen to them."""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field

import asyncpg

from benchmarks import outage_rows as rows
from benchmarks.fleet import Fleet
from benchmarks.line import Line
from benchmarks.outage_rows import Held
from benchmarks.own_postgres import OwnPostgres
from toottail.simulator.process import SimulatorProcess

HOME_IN_FLIGHT = 4
"""The workers' setting, which bounds what may be asked and not yet stored."""
_PATIENCE = 90.0
_LOADED_WITHIN = 10.0
_LOOK_EVERY = 0.1


@dataclass(slots=True)
class Outage:
    """One outage. ``took`` are seconds, one for each lane that was held and had work due.

    ``may_repeat``: requests that may have been in flight at the homes whose lanes were held, which
    are the resolves that may be sent again; ``repeated`` is how many were, of those sent until
    ``ended_at`` (Unix seconds). ``whole_after``: seconds until all workers served again.
    """

    kind: str
    what: str = ""
    may_repeat: int = 0
    took: list[float] = field(default_factory=list)
    repeated: int = 0
    ended_at: float = 0.0
    whole_after: float = 0.0


class Bench:
    """What is done to the workers, whose lanes' ``lease`` is given, and to their database.

    ``dice`` decide when and for how long; the line is broken for ``longest`` seconds at most.
    """

    def __init__(
        self,
        simulator: SimulatorProcess,
        postgres: OwnPostgres,
        line: Line,
        fleet: Fleet,
        dice: random.Random,
        *,
        lease: float,
        longest: float,
    ) -> None:
        self._postgres = postgres
        self._line = line
        self._fleet = fleet
        self._dice = dice
        self._lease = lease
        self._longest = longest
        self._homes = {one["home"] for one in simulator.members()}
        self._kinds: Mapping[str, Callable[[Outage], Awaitable[None]]] = {
            "kill": self._kill,
            "freeze": self._freeze,
            "postgres": self._lose_postgres,
            "network": self._lose_network,
        }

    async def outage(self, kind: str) -> Outage:
        """One of them, at a random moment, and what became of the lanes."""
        await asyncio.sleep(self._dice.uniform(0.2, 5))
        found = Outage(kind)
        await self._kinds[kind](found)
        found.whole_after = await self._until_all_serve(found.ended_at)
        return found

    async def _one_at_work(self) -> str:
        """A worker that has work in hand; after some seconds without one any of them."""
        deadline = time.monotonic() + _LOADED_WITHIN
        while time.monotonic() < deadline:
            held = await rows.held(self._postgres)
            busy = {lane.worker for lane in held if lane.due and lane.worker in self._fleet.names}
            if busy:
                return self._dice.choice(sorted(busy))
            await asyncio.sleep(self._dice.uniform(0.02, 0.2))
        return self._dice.choice(self._fleet.names)

    async def _kill(self, found: Outage) -> None:
        found.what = victim = await self._one_at_work()
        # It stands still for the moment in which is seen what it has in hand.
        self._fleet.freeze(victim)
        held = await rows.held(self._postgres, victim)
        self._fleet.kill(victim)
        await self._until_visited(found, held)

    async def _freeze(self, found: Outage) -> None:
        victim = await self._one_at_work()
        seconds = self._lease * self._dice.uniform(1.2, 2)
        found.what = f"{victim}, {seconds:.0f} s"
        self._fleet.freeze(victim)
        thaw_at = time.monotonic() + seconds
        try:
            await self._until_visited(found, await rows.held(self._postgres, victim))
            await asyncio.sleep(max(0.0, thaw_at - time.monotonic()))
        finally:
            self._fleet.thaw(victim)
        found.ended_at = time.time()

    async def _lose_postgres(self, found: Outage) -> None:
        seconds = self._dice.uniform(0, self._longest / 2)
        found.what = f"{seconds:.0f} s"
        await self._one_at_work()
        self._postgres.kill()
        # Nobody changes anything before it is seen what was in hand.
        self._line.cut()
        killed_at = time.time()
        await asyncio.sleep(seconds)
        await asyncio.to_thread(self._postgres.start)
        held = await rows.held(self._postgres, at=killed_at)
        self._line.mend()
        await self._until_visited(found, held)

    async def _lose_network(self, found: Outage) -> None:
        seconds = self._dice.uniform(self._longest / 8, self._longest)
        silent = self._dice.random() < 0.5
        found.what = f"{'silent' if silent else 'cut'}, {seconds:.0f} s"
        await self._one_at_work()
        (self._line.silence if silent else self._line.cut)()
        held = await rows.held(self._postgres)
        await asyncio.sleep(seconds)
        self._line.mend()
        await self._until_visited(found, held)

    async def _until_visited(self, found: Outage, held: Sequence[Held]) -> None:
        """Notes the seconds from now until the next visit of each of these lanes with work due."""
        homes = self._homes & {lane.key.partition("#")[0] for lane in held}
        found.may_repeat = HOME_IN_FLIGHT * len(homes)
        found.ended_at = began = time.time()
        waiting = [lane for lane in held if lane.due]
        while waiting and time.time() - began < _PATIENCE:
            visited = await rows.visited(self._postgres, waiting)
            found.took += [max(0.0, at - began) for at in visited.values()]
            still = await rows.waiting(self._postgres, waiting)
            waiting = [one for one in waiting if one.key in still and one.key not in visited]
            await asyncio.sleep(_LOOK_EVERY)
        found.took += [time.time() - began for _ in waiting]

    async def _until_all_serve(self, since: float) -> float:
        """Seconds from ``since`` on until each worker gave a sign of life."""
        names = self._fleet.names
        while time.time() - since < _PATIENCE:
            with suppress(OSError, asyncpg.PostgresError):
                if await rows.serving(self._postgres, names, since) == len(names):
                    break
            await asyncio.sleep(_LOOK_EVERY)
        return time.time() - since
