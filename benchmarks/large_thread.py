"""One thread of 2,000 replies, deeper than 60: ``python -m benchmarks.large_thread``.

Nearly all of it is missing at home. It is read from four kinds of origin; no rate limit binds.
"""

from __future__ import annotations

import argparse

from benchmarks.common import say, table, toottail

_ORIGINS = ("mastodon45", "mastodon", "hollo", "activitypub")
_HEADS = (
    "origin",
    "recovered",
    "of",
    "requests home",
    "× floor",
    "other hosts",
    "× floor",
    "seconds",
    "CPU s",
    "peak MiB",
)


def main() -> None:
    """Runs it and prints a table in Markdown."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.large_thread")
    parser.add_argument("--origins", nargs="+", default=_ORIGINS, choices=_ORIGINS)
    parser.add_argument("--replies", type=int, default=2000)
    given = parser.parse_args()
    world = ("--world", "large", "--replies", str(given.replies), "--limit-scale", "40")
    rows = []
    for origin in given.origins:
        outcome = toottail(*world, "--origin", origin)
        rows.append(
            (
                origin,
                outcome.recovered,
                outcome.reachable,
                outcome.requests("home"),
                f"{outcome.over_floor('home'):.2f}",
                outcome.requests("remote"),
                f"{outcome.over_floor('remote'):.2f}",
                f"{outcome.usage.seconds:.1f}",
                f"{outcome.usage.cpu:.1f}",
                f"{outcome.usage.peak:.0f}",
            )
        )
    say(table(_HEADS, rows))


if __name__ == "__main__":
    main()
