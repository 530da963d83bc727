"""``python -m toottail.simulator``: a pretend fediverse until it is told to stop."""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import json
import os
import signal
import sys
from pathlib import Path

from toottail.errors import TootTailError
from toottail.simulator.flavours import FLAVOURS, HOME_FLAVOURS
from toottail.simulator.options import Options
from toottail.simulator.server import Simulator
from toottail.simulator.worlds import build


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m toottail.simulator", description=__doc__)
    parser.add_argument("--world", default="small")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--home", default="mastodon", choices=sorted(HOME_FLAVOURS))
    parser.add_argument("--origin", choices=sorted(FLAVOURS), help="who serves the one thread")
    parser.add_argument("--replies", type=int, help="the size of large, levels and limits")
    parser.add_argument("--homes", type=int, help="of the town and the city")
    parser.add_argument("--members", type=int, help="of the town and the city, in all")
    parser.add_argument("--sizes", type=int, nargs="+", default=(), help="the members of each home")
    parser.add_argument("--settled", action="store_true", help="the city's homes lack nothing yet")
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--browser-port", type=int, default=0, help="of the page to sign in")
    parser.add_argument("--dir", type=Path, required=True, help="gets ca.pem")
    parser.add_argument("--scopes", help="of the member's token, separated by spaces")
    parser.add_argument("--actor", type=Path, help="an actor's document, whose signatures count")
    parser.add_argument("--throttles", choices=("on", "off"), default="on")
    for name in ("throttle", "limit", "latency"):
        parser.add_argument(f"--{name}-scale", type=float, default=1.0)
    for name in ("resolve", "job", "late", "give-up", "crawl-min-age", "crawl-interval"):
        parser.add_argument(f"--{name}", type=float, help="seconds")
    parser.add_argument("--pace", type=float, help="new replies a second, with many homes")
    parser.add_argument("--until-stdin-closes", action="store_true")
    return parser.parse_args()


def _options(arguments: argparse.Namespace) -> Options:
    given = {
        name: value
        for name, value in vars(arguments).items()
        if name in Options.__dataclass_fields__ and name != "throttles" and value is not None
    }
    return Options(throttles=arguments.throttles == "on", **given)


async def _serve(arguments: argparse.Namespace) -> None:
    world = build(
        arguments.world,
        seed=arguments.seed,
        home=arguments.home,
        replies=arguments.replies,
        origin=arguments.origin,
        homes=arguments.homes,
        members=arguments.members,
        sizes=arguments.sizes,
        settled=arguments.settled,
    )
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    async with Simulator(
        world,
        arguments.dir,
        port=arguments.port,
        browser_port=arguments.browser_port,
        scopes=arguments.scopes,
        options=_options(arguments),
        actor=json.loads(arguments.actor.read_text()) if arguments.actor else None,
    ) as simulator:
        ready = {
            "port": simulator.port,
            "ca_file": str(simulator.ca_file),
            "home": world.home.name,
            "token": simulator.home.token,
            "browser": simulator.browser,
            "env": simulator.env,
        }
        print(json.dumps(ready), flush=True)
        if arguments.until_stdin_closes:
            loop.add_reader(sys.stdin.fileno(), _watch_stdin, stop)
        await stop.wait()


def _watch_stdin(stop: asyncio.Event) -> None:
    if not os.read(sys.stdin.fileno(), 4096):
        asyncio.get_running_loop().remove_reader(sys.stdin.fileno())
        stop.set()


def main() -> int:
    """Run until SIGTERM, SIGINT, or the end of standard input where that was asked for."""
    with contextlib.suppress(KeyboardInterrupt):
        try:
            asyncio.run(_serve(_arguments()))
        except TootTailError as wrong:
            print(wrong, file=sys.stderr)
            return 2
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
