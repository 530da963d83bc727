"""robots.txt, as RFC 9309 has it, under our own name.

No file (4xx) allows everything; a server that fails is asked again later, and nothing else before
that. Only the first 500 KiB count. A group that names us wins over ``*``.

A request signed by our actor is federation, as between any two servers: of such only a group that
names us disposes, ``*`` means crawlers.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from protego import Protego

from toottail.errors import RedirectedAway, ServerFault, StatusError

if TYPE_CHECKING:
    from toottail.servers.asker import Asker

OUR_NAME = "TootTail"
_MOST_BYTES = 500 << 10
_LONGEST_DELAY = 600.0
_SHORT = 8 << 10
_MOST_RULES = 2000
_AGENT = re.compile(r"\s*user[- ]?agent\s*[:\s]\s*([^#]*)", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class RobotsRecord:
    """What a host answered for /robots.txt; ``text`` is None where it has none."""

    text: str | None
    fetched_at: datetime


class Robots:
    """The rules of one host for us."""

    __slots__ = ("_named", "_rules", "crawl_delay", "signed_delay")

    def __init__(self, text: str | None) -> None:
        self._rules = Protego.parse(text) if text else None
        named = _groups(text, _names_us) if text else []
        self._named = Protego.parse("\n".join(named)) if named else None
        self.crawl_delay = _delay(self._rules)
        """Seconds the host wants between our requests; at most ten minutes are kept."""
        self.signed_delay = _delay(self._named)
        """The same for requests that are signed."""

    @classmethod
    def from_record(cls, record: RobotsRecord) -> Robots:
        """The rules in a record."""
        return cls(record.text)

    def allows(self, url_path: str, *, signed: bool = False) -> bool:
        """Whether we may ask for this path (with its query)."""
        rules = self._named if signed else self._rules
        return rules is None or rules.can_fetch(url_path, OUR_NAME)


async def fetch_robots(ask: Asker, now: datetime | None = None) -> RobotsRecord:
    """What the host says now.

    Raises a `RemoteError` where it gives no proper answer (unreachable, 5xx, 429, garbage): then
    the host is not to be asked for anything yet.
    """
    at = now or datetime.now(UTC)
    try:
        answer = await ask.get(
            "/robots.txt",
            # Some answer with a page for people: it holds no rules, and says so by itself.
            accept="text/plain, */*;q=0.1",
            max_body=_MOST_BYTES,
            robots=False,
            cut=True,
        )
    except ServerFault:
        raise
    except (StatusError, RedirectedAway):
        return RobotsRecord(None, at)
    # Some files are in UTF-16; and a text with NULs cannot be stored.
    text = answer.body.decode("utf-8-sig", "replace").replace("\0", "")
    return RobotsRecord(_ours(text), at)


def _ours(text: str) -> str:
    """``text`` if it is short, else its groups for us and for all.

    Where these hold more rules than are worth keeping in memory for each host, the answer is no.
    """
    if len(text) <= _SHORT:
        return text
    kept = _groups(text, _means_us)
    if len(kept) <= _MOST_RULES:
        return "\n".join(kept)
    agent = OUR_NAME if _groups(text, _names_us) else "*"
    return f"User-agent: {agent}\nDisallow: /"


def _groups(text: str, is_wanted: Callable[[str], bool]) -> list[str]:
    """The lines of the groups that have a wanted agent; of their agents just the wanted ones."""
    kept: list[str] = []
    mine = in_agents = False
    for line in text.splitlines():
        agent = _AGENT.match(line)
        if agent:
            wanted = is_wanted(agent[1].strip().lower())
            mine = (in_agents and mine) or wanted
            kept += [line] if wanted else []
        elif mine and (rule := line.partition("#")[0].strip()):
            kept.append(rule)
        if line.partition("#")[0].strip():
            in_agents = agent is not None
    return kept


def _names_us(agent: str) -> bool:
    name = agent.rstrip("*")
    return bool(name) and OUR_NAME.lower().startswith(name)


def _means_us(agent: str) -> bool:
    return agent.startswith("*") or OUR_NAME.lower().startswith(agent.rstrip("*"))


def _delay(rules: Protego | None) -> float | None:
    delay = rules.crawl_delay(OUR_NAME) if rules else None
    return min(delay, _LONGEST_DELAY) if delay else None
