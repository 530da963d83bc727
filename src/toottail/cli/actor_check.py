"""``toottail actor --check``: whether others find the actor where the settings say it is."""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import quote

from toottail.cli import loop
from toottail.errors import RemoteError
from toottail.servers.actor import ACTIVITY, WEBFINGER, Actor
from toottail.servers.asker import Asker
from toottail.servers.budgets import HostBudget, standard_limits
from toottail.servers.door import Door
from toottail.servers.permit import Permit
from toottail.settings import Settings


def check(settings: Settings, actor: Actor | None) -> int:
    """Asks for the actor and its webfinger, and says what is wrong; the exit code."""
    if actor is None:
        return 1
    problem = loop.run(_problem(settings, actor))
    print("others find it there" if problem is None else f"others do not find it: {problem}")
    return 0 if problem is None else 1


async def _problem(settings: Settings, actor: Actor) -> str | None:
    budget = HostBudget(actor.host, defaults=standard_limits())
    async with Door(settings) as door:
        ask = Asker(door, Permit(actor.host, budget, in_flight=1))
        try:
            document = await _read(ask, actor.url, ACTIVITY)
            finger = f"{WEBFINGER}?resource={quote(f'acct:{actor.handle}', safe='')}"
            links = (await _read(ask, finger, "application/jrd+json")).get("links")
        except RemoteError as error:
            return str(error)
    key = document.get("publicKey")
    shown = key.get("publicKeyPem") if isinstance(key, dict) else None
    if document.get("id") != actor.url or not isinstance(shown, str):
        return "what is served there is no actor, or another one"
    if shown.split() != actor.public_pem.split():
        return "another key is served there"
    if not any(isinstance(li, dict) and li.get("href") == actor.url for li in links or ()):
        return f"webfinger does not lead from {actor.handle} to it"
    return None


async def _read(ask: Asker, path_or_url: str, accept: str) -> dict[str, Any]:
    answer = await ask.get(path_or_url, accept=accept, robots=False)
    try:
        found = json.loads(answer.body)
    except ValueError:
        found = None
    return found if isinstance(found, dict) else {}
