"""How the lanes of one large home share out what it allows.

The main lane looks, compares and delivers, each slice only collects. Both use the members' tokens,
so each has a part of what we allow ourselves of a token's limit, and neither reads what the home
tells of it as if nobody else were there.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from toottail.servers.allowance import Limit
from toottail.servers.home_traits import traits_of
from toottail.servers.nodeinfo import Software

_SLICES_PART = 0.4
_SHARED = "token"
# Where a token may not look an account up, that is asked without it: once for each member.
_SLICES_ANONYMOUS = Limit(2, 300)


def can_be_sliced(software: Software, in_flight: int) -> bool:
    """Whether the members of a home that runs ``software`` may be collected in several lanes.

    Not while it is unknown what it runs, not where all members share the limit of our address, and
    not where only one request may be on its way.
    """
    known = software.name != "unknown"
    return known and in_flight > 1 and not traits_of(software).limits_address


def main_places(in_flight: int) -> int:
    """Requests at once to a sliced home from its main lane, of ``in_flight`` in all."""
    return max(1, in_flight // 2)


def slices_at_once(in_flight: int) -> int:
    """How many of its slices may be served at once; each has one request on its way at a time."""
    return max(1, in_flight - main_places(in_flight))


def main_limits(limits: Mapping[str, Limit]) -> dict[str, Limit]:
    """The limits of a sliced home's main lane, out of those of a home that is not sliced."""
    return {**limits, _SHARED: _part(limits[_SHARED], 1 - _SLICES_PART)}


def slice_limits(limits: Mapping[str, Limit]) -> dict[str, Limit]:
    """The same for a slice."""
    token = _part(limits[_SHARED], _SLICES_PART)
    return {**limits, _SHARED: token, "anonymous": _SLICES_ANONYMOUS}


def _part(limit: Limit, part: float) -> Limit:
    return replace(limit, share=limit.share * part, ours_alone=False)
