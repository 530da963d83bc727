"""Gathers what is known of hosts: what we asked, were told, and when we ask next and why."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime

from toottail.repository import blocks, host_reports
from toottail.repository.blocks import DomainList
from toottail.repository.database import Connection
from toottail.repository.host_reports import StoredHost
from toottail.servers.budgets import HostBudget, standard_limits
from toottail.servers.consent import shuts_out
from toottail.servers.robots import Robots, RobotsRecord


@dataclass(frozen=True, slots=True)
class HostReport:
    """One host: ``robots``, ``limits``, ``problems`` and ``next_why`` are in words for people.

    ``next_at`` is None where nothing is due, or nothing will ever be asked.
    """

    host: str
    is_home: bool
    software: str | None
    robots: str
    asked_today: int
    asked: int
    last_status: int | None
    last_answer_at: datetime | None
    limits: tuple[str, ...]
    problems: tuple[str, ...]
    blocked: str | None
    blocked_by_homes: tuple[str, ...]
    next_at: datetime | None
    next_why: str


@dataclass(frozen=True, slots=True)
class HostReports:
    """The hosts, and the lists of domains that count."""

    hosts: tuple[HostReport, ...]
    lists: tuple[DomainList, ...]


async def gather(conn: Connection, name: str | None, *, only_problems: bool) -> HostReports:
    """What is known of all hosts, or of ``name``; of that one a report is made in any case."""
    now = datetime.now(UTC)
    stored = await host_reports.stored(conn, name)
    if name is not None and not stored:
        stored = [await _unknown(conn, name)]
    found = []
    for host in stored:
        homes = await host_reports.shut_out_by(conn, host.host) if name is not None else ()
        report = _report(host, tuple(homes), now)
        if report.problems or not only_problems:
            found.append(report)
    return HostReports(tuple(found), tuple(await blocks.lists(conn)))


async def _unknown(conn: Connection, name: str) -> StoredHost:
    barred = await blocks.barred(conn, name)
    nothing = (None,) * 8
    return StoredHost(name, barred, False, *nothing[:7], False, None, None, 0, 0, 0, {}, None)


def _report(stored: StoredHost, homes: tuple[str, ...], now: datetime) -> HostReport:
    budget = HostBudget.from_state(stored.host, stored.budget, defaults=standard_limits())
    robots = _robots(stored)
    if robots is not None and robots.crawl_delay:
        budget.pace(robots.crawl_delay)
    last = budget.last_status
    next_at, why = _next(stored, budget, now)
    name = " ".join(word for word in (stored.software, stored.version) if word)
    return HostReport(
        host=stored.host,
        is_home=stored.is_home,
        software=name or None,
        robots=_robots_words(stored, robots),
        asked_today=stored.today,
        asked=stored.total,
        last_status=last[0] if last else None,
        last_answer_at=last[1] if last else stored.answered_at,
        limits=tuple(
            f"{room} of {limit.requests} in {limit.seconds:g} s left ({name.partition(':')[0]})"
            for name, (room, limit) in sorted(budget.rooms(now).items())
        ),
        problems=tuple(_problems(stored, robots, budget, now)),
        blocked=stored.barred,
        blocked_by_homes=homes,
        next_at=next_at,
        next_why=why,
    )


def _robots(stored: StoredHost) -> Robots | None:
    if stored.robots_at is None:
        return None
    return Robots.from_record(RobotsRecord(stored.robots, stored.robots_at))


def _robots_words(stored: StoredHost, robots: Robots | None) -> str:
    if robots is None:
        return "not read yet"
    if stored.robots is None:
        return "none"
    words = "shuts us out" if shuts_out(robots) else "allows us"
    return words + (f", one request in {robots.crawl_delay:g} s" if robots.crawl_delay else "")


def _problems(
    stored: StoredHost, robots: Robots | None, budget: HostBudget, now: datetime
) -> list[str]:
    found = []
    if stored.barred is not None:
        found.append(stored.barred)
    if stored.refused_until is not None and stored.refused_until > now:
        found.append(f"refuses us: {stored.refused}, time {stored.refused_times} in a row")
    if robots is not None and shuts_out(robots):
        found.append("its robots.txt shuts us out")
    if stored.problem is not None:
        found.append(stored.problem)
    elif budget.failures > 1:
        found.append(f"failed {budget.failures} times in a row")
    if budget.refusals:
        found.append(f"answered 429 {budget.refusals} times in a row")
    return found


def _next(stored: StoredHost, budget: HostBudget, now: datetime) -> tuple[datetime | None, str]:
    if stored.barred is not None and not stored.is_home:
        return None, f"never: {stored.barred}"
    if stored.due_at is None:
        waiting = stored.refused_until is not None and stored.refused_until > now
        return None, "not before it may be tried again" if waiting else "nothing is due"
    names = ["token"] if stored.is_home else ["anonymous"]
    free = budget.earliest(names, now)
    held = [(stored.due_at, "then a question is due")]
    if free > now:
        held.append((free, budget.why(names, now)))
    if stored.refused_until is not None:
        held.append((stored.refused_until, f"it refuses us: {stored.refused}"))
    return max(held)
