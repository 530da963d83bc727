"""What was asked of whom: the log and the counts that the report is made of."""

from __future__ import annotations

import time
from collections import Counter, defaultdict, deque
from dataclasses import asdict, dataclass, field
from typing import Any

LOG_LENGTH = 20_000
SOON = 60.0


@dataclass(slots=True)
class Asked:
    """One request as the log keeps it; ``kind`` is what it was about, ``time`` Unix seconds.

    ``signed`` is the way in which it is signed as it should be.
    """

    time: float
    host: str
    method: str
    path: str
    kind: str
    user_agent: str
    authorized: bool
    status: int = 0
    signed: str | None = None


@dataclass(slots=True)
class Looks:
    """Readings of threads and their branches, by address; ``soon``: within 60 s of another.

    ``threads_soon`` has those of whole threads (of the first post, at its own host), with the
    seconds between. ``looks`` counts how often one was taken up, in however many addresses, and
    ``begun`` has when each was for the first time, by its first post's URI.
    """

    last: dict[str, float] = field(default_factory=dict)
    reads: int = 0
    soon: Counter[str] = field(default_factory=Counter)
    threads_soon: list[tuple[str, float]] = field(default_factory=list)
    looks: int = 0
    begun: dict[str, float] = field(default_factory=dict)
    _taken_up: dict[str, float] = field(default_factory=dict)

    def note(self, address: str, now: float, *, thread: str | None) -> None:
        """One was read at ``now``, in Unix seconds; ``thread``: a whole one, of that first post."""
        self.reads += 1
        if now - self.last.get(address, 0.0) < SOON:
            self.soon[address] += 1
            if thread is not None:
                self.threads_soon.append((address, round(now - self.last[address], 1)))
        self.last[address] = now
        if thread is not None:
            self.begun.setdefault(thread, now)
            # What is read a moment later belongs to the same look.
            self.looks += now - self._taken_up.get(thread, 0.0) >= SOON
            self._taken_up[thread] = now


@dataclass(slots=True)
class Counters:
    """Everything counted since the start or the last reset."""

    started: float = field(default_factory=time.time)
    log: deque[Asked] = field(default_factory=lambda: deque(maxlen=LOG_LENGTH))
    by_host: defaultdict[str, Counter[str]] = field(default_factory=lambda: defaultdict(Counter))
    in_flight: Counter[str] = field(default_factory=Counter)
    most_in_flight: Counter[str] = field(default_factory=Counter)
    reading: Counter[str] = field(default_factory=Counter)
    most_reading: Counter[str] = field(default_factory=Counter)
    refused: Counter[str] = field(default_factory=Counter)
    home_fetches: Counter[str] = field(default_factory=Counter)
    resolves: Counter[str] = field(default_factory=Counter)
    resolved_at: dict[str, float] = field(default_factory=dict)
    repeated_after: list[float] = field(default_factory=list)
    """Of each resolve that was asked for before: when it was asked for the time before."""
    resolves_at_home: int = 0
    contexts: Counter[str] = field(default_factory=Counter)
    looks: Looks = field(default_factory=Looks)
    robots_violations: Counter[str] = field(default_factory=Counter)
    too_soon: Counter[str] = field(default_factory=Counter)
    last_asked: dict[str, float] = field(default_factory=dict)
    private_hits: int = 0
    arrivals: dict[str, float] = field(default_factory=dict)

    def begin(self, asked: Asked, token: str = "") -> None:
        """A request came in, with a member's ``token`` or without.

        Of timelines it is counted how many are read with one token at the same time.
        """
        self.log.append(asked)
        self.by_host[asked.host][asked.kind] += 1
        self.in_flight[asked.host] += 1
        now = self.in_flight[asked.host]
        if now > self.most_in_flight[asked.host]:
            self.most_in_flight[asked.host] = now
        if token and asked.kind == "timeline":
            self.reading[token] += 1
            self.most_reading[token] = max(self.most_reading[token], self.reading[token])

    def end(self, asked: Asked, status: int, token: str = "") -> None:
        """It was answered with ``status`` (0: not at all)."""
        asked.status = status
        self.in_flight[asked.host] -= 1
        if token and asked.kind == "timeline":
            self.reading[token] -= 1
        if status == 429:
            self.refused[asked.host] += 1

    def resolve(self, address: str) -> None:
        """A home was asked to resolve this."""
        before = self.resolved_at.get(address)
        if before is not None:
            self.repeated_after.append(before)
        self.resolves[address] += 1
        self.resolved_at[address] = time.time()

    def reset(self) -> None:
        """Forget the past; requests under way stay in flight."""
        fresh = Counters(in_flight=self.in_flight, reading=self.reading)
        for name in self.__slots__:
            setattr(self, name, getattr(fresh, name))

    def tail(self, count: int) -> list[dict[str, Any]]:
        """The last ``count`` requests, oldest first."""
        return [asdict(asked) for asked in list(self.log)[-count:]]
