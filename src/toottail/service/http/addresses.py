"""Whose address a request came from, for limits.

The server's own handling of proxy headers is off: what a proxy adds stands on the right, what is
left of that is anybody's word.
"""

from __future__ import annotations

from collections.abc import Sequence
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network

from starlette.datastructures import Headers
from starlette.types import Scope

from toottail.settings import Network, Settings

_Address = IPv4Address | IPv6Address
_MOST_HOPS = 20
_UNKNOWN = "unknown"
_FORWARDING = ("x-forwarded-for", "x-forwarded-host", "x-real-ip", "forwarded", "via")


def visitor(settings: Settings, scope: Scope) -> str:
    """The visitor's address as limits count it: of IPv6 the /64, which is one household's."""
    address = _address_of(settings, scope)
    if address is None:
        return _UNKNOWN
    if isinstance(address, IPv6Address):
        return str(ip_network((address, 64), strict=False))
    return str(address)


def is_insider(settings: Settings, scope: Scope) -> bool:
    """Whether a monitor asks: from this machine or a trusted network, not through a proxy."""
    if any(name in Headers(scope=scope) for name in _FORWARDING):
        return False
    address = _peer(scope)
    if address is None:
        return False
    return address.is_loopback or _is_in(address, settings.trusted_proxies)


def _address_of(settings: Settings, scope: Scope) -> _Address | None:
    address = _peer(scope)
    if address is None or not _is_in(address, settings.trusted_proxies):
        return address
    told = ",".join(Headers(scope=scope).getlist("x-forwarded-for")).split(",")
    for word in reversed(told[-_MOST_HOPS:]):
        hop = _parsed(word)
        if hop is None:
            return address
        address = hop
        if not _is_in(hop, settings.trusted_proxies):
            return hop
    return address


def _peer(scope: Scope) -> _Address | None:
    client = scope.get("client")
    return _parsed(client[0]) if client else None


def _parsed(word: str) -> _Address | None:
    text = word.strip()
    if text.startswith("["):
        text = text[1:].partition("]")[0]
    elif text.count(":") == 1:
        text = text.partition(":")[0]
    try:
        address = ip_address(text.partition("%")[0])
    except ValueError:
        return None
    return getattr(address, "ipv4_mapped", None) or address


def _is_in(address: _Address, networks: Sequence[Network]) -> bool:
    return any(address in network for network in networks)
