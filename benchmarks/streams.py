"""What an open stream costs in memory: so many are opened by one process, and nothing else is done.

    python -m benchmarks.streams --streams 1000
    python -m benchmarks.streams --streams 1000 --way socket

The simulator is a process of its own. Memory is what the system counts as resident.
"""

from __future__ import annotations

import argparse
import asyncio
import gc
import os
from itertools import islice

import uvloop
from pydantic import SecretStr

from toottail.servers.door import Door
from toottail.servers.home_traits import Streaming
from toottail.servers.streams import listen
from toottail.settings import load
from toottail.simulator.process import SimulatorProcess
from toottail.worker.memory import memory_now
from toottail.worker.streams import room_for

_HOMES = 40
_AT_ONCE = 20
# The simulator's homes are of four kinds, in turns.
_KINDS: dict[Streaming, tuple[int, ...]] = {"events": (0, 1), "socket": (0, 1, 2)}


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.streams", description=__doc__)
    parser.add_argument("--streams", type=int, default=1_000)
    parser.add_argument("--way", choices=sorted(_KINDS), default="events")
    return parser.parse_args()


def _number(home: str) -> int:
    digits = home.partition(".")[0].removeprefix("home")
    return int(digits or 0)


async def _measure(
    simulator: SimulatorProcess, wanted: list[tuple[str, str]], way: Streaming
) -> None:
    places = asyncio.Semaphore(_AT_ONCE)
    opened = 0
    heard = 0
    all_open = asyncio.Event()

    async def one(home: str, token: str) -> None:
        nonlocal opened, heard
        await places.acquire()

        def note() -> None:
            nonlocal opened
            opened += 1
            places.release()
            if opened == len(wanted):
                all_open.set()

        async for _ in listen(door, home, home, way, SecretStr(token), opened=note):
            heard += 1

    async with Door(load(environ=simulator.env)) as door:
        gc.collect()
        before = memory_now()
        tasks = [asyncio.create_task(one(home, token)) for home, token in wanted]
        await asyncio.wait_for(all_open.wait(), 300)
        await asyncio.sleep(20)  # signs of life have come over each
        gc.collect()
        after = memory_now()
        assert not any(task.done() for task in tasks)
        print(f"{len(wanted)} streams ({way}): {before >> 20} MiB before, {after >> 20} MiB after")
        print(f"{(after - before) / len(wanted) / 1024:.0f} KiB each; {heard} statuses heard")
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


def main() -> None:
    """Measures and prints."""
    arguments = _arguments()
    room_for(arguments.streams)
    city = ("--world", "city", "--homes", str(_HOMES), "--members", str(3 * arguments.streams))
    with SimulatorProcess(*city, "--pace", "20") as simulator:
        os.environ["SSL_CERT_FILE"] = simulator.ca_file
        all_members = ((one["home"], one["token"]) for one in simulator.members())
        fitting = (
            (home, token)
            for home, token in all_members
            if _number(home) % 4 in _KINDS[arguments.way]
        )
        wanted = list(islice(fitting, arguments.streams))
        assert len(wanted) == arguments.streams
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            runner.run(_measure(simulator, wanted, arguments.way))


if __name__ == "__main__":
    main()
