"""A run: one account's conversations, completed once, by the same engine that serves many."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from functools import partial
from uuid import UUID, uuid4

import structlog
from pydantic import SecretStr

from toottail.errors import HomeFailed, TokenRefused
from toottail.flow.plan import Trust, plan
from toottail.repository import deliveries, frontier, members, runs, sources
from toottail.repository.database import Database
from toottail.repository.sealing import Sealer, open_sealer
from toottail.servers.door import Door
from toottail.settings import Settings
from toottail.types.reports import Progress, Report, SourceReport
from toottail.types.sources import Choices, Source
from toottail.worker.engine import Engine
from toottail.worker.home_names import find_home

log = structlog.get_logger(__name__)

_WATCH_EVERY = 0.1
_SHOW_EVERY = 0.5
_STRANDED_AFTER = 40.0
_MOST_FREED = 3
_ACTIVE_FOR = timedelta(seconds=30)


@dataclass(frozen=True, slots=True)
class Order:
    """One account whose sources are to be read: its home, its token, and what its owner wants.

    ``named`` is the account's name as its owner gives it; most tokens need not be told.
    """

    home: str
    token: SecretStr
    choices: Choices = field(default_factory=Choices)
    named: str | None = None


async def fetch(
    settings: Settings,
    database: Database,
    home: str,
    token: SecretStr,
    *,
    limit: int = 200,
    choices: Choices | None = None,
    named: str | None = None,
    dry: bool = False,
    max_wait: float = 1200.0,
    show: Callable[[Progress], None] = lambda _: None,
) -> Report:
    """Completes what ``choices`` name: the newest ``limit`` statuses of the timeline by default.

    ``max_wait`` is how many seconds may be spent waiting while every host says "later". With
    ``dry`` nothing is resolved; the report names what would be. ``show`` gets the progress now and
    then. Raises `TokenRefused`, `HomeFailed` or `StorageError`; cancelled, it leaves everything so
    that the next run goes on from there.
    """
    wanted = choices or Choices((Source("home", entries=limit),))
    (outcome,) = await fetch_all(
        settings,
        database,
        [Order(home, token, wanted, named)],
        dry=dry,
        max_wait=max_wait,
        show=lambda _, progress: show(progress),
    )
    if isinstance(outcome, Report):
        return outcome
    raise outcome


async def fetch_all(
    settings: Settings,
    database: Database,
    orders: Sequence[Order],
    *,
    dry: bool = False,
    max_wait: float = 1200.0,
    show: Callable[[int, Progress], None] = lambda _, __: None,
) -> list[Report | TokenRefused | HomeFailed]:
    """The same for several accounts at once, which share what is read elsewhere.

    Returns for each order, in their order, what it brought or why it failed: none stops another.
    ``show`` gets the number of the order with its progress. Raises `StorageError`.
    """
    sealer = open_sealer(settings)
    began: list[_Run] = []
    try:
        for number, (order, asked) in enumerate(await _find_homes(settings, database, orders)):
            run = await _begin(database, sealer, order, asked, dry=dry)
            run.max_wait, run.show = max_wait, partial(show, number)
            run.every = _WATCH_EVERY * len(orders)
            began.append(run)
        async with Door(settings) as door:
            engine = Engine(settings, database, door, sealer)
            async with engine.running():
                return list(await asyncio.gather(*(run.complete(engine, dry=dry) for run in began)))
    finally:
        for run in began:
            await run.end()


async def _find_homes(
    settings: Settings, database: Database, orders: Sequence[Order]
) -> list[tuple[Order, int]]:
    """The orders with the names of their homes' servers, and what it took to find those."""
    found = []
    async with Door(settings) as door:
        for order in orders:
            home, asked = await find_home(database, door, order.home, order.named)
            found.append((replace(order, home=home), asked))
    return found


async def _begin(
    database: Database, sealer: Sealer, order: Order, asked: int, *, dry: bool
) -> _Run:
    secret = order.token.get_secret_value()
    now = datetime.now(UTC)
    async with database.transaction() as conn:
        member = await members.ensure(
            conn, order.home, sealer.fingerprint(order.home, secret), sealer.seal(secret)
        )
        run_id = uuid4()
        await members.set_choices(conn, member.id, order.choices, order.named)
        await members.start_run(conn, run_id, member.id, dry=dry)
        await members.spend_for_member(conn, member.id, asked)
        await members.stay_active(conn, member.id, now + _ACTIVE_FOR)
        await sources.choose(conn, member.id, run_id, order.choices.sources, now)
    return _Run(database, run_id, member.id, order.home)


