"""The report: what was recovered, and what it cost in requests."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Collection
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from toottail.simulator import throttles
from toottail.simulator.counters import Counters
from toottail.simulator.floors import floor_home, floor_remote
from toottail.simulator.shapes import account_id
from toottail.simulator.world import Status

if TYPE_CHECKING:
    from toottail.simulator.household import Household
    from toottail.simulator.server import Simulator

_RULES = (
    throttles.TOKEN,
    throttles.USER,
    throttles.USER_PAGING,
    throttles.ANONYMOUS,
    throttles.ANONYMOUS_PAGING,
)


def report(simulator: Simulator) -> dict[str, Any]:
    """All figures of a run so far; ``homes`` splits those of replies where there are several.

    ``windows`` has the fullest throttle window of each rule at each host; ``robots_violations`` are
    by host and kind of request; ``private_hits`` is None where the trap could not be set.
    """
    homes = {name: _replies(household) for name, household in simulator.households.items()}
    if len(homes) == 1:
        (replies,) = homes.values()
        world, truth = simulator.world, simulator.truth
        floors = {
            "floor_home": floor_home(world, truth),
            "floor_remote": floor_remote(world, truth),
        }
        return replies | floors | _requests(simulator)
    return _together(homes) | {"homes": homes} | _requests(simulator)


def traffic(simulator: Simulator, until: float = math.inf, since: float = 0.0) -> dict[str, Any]:
    """The figures of requests, and the delays of what was new, without the judgement of threads.

    ``until``: what was posted later (Unix seconds) does not count for the delays, nor what was
    posted before ``since``.
    """
    arrivals = {name: one.counters.arrivals for name, one in simulator.households.items()}
    life, looks = simulator.life, simulator.counters.looks
    return _requests(simulator) | {
        "delays": life.delays(arrivals, until, since),
        "first_looks": life.first_looks(looks.begun, until),
    }


def waits(simulator: Simulator) -> dict[str, list[float]]:
    """By home, how many seconds each new reply took to come, or has been waited for."""
    arrivals = {name: one.counters.arrivals for name, one in simulator.households.items()}
    return simulator.life.waits(arrivals)


def members(simulator: Simulator) -> list[dict[str, str]]:
    """Whoever has a token that was not made by a sign-in: home, account, account_id, token."""
    return [
        {
            "home": name,
            "account": grant.user.name,
            "account_id": account_id(grant.user),
            "token": grant.token,
        }
        for name, household in simulator.households.items()
        for grant in household.home.grants.values()
        if grant.app is None
        and (household.world.crowd is None or grant.token != household.home.token)
    ]


def _together(homes: dict[str, dict[str, Any]]) -> dict[str, Any]:
    """The figures of all homes as one."""
    all_of = list(homes.values())
    sums: dict[str, Any] = {
        key: sum(one[key] for one in all_of)
        for key in ("missing_at_start", "reachable", "recovered", "recovered_unattached")
    }
    unreachable: Counter[str] = Counter()
    for one in all_of:
        unreachable.update(one["unreachable"])
    lacking = [{"home": n} | status for n, one in homes.items() for status in one["still_missing"]]
    return sums | {"still_missing": lacking, "unreachable": dict(unreachable)}


def _replies(household: Household) -> dict[str, Any]:
    world, truth = household.world, household.truth
    missing = reachable = recovered = unattached = 0
    lacking: list[dict[str, str]] = []
    unreachable: Counter[str] = Counter()
    for conversation in truth.conversations():
        missing += len(conversation.missing)
        reachable += len(conversation.reachable)
        for status in sorted(conversation.missing, key=lambda s: s.number):
            if status not in conversation.reachable:
                unreachable[truth.why_not(conversation, status)] += 1
            elif truth.arrived(status):
                recovered += 1
            elif world.home.has(status):
                unattached += 1
                lacking.append(_lacking(status, "at home but unattached"))
            else:
                asked = household.counters.resolves[status.uri]
                why = "resolved in vain" if asked else "never resolved"
                lacking.append(_lacking(status, why))
    return {
        "missing_at_start": missing,
        "reachable": reachable,
        "recovered": recovered,
        "recovered_unattached": unattached,
        "still_missing": lacking,
        "unreachable": dict(unreachable),
    }


def _lacking(status: Status, why: str) -> dict[str, str]:
    return {"uri": status.uri, "why": why, "thread": status.root.uri}


def _requests(simulator: Simulator) -> dict[str, Any]:
    counters, homes = simulator.counters, simulator.households
    of_homes = [household.counters for household in homes.values()]
    fetches: Counter[str] = Counter()
    for one in of_homes:
        fetches.update(one.home_fetches)
    by_host = {name: dict(kinds) for name, kinds in sorted(counters.by_host.items())}
    victims = {f.victim for h in simulator.world.hosts.values() for f in h.faults if f.victim}
    return {
        "requests_home": sum(sum(by_host.get(home, {}).values()) for home in homes),
        "requests_remote": sum(sum(k.values()) for n, k in by_host.items() if n not in homes),
        "requests": by_host,
        "kinds": _kinds(counters, homes),
        "home_fetches": dict(fetches),
        "repeated_resolves": sum(n - 1 for c in of_homes for n in c.resolves.values()),
        "repeated_after": sorted(at for c in of_homes for at in c.repeated_after),
        "resolves_already_at_home": sum(c.resolves_at_home for c in of_homes),
        "looks": _looks(counters),
        "repeated_contexts": sum(n - 1 for n in counters.contexts.values()),
        "most_in_flight": dict(counters.most_in_flight),
        "most_timelines_at_once": max(counters.most_reading.values(), default=0),
        "refused_429": dict(counters.refused),
        "windows": _windows(simulator),
        "over_limit": {n: dict(t.over) for n, t in simulator.throttles.items() if t.over.total()},
        "robots_violations": dict(counters.robots_violations),
        "crawl_delay_violations": dict(counters.too_soon),
        "secrets_touched": _secrets_touched(simulator),
        "private_hits": counters.private_hits if simulator.private_listener else None,
        "victims": {
            name: {
                "requests": sum(by_host.get(name, {}).values()),
                "home_fetches": fetches[name],
            }
            for name in sorted(victims)
        },
    }


def _kinds(counters: Counters, homes: Collection[str]) -> dict[str, dict[str, int]]:
    """Requests by kind, those to homes and those to all other hosts."""
    found: dict[str, Counter[str]] = {"home": Counter(), "remote": Counter()}
    for name, kinds in counters.by_host.items():
        found["home" if name in homes else "remote"].update(kinds)
    return {where: dict(kinds) for where, kinds in found.items()}


def _looks(counters: Counters) -> dict[str, Any]:
    """Readings of threads: how many, of how many addresses, and which again within 60 s."""
    looks = counters.looks
    return {
        "reads": looks.reads,
        "addresses": len(looks.last),
        "threads": looks.looks,
        "threads_again_within_60_s": len(looks.threads_soon),
        "threads_again": looks.threads_soon[:20],
        "again_within_60_s": looks.soon.total(),
        "examples": dict(looks.soon.most_common(5)),
    }


def _secrets_touched(simulator: Simulator) -> int:
    """Requests and resolves that concern followers-only and direct posts."""
    world, counters = simulator.world, simulator.counters
    secrets = [s for s in world.statuses if not s.listable]
    paths = {
        (host.name, path)
        for host in world.hosts.values()
        for s in secrets
        if s in host.known
        for path in (
            f"/api/v1/statuses/{host.known[s]}",
            urlsplit(s.uri).path,
            urlsplit(s.url).path,
        )
    }
    asked = sum((a.host, a.path.removesuffix("/context")) in paths for a in counters.log)
    return asked + sum(counters.resolves[s.uri] for s in secrets)


def _windows(simulator: Simulator) -> dict[str, dict[str, dict[str, int]]]:
    """The fullest window of each rule at each host, against its limit."""
    return {
        name: {
            rule.name: {"most": found.peaks[rule.name], "limit": found.limit_of(rule)}
            for rule in _RULES
            if rule.name in found.peaks
        }
        for name, found in simulator.throttles.items()
        if found.peaks
    }


def truth_listing(simulator: Simulator) -> dict[str, Any]:
    """Every conversation with every public status in it, what it is and when it arrived."""
    world, truth, arrivals = simulator.world, simulator.truth, simulator.counters.arrivals
    return {
        "conversations": [
            {
                "root": conversation.root.uri,
                "statuses": [
                    {
                        "uri": s.uri,
                        "parent": s.parent.uri if s.parent else None,
                        "missing_at_start": s in conversation.missing,
                        "leaf": s in conversation.leaves,
                        "verdict": truth.why_not(conversation, s)
                        if s in conversation.missing
                        else "was at home",
                        "at_home": world.home.has(s),
                        "joined": truth.arrived(s),
                        "posted": s.at / 1000,
                        "arrived": arrivals.get(s.uri),
                    }
                    for s in conversation.root.branch()
                    if s.listable
                ],
            }
            for conversation in truth.conversations()
        ]
    }
