"""What the visit of a lane hands to the door: leave to ask one host, at its pace."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from datetime import UTC, datetime, timedelta
from types import TracebackType
from typing import Literal

from toottail.errors import NotPermittedYet
from toottail.servers.budgets import HostBudget
from toottail.servers.robots import Robots
from toottail.servers.signatures import Scheme

Signature = Scheme | Literal["wanted", "refused"]
LONG_PAUSE = timedelta(minutes=1)
"""So long a pause between requests nobody waits for."""


def utc_now() -> datetime:
    """The time, as all budgets read it."""
    return datetime.now(UTC)


async def _nothing() -> None:
    return None


class Permit:
    """Leave to ask ``host``, at most ``in_flight`` requests at a time, within ``budget``.

    ``robots`` are the rules the host's robots.txt has for us, None where it is not consulted.
    ``before_send`` is awaited right before each request goes out and may refuse it by raising
    (`LaneLost`). ``patience`` is how many seconds a request waits for the budget here.
    """

    def __init__(
        self,
        host: str,
        budget: HostBudget,
        *,
        in_flight: int,
        robots: Robots | None = None,
        before_send: Callable[[], Awaitable[None]] = _nothing,
        clock: Callable[[], datetime] = utc_now,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
        patience: float = 1.0,
    ) -> None:
        self.host = host
        self.budget = budget
        self.clock = clock
        self.sent = 0
        """Requests that really went out; each hop of a redirect is one."""
        self._before_send = before_send
        self._sleep = sleep
        self._patience = timedelta(seconds=patience)
        self.places = in_flight
        """Requests that may be on their way at once."""
        self._flying = 0
        self.barred: str | None = None
        """Why nothing may be asked at all, in words for people; None where something may."""
        self._queue: deque[asyncio.Future[None]] = deque()
        self.robots = robots
        self.signature: Signature | None = None
        """What is known of the signature that the host wants under ActivityPub requests."""
        self.knocking = asyncio.Lock()
        """Held by who finds that out: met twice at once, an actor brings GoToSocial's 500."""

    @property
    def robots(self) -> Robots | None:
        """The rules of the host's robots.txt; setting them sets the pace they ask for."""
        return self._robots

    @robots.setter
    def robots(self, robots: Robots | None) -> None:
        self._robots = robots
        if robots is not None:
            self.budget.pace(robots.crawl_delay or 0.0, robots.signed_delay or 0.0)

    @property
    def flying(self) -> int:
        """Requests on their way now."""
        return self._flying

    def admit(self, names: Sequence[str], *, goes_on: bool = False) -> Admission:
        """A place for one request that counts against the allowances ``names``.

        Entering waits for a place, then up to the patience for the budget. With ``goes_on``, after
        a request without whose answer this one would be of no use, a pause of less than a minute
        that robots.txt asks for is waited here: to begin anew later would never get any further.
        Raises `NotPermittedYet`, or what ``before_send`` raises.
        """
        return Admission(self, names, goes_on)

    async def _enter(self, names: Sequence[str], goes_on: bool) -> None:
        await self._take_place(names)
        try:
            await self._wait_for_budget(names, goes_on)
            # Counted before the wait for the lane's word, so that no other request takes its room.
            self.budget.spend(names, self.clock())
            await self._before_send()
        except BaseException:
            # Nothing was sent, so no pause begins: who comes too early must not put it off.
            self._free_place()
            raise
        self.sent += 1

    def _is_paced(self, names: Sequence[str]) -> bool:
        return self._robots is not None and self.budget.paced(names) > 0

    async def _take_place(self, names: Sequence[str]) -> None:
        while self._flying >= (1 if self._is_paced(names) else self.places):
            turn: asyncio.Future[None] = asyncio.get_running_loop().create_future()
            self._queue.append(turn)
            try:
                await turn
            except asyncio.CancelledError:
                if turn.done() and not turn.cancelled():
                    self._wake()  # the turn was ours already: pass it on
                raise
        self._flying += 1

    async def _wait_for_budget(self, names: Sequence[str], goes_on: bool) -> None:
        now = self.clock()
        pause = timedelta(seconds=self.budget.paced(names)) if goes_on else timedelta()
        limit = now + self._patience + (pause if pause < LONG_PAUSE else timedelta())
        while (until := self.budget.earliest(names, now, self._flying - 1)) > now:
            if until > limit:
                raise NotPermittedYet(self.host, until, self.budget.why(names, now))
            await self._sleep((until - now).total_seconds())
            now = self.clock()

    def _leave(self, names: Sequence[str]) -> None:
        if self._is_paced(names):
            # The pause is the host's to notice: it begins when it has answered.
            self.budget.rested_from(self.clock())
        self._free_place()

    def _free_place(self) -> None:
        self._flying -= 1
        self._wake()

    def _wake(self) -> None:
        while self._queue:
            turn = self._queue.popleft()
            if not turn.done():
                turn.set_result(None)
                return


class Admission:
    """The time from asking for a place until the answer is read; an async context manager."""

    __slots__ = ("_goes_on", "_names", "_permit")

    def __init__(self, permit: Permit, names: Sequence[str], goes_on: bool) -> None:
        self._permit = permit
        self._names = names
        self._goes_on = goes_on

    async def __aenter__(self) -> None:
        await self._permit._enter(self._names, self._goes_on)

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._permit._leave(self._names)
