"""The report: what was recovered, and what it cost in requests."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from toottail.simulator import throttles
from toottail.simulator.floors import floor_home, floor_remote

if TYPE_CHECKING:
    from toottail.simulator.server import Simulator

_RULES = (
    throttles.TOKEN,
    throttles.USER,
    throttles.USER_PAGING,
    throttles.ANONYMOUS,
    throttles.ANONYMOUS_PAGING,
)


def report(simulator: Simulator) -> dict[str, Any]:
    """All figures of a run so far.

    ``windows`` has the fullest throttle window of each rule at each host; ``robots_violations`` are
    by host and kind of request; ``private_hits`` is None where the trap could not be set.
    """
    return _replies(simulator) | _requests(simulator)


def _replies(simulator: Simulator) -> dict[str, Any]:
    world, truth = simulator.world, simulator.truth
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
                lacking.append({"uri": status.uri, "why": "at home but unattached"})
            else:
                asked = simulator.counters.resolves[status.uri]
                why = "resolved in vain" if asked else "never resolved"
                lacking.append({"uri": status.uri, "why": why})
    return {
        "missing_at_start": missing,
        "reachable": reachable,
        "recovered": recovered,
        "recovered_unattached": unattached,
        "still_missing": lacking,
        "unreachable": dict(unreachable),
        "floor_home": floor_home(world, truth),
        "floor_remote": floor_remote(world, truth),
    }


def _requests(simulator: Simulator) -> dict[str, Any]:
    counters, home = simulator.counters, simulator.world.home.name
    by_host = {name: dict(kinds) for name, kinds in sorted(counters.by_host.items())}
    victims = {f.victim for h in simulator.world.hosts.values() for f in h.faults if f.victim}
    return {
        "requests_home": sum(by_host.get(home, {}).values()),
        "requests_remote": sum(sum(k.values()) for n, k in by_host.items() if n != home),
        "requests": by_host,
        "home_fetches": dict(counters.home_fetches),
        "repeated_resolves": sum(n - 1 for n in counters.resolves.values()),
        "resolves_already_at_home": counters.resolves_at_home,
        "repeated_contexts": sum(n - 1 for n in counters.contexts.values()),
        "most_in_flight": dict(counters.most_in_flight),
        "refused_429": dict(counters.refused),
        "windows": _windows(simulator),
        "robots_violations": dict(counters.robots_violations),
        "crawl_delay_violations": dict(counters.too_soon),
        "secrets_touched": _secrets_touched(simulator),
        "private_hits": counters.private_hits if simulator.private_listener else None,
        "victims": {
            name: {
                "requests": sum(by_host.get(name, {}).values()),
                "home_fetches": counters.home_fetches[name],
            }
            for name in sorted(victims)
        },
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
