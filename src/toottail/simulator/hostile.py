"""A host that names statuses which do not exist, so that others go and ask a victim for them."""

from __future__ import annotations

from dataclasses import replace

from toottail.simulator.world import Account, Host, Status, World

NAMED = 1000


def arm(world: World) -> None:
    """Give every thread of every hostile host its invented replies, and lift that host's caps."""
    for host in world.hosts.values():
        for fault in host.faults:
            if fault.kind == "hostile" and fault.victim in world.hosts:
                host.flavour = replace(host.flavour, capped=False)
                _invent(world, host, fault.victim)


def _invent(world: World, host: Host, victim: str) -> None:
    ghost = Account(0, "ghost", victim)
    roots = [s for s in host.known if s.parent is None and s.host == host.name and s.listable]
    for root in roots:
        if root not in host.decoys:
            host.decoys[root] = [_decoy(root, ghost, n) for n in range(1, NAMED + 1)]
            host.counts[root] += NAMED
    world.by_handle.setdefault((victim, ghost.name), ghost)


def _decoy(root: Status, ghost: Account, count: int) -> Status:
    at = root.at + count
    number = at << 16 | root.number & 0xFFFF
    uri = f"https://{ghost.host}/users/{ghost.name}/statuses/{number}"
    url = f"https://{ghost.host}/@{ghost.name}/{number}"
    return Status(number, uri, url, ghost, root, at, invented=True)
