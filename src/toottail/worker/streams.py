"""The streams that a worker holds: taken from the database, opened, listened to, given back.

A stream that is lost is given back, whatever the cause, with a time from which on anybody may open
it anew; its member's timeline is read by time meanwhile. So there is one way to open a stream, at
one pace for each home, however many workers there are.
"""

from __future__ import annotations

import asyncio
import random
import resource
import time
from collections.abc import AsyncIterator, Collection
from contextlib import aclosing, asynccontextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import structlog
from pydantic import SecretStr

from toottail.errors import (
    Forbidden,
    NotPermittedYet,
    RemoteError,
    ServerFault,
    StorageError,
    TooManyRequests,
    Unreachable,
)
from toottail.flow.shown import seen_of
from toottail.repository import streams
from toottail.repository.database import Connection
from toottail.repository.streams import ASKED_EVERY, STREAMS_LOCK, Claim, Loss
from toottail.servers.asker import Asker
from toottail.servers.budgets import HostBudget, standard_limits
from toottail.servers.home_traits import STREAMING, traits_of
from toottail.servers.nodeinfo import Software
from toottail.servers.permit import Permit
from toottail.servers.streams import find_place, listen
from toottail.worker.stream_notes import Notes

if TYPE_CHECKING:
    from toottail.worker.engine import Engine

log = structlog.get_logger(__name__)

EVERY = 1.0
"""Seconds between two looks at which streams are to be held."""
SURVEY_EVERY = 5.0
"""Seconds between two looks at the other workers: who is gone, and what each one's share is."""
ENROL_EVERY = 15.0
"""Seconds between two looks for members who could have one."""
_ENROLLED_AT_ONCE = 5_000
_OPENED_AT_ONCE = 50
_CLOSED_AT_ONCE = 20
_SLACK = 1.1
"""A worker gives streams away when it holds so many times its share, and two."""
_STOP_WITHIN = 3.0
_OTHER_FILES = 500
"""Open files that are left for everything but streams."""
_LASTED = 600.0
"""A stream that was open for so many seconds was no failure."""
_FIRST_WAIT = timedelta(seconds=5)
_LONGEST_WAIT = timedelta(hours=1)
_NOT_WANTED = timedelta(days=1)
_ODD = timedelta(hours=6)


@dataclass(slots=True)
class _Held:
    """A stream of ours; ``opened`` is when, on the monotonic clock; None while it is not."""

    claim: Claim
    opened: float | None = None
    why: str | None = None
    task: asyncio.Task[None] | None = field(default=None, repr=False)


@asynccontextmanager
async def listening(engine: Engine) -> AsyncIterator[Streams]:
    """Streams to be started within; at its end those are given back of which that has begun."""
    held = Streams(engine)
    try:
        yield held
    finally:
        await held.stopped()


