"""The first run for one account: TootTail against the sequential model, and on several homes.

    python -m benchmarks.first_run                    everything but real-limits, about 20 minutes
    python -m benchmarks.first_run --only small       no rate limit binds
    python -m benchmarks.first_run --only limits      the home's limit binds, its period shortened
    python -m benchmarks.first_run --only homes       TootTail alone on other kinds of home
    python -m benchmarks.first_run --only real-limits TootTail alone, 300 requests in 5 minutes

The two programs take turns, so that what else the machine does hits both.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from math import ceil
from statistics import median

from benchmarks.common import Outcome, middle, say, sequential, table, toottail

_SMALL = ("--world", "small", "--limit-scale", "20")
_HOMES = ("mastodon", "mastodon45", "gotosocial", "takahe", "never")
_HEADS = (
    "",
    "recovered",
    "of",
    "requests home",
    "× floor",
    "other hosts",
    "× floor",
    "requests per reply",
    "seconds",
    "CPU s",
    "peak MiB",
)

# What the simulator does: Mastodon's limit per token, its period in seconds, the mean time of an
# answer of the home, and that of a resolve, fetching included. All before they are scaled.
_LIMIT = 300
_PERIOD = 300.0
_ANSWER = 0.06
_RESOLVE = 0.26
# What TootTail does by default: its part of the limit, and requests at once to a home.
_SHARE = 0.95
_IN_FLIGHT = 4


@dataclass(frozen=True, slots=True)
class Pace:
    """A scale for the limits' periods and one for all latencies."""

    periods: float
    latency: float

    @property
    def period(self) -> float:
        """Seconds from one window of the limit to the next."""
        return _PERIOD * self.periods

    def arguments(self, seed: int) -> tuple[str, ...]:
        """The simulator's arguments."""
        scales = ("--throttle-scale", f"{self.periods:g}", "--latency-scale", f"{self.latency:g}")
        return ("--world", "limits", "--seed", str(seed), *scales)

    def allowed(self, requests: int) -> float:
        """The least seconds for so many requests to the home, from the beginning of a window.

        Each window takes 95 % of its limit. All windows but the last pass whole; what is left
        for the last goes out four at a time.
        """
        in_window = int(_LIMIT * _SHARE)
        windows = ceil(requests / in_window)
        left = requests - (windows - 1) * in_window
        return (windows - 1) * self.period + left * _RESOLVE * self.latency / _IN_FLIGHT


# A window's requests take about 10 s, half of it: the limit binds, as it does in real life.
_SHORT = Pace(periods=0.06, latency=0.5)
_REAL = Pace(periods=1.0, latency=1.0)


def small(seeds: Sequence[int]) -> None:
    """A timeline of 40 with about 400 missing replies on 25 hosts."""
    say("## No rate limit binds\n")
    ours, _ = _against_each_other(
        seeds,
        lambda seed: toottail(*_SMALL, "--seed", str(seed)),
        lambda seed: sequential(*_SMALL, "--seed", str(seed)),
    )
    _against_four_at_a_time(ours)


def limits(seeds: Sequence[int]) -> None:
    """Threads whose completion takes more than twice what the home allows in one period."""
    say(f"## The home's limit binds: {_LIMIT} requests in {_SHORT.period:g} s\n")
    ours, _ = _against_each_other(
        seeds,
        lambda seed: toottail(*_SHORT.arguments(seed), at_window=_SHORT.period),
        lambda seed: sequential(*_SHORT.arguments(seed), at_window=_SHORT.period),
    )
    _against_what_limits_allow(_SHORT, ours)


def real_limits(seeds: Sequence[int]) -> None:
    """The same with the limit and the latencies of a real Mastodon, TootTail alone."""
    say(f"## The home's limit binds: {_LIMIT} requests in {_REAL.period:g} s\n")
    ours = [toottail(*_REAL.arguments(seed), at_window=_REAL.period) for seed in seeds[:1]]
    say(table(_HEADS, [_row("TootTail", outcome) for outcome in ours]) + "\n")
    _against_what_limits_allow(_REAL, ours)


