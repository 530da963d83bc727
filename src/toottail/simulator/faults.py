"""What can be wrong with a host, as data; `misbehave` acts it out."""

from __future__ import annotations

from dataclasses import dataclass

LASTING = frozenset(
    {"dead", "slow", "5xx", "bad-tls", "malformed", "huge", "bomb", "loop", "private", "drip"}
)
"""Faults that neither a client nor another server gets past."""

WHOLE_HOST = frozenset({"dead", "slow", "5xx", "bad-tls"})
"""Faults of every answer; the others spare robots.txt and nodeinfo."""

CLOSED = frozenset({"robots", "forbidden"})
"""What keeps crawlers out, and lets other servers in."""

OF_STREAMS = frozenset({"no-streams", "silent-streams"})
"""Faults of a home's streams alone: none can be opened, or nothing comes over those that are."""

KINDS = LASTING | CLOSED | {"5xx-first", "429", "429-bare", "crawl-delay", "hostile"}


@dataclass(slots=True)
class Fault:
    """One thing wrong with a host.

    ``kind`` is one of `KINDS` or, at a home, of `OF_STREAMS`. ``first``: how many requests about
    conversations meet a passing fault (5xx-first, 429, 429-bare). ``seconds``: the time until the
    reset that a 429 names, or the Crawl-delay. ``victim``: the host on which a hostile one makes up
    statuses. ``met`` counts.
    """

    kind: str
    first: int = 2
    seconds: float = 2.0
    victim: str = ""
    met: int = 0

    def __post_init__(self) -> None:
        known = KINDS | OF_STREAMS
        if self.kind not in known:
            raise ValueError(f"no fault is called {self.kind!r}; there are: {sorted(known)}")