class _Run:
    def __init__(self, database: Database, run_id: UUID, member_id: int, home: str) -> None:
        self.max_wait = 0.0
        self.every = _WATCH_EVERY
        self.show: Callable[[Progress], None] = lambda _: None
        self._database = database
        self._id = run_id
        self._member_id = member_id
        self._home = home
        self._began = time.monotonic()
        self._progress = Progress()
        self._problem: str | None = None
        self._moved = time.monotonic()
        self._freed = 0

    async def complete(self, engine: Engine, *, dry: bool) -> Report | TokenRefused | HomeFailed:
        """The run from its beginning to its report, or why it failed."""
        try:
            await self.wait(engine)
        except (TokenRefused, HomeFailed) as error:
            return error
        return await self.report(time.monotonic() - self._began, dry=dry)

    async def wait(self, engine: Engine) -> None:
        """Until everything this run read is done, or cannot be done in time."""
        async with self._database.transaction() as conn:
            await engine.enqueue(conn, [self._home])
        shown = active = 0.0
        idle_since: float | None = None
        while True:
            now = time.monotonic()
            if engine.failure is not None:
                raise engine.failure
            async with self._database.connection() as conn:
                if now - active > _ACTIVE_FOR.total_seconds() / 3:
                    until = datetime.now(UTC) + _ACTIVE_FOR
                    await members.stay_active(conn, self._member_id, until)
                    active = now
                self._progress = await runs.progress(conn, self._id)
                next_due = await frontier.run_next_due(conn, self._id)
            if now - shown > _SHOW_EVERY:
                self.show(self._progress)
                shown = now
            if self._is_over():
                self.show(self._progress)
                return
            if next_due is not None:
                self._moved = now
            elif now - self._moved > _STRANDED_AFTER and await self._is_stuck(now):
                return
            waiting = next_due is not None and next_due > datetime.now(UTC) + timedelta(seconds=2)
            idle_since = (idle_since or now) if waiting else None
            if self._is_too_late(idle_since, next_due):
                return
            with suppress(TimeoutError):
                await asyncio.wait_for(engine.failed.wait(), self.every)

    async def _is_stuck(self, now: float) -> bool:
        """Nothing is due, yet something is not finished: sets it going, or ends the run."""
        self._moved = now
        self._freed += 1
        async with self._database.connection() as conn:
            freed = await runs.free_stranded(conn, self._id)
        log.warning("watches were stranded", freed=freed)
        # Another run beside this one may have set going what both wait for.
        if self._freed < _MOST_FREED:
            return False
        left = self._progress.conversations - self._progress.finished
        self._problem = f"{left} conversations were left unfinished; the next run takes them up"
        return True

    def _is_over(self) -> bool:
        at = self._progress
        if at.problem is not None:
            if at.exit_code == 2:
                raise TokenRefused(at.problem)
            raise HomeFailed(at.problem)
        return at.is_over

    def _is_too_late(self, idle_since: float | None, next_due: datetime | None) -> bool:
        """Whether going on would mean to wait longer than we may."""
        if idle_since is None or next_due is None:
            return False
        waited = time.monotonic() - idle_since
        ahead = (next_due - datetime.now(UTC)).total_seconds()
        if waited + ahead <= self.max_wait:
            return False
        hosts = ", ".join(host for host, _ in self._progress.waiting_for) or self._home
        self._problem = (
            f"stopped waiting for {hosts}, which can be asked again at {next_due:%H:%M:%S} UTC;"
            " the next run goes on from here"
        )
        return True

    async def report(self, seconds: float, *, dry: bool) -> Report:
        """What the run brought."""
        async with self._database.connection() as conn:
            outcome = await runs.outcome(conn, self._id)
            to_home, to_others = await runs.spent(conn, self._id)
            failed = await runs.hosts_failed(conn, self._id)
            progress = await runs.progress(conn, self._id)
            account = await members.account_of(conn, self._member_id)
            read = await sources.of_run(conn, self._id)
            brought = await runs.brought(conn, self._id)
            feeds_failed = await runs.feeds_failed(conn, self._id)
        return Report(
            home=self._home,
            account=account,
            finished=self._problem is None,
            statuses_read=progress.statuses_read,
            conversations=progress.conversations - progress.alone,
            replies_found=outcome["found"],
            already_there=outcome["already_there"],
            delivered=outcome["delivered"],
            unattached=outcome["unattached"],
            not_obtained=outcome["not_obtained"],
            unreachable=outcome["unreachable"],
            requests=to_home + to_others,
            requests_home=to_home,
            requests_remote=to_others,
            hosts_failed=failed,
            sources=tuple(
                SourceReport(f"{kind}:{name}" if name else kind, entries, told)
                for kind, name, entries, told in read
            ),
            profiles=brought["profiles"],
            hashtags=brought["hashtags"],
            profiles_opted_out=brought["opted_out"],
            posts_delivered=brought["posts_delivered"],
            posts_not_obtained=brought["posts_not_obtained"],
            feeds_failed=feeds_failed,
            seconds=round(seconds, 2),
            problem=self._problem,
            would_resolve=await self._would_resolve() if dry else (),
        )

    async def _would_resolve(self) -> tuple[str, ...]:
        found: list[str] = []
        now = datetime.now(UTC)
        async with self._database.connection() as conn:
            for number in await runs.conversation_ids(conn, self._id):
                nodes = await deliveries.nodes(conn, self._home, number, now)
                counts = await deliveries.trust(conn, self._home, number)
                trust = {pair: Trust(*numbers) for pair, numbers in counts.items()}
                found += plan(nodes, climbs=True, trust=trust).resolve
        return tuple(found)

    async def end(self) -> None:
        """Ends the run in the database; the member is active no more unless others need them."""
        async with self._database.transaction() as conn:
            await members.end_run(conn, self._id, self._problem)
