"""Many pretend homes in a process of its own: ``python -m benchmarks.web_homes COUNT FOLDER``.

One home of the simulator answers to COUNT names, without delays and without throttles. It says on
standard output where it is, and ends with its standard input.
"""

from __future__ import annotations

import asyncio
import json
import os
import sys
from pathlib import Path

from aiohttp import web

from toottail.simulator.counters import Asked
from toottail.simulator.options import Options
from toottail.simulator.question import Reply
from toottail.simulator.server import Simulator, kind_of
from toottail.simulator.world import Host
from toottail.simulator.worlds import build


def names(count: int) -> list[str]:
    """What the homes are called."""
    return [f"h{number}.example" for number in range(count)]


class _Homes(Simulator):
    """The home answers for each of ``aliases``, but for what these are called."""

    aliases: frozenset[str] = frozenset()

    async def _answer(self, host: Host, request: web.BaseRequest, path: str, asked: Asked) -> Reply:
        # Where nodeinfo leads is the home's name: all of them would be one.
        if host.name in self.aliases and kind_of(path) != "nodeinfo":
            host = self.world.home
        return await super()._answer(host, request, path, asked)


async def _serve(count: int, folder: Path) -> None:
    world = build("tiny")
    for name in names(count):
        world.add_host(name, world.home_flavour.flavour)
    stop = asyncio.Event()
    homes = _Homes(world, folder, options=Options(latency_scale=0.0, throttles=False))
    homes.aliases = frozenset(names(count))
    async with homes as simulator:
        found = {"env": simulator.env, "home": world.home.name, "port": simulator.browser_port}
        print(json.dumps(found), flush=True)
        asyncio.get_running_loop().add_reader(sys.stdin.fileno(), _watch_stdin, stop)
        await stop.wait()


def _watch_stdin(stop: asyncio.Event) -> None:
    if not os.read(sys.stdin.fileno(), 4096):
        asyncio.get_running_loop().remove_reader(sys.stdin.fileno())
        stop.set()


if __name__ == "__main__":
    asyncio.run(_serve(int(sys.argv[1]), Path(sys.argv[2])))
