"""``toottail explain``: what became of one conversation, reply by reply."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import Any

from toottail.cli import loop
from toottail.cli.outcome import print_json
from toottail.cli.tree import print_explanation
from toottail.errors import UsageError
from toottail.repository.database import open_database
from toottail.service.explanation import Explanation, gather
from toottail.settings import Settings, load
from toottail.types.hosts import parse_host


def explain(
    url: str, home: str | None, member: str | None, *, as_json: bool, config: Path | None
) -> int:
    """Tells it, and returns the exit code. Raises `TootTailError` or `Interrupted`."""
    known_as, account = _whose(home, member)
    found = loop.run(_gather(load(config), url.strip(), known_as, account))
    if as_json:
        print_json(to_json(found))
    else:
        print_explanation(found)
    return 0


def _whose(home: str | None, member: str | None) -> tuple[str | None, str | None]:
    """(home, account name) of who misses the reply. Raises `UsageError`."""
    if member is None:
        return (parse_host(home) if home is not None else None), None
    name, at, server = member.strip().removeprefix("@").rpartition("@")
    if not (name and at):
        raise UsageError(f"{member} is not an account, such as @me@example.social")
    if home is not None and parse_host(home) != parse_host(server):
        raise UsageError(f"{member} is not at {home}: --member alone will do")
    return parse_host(server), name


async def _gather(
    settings: Settings, url: str, home: str | None, account: str | None
) -> Explanation:
    async with open_database(settings) as database, database.connection() as conn:
        return await gather(conn, url, home, account)


def to_json(found: Explanation) -> dict[str, Any]:
    """The object that ``explain --json`` prints; times are ISO 8601, UTC."""
    conversation = found.conversation
    return {
        "home": found.home,
        "root": conversation.root_uri,
        "origin": conversation.host,
        "stage": conversation.stage,
        "problem": conversation.problem,
        "looked_at": _time(conversation.looked_at),
        "next_look_at": _time(conversation.next_look_at),
        "status": found.status,
        "trail": [{"about": fact.about, "words": fact.words} for fact in found.trail],
        "asked": [
            {"host": a.host, "answered": a.answered, "open": a.open, "problem": a.problem}
            for a in found.asked
        ],
        "statuses": [
            {
                "uri": node.uri,
                "url": found.details[node.uri].url,
                "parent": node.parent_uri,
                "host": node.host,
                "listed_by": node.listed_by,
                "verdict": found.verdicts[node.uri].kind,
                "words": found.verdicts[node.uri].words,
                "observed": found.verdicts[node.uri].observed,
                "inferred": found.details[node.uri].inferred,
                "tries": node.tries,
                "changed_at": _time(found.details[node.uri].changed_at),
                "again_at": _time(found.details[node.uri].next_at),
            }
            for node in found.nodes
        ],
    }


def _time(at: datetime | None) -> str | None:
    return at.isoformat(timespec="seconds") if at is not None else None
