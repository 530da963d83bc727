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

from toottail.simulator.options import Options
from toottail.simulator.server import Simulator
from toottail.simulator.worlds import build


def names(count: int) -> list[str]:
    """What the homes are called."""
    return [f"h{number}.example" for number in range(count)]


async def _serve(count: int, folder: Path) -> None:
    world = build("tiny")
    world.hosts.update(dict.fromkeys(names(count), world.home))
    stop = asyncio.Event()
    async with Simulator(
        world, folder, options=Options(latency_scale=0.0, throttles=False)
    ) as simulator:
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
