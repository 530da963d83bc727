"""Why is this reply not there? All that is stored of its way to one home, as facts in order.

Each fact has a word for programs, which is also its heading, and a sentence for people.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Literal

from toottail.repository import trails
from toottail.repository.database import Connection
from toottail.repository.trails import HostTrail, LaneTrail, MemberTrail, OpenLooks, StatusTrail
from toottail.servers.budgets import HostBudget, standard_limits

About = Literal[
    "posted", "found", "member", "watched", "looked", "compared", "asked", "refused", "lane",
    "budget", "origin", "next",
]  # fmt: skip
_AT_HOME = frozenset({"already_there", "delivered", "resolved", "unattached"})
_UNTIL_HEARD = "nothing more is due: a reply in it, shown by any member's timeline, wakes it"
_PAUSED = {
    "member": "paused by the member",
    "operator": "paused by the operator",
    "token": "paused, because the home refuses the token",
    "home": "paused, because the home fails",
    "idle": "asleep, because the member has not read for 60 days",
}


@dataclass(frozen=True, slots=True)
class Fact:
    """What is known, under one heading."""

    about: About
    words: str


async def of_status(conn: Connection, uri: str, home: str, account: str | None) -> tuple[Fact, ...]:
    """The way of a status to a home that watches its conversation."""
    now = datetime.now(UTC)
    status = await trails.status(conn, uri, home)
    if status is None:
        return ()
    people = await trails.members(conn, home, uri, account, now)
    looks = await trails.open_looks(conn, uri)
    facts = [
        *_found(status),
        *_watched(status, people, home, account),
        *_looked(status, looks),
        *_brought(status, home),
        *_lane(await trails.lane(conn, home, now), home, people, now),
    ]
    for name in dict.fromkeys((status.host, status.origin)):
        if name != home:
            facts += _origin(await trails.host(conn, name, now))
    return (*facts, Fact("next", _next(status, looks, people, now)))


async def of_stranger(
    conn: Connection, host: str | None, home: str | None, account: str | None
) -> tuple[Fact, ...]:
    """What is known of a status that is not: of its host, and of the member who misses it."""
    now = datetime.now(UTC)
    facts: list[Fact] = []
    if host is not None and host != home:
        known = await trails.host(conn, host, now)
        facts += _origin(known) or [Fact("origin", f"{host}: nothing was ever asked there")]
        lane = await trails.lane(conn, host, now)
        if lane is not None and lane.looks_due:
            facts.append(Fact("origin", f"{host}: {lane.looks_due} questions wait for it now"))
    if home is not None:
        people = await trails.members(conn, home, None, account, now)
        facts += _people(people, home, account)
    return tuple(facts)


def _found(status: StatusTrail) -> Iterator[Fact]:
    if status.created_at is not None:
        yield Fact("posted", f"{_time(status.created_at)}, by its own server's word")
    what = "it is the conversation's first post" if status.parent_uri is None else "a reply"
    yield Fact("found", f"{_time(status.found_at)}, named by {status.listed_by}; {what}")


def _watched(
    status: StatusTrail, people: Sequence[MemberTrail], home: str, account: str | None
) -> Iterator[Fact]:
    saw = [one for one in people if one.saw_at is not None]
    yield Fact(
        "watched",
        f"by {home} since {_time(status.began_at)}, until {_time(status.ends_at)} at least; "
        f"{len(saw)} of its members saw the conversation, "
        f"{sum(one.active for one in saw)} of them are active",
    )
    if account is not None:
        yield from _people(people, home, account)


def _people(people: Sequence[MemberTrail], home: str, account: str | None) -> Iterator[Fact]:
    if not people:
        who = f"@{account}@{home}" if account else f"of {home}"
        yield Fact("member", f"no member {who} is known here")
    elif account is None:
        active = sum(one.active for one in people)
        yield Fact("member", f"{len(people)} members of {home} are known here, {active} active")
    for one in people if account is not None else ():
        words = [f"@{one.account}@{home}"]
        if one.saw_at is not None:
            words.append(f"a timeline of theirs showed it, {_time(one.saw_at)} last")
        else:
            words.append("no timeline of theirs showed it")
        if one.paused_why is not None:
            told = f" ({one.problem})" if one.problem else ""
            words.append(_PAUSED.get(one.paused_why, one.paused_why) + told)
        if one.told is not None:
            words.append(f"the home timeline is not read: {one.told}")
        if one.sources_read_at is not None:
            words.append(f"timelines were read {_time(one.sources_read_at)}")
        if one.collect_at is not None:
            words.append(f"and are read again from {_time(one.collect_at)} on")
        yield Fact("member", "; ".join(words))


def _looked(status: StatusTrail, looks: Sequence[OpenLooks]) -> Iterator[Fact]:
    when = f"{_time(status.looked_at)} last" if status.looked_at is not None else "not yet"
    yield Fact("looked", f"at the conversation: {when}")
    for one in looks:
        why = f" ({one.problem})" if one.problem else ""
        yield Fact(
            "looked",
            f"{one.host} has {one.questions} questions to answer yet, the next from "
            f"{_time(one.at)} on{why}",
        )


def _brought(status: StatusTrail, home: str) -> Iterator[Fact]:
    if status.compared_at is not None:
        yield Fact("compared", f"{home} told what it shows {_time(status.compared_at)}")
    else:
        yield Fact("compared", f"{home} was not asked what it shows: that did not pay, or not yet")
    if status.shut_out:
        yield Fact("refused", f"{home} blocks {status.host} by its public block list")
    if status.state is not None:
        changed = f", {_time(status.changed_at)}" if status.changed_at is not None else ""
        seen = f": {status.observed}" if status.observed else ""
        inferred = f" ({status.inferred})" if status.inferred else ""
        tries = f"{status.tries} times by name" if status.tries else "never by name"
        yield Fact("asked", f"{tries}; {status.state}{changed}{seen}{inferred}")
    else:
        yield Fact("asked", f"{home} was never asked for it, and never showed it")


def _lane(
    lane: LaneTrail | None, home: str, people: Sequence[MemberTrail], now: datetime
) -> Iterator[Fact]:
    if lane is None:
        yield Fact("lane", f"no worker ever served {home}")
        return
    due = f"{lane.deliveries_due} replies are due there now"
    if lane.holder is not None:
        yield Fact("lane", f"worker {lane.holder} serves {home} now; {due}")
    elif lane.last_worker is not None:
        ended = f" until {_time(lane.ended_at)}" if lane.ended_at is not None else ""
        yield Fact(
            "lane",
            f"worker {lane.last_worker} served {home} last, from {_time(lane.started_at)}{ended}, "
            f"with {lane.requests} requests; {due}",
        )
    budget = HostBudget.from_state(home, lane.budget, defaults=standard_limits())
    names = [[f"token:{one.id}"] for one in people if one.saw_at is not None] or [["address"]]
    free = min(names, key=lambda one: budget.earliest(one, now))
    until = budget.earliest(free, now)
    if until > now:
        why = budget.why(free, now)
        yield Fact("budget", f"{home} can be asked again from {_time(until)} on: {why}")
    else:
        yield Fact("budget", f"{home} can be asked now")


def _origin(host: HostTrail) -> list[Fact]:
    facts = []
    if host.barred is not None:
        facts.append(f"is left alone: {host.barred}")
    if host.refused_until is not None:
        facts.append(f"refuses us ({host.refused}), asked again from {_time(host.refused_until)}")
    if host.problem is not None:
        facts.append(f"does not answer as it should: {host.problem}, {_time(host.problem_at)}")
    elif host.answered_at is not None:
        facts.append(f"answered {_time(host.answered_at)} last")
    if host.api_off:
        facts.append("its API is closed to those who have no account there")
    return [Fact("origin", f"{host.host} {words}") for words in facts]


def _next(
    status: StatusTrail, looks: Sequence[OpenLooks], people: Sequence[MemberTrail], now: datetime
) -> str:
    """When something is done about it again, whatever that is."""
    if not any(one.active for one in people if one.saw_at is not None):
        return "nothing, because no active member saw the conversation"
    if status.state in _AT_HOME:
        return "nothing is left to do for this one"
    if status.again_at is not None:
        return f"the home is asked for it {_from(status.again_at, now)}"
    if status.stage_due_at is not None:
        when = _from(status.stage_due_at, now)
        return f"the step '{status.stage}' of the conversation is due {when}"
    if looks:
        return f"a look at the conversation is due {_from(min(one.at for one in looks), now)}"
    if status.stage not in ("done", "failed"):
        return f"the conversation is at the step '{status.stage}', which waits for others of it"
    if status.next_look_at is not None and status.next_look_at > now:
        return f"the conversation is looked at again from {_time(status.next_look_at)} on"
    return _UNTIL_HEARD


def _from(at: datetime, now: datetime) -> str:
    return f"from {_time(at)} on" if at > now else f"now (since {_time(at)})"


def _time(at: datetime | None) -> str:
    return f"{at.astimezone():%Y-%m-%d %H:%M:%S}" if at is not None else "at an unknown time"