def homes(seeds: Sequence[int]) -> None:
    """The world of `small` on every kind of home."""
    say("## Other homes\n")
    rows = []
    for home in _HOMES:
        outcome = toottail(*_SMALL, "--seed", str(seeds[0]), "--home", home)
        rows.append(_row(home, outcome))
    say(table(_HEADS, rows) + "\n")


def _against_each_other(
    seeds: Sequence[int], ours: Callable[[int], Outcome], theirs: Callable[[int], Outcome]
) -> tuple[list[Outcome], list[Outcome]]:
    found: tuple[list[Outcome], list[Outcome]] = ([], [])
    rows = []
    for seed in seeds:
        for outcomes, run, name in zip(
            found, (ours, theirs), ("TootTail", "sequential"), strict=True
        ):
            outcomes.append(run(seed))
            rows.append(_row(f"{name}, seed {seed}", outcomes[-1]))
    say(table(_HEADS, rows) + "\n")
    ratios = [b.usage.seconds / a.usage.seconds for a, b in zip(*found, strict=True)]
    fair = [r * a.recovered / b.recovered for r, a, b in zip(ratios, *found, strict=True)]
    say(
        "Wall time, median: TootTail "
        f"{middle([o.usage.seconds for o in found[0]])} s, sequential "
        f"{middle([o.usage.seconds for o in found[1]])} s. TootTail is {middle(ratios)} times "
        f"faster ({_each(ratios, 1)}), for each reply recovered {middle(fair)} times "
        f"({_each(fair, 1)}).\n"
    )
    return found


def _against_four_at_a_time(ours: Sequence[Outcome]) -> None:
    bounds = []
    for outcome in ours:
        resolves = int(outcome.report["floor_home"]["resolves"])
        others = outcome.floor("home") - resolves
        bounds.append((resolves * _RESOLVE + others * _ANSWER) / _IN_FLIGHT)
    ratios = [o.usage.seconds / least for o, least in zip(ours, bounds, strict=True)]
    say(
        f"Four at a time, the floor's requests to the home take {median(bounds):.1f} s; TootTail "
        f"took {median(ratios):.2f} times that ({_each(ratios, 2)}).\n"
    )


def _each(ratios: Sequence[float], digits: int) -> str:
    return f"each seed: {', '.join(f'{ratio:.{digits}f}' for ratio in ratios)}"


def _against_what_limits_allow(pace: Pace, ours: Sequence[Outcome]) -> None:
    allowed = [pace.allowed(outcome.floor("home")) for outcome in ours]
    ratios = [o.usage.seconds / least for o, least in zip(ours, allowed, strict=True)]
    say(
        f"The limits allow the floor's requests in {median(allowed):.1f} s; TootTail took "
        f"{median(ratios):.2f} times that ({_each(ratios, 2)}).\n"
    )


def _row(name: str, outcome: Outcome) -> list[str]:
    return [
        name,
        f"{outcome.recovered}",
        f"{outcome.reachable}",
        f"{outcome.requests('home')}",
        f"{outcome.over_floor('home'):.2f}",
        f"{outcome.requests('remote')}",
        f"{outcome.over_floor('remote'):.2f}",
        f"{outcome.per_reply:.2f}",
        f"{outcome.usage.seconds:.1f}",
        f"{outcome.usage.cpu:.1f}",
        f"{outcome.usage.peak:.0f}",
    ]


_PARTS = {"small": small, "limits": limits, "homes": homes, "real-limits": real_limits}


def main() -> None:
    """Runs what the arguments name and prints tables in Markdown."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.first_run")
    parser.add_argument("--only", choices=sorted(_PARTS))
    parser.add_argument("--seeds", type=int, nargs="+", default=[1, 2, 3])
    given = parser.parse_args()
    for name, part in _PARTS.items():
        if given.only == name or (given.only is None and part is not real_limits):
            part(given.seeds)


if __name__ == "__main__":
    main()
