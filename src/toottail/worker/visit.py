"""The visit of one lane: it drains what is due at one host, at the host's pace, and lets go."""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator, Iterable, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager, suppress
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Literal

import structlog
from pydantic import SecretStr

from toottail.errors import (
    LaneLost,
    NotPermittedYet,
    RemoteError,
    ServerFault,
    StorageConflict,
    StorageError,
    TokenRefused,
    TooManyRequests,
    Unreachable,
)
from toottail.flow import rhythm
from toottail.flow.visit import HOST_FAILS_AFTER
from toottail.repository import blocks, hosts, members, slices
from toottail.repository.database import Connection
from toottail.repository.hosts import HostRow
from toottail.servers.allowance import Limit
from toottail.servers.asker import Asker
from toottail.servers.budgets import HostBudget
from toottail.servers.home_traits import traits_of
from toottail.servers.homes import HomeClient
from toottail.servers.nodeinfo import Software
from toottail.servers.permit import Permit
from toottail.servers.sharing import can_be_sliced, main_limits, main_places
from toottail.types.counts import Ending, VisitCounts
from toottail.types.lanes import host_of_lane, slice_of_lane
from toottail.worker import chores
from toottail.worker.chores import Chore
from toottail.worker.lease import Lease, Tally, current_tally

if TYPE_CHECKING:
    from toottail.worker.engine import Engine

log = structlog.get_logger(__name__)

LONGEST = 30.0
"""Seconds after which a visit takes nothing new, so that other workers get their turn."""
TURN = 8.0
"""The same where this worker holds as many lanes as it may, and others may wait."""
_LINGER = timedelta(seconds=1)
_BETWEEN_LOOKS = 0.2
"""Seconds until the next look where something is due that could not be begun."""
_ENDS_WITHIN = 3.0
"""Seconds that steps under way have yet when one of them could not store what it did."""
_AFTER_A_CONFLICT = timedelta(seconds=0.3)
_AFTER_A_FAULT = timedelta(minutes=1)
_RETRY_AT_LEAST = timedelta(seconds=1)
_ENOUGH = 24
"""Of more members than that, so many are considered for one request."""
_TAKEN = ("cavage", "rfc9421")


