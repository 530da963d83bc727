"""How often something may be done: counted in the database, over all processes of the service.

For each key so much is allowed at once, and then so much in a period (a leaky bucket). Addresses
are never stored, only keyed digests of them.
"""

from __future__ import annotations

from dataclasses import dataclass

from toottail.service.context import Service


@dataclass(frozen=True, slots=True)
class Rate:
    """At most ``at_once`` together, and ``per_period`` in each ``period`` seconds after that."""

    at_once: int
    per_period: int
    period: float


SIGN_IN = Rate(10, 10, 600)
"""Sign-ins begun from one address."""
VERIFY = Rate(20, 20, 600)
"""Servers verified from one address."""
OPT_OUT = Rate(5, 5, 3600)
"""Opt-out forms from one address."""
HOME_REQUESTS = Rate(10, 20, 300)
"""Requests to one home for sign-ins, at most 30 in any five minutes: its lane leaves more than that
of what Mastodon allows an address (a fifth of 300, half where nothing is known)."""
LIVE_TEXTS = Rate(5, 5, 300)
"""Conversations whose texts one member reads through us, 10 in any five minutes: the lane leaves 15
of a token's 300 requests."""


async def use(service: Service, kind: str, whom: str, rate: Rate, message: str) -> None:
    """Counts one use by ``whom`` (an address, a home, a member).

    Raises `TooManyAttempts` with ``message`` where it is one too many; that is not counted.
    """
    raise NotImplementedError
