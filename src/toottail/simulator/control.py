"""The switchboard of the simulator: JSON at the host ``control.example``."""

from __future__ import annotations

import json
import time
from typing import TYPE_CHECKING, Any

from aiohttp import web

from toottail.errors import UsageError
from toottail.simulator import scene
from toottail.simulator.question import Reply, document, error
from toottail.simulator.report import members, report, traffic, truth_listing, waits

if TYPE_CHECKING:
    from toottail.simulator.server import Simulator


_ALWAYS = (("until", "inf"), ("since", "0"))
_PLACES = (
    "GET /report, /truth, /members, /traffic, /waits, /oauth, /requests; "
    "POST /reset-counters, /scene"
)


async def answer(simulator: Simulator, request: web.BaseRequest) -> Reply:
    """Answer what ``_PLACES`` names; ``/requests?count=N`` has the last N.

    ``/traffic?since=TIME&until=TIME`` leaves out the delays of what was posted before and after
    that (Unix seconds).
    """
    match request.method, request.path:
        case "GET", "/report":
            return document(report(simulator))
        case "GET", "/truth":
            return document(truth_listing(simulator))
        case "GET", "/oauth":
            return document(simulator.home.oauth.seen())
        case "GET", "/requests":
            count = int(request.query.get("count", "20000"))
            return document({"requests": simulator.counters.tail(count)})
        case "GET", "/members":
            return document({"members": members(simulator)})
        case "GET", "/traffic":
            until, since = (float(request.query.get(*one)) for one in _ALWAYS)
            return document(traffic(simulator, until, since))
        case "GET", "/waits":
            return document(waits(simulator))
        case "POST", "/reset-counters":
            simulator.reset_counters()
            return document({})
        case "POST", "/scene":
            return _scene(simulator, await request.read())
        case _:
            return error(404, _PLACES)


def _scene(simulator: Simulator, body: bytes) -> Reply:
    try:
        wanted = json.loads(body)
        return document(play(simulator, wanted))
    except (ValueError, KeyError, UsageError) as wrong:
        return error(400, str(wrong))


def play(simulator: Simulator, wanted: dict[str, Any]) -> dict[str, Any]:
    """Change the world (see `scene.change`) or the home, and judge the truth anew.

    ``revoke``: true ends the member's tokens. ``rebuilding``: n makes the next n timeline answers
    206. ``forget_apps``: true makes the home forget all clients. ``withhold``: scopes that nobody
    grants though they are asked for. ``pace``: from now on so many new replies a second. ``read``:
    ``{name: seconds}``, how long ago members of the home last read; None where their apps keep no
    markers. Raises `UsageError`.
    """
    unknown = wanted.keys() - set(scene.KEYS)
    if unknown:
        raise UsageError(f"unknown: {sorted(unknown)}; there are: {', '.join(scene.KEYS)}")
    made = scene.change(simulator.world, wanted)
    if wanted.get("revoke"):
        for grant in simulator.home.grants.values():
            grant.revoked = True
    if wanted.get("forget_apps"):
        simulator.home.oauth.forget_apps()
    if "withhold" in wanted:
        simulator.home.oauth.withhold = frozenset(wanted["withhold"])
    if "pace" in wanted:
        simulator.live(float(wanted["pace"]))
    for name, ago in wanted.get("read", {}).items():
        simulator.home.read_at[name] = None if ago is None else time.time() - float(ago)
    simulator.home.rebuilding = int(wanted.get("rebuilding", simulator.home.rebuilding))
    simulator.judge_anew()
    return made
