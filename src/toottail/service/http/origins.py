"""Where a request says it goes to, and which page it says it comes from."""

from __future__ import annotations

from ipaddress import ip_address

from starlette.datastructures import Headers

from toottail.errors import NotAllowed
from toottail.service.context import Service

CSRF_HEADER = "x-csrf-token"
SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS", "TRACE"})
LIVES = "/healthz"
MACHINE_PATHS = frozenset({LIVES, "/readyz", "/metrics"})
"""Asked by monitors, which know us by an address or by a name within their own network."""
_USUAL_PORTS = {"https": "443", "http": "80"}


def is_our_host(service: Service, headers: Headers, path: str) -> bool:
    """Whether the Host header names us.

    Nobody's DNS can make a browser send an address or a name without a dot in place of a name of
    theirs: to `MACHINE_PATHS` these are fine as well.
    """
    named = headers.getlist("host")
    if len(named) != 1:
        return False
    host = named[0].lower()
    scheme, _, ours = service.origin.lower().partition("://")
    if host in (ours, f"{ours}:{_USUAL_PORTS.get(scheme)}"):
        return True
    return path in MACHINE_PATHS and is_internal(host)


def is_internal(host: str) -> bool:
    """Whether a Host header holds an address, or a name without a dot."""
    name = host.rpartition("]")[0].lstrip("[") if host[:1] == "[" else host.partition(":")[0]
    try:
        ip_address(name)
    except ValueError:
        return name != "" and "." not in name and "[" not in host
    return True


def check_origin(service: Service, headers: Headers) -> None:
    """Whether something unsafe was asked for by one of our own pages.

    Raises `NotAllowed` (code ``origin``).
    """
    origins = headers.getlist("origin")
    if origins:
        ours = origins == [service.origin]
    else:
        ours = headers.getlist("sec-fetch-site") in (["same-origin"], ["none"])
    if not ours:
        raise NotAllowed(
            "This did not come from a page of ours. Programs send the header "
            f"Origin: {service.origin}",
            "origin",
        )
