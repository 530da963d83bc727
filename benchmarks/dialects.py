"""One thread from each kind of origin: ``python -m benchmarks.dialects``, about 25 minutes.

300 replies in three levels, all missing at home. Half of their authors are on the origin, the
others on four Mastodon hosts. No limit that a host tells binds.

Some origins tell no limits and take more requests than we allow ourselves in 5 minutes, and
BookWyrm wants pauses of 10 s. Those wait most of their time: they run all at once, beside the
others, which take turns.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from pathlib import Path

from benchmarks.common import Outcome, say, table, toottail
from toottail.servers.actor import actor_of
from toottail.servers.signatures import make_key, open_signer
from toottail.settings import Settings
from toottail.simulator.flavours import FLAVOURS

REPLIES = 300
ORIGIN = "big.example"
PATIENT = ("bookwyrm", "activitypub", "rfc9421", "nodebb", "pixelfed", "wordpress")
"""Origins whose threads we read for minutes, at our own pace or at the one they ask for."""
NO_SERVER = "display"
"""A name that leads to another server, on which nothing is written."""
ORIGINS = tuple(name for name in FLAVOURS if name != NO_SERVER)
_WORLD = ("--world", "levels", "--replies", str(REPLIES), "--limit-scale", "20")
_ACTOR = "https://actor.example/actor"
_HEADS = (
    "origin",
    "software",
    f"home, of {REPLIES}",
    "requests to others",
    "to the origin",
    "requests home",
    "seconds",
)


def run(origin: str) -> Outcome:
    """One run; where the origin refuses unsigned requests, with an actor that signs."""
    if FLAVOURS[origin].ap == 200:
        return toottail(*_WORLD, "--origin", origin)
    with tempfile.TemporaryDirectory(prefix="toottail-bench-") as folder:
        key, document = Path(folder, "actor.pem"), Path(folder, "actor.json")
        make_key(key)
        told = Settings(actor_url=_ACTOR, actor_key_file=key)
        signer = open_signer(told)
        actor = actor_of(told, signer.public_pem) if signer else None
        assert actor is not None
        document.write_text(json.dumps(actor.document()))
        settings = {"TOOTTAIL_ACTOR_URL": _ACTOR, "TOOTTAIL_ACTOR_KEY_FILE": str(key)}
        world = (*_WORLD, "--origin", origin, "--actor", str(document))
        return toottail(*world, settings=settings)


def measure(origins: Sequence[str]) -> dict[str, Outcome]:
    """The runs that came to their end, by origin; tells of each on standard error as it ends."""
    patient = [name for name in origins if name in PATIENT]
    quick = [name for name in origins if name not in PATIENT]
    found: dict[str, Outcome] = {}
    with ThreadPoolExecutor(len(patient) + 1) as pool, ThreadPoolExecutor(1) as turns:
        runs = {pool.submit(run, name): name for name in patient}
        runs |= {turns.submit(run, name): name for name in quick}
        for done in as_completed(runs):
            origin = runs[done]
            try:
                found[origin] = done.result()
            except (RuntimeError, subprocess.TimeoutExpired) as wrong:
                _tell(f"{origin}: {wrong}")
                continue
            home, seconds = found[origin].recovered, found[origin].usage.seconds
            _tell(f"{origin}: {home} home after {seconds:.0f} s ({len(found)} of {len(origins)})")
            for lacking in found[origin].report["still_missing"]:
                _tell(f"    lacks {lacking['uri']}: {lacking['why']}")
    return found


def _tell(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


def _row(origin: str, outcome: Outcome) -> list[object]:
    flavour = FLAVOURS[origin]
    return [
        origin,
        f"{flavour.software} {flavour.version}".strip(),
        outcome.recovered,
        outcome.requests("remote"),
        sum(outcome.report["requests"].get(ORIGIN, {}).values()),
        outcome.requests("home"),
        f"{outcome.usage.seconds:.0f}",
    ]


def main() -> int:
    """Runs it and prints a table in Markdown, the fewest requests first; 1 where a run failed."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.dialects")
    parser.add_argument("--origins", nargs="+", default=ORIGINS, choices=ORIGINS)
    origins = parser.parse_args().origins
    found = measure(origins)
    by_cost = sorted(found, key=lambda name: found[name].requests("remote"))
    say(table(_HEADS, [_row(name, found[name]) for name in by_cost]))
    return 0 if len(found) == len(origins) else 1


if __name__ == "__main__":
    raise SystemExit(main())
