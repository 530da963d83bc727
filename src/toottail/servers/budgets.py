"""What one host allows: its limits, its wishes (Retry-After, Crawl-delay) and its circuit.

Plain state of whoever holds the host's lane, without input or output: ``now`` is always given, a
UTC datetime. It is stored with the lane (`HostBudget.state`) and goes on from there elsewhere.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from toottail.servers.allowance import Allowance, Limit
from toottail.servers.circuit import Circuit, resting_time
from toottail.servers.rate_headers import Told, clock_ahead, read_limit, read_retry_after
from toottail.types.counts import Wait

__all__ = ["HostBudget", "Limit", "standard_limits"]

SIGNED = "signed"
"""The allowance of requests that our actor signs."""
_UNKNOWN = Limit(150, 300, 0.8)
_FEWEST_ALLOWED = 8


def standard_limits(home_share: float = 0.95, user_share: float = 0.5) -> dict[str, Limit]:
    """The limits to assume until a host tells its own: by allowance name, or its kind before ``:``.

    Mastodon's for tokens, users and paging; half of its for anonymous requests to unknown hosts;
    and those that a host is known to have though its headers do not tell them.
    """
    return {
        "anonymous": _UNKNOWN,
        "anonymous-paging": Limit(300, 900, 0.8),
        "token": Limit(300, 300, home_share),
        "address": Limit(300, 300, home_share, ours_alone=False),
        "user": Limit(1500, 300, user_share, ours_alone=False),
        "user-paging": Limit(300, 900, user_share, ours_alone=False),
        "mbin": Limit(60, 60, 0.8),
        # Sharkey's for each endpoint and address; that of children is 25 at once, then 4 a second.
        "sharkey:show": Limit(2, 1, 1.0),
        "sharkey:children": Limit(24, 6, 1.0),
        "sharkey:conversation": Limit(10, 5, 1.0),
    }


class HostBudget:
    """The budget of one host over all its allowances.

    ``defaults`` are the limits to assume, by allowance name (``token:7``) or its kind (``token``);
    an allowance in neither is taken for a small anonymous one. ``jitter`` gives numbers in 0…1.
    """

    def __init__(
        self,
        host: str,
        *,
        defaults: Mapping[str, Limit],
        jitter: Callable[[], float] = random.random,
    ) -> None:
        self.host = host
        self._defaults = defaults
        self._jitter = jitter
        self._allowances: dict[str, Allowance] = {}
        self._circuit = Circuit(jitter)
        self._waits: dict[str, float] = {}  # until when, by allowance name; "" for the whole host
        self._refusals = 0
        self._pace = 0.0
        self._signed_pace = 0.0
        self._last_sent = 0.0
        self._ahead = 0  # requests a former holder of the lane may have sent unseen, …
        self._ahead_at = 0.0  # … and when
        self._clock_ahead: float | None = None
        self._now = 0.0
        self._forbidden = 0
        self._last_status: tuple[int, float] | None = None

    def paced(self, names: Sequence[str]) -> float:
        """Seconds of pause that the host wants between requests that count against ``names``.

        0 where it wants none; else such requests go one by one. A member's own have none.
        """
        if _are_anonymous(names):
            return self._pace
        return self._signed_pace if SIGNED in names else 0.0

    @property
    def failures(self) -> int:
        """How many requests in a row failed by the host's fault."""
        return self._circuit.failures

    @property
    def refusals(self) -> int:
        """How many answers in a row were 429."""
        return self._refusals

    @property
    def forbidden(self) -> int:
        """How many answers in a row were 401 or 403; requests of members do not count."""
        return self._forbidden

    def pardon(self) -> None:
        """Begin anew to count answers of 401 and 403."""
        self._forbidden = 0

    def noted(self, names: Sequence[str], status: int, now: datetime) -> None:
        """The host answered with ``status`` to a request that counted against ``names``."""
        self._last_status = (status, self._at(now))
        if not any(name.startswith("token") for name in names):
            self._forbidden = self._forbidden + 1 if status in (401, 403) else 0

    @property
    def last_status(self) -> tuple[int, datetime] | None:
        """The HTTP status that the host answered last, and when; None before its first answer."""
        if self._last_status is None:
            return None
        status, at = self._last_status
        return status, datetime.fromtimestamp(at, UTC)

    def rooms(self, now: datetime) -> dict[str, tuple[int, Limit]]:
        """By allowance: how many requests may still go out now, and the limit as far as known."""
        at = self._at(now)
        for one in self._allowances.values():
            one.advance(at, 0)
        return {name: (one.room, one.limit) for name, one in self._allowances.items()}

    def limit(self, name: str) -> Limit:
        """The limit of one allowance, as far as it is known."""
        one = self._allowances.get(name)
        return one.limit if one is not None else self._default(name)

    def earliest(self, names: Sequence[str], now: datetime, in_flight: int = 0) -> datetime:
        """The first moment from ``now`` on at which a request counting against ``names`` may go.

        ``in_flight`` requests are on their way at ``now``.
        """
        at = self._at(now)
        when = self._blocked_until(names, at)
        for name in names:
            moment = self._allowance(name).earliest(at, in_flight)
            if moment > when:
                when = moment
        return now if when <= at else datetime.fromtimestamp(when + 1e-6, UTC)

    def _blocked_until(self, names: Sequence[str], at: float) -> float:
        when = self._circuit.earliest(at)
        if self._pace and (pause := self.paced(names)):
            when = max(when, self._last_sent + pause)
        for name in ("", *names) if self._waits else ():
            when = max(when, self._waits.get(name, 0.0))
        return when

    def why(self, names: Sequence[str], now: datetime) -> str:
        """The reason why a request must wait, in words for people."""
        match self.reason(names, now):
            case "failing":
                return f"it failed {self._circuit.failures} times in a row"
            case "asked":
                return "it asked us to wait"
            case "pace":
                return f"its robots.txt asks for {self.paced(names):g} s between requests"
            case "limit":
                return "its limit is used up"

    def reason(self, names: Sequence[str], now: datetime) -> Wait:
        """The same as a word for programs."""
        at = self._at(now)
        if self._circuit.earliest(at) > at:
            return "failing"
        if any(self._waits.get(name, 0.0) > at for name in ("", *names)):
            return "asked"
        pause = self.paced(names)
        return "pace" if pause and self._last_sent + pause > at else "limit"

    def spend(self, names: Sequence[str], now: datetime) -> None:
        """Count one request against ``names``: it goes out now."""
        at = self._at(now)
        if _are_anonymous(names) or self.paced(names):
            self._last_sent = at
        self._circuit.spend(at)
        for name in names:
            self._allowance(name).spend(at)

    def told(
        self, names: Sequence[str], headers: Mapping[str, str], now: datetime, in_flight: int
    ) -> None:
        """Learn from the headers of an answer to a request that counted against ``names``.

        ``in_flight`` counts the other requests on their way.
        """
        if "X-RateLimit-Limit" not in headers:
            return
        at = self._at(now)
        self._clock_ahead = clock_ahead(headers, at, self._clock_ahead)
        limit = read_limit(headers, at)
        if limit is None:
            return
        reset = limit.reset - (self._clock_ahead or 0.0)
        if reset <= at:  # an answer from a cache, or of a window that has just ended
            return
        for name in names:
            self._allowance(name).advance(at, in_flight)
        self._attribute(limit, reset, [self._allowance(name) for name in names], at, in_flight)

    def _attribute(
        self, told: Told, reset: float, named: list[Allowance], at: float, in_flight: int
    ) -> None:
        """Find whose limit the headers describe.

        They tell of the throttle nearest to empty, without its name. The number and the reset say
        which it can be, our own count which it is. Where nothing decides, every named allowance
        is held to what is left: none of the others can have less.
        """
        fitting = [one for one in named if one.fits(told.requests, reset, at)]
        whole = [one for one in fitting if _is_whole(told.reset, one.limit.seconds)]
        fitting = whole or fitting
        counted = told.requests - told.remaining
        unsure = in_flight + self._ahead + 2
        own: list[Allowance] = []
        closest = float("inf")
        for one in fitting or [one for one in named if not one.was_told]:
            sent = one.sent_since(reset - one.limit.seconds)
            distance = abs(sent - counted)
            if sent - unsure <= counted <= sent + 2 and distance <= closest:
                own = [*own, one] if distance == closest else [one]
                closest = distance
        if not own and not fitting and told.requests < min(one.limit.requests for one in named):
            own = named[:1]  # a smaller limit than assumed: believed, at the cost of some speed
        for one in own or fitting:
            one.aligned = _is_whole(told.reset, one.limit.seconds)
            # Mastodon adds the fraction of the present second to the window's end.
            early = told.reset % one.limit.seconds if one.aligned else 0.0
            one.told(
                told.requests,
                told.remaining,
                reset - (early if early < 1 else 0.0),
                at,
                in_flight,
            )
        if not (own or fitting):
            for one in named:
                one.bound(told.requests, told.remaining, reset, in_flight)

    def refused(self, names: Sequence[str], until: datetime | None, now: datetime) -> datetime:
        """The host answered 429 (after `told`): returns until when we wait.

        ``until`` is what it said, None when it said nothing: then we back off, longer each time,
        and take the limit to be lower than we thought.
        """
        at = self._at(now)
        named = [self._allowance(name) for name in names]
        spent = [name for name, one in zip(names, named, strict=True) if one.room == 0]
        if max((self._waits.get(name, 0.0) for name in ("", *names)), default=0.0) <= at:
            self._refusals += 1  # else it was on its way when the first refusal came
        if until is not None:
            when = min(max(until.timestamp(), at + 1), at + 86400)
        else:
            resets = [one.reset for one in named if one.room == 0 and one.reset is not None]
            when = max(resets) if resets else at + resting_time(self._refusals, self._jitter())
            if not resets:
                for one in named:
                    one.lower(at, _FEWEST_ALLOWED)
        for name in spent or names or ("",):
            self._waits[name] = max(when, self._waits.get(name, 0.0))
        return datetime.fromtimestamp(when, UTC)

    def asked_to_wait(self, headers: Mapping[str, str], now: datetime) -> datetime | None:
        """When `Retry-After` says to come back, None where the answer has none."""
        moment = read_retry_after(headers, self._at(now))
        return None if moment is None else datetime.fromtimestamp(moment, UTC)

    def rest(self, until: datetime, now: datetime) -> None:
        """The whole host asked to be left alone until then (503 with Retry-After)."""
        self._waits[""] = min(until.timestamp(), self._at(now) + 86400)

    def succeeded(self, now: datetime) -> None:
        """The host answered as a working server does (a 404 is such an answer, a 429 is none)."""
        self._circuit.succeeded()
        self._refusals = 0
        at = self._at(now)
        if self._waits:
            self._waits = {name: until for name, until in self._waits.items() if until > at}

    def failed(self, now: datetime) -> None:
        """The host did not answer, or with a fault of its own."""
        self._circuit.failed(self._at(now))

    def pace(self, seconds: float, signed: float = 0.0) -> None:
        """Let at least ``seconds`` pass between anonymous requests, one in flight at a time.

        ``signed`` says the same for signed requests; a host that wants the latter wants both.
        """
        self._pace = max(0.0, seconds)
        self._signed_pace = max(0.0, signed)

    def rested_from(self, now: datetime) -> None:
        """The pause between requests is counted from now."""
        self._last_sent = self._at(now)

    def state(self, ahead: int = 0) -> dict[str, Any]:
        """All of it as JSON; ``ahead`` further requests of each kind are counted as sent."""
        at = self._now
        return {
            "allowances": {name: one.state() for name, one in self._allowances.items()},
            "circuit": self._circuit.state(),
            "waits": {name: until for name, until in self._waits.items() if until > at},
            "refusals": self._refusals,
            "last_sent": at if ahead else self._last_sent,
            "ahead": ahead,
            "at": at,
            "clock_ahead": self._clock_ahead,
            "forbidden": self._forbidden,
            "last_status": self._last_status,
        }

    @classmethod
    def from_state(
        cls,
        host: str,
        state: Mapping[str, Any] | None,
        *,
        defaults: Mapping[str, Limit],
        jitter: Callable[[], float] = random.random,
    ) -> HostBudget:
        """The budget as stored by `state`; a fresh one where ``state`` is None or empty."""
        budget = cls(host, defaults=defaults, jitter=jitter)
        if not state:
            return budget
        for name, stored in state["allowances"].items():
            one = Allowance.from_state(stored, budget._default(name))
            if state["ahead"]:
                one.spend(state["at"], state["ahead"])
            budget._allowances[name] = one
        budget._ahead, budget._ahead_at = state["ahead"], state["at"]
        budget._circuit.restore(state["circuit"])
        budget._waits = dict(state["waits"])
        budget._refusals = state["refusals"]
        budget._last_sent = state["last_sent"]
        budget._clock_ahead = state["clock_ahead"]
        budget._now = state["at"]
        budget._forbidden = state.get("forbidden", 0)
        budget._last_status = state.get("last_status")
        return budget

    # What lanes of one home have in common

    def share(self, limits: Mapping[str, Limit]) -> None:
        """From now on these are the limits to assume, and our share is theirs."""
        self._defaults = limits
        for name, one in self._allowances.items():
            one.share_as(self._default(name))

    def carry(self, names: Sequence[str]) -> dict[str, Any]:
        """What is known of the allowances ``names``, to be told to another lane by `receive`."""
        known = {name: one for name, one in self._allowances.items() if name in names}
        waits = {name: until for name, until in self._waits.items() if name in names}
        if not known and not waits:
            return {}
        return {"allowances": {name: one.state() for name, one in known.items()}, "waits": waits}

    def drop(self, names: Sequence[str]) -> None:
        """Forget the allowances ``names``: another lane goes on with them."""
        for name in names:
            self._allowances.pop(name, None)
            self._waits.pop(name, None)

    def receive(self, carried: Mapping[str, Any], now: datetime) -> None:
        """Add what another lane has used of some allowances, as told by its `carry`."""
        at = self._at(now)
        for name, state in carried.get("allowances", {}).items():
            self._allowance(name).add(state, at)
        for name, until in carried.get("waits", {}).items():
            self._waits[name] = max(until, self._waits.get(name, 0.0))

    def news(self) -> tuple[int, float] | None:
        """Failures in a row and until when the host rests, where that changed since last asked."""
        return self._circuit.news()

    def heard(self, failures: int, rest_until: float) -> None:
        """Take over what another lane found out of the host's failures."""
        self._circuit.restore([failures, rest_until])

    def _at(self, now: datetime) -> float:
        at = now.timestamp()
        if at > self._now:
            self._now = at
        return at

    def _default(self, name: str) -> Limit:
        return self._defaults.get(name) or self._defaults.get(name.partition(":")[0]) or _UNKNOWN

    def _allowance(self, name: str) -> Allowance:
        one = self._allowances.get(name)
        if one is None:
            one = self._allowances[name] = Allowance(self._default(name))
            if self._ahead:
                one.spend(self._ahead_at, self._ahead)
        return one


def _are_anonymous(names: Sequence[str]) -> bool:
    return any(name.startswith("anonymous") for name in names)


def _is_whole(moment: float, period: float) -> bool:
    """Whether a server that counts in windows aligned to the epoch could name this reset."""
    return (moment + 0.01) % period < 1.01