class LaneVisit:
    """One visit; implements `toottail.flow.visit.Visit` for the steps it runs."""

    def __init__(self, engine: Engine, lease: Lease) -> None:
        self.key = lease.key
        self.host = host_of_lane(lease.key)
        self.part = slice_of_lane(lease.key)
        """Which slice of the home's members it collects for; 0 in a host's main lane."""
        self.row = HostRow(self.host)
        self.software = Software("unknown", "")
        self.poked = asyncio.Event()
        self.one_at_a_time = asyncio.Lock()
        self.counts = VisitCounts()
        self.ended: Ending = "stopped"
        """That of a visit that is broken off, until it is known better."""
        self.watch_for = timedelta(days=engine.settings.watch_days)
        self._engine = engine
        self._lease = lease
        self._tokens: dict[int, SecretStr] = {}
        self._sealed: dict[int, bytes] = {}
        self._refused: set[bytes] = set()
        self._member: dict[asyncio.Task[None] | None, int] = {}
        self._home_permit = self._permit(1 if self.part else engine.settings.home_in_flight)
        self._host_permit = self._permit(engine.settings.host_in_flight)
        self._wrong_answers = 0
        self._running: dict[asyncio.Task[None], Chore] = {}

    def _permit(self, in_flight: int) -> Permit:
        return Permit(
            self.host,
            self._lease.budget,
            in_flight=in_flight,
            before_send=self._lease.before_send,
            clock=self.now,
        )

    # What steps use

    def now(self) -> datetime:
        """The time, UTC."""
        return datetime.now(UTC)

    def ask(self) -> Asker:
        """Anonymous requests to the host."""
        return Asker(self._engine.door, self._host_permit, notes=self.row.notes)

    async def home(self, of: Sequence[int]) -> tuple[int, HomeClient]:
        """The member in ``of`` whose budget allows most now, and requests as that member."""
        now = self.now()
        known = await self._with_tokens(of)
        if not known:
            raise TokenRefused(f"no member of {self.host} is active any more")
        budget = self._lease.budget
        member = min(known, key=lambda m: budget.earliest([f"token:{m}"], now))
        self._member[asyncio.current_task()] = member
        ask = Asker(self._engine.door, self._home_permit, home=self.host)
        return member, HomeClient(ask, self._tokens[member], str(member), self.software)

    async def _with_tokens(self, of: Sequence[int]) -> list[int]:
        """Those of ``of``, some of many, whose tokens are at hand or can be had.

        Tokens are read as they are needed: a large home has thousands, a visit uses a few.
        """
        asked = of if len(of) <= _ENOUGH else random.sample(of, _ENOUGH)
        unknown = [member for member in asked if member not in self._tokens]
        if unknown:
            async with self.connection() as conn:
                found = await members.sealed_tokens(conn, self.host, unknown, self.now())
            for member, sealed in found.items():
                if sealed not in self._refused:
                    self._sealed[member] = sealed
                    self._tokens[member] = SecretStr(self._engine.sealer.open(sealed))
        return [member for member in asked if member in self._tokens]

    def connection(self) -> AbstractAsyncContextManager[Connection]:
        """For reading rows."""
        return self._engine.database.connection()

    @asynccontextmanager
    async def fenced(self) -> AsyncIterator[Connection]:
        """A transaction that counts only while the lane is ours. Raises `LaneLost`."""
        woken: set[str] = set()
        async with self._engine.database.transaction() as conn:
            await self._lease.hold(conn)
            self._engine.collect_pokes(conn, woken)
            try:
                yield conn
            finally:
                self._engine.forget_pokes(conn)
        await self._engine.poke_held(woken)

    async def wake(self, conn: Connection, hosts: Iterable[str]) -> None:
        """Makes work for lanes known when the transaction is through."""
        await self._engine.enqueue(conn, hosts)

    def shared_limit(self) -> Limit | None:
        """What the home allows to all its members together; None where it counts each by itself."""
        if not traits_of(self.software).limits_address:
            return None
        return self._lease.budget.limit("address")

    def refusals(self) -> int:
        """How many answers of the host in a row were 429."""
        return self._lease.budget.refusals

    def failures(self) -> int:
        """How many requests to the host failed in a row."""
        return self._lease.budget.failures

    def forbidden(self) -> int:
        """How many anonymous requests in a row were answered with 401 or 403."""
        return self._lease.budget.forbidden

    def pardon(self) -> None:
        """Begins anew to count them."""
        self._lease.budget.pardon()

    async def why_left_alone(self) -> str | None:
        """Why the host is asked for nothing now, in words; None where it may be asked.

        From then on the door lets none but members' own requests out to it. (A home may still be
        asked what it runs, for its members.)
        """
        async with self.connection() as conn:
            why, is_home = await blocks.barred_and_home(conn, self.host, self.now())
        until = self.row.refused_until
        if why is None and until is not None and until > self.now():
            why = f"refuses us ({self.row.refused}), asked again from {until:%Y-%m-%d %H:%M}"
        self._host_permit.barred = None if is_home else why
        return why

    @property
    def budget(self) -> HostBudget:
        """What the host allows this lane."""
        return self._lease.budget

    async def store_budget(self) -> None:
        """Stores it with the lane. Raises `LaneLost`."""
        await self._lease.renew()

    def home_rests_until(self) -> datetime:
        """When any member of the home may be asked for, now where nothing speaks against it."""
        everybody = ["address"] if traits_of(self.software).limits_address else []
        return self._lease.budget.earliest(everybody, self.now())

    def may_collect(self) -> bool:
        """Whether this lane may read sources; a slice may not where its home has none any more."""
        in_flight = self._engine.settings.home_in_flight
        return self.part == 0 or can_be_sliced(self.software, in_flight)

    def pace(self) -> float:
        """Seconds that the host wants between requests such as we ask it."""
        robots = self._host_permit.robots
        if robots is None:
            return 0.0
        signed = self._engine.door.signs and self._host_permit.signature in _TAKEN
        return (robots.signed_delay if signed else robots.crawl_delay) or 0.0

    def retry_at(self) -> datetime:
        """When a failed request to the host may be tried again."""
        now = self.now()
        return max(self._lease.budget.earliest(["anonymous"], now), now + _RETRY_AT_LEAST)

    def sent(self) -> int:
        """Requests of the running step since it last asked."""
        tally = current_tally.get()
        if tally is None:
            return 0
        sent, tally.sent = tally.sent, 0
        return sent

    # The loop

    async def run(self) -> None:
        """Drains the lane and gives it back. Raises `LaneLost` when somebody took over."""
        keeper = asyncio.create_task(self._lease.keep())
        try:
            while True:
                await self._drain(asyncio.get_running_loop().time())
                if await self._lease.release():
                    return
        except StorageError:
            # What ended one step's transaction need not end the others: they may have answers in
            # hand, which would be asked for again.
            if self._running:
                await asyncio.wait(self._running, timeout=_ENDS_WITHIN)
            raise
        finally:
            keeper.cancel()
            for task in self._running:
                task.cancel()
            await asyncio.gather(keeper, *self._running, return_exceptions=True)

    def break_off(self) -> None:
        """Ends the steps under way where they are: none of them stores anything more."""
        for task in self._running:
            task.cancel()

    async def _drain(self, began: float) -> None:
        await self._see_who_shares()
        await self._load()
        queue: list[Chore] = []
        loop = asyncio.get_running_loop()
        while True:
            self.poked.clear()
            longest = TURN if self._engine.crowded else LONGEST
            over = loop.time() >= began + longest or self._engine.stopping
            if not queue and not over:
                taken = {chore.key for chore in self._running.values()}
                queue.extend(await chores.due(self, skip=taken))
            if not over:
                queue = self._start_some(queue)
            if not self._running and not await self._linger(over):
                out_of_time: Ending = "stopped" if self._engine.stopping else "turn over"
                self.ended = out_of_time if over else "drained"
                return
            await self._wait_for_one()

    def _start_some(self, queue: list[Chore]) -> list[Chore]:
        """Starts what there is room for; returns the rest.

        At a home no more steps run than requests may be in flight: what a killed process had asked
        and not yet stored is then no more than that.
        """
        room = {member_wise: self.room(member_wise=member_wise) for member_wise in (True, False)}
        left = []
        for chore in queue:
            if room[chore.member_wise] > 0:
                room[chore.member_wise] -= 1
                self._start(chore)
            else:
                left.append(chore)
        return left

    def room(self, *, member_wise: bool) -> int:
        """How many more steps may begin, of those that ask as members or of the others."""
        settings = self._engine.settings
        most = self._home_permit.places if member_wise else 2 * settings.host_in_flight
        if self._engine.crowded:
            # With so many lanes at work what keeps steps waiting is us: more of them at once would
            # hardly do more, and hold more answers that cannot be stored yet.
            most = max(1, most - most // 4)
        running = [c for c in self._running.values() if c.member_wise is member_wise]
        return max(0, most - len(running))

    async def _load(self) -> None:
        async with self.connection() as conn:
            row = await hosts.get(conn, self.host)
        # All at once: a step that begins meanwhile must not see a host that is known by half.
        self.row = row
        # Who came, went, or signed in again, since they were read is found at the next need.
        self._sealed, self._tokens = {}, {}
        if self.row.software is not None:
            self.software = Software(self.row.software, self.row.version or "")
        chores.set_robots(self, self._host_permit)
        chores.set_signature(self, self._host_permit)
        await self.why_left_alone()

    async def _see_who_shares(self) -> None:
        """Finds out whether the home has other lanes, and what they know of its failures."""
        async with self.connection() as conn:
            self._share(self.part > 0 or await slices.exist(conn, self.host))
            await self._lease.compare_notes(conn)

    def _share(self, shared: bool) -> None:
        if shared == self._lease.shared:
            return
        self._lease.shared = shared
        in_flight = self._engine.settings.home_in_flight
        limits = self._engine.limits
        self._home_permit.places = main_places(in_flight) if shared else in_flight
        self._lease.budget.share(main_limits(limits) if shared else limits)

    def makes_room(self) -> bool:
        """Whether other lanes may have members of this home: as soon as this one asks for less.

        It does from now on, in this visit; later ones see that there are slices.
        """
        self._share(True)
        return self._home_permit.flying <= self._home_permit.places

    async def reload(self) -> None:
        """Reads again what is known of the host, after a step learnt it."""
        await self._load()

    async def _linger(self, over: bool) -> bool:
        """Waits for what is due within a moment, rather than let go and come back.

        Not in a slice that may read nothing: what is due there waits until its members are moved.
        """
        if over or not self.may_collect():
            return False
        async with self.connection() as conn:
            at = await chores.next_due(conn, self.key)
        now = self.now()
        if at is None or at > now + _LINGER:
            return False
        wait = max((at - now).total_seconds(), _BETWEEN_LOOKS)
        with suppress(TimeoutError):
            await asyncio.wait_for(self.poked.wait(), wait)
        return True

    async def _wait_for_one(self) -> None:
        if not self._running:
            return
        poke = asyncio.create_task(self.poked.wait())
        try:
            awaited: list[asyncio.Task[None] | asyncio.Task[Literal[True]]] = [*self._running, poke]
            await asyncio.wait(awaited, return_when=asyncio.FIRST_COMPLETED)
        finally:
            poke.cancel()
        for task in list(self._running):
            if task.done():
                del self._running[task]
                self._member.pop(task, None)
                if not (task.cancelled() and self._engine.stopping):
                    task.result()

    def _start(self, chore: Chore) -> None:
        self._running[asyncio.create_task(self._one(chore))] = chore

    async def _one(self, chore: Chore) -> None:
        current_tally.set(Tally())
        self.counts.steps[chore.key[0]] += 1
        try:
            await chore.run()
            if chore.due_at is not None:
                late = (self.now() - chore.due_at).total_seconds()
                self._engine.delays.note(chore.work, late)
        except NotPermittedYet as wait:
            self.counts.put_off += 1
            await chore.put_off(wait.until, wait.why)
        except TokenRefused as refused:
            await self._refuse(refused)
        except RemoteError as error:
            self.counts.failed += 1
            await self._failed(chore, error)
        except StorageConflict:
            await chore.put_off(self.now() + _AFTER_A_CONFLICT, "two steps met")
        except (LaneLost, StorageError):
            raise
        except Exception:
            # A fault of ours in one step must neither stop the lane nor spin: it is told, and the
            # step comes back later.
            log.exception("step failed", host=self.host, step=chore.key[0])
            await chore.put_off(self.now() + _AFTER_A_FAULT, "a fault of ours")

    async def _refuse(self, refused: TokenRefused) -> None:
        member = self._member.get(asyncio.current_task())
        if member is not None and member in self._sealed:
            grace = timedelta(days=self._engine.settings.grace_days)
            sealed = self._sealed[member]
            async with self.fenced() as conn:
                await members.refuse(conn, member, sealed, str(refused), self.now() + grace)
            self._refused.add(sealed)
        await self._load()

    async def _failed(self, chore: Chore, error: RemoteError) -> None:
        if self._lease.shared:
            async with self.fenced() as conn:
                await self._lease.compare_notes(conn)
        until = self.retry_at()
        if chore.member_wise and self._home_is_useless(chore, error):
            now = self.now()
            why = f"{_useless(error)}: {error}"
            async with self.fenced() as conn:
                since = await members.fail_home(conn, self.host, why, now)
            if since < now:
                until = max(until, rhythm.home_again(now, since))
            await chores.put_off_home(self, until, why)
        await chore.put_off(until, error.what)

    def _home_is_useless(self, chore: Chore, error: RemoteError) -> bool:
        """Whether there is no sense in asking this home again now."""
        if self.failures() >= HOST_FAILS_AFTER:
            return True
        if isinstance(error, Unreachable):
            return self.row.answered_at is None and "does not resolve" in error.what
        if isinstance(error, TooManyRequests | ServerFault) or chore.key[0] == "watch":
            return False
        self._wrong_answers += 1
        return self._wrong_answers > 1


def _useless(error: RemoteError) -> str:
    if isinstance(error, Unreachable | ServerFault):
        return "the home does not answer"
    return "the home does not answer as a server with Mastodon's API does"
