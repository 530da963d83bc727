"""How often something may be done: counted in the database, over all processes of the service.

For each key so much is allowed at once, and then so much in a period (a leaky bucket). Addresses
are never stored, only keyed digests of them.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from datetime import timedelta
from ipaddress import IPv6Address, ip_address

from toottail.errors import TooManyAttempts
from toottail.repository import allowances
from toottail.repository.sealing import Sealer
from toottail.service.context import Service
from toottail.types.hosts import is_public_host


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
HOME_TOKENS = Rate(20, 40, 300)
"""Requests to one home that fetch tokens and ask whose they are: apart from the others, so that who
said yes at home is not turned away. Mastodon counts none of them against an address."""
LIVE_TEXTS = Rate(4, 3, 300)
"""Conversations whose texts one member reads through us, two requests each, 7 in any five minutes:
the lane leaves 15 of a token's 300 requests."""


async def use(service: Service, kind: str, whom: str, rate: Rate, message: str) -> None:
    """Counts one use by ``whom`` (an address, a home, a member).

    Raises `TooManyAttempts` with ``message`` where it is one too many; that is not counted.
    """
    step = timedelta(seconds=rate.period / rate.per_period)
    async with service.database.connection() as conn:
        wait = await allowances.use(
            conn, f"{kind}:{_named(service.sealer, whom)}", step, step * rate.at_once
        )
    if wait is not None:
        # A little later rather than a little too early, which would be one more in vain.
        raise TooManyAttempts(message, math.ceil(wait.total_seconds()))


def _named(sealer: Sealer, whom: str) -> str:
    """``whom`` as it may be stored: homes and numbers of members as they are, all else digested."""
    if is_public_host(whom) or (whom.isascii() and whom.isdigit()):
        return whom
    return sealer.fingerprint("address", _network(whom)).hex()


def _network(text: str) -> str:
    """What counts as one address: of IPv6 the half that a line or a machine is given whole."""
    try:
        address = ip_address(text.strip())
    except ValueError:
        return text
    if isinstance(address, IPv6Address):
        if address.ipv4_mapped is not None:
            return str(address.ipv4_mapped)
        return str(IPv6Address(int(address) >> 64 << 64))
    return str(address)
