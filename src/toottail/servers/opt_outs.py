"""Whether a server itself says that it wants to be left alone by us."""

from __future__ import annotations

from toottail.errors import RedirectedAway, StatusError
from toottail.servers.asker import Asker
from toottail.servers.robots import OUR_NAME, Robots, fetch_robots

WELL_KNOWN = "/.well-known/toottail-opt-out"
FIRST_LINE = "toottail: opt-out"
_MOST_BYTES = 1 << 10


async def says_so(ask: Asker) -> str | None:
    """Where the server says it, in words; None where it does not.

    That is a group of its robots.txt that names us and disallows everything, or a file that is
    there for this alone. Raises a `RemoteError` where it does not answer as it should.
    """
    robots = Robots.from_record(await fetch_robots(ask))
    # Of a signed request just the rules that name us dispose.
    if not robots.allows("/", signed=True):
        return f"its robots.txt disallows everything to {OUR_NAME}"
    try:
        answer = await ask.get(
            WELL_KNOWN, accept="text/plain, */*;q=0.1", max_body=_MOST_BYTES, robots=False, cut=True
        )
    except (StatusError, RedirectedAway):
        return None
    kind = answer.headers.get("Content-Type", "").partition(";")[0].strip().lower()
    first = answer.body.decode("utf-8-sig", "replace").partition("\n")[0].strip()
    if answer.status == 200 and kind == "text/plain" and first == FIRST_LINE:
        return f"it has {WELL_KNOWN}"
    return None
