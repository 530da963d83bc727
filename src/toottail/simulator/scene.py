"""Changes of the world while it runs."""

from __future__ import annotations

import time
from typing import Any

from toottail.errors import UsageError
from toottail.simulator.faults import Fault
from toottail.simulator.hostile import arm
from toottail.simulator.life import deliver
from toottail.simulator.world import Account, Status, World

KEYS = (
    *("faults", "replies", "delete", "mute", "titles"),
    *("revoke", "rebuilding", "forget_apps", "withhold", "pace", "read"),
)


def change(world: World, scene: dict[str, Any]) -> dict[str, Any]:
    """Apply the parts of ``scene`` that concern the world. Returns what was made.

    ``faults``: ``{host: [{"kind": …, "first": …, "seconds": …, "victim": …}, …]}`` replaces the
    faults of hosts (an empty list heals). ``replies``: ``[{"to": uri, "count": n}]`` adds public
    replies to a status, posted now by authors of several hosts and delivered as by `World.spread`.
    ``delete``: ``[uri]``. ``mute``: ``["name@host"]``, by the member. ``titles``:
    ``{host: title}``. Raises `UsageError`.
    """
    for name, faults in scene.get("faults", {}).items():
        if name not in world.hosts:
            raise UsageError(f"no host is called {name!r}")
        try:
            world.hosts[name].faults = [Fault(**fault) for fault in faults]
        except (TypeError, ValueError) as wrong:
            raise UsageError(str(wrong)) from None
    arm(world)
    made = [
        reply.uri
        for wish in scene.get("replies", [])
        for reply in _reply(world, _status(world, wish["to"]), int(wish.get("count", 1)))
    ]
    for uri in scene.get("delete", []):
        world.delete(_status(world, uri))
    for name, title in scene.get("titles", {}).items():
        world.hosts[name].title = str(title)
    for handle in scene.get("mute", []):
        _account(world, handle).muted = True
    return {"replies": made}


def _status(world: World, uri: str) -> Status:
    found = world.by_uri.get(uri)
    if found is None:
        raise UsageError(f"no status has the address {uri!r}")
    return found


def _account(world: World, handle: str) -> Account:
    name, _, host = handle.partition("@")
    found = world.by_handle.get((host, name))
    if found is None:
        raise UsageError(f"no account is called {handle!r}")
    return found


def _sound(world: World, account: Account) -> bool:
    """Whether replies by ``account`` can be fetched and wanted."""
    host = world.hosts[account.host]
    return host is not world.home and not host.faults and not account.nobot


def _reply(world: World, parent: Status, count: int) -> list[Status]:
    now = int(time.time() * 1000)
    others = [a for a in world.accounts if _sound(world, a)]
    made = []
    for _ in range(count):
        reply = world.post(world.random.choice(others), parent, at=now)
        deliver(world, reply)
        made.append(reply)
    return made
