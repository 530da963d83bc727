"""Telling a monitor (healthchecks.io, Uptime Kuma) how a run goes: one GET, a few parameters.

The address of a monitor comes from the operator, not from another server. So it may have a port,
and one that ``lan_monitors`` names may be pinged over http and at private addresses. That holds
for pings alone; a network opened by ``allow_networks`` can be reached by any name that somebody on
the internet lets point there.

Whoever has the URL can tell the monitor anything, so only its host is ever shown.

What they read, by healthchecks.io's documentation (2026) and Uptime Kuma's source (2.0): the one
``rid``, a UUID that binds an end to its start; the other ``msg`` and ``ping``, in milliseconds.
Both ignore what they do not know. FediFetcher 7.1.21 sends these three.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from ipaddress import ip_network
from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit

from pydantic import SecretStr
from yarl import URL

from toottail.errors import AddressRefused, AnswerRefused, RedirectedAway, UsageError
from toottail.servers.budgets import HostBudget, standard_limits
from toottail.servers.door import Door, Request
from toottail.servers.guard import Guard
from toottail.servers.permit import Permit
from toottail.settings import Network, Settings

_TIME_LIMIT = 5.0
_MOST_BYTES = 4096
_PORTS = {"http": 80, "https": 443}

# Where monitors of one's own live. Link-local addresses are not among them: metadata services are.
_AT_HOME: tuple[Network, ...] = tuple(
    ip_network(text)
    for text in (
        "10.0.0.0/8",
        "100.64.0.0/10",
        "127.0.0.0/8",
        "172.16.0.0/12",
        "192.168.0.0/16",
        "::1/128",
        "fc00::/7",
    )
)


@dataclass(frozen=True, slots=True)
class Monitor:
    """Where to tell. ``place`` is its name and port, ``near`` whether the operator named it."""

    url: SecretStr
    place: str
    near: bool


def parse_monitor(url: str, lan_monitors: Collection[str]) -> Monitor:
    """The monitor at ``url``. Raises `UsageError`, in words that do not hold the URL."""
    try:
        parts = urlsplit(url.strip())
        name, port = (parts.hostname or "").rstrip("."), parts.port
        URL(url.strip())
    except ValueError:
        raise UsageError("is not a URL") from None
    if parts.scheme not in _PORTS or not name or not url.strip().isprintable():
        raise UsageError("is not a URL that begins with https:// and names a server")
    name = f"[{name}]" if ":" in name else name
    number = port or _PORTS[parts.scheme]
    near = not {name, f"{name}:{number}"}.isdisjoint(one.lower() for one in lan_monitors)
    place = name if number == _PORTS["https"] else f"{name}:{number}"
    if parts.scheme == "http" and not near:
        raise UsageError(
            "begins with http://. Only monitors of your own network are told in the clear: if this "
            f"is one, set TOOTTAIL_LAN_MONITORS={name}:{number}, otherwise use https://"
        )
    return Monitor(SecretStr(url.strip()), place, near)


async def ping(settings: Settings, monitor: Monitor, told: Mapping[str, str]) -> None:
    """Asks for the monitor's URL with the parameters ``told``, in place of any of the same name.

    Takes at most five seconds. Raises `RemoteError`.
    """
    # Nothing is signed here, so that a fault with the actor's key can be told too.
    brief = settings.model_copy(
        update={
            "connect_timeout": _TIME_LIMIT,
            "total_timeout": _TIME_LIMIT,
            "actor_url": None,
        }
    )
    networks = settings.allow_networks + (_AT_HOME if monitor.near else ())
    budget = HostBudget(monitor.place, defaults=standard_limits())
    request = Request(
        with_parameters(monitor.url.get_secret_value(), told),
        accept="*/*",
        max_body=_MOST_BYTES,
        robots=False,  # the operator's own monitor, asked because the operator wants it
        cut=True,
    )
    async with Door(brief, guard=Guard(networks), check=_same_place(monitor)) as door:
        try:
            await door.send(Permit(monitor.place, budget, in_flight=1), request)
        except RedirectedAway:
            # Where to would be in the message, and may be as secret as the URL.
            raise AddressRefused(monitor.place, "redirects to another address: use that") from None
        except AddressRefused as refused:
            raise AddressRefused(
                monitor.place,
                "has a private address. If it is a monitor of your own network, name it: "
                f"TOOTTAIL_LAN_MONITORS={monitor.place}",
            ) from refused


def with_parameters(url: str, told: Mapping[str, str]) -> str:
    """``url`` with the query parameters ``told``; its others stay as they are."""
    parts = urlsplit(url)
    kept = [pair for pair in parse_qsl(parts.query, keep_blank_values=True) if pair[0] not in told]
    return urlunsplit(parts._replace(query=urlencode([*kept, *told.items()]), fragment=""))


def _same_place(monitor: Monitor) -> Callable[[str, str], URL]:
    ours = URL(monitor.url.get_secret_value())

    def check(place: str, url: str) -> URL:
        try:
            asked = URL(url, encoded=True) if url.isascii() else URL(url)
        except ValueError:
            raise AnswerRefused(place, "redirects to no readable address") from None
        if (asked.scheme, asked.host, asked.port) != (ours.scheme, ours.host, ours.port):
            raise RedirectedAway(place, url)
        return asked

    return check