class Streams:
    """All streams of this process. With the setting off it only frees what dead workers held."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._settings = engine.settings
        self._notes = Notes(engine, self._unstored)
        self._held: dict[int, _Held] = {}
        self._enrolled = self._surveyed = float("-inf")
        self._share = 0
        self._beside: list[asyncio.Task[None]] = []
        self._stopping: asyncio.Task[None] | None = None
        self._most = 0

    # The life of it

    def start(self) -> None:
        """Begins; the engine must be running."""
        if self._settings.streams:
            self._most = room_for(self._settings.streams_per_worker)
        for work, name in ((self._keep(), "streams"), (self._notes.keep(), "stream notes")):
            task = asyncio.create_task(work, name=name)
            task.add_done_callback(self._engine.note_failure)
            self._beside.append(task)

    def stop(self) -> None:
        """Begins to give all streams back."""
        if self._stopping is None:
            self._stopping = asyncio.create_task(self._stop())

    async def stopped(self) -> None:
        """Until all are given back; takes some seconds at most."""
        self.stop()
        assert self._stopping is not None
        await self._stopping

    async def _stop(self) -> None:
        if not self._beside:
            return  # the engine did not get as far as that
        for task in self._beside:
            task.cancel()
        tasks = [one.task for one in self._held.values() if one.task is not None]
        for task in tasks:
            task.cancel()
        with suppress(StorageError, TimeoutError):
            async with asyncio.timeout(_STOP_WITHIN):
                await asyncio.gather(*self._beside, *tasks, return_exceptions=True)
                await self._notes.write()

    async def _keep(self) -> None:
        while True:
            with suppress(StorageError):
                await self._once()
            await asyncio.sleep(EVERY * random.uniform(0.8, 1.2))

    # Which streams are ours

    async def _once(self) -> None:
        async with self._engine.database.connection() as conn:
            if time.monotonic() - self._surveyed > SURVEY_EVERY:
                await self._survey(conn)
            held = await streams.held(conn, self._engine.worker_id)
        self._close_some(held)
        if self._settings.streams and not (self._engine.full or self._engine.stopping):
            for claim in await self._claim(min(self._share - len(self._held), _OPENED_AT_ONCE)):
                one = self._held[claim.member_id] = _Held(claim)
                one.task = asyncio.create_task(self._one(one))

    async def _survey(self, conn: Connection) -> None:
        """Frees what workers held that are gone, whether this one takes streams or not."""
        if freed := await streams.free_dead(conn):
            log.warning("streams of workers that are gone", freed=freed)
        if self._settings.streams:
            await streams.tell(conn, self._engine.worker_id, len(self._held))
            self._share = min(self._most, await streams.fair_share(conn))
        self._surveyed = time.monotonic()

    async def _claim(self, room: int) -> list[Claim]:
        """At most so many to open; none while another process is at it."""
        enrol = time.monotonic() - self._enrolled > ENROL_EVERY
        if room <= 0 and not enrol:
            return []
        async with self._engine.database.transaction() as conn:
            if not await conn.fetchval("SELECT pg_try_advisory_xact_lock($1)", STREAMS_LOCK):
                return []
            if enrol:
                spread = timedelta(seconds=ENROL_EVERY)
                await streams.enrol(conn, STREAMING, _ENROLLED_AT_ONCE, spread)
                self._enrolled = time.monotonic()
            if room <= 0:
                return []
            per_home = self._settings.streams_per_home
            return await streams.claim(conn, self._engine.worker_id, per_home=per_home, most=room)

    def _close_some(self, held: dict[int, bool]) -> None:
        """Closes what is not ours or not wanted any more, and what others should have."""
        for member_id, one in self._held.items():
            if not held.get(member_id):
                self._close(one)
        for member_id in held.keys() - self._held.keys():
            # Nobody listens to it: taken in a transaction whose end we were not told.
            if not self._notes.is_lost(member_id):
                self._notes.lost(member_id, Loss(timedelta(0), 0, None))
        surplus = len(self._held) - self._share
        if self._settings.streams and len(self._held) > self._share * _SLACK + 2:
            for one in list(self._held.values())[-min(surplus, _CLOSED_AT_ONCE) :]:
                self._close(one)

    def _close(self, one: _Held, why: str | None = None) -> None:
        if one.task is not None and not one.task.done():
            one.why = why
            one.task.cancel()

    def _unstored(self, member_ids: Collection[int], why: str) -> None:
        """What streams showed is not stored: the timelines are read instead."""
        log.warning("streams dropped", members=len(member_ids), why=why)
        for member_id in member_ids:
            if (one := self._held.get(member_id)) is not None:
                self._close(one, why)

    # One stream

    async def _one(self, one: _Held) -> None:
        member_id = one.claim.member_id
        try:
            why = await self._listen(one)
            self._lose(one, _ODD, why, home=one.opened is None)
        except asyncio.CancelledError:
            wait = timedelta(0) if one.why is None else _wait(one.claim.failures + 1)
            self._notes.lost(member_id, Loss(wait, one.claim.failures, one.why))
        except (RemoteError, NotPermittedYet) as error:
            self._note(one, error)
        except StorageError as error:
            self._lose(one, _wait(one.claim.failures + 1), str(error), home=False)
        except Exception:
            log.exception("stream failed", home=one.claim.home)
            self._lose(one, _LONGEST_WAIT, "a fault of ours", home=False)
        finally:
            del self._held[member_id]

    async def _listen(self, one: _Held) -> str:
        """Until there is no sense in it; says why. Raises what `listen` raises."""
        claim = one.claim
        way = traits_of(Software(claim.software, claim.version)).streaming
        place = await self._place(claim)
        if way is None or place is None:
            return "the home offers no stream"

        def opened() -> None:
            one.opened = time.monotonic()
            self._notes.up(claim.member_id)

        token = SecretStr(self._engine.sealer.open(claim.token_sealed))
        door = self._engine.door
        heard = listen(door, claim.home, place, way, token, opened=opened)
        async with aclosing(heard) as entries:
            async for entry in entries:
                seen = seen_of(entry, datetime.now(UTC))
                if seen and not self._notes.show(claim.home, claim.member_id, seen):
                    raise Unreachable(claim.home, "brings more than can be stored now")
        raise AssertionError("a stream ends by an error")

    async def _place(self, claim: Claim) -> str | None:
        """Where the home's streams are; it is asked once a day."""
        now = datetime.now(UTC)
        if claim.asked_at is not None and now - claim.asked_at < ASKED_EVERY:
            return claim.place
        budget = HostBudget(claim.home, defaults=standard_limits())
        permit = Permit(claim.home, budget, in_flight=1)
        place = await find_place(Asker(self._engine.door, permit, home=claim.home))
        async with self._engine.database.connection() as conn:
            await streams.store_place(conn, claim.home, place)
        return place

    def _note(self, one: _Held, error: RemoteError | NotPermittedYet) -> None:
        """What an error means: for this stream, or for all of the home where none could be opened.

        A token that is not taken is for the reading of the timeline to find out and tell.
        """
        lasted = 0.0 if one.opened is None else time.monotonic() - one.opened
        failures = 1 if lasted > _LASTED else one.claim.failures + 1
        home = one.opened is None
        wait = _wait(failures)
        match error:
            case Forbidden():
                wait, home = _NOT_WANTED, False
            case Unreachable() | ServerFault():
                pass
            case TooManyRequests() | NotPermittedYet():
                until = error.until or datetime.now(UTC)
                wait = max(wait, until - datetime.now(UTC))
            case _:
                wait = max(wait, _ODD if home else _LONGEST_WAIT)
        what = error.what if isinstance(error, RemoteError) else error.why
        self._lose(one, wait, what, home=home, failures=failures)

    def _lose(
        self, one: _Held, wait: timedelta, why: str, *, home: bool, failures: int | None = None
    ) -> None:
        claim = one.claim
        failures = claim.failures + 1 if failures is None else failures
        log.info("stream lost", home=claim.home, member=claim.member_id, why=why, again_in=wait)
        self._notes.lost(claim.member_id, Loss(wait, failures, why))
        if home:
            self._notes.put_off_home(claim.home, wait, failures)


def _wait(failures: int) -> timedelta:
    """How long to wait after so many failures in a row: longer each time, and never all at once."""
    longest = min(_FIRST_WAIT * (1 << min(failures, 20)), _LONGEST_WAIT)
    return longest * random.uniform(0.5, 1.0)


def room_for(wanted: int) -> int:
    """So many streams as this process may have open files for, ``wanted`` at most."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    needed = wanted + _OTHER_FILES
    if soft != resource.RLIM_INFINITY and soft < needed:
        raised = needed if hard == resource.RLIM_INFINITY else min(needed, hard)
        with suppress(ValueError, OSError):
            resource.setrlimit(resource.RLIMIT_NOFILE, (raised, hard))
            soft = raised
        if soft < needed:
            log.warning("few files may be open", limit=soft, streams=max(1, soft - _OTHER_FILES))
            return max(1, soft - _OTHER_FILES)
    return wanted
