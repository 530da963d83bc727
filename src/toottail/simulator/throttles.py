"""Rate limits as Mastodon has them: fixed windows that are aligned to the epoch."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime


@dataclass(frozen=True, slots=True)
class Rule:
    """At most ``limit`` requests in each ``period`` seconds."""

    name: str
    limit: int
    period: float


TOKEN = Rule("token", 300, 300)
USER = Rule("user", 1500, 300)
USER_PAGING = Rule("user-paging", 300, 900)
ANONYMOUS = Rule("anonymous", 300, 300)
ANONYMOUS_PAGING = Rule("anonymous-paging", 300, 900)


@dataclass(slots=True)
class Verdict:
    """What a host tells about its limits: may this request pass, and the headers."""

    allowed: bool
    headers: dict[str, str]


@dataclass(slots=True)
class Throttles:
    """The counters of one host. ``time_scale`` shrinks the periods, ``limit_scale`` the limits.

    ``peaks`` keeps, for the report, the fullest window of each rule and discriminator; ``over``
    counts, by rule, the requests beyond its limit.
    """

    time_scale: float = 1.0
    limit_scale: float = 1.0
    enabled: bool = True
    refused: int = 0
    counts: dict[tuple[str, str], tuple[int, int]] = field(default_factory=dict)
    peaks: dict[str, int] = field(default_factory=dict)
    over: Counter[str] = field(default_factory=Counter)

    def limit_of(self, rule: Rule) -> int:
        """The limit in force."""
        return max(1, round(rule.limit * self.limit_scale))

    def count(self, applied: Sequence[tuple[Rule, str]], now: float) -> Verdict:
        """Count a request at ``now`` against each (rule, whom); refused ones count as well."""
        if not self.enabled or not applied:
            return Verdict(True, {})
        fullest: tuple[int, int, float] | None = None
        for rule, whom in applied:
            period = rule.period * self.time_scale
            window = int(now // period)
            before, used = self.counts.get((rule.name, whom), (window, 0))
            used = used + 1 if before == window else 1
            self.counts[rule.name, whom] = (window, used)
            limit = self.limit_of(rule)
            self.peaks[rule.name] = max(self.peaks.get(rule.name, 0), used)
            self.over[rule.name] += used > limit
            state = (limit - used, limit, (window + 1) * period)
            if fullest is None or state < fullest:
                fullest = state
        assert fullest is not None
        remaining, limit, reset = fullest
        headers = {
            "X-RateLimit-Limit": str(limit),
            "X-RateLimit-Remaining": str(max(0, remaining)),
            "X-RateLimit-Reset": datetime.fromtimestamp(reset, UTC)
            .isoformat(timespec="microseconds")
            .replace("+00:00", "Z"),
        }
        if remaining < 0:
            self.refused += 1
        return Verdict(remaining >= 0, headers)
