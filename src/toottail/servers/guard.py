"""Which addresses may be asked: those of the public internet, and networks opened by a setting.

Names are looked up here, and every address of the answer is judged; the socket that connects is
judged once more, since a URL can hold an address without any look-up. A name with one forbidden
address is refused as a whole: nobody needs such a name, but an attacker does.
"""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from ipaddress import IPv4Address, IPv6Address, IPv6Network, ip_address, ip_network

from aiohttp.abc import AbstractResolver, ResolveResult
from aiohttp.connector import AddrInfoType

from toottail.errors import AddressRefused
from toottail.settings import Network

Address = IPv4Address | IPv6Address

_NOT_PUBLIC: tuple[Network, ...] = tuple(
    ip_network(text)
    for text in (
        "0.0.0.0/8",  # this network
        "10.0.0.0/8",
        "100.64.0.0/10",  # carrier-grade NAT, and the metadata service of one cloud
        "127.0.0.0/8",
        "169.254.0.0/16",  # link-local, and the metadata services of most clouds
        "172.16.0.0/12",
        "192.0.0.0/24",
        "192.0.2.0/24",  # documentation
        "192.88.99.0/24",  # 6to4 relays
        "192.168.0.0/16",
        "198.18.0.0/15",  # benchmarks
        "198.51.100.0/24",
        "203.0.113.0/24",
        "224.0.0.0/4",  # multicast
        "240.0.0.0/4",  # reserved, broadcast
        "2001::/23",  # Teredo, ORCHID and other protocol assignments
        "2001:db8::/32",
        "2002::/16",  # 6to4: holds an IPv4 address, which could be any
        "3fff::/20",
    )
)
# All that is handed out. IPv4-mapped, NAT64, local and multicast addresses lie outside.
_PUBLIC_6 = IPv6Network("2000::/3")
_DNS_THREADS = 16
_RECEIVED_AT_ONCE = 32 << 10
"""Bytes of a connection that the system keeps for us; Linux takes twice as many."""


class Guard:
    """Judges addresses; ``allowed`` are networks that may be asked although they are not public."""

    def __init__(self, allowed: Iterable[Network] = ()) -> None:
        self._allowed = tuple(allowed)

    def permits(self, address: Address) -> bool:
        """Whether ``address`` may be asked."""
        if any(address in network for network in self._allowed):
            return True
        if isinstance(address, IPv6Address) and address not in _PUBLIC_6:
            return False
        return not any(address in network for network in _NOT_PUBLIC)

    def check(self, host: str, text: str) -> None:
        """Raise `AddressRefused` unless the address ``text`` may be asked for ``host``."""
        try:
            address = ip_address(text)
        except ValueError:
            raise AddressRefused(host, "has an address we cannot read") from None
        if not self.permits(address):
            raise AddressRefused(host, f"has the address {address}, not one we may ask")

    def open_socket(self, info: AddrInfoType) -> socket.socket:
        """A socket for one connection, made only if its address may be asked."""
        family, kind, protocol, _name, address = info
        self.check(str(address[0]), str(address[0]))
        opened = socket.socket(family, kind, protocol)
        opened.setblocking(False)
        # What one read may bring stays with its connection for as long as that is open, and the
        # system's own choice is megabytes. Before the connection: its window is agreed on then.
        opened.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, _RECEIVED_AT_ONCE)
        return opened


class GuardedResolver(AbstractResolver):
    """Looks names up in threads, and refuses names with any address that may not be asked.

    ``connect_to`` maps endings of names to ``address:port``: such names are not looked up.
    """

    def __init__(self, guard: Guard, connect_to: Mapping[str, str]) -> None:
        self._guard = guard
        self._fixed = {ending: _split(target) for ending, target in connect_to.items()}
        self._threads = ThreadPoolExecutor(_DNS_THREADS, thread_name_prefix="dns")

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_UNSPEC
    ) -> list[ResolveResult]:
        """All addresses of ``host``.

        Raises `AddressRefused`, and OSError where the name has no address.
        """
        for ending, (address, fixed_port) in self._fixed.items():
            if host.endswith(ending):
                self._guard.check(host, address)
                return [_result(host, address, fixed_port)]
        found = await asyncio.get_running_loop().run_in_executor(
            self._threads, socket.getaddrinfo, host, port, family, socket.SOCK_STREAM
        )
        addresses = [str(info[4][0]) for info in found]
        for address in addresses:
            self._guard.check(host, address)
        return [_result(host, address, port) for address in addresses]

    async def close(self) -> None:
        """Let the threads go."""
        self._threads.shutdown(wait=False, cancel_futures=True)


def _result(host: str, address: str, port: int) -> ResolveResult:
    return ResolveResult(
        hostname=host,
        host=address,
        port=port,
        family=socket.AF_INET6 if ":" in address else socket.AF_INET,
        proto=socket.IPPROTO_TCP,
        flags=socket.AI_NUMERICHOST,
    )


def _split(target: str) -> tuple[str, int]:
    address, _, port = target.rpartition(":")
    return address.strip("[]"), int(port)
