"""Gathers what is known of one conversation at one home."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from urllib.parse import urlsplit

from toottail.errors import UsageError
from toottail.flow.plan import Trust, plan
from toottail.flow.verdicts import Verdict, verdicts
from toottail.repository import deliveries, explanations
from toottail.repository.database import Connection
from toottail.repository.explanations import Asked, Details, WatchedConversation
from toottail.servers.home_traits import traits_of
from toottail.servers.nodeinfo import Software
from toottail.types.hosts import host_of
from toottail.types.trees import Node


@dataclass(frozen=True, slots=True)
class Explanation:
    """A conversation as ``home`` has it; ``verdicts`` and ``details`` are by URI."""

    home: str
    conversation: WatchedConversation
    nodes: Sequence[Node]
    verdicts: Mapping[str, Verdict]
    details: Mapping[str, Details]
    asked: Sequence[Asked]


async def gather(conn: Connection, url: str, home: str | None) -> Explanation:
    """What is known of the conversation with the status ``url``.

    Raises `UsageError` where none is known, or where several homes watch it and none is named.
    """
    number = await explanations.find_conversation(conn, url, as_page_of_a_home(url))
    if number is None:
        raise UsageError(
            f"{url}: no conversation with this status is known here.\n"
            "toottail fetch HOME makes those of your timeline's newest statuses known "
            "(--limit says how many)."
        )
    return await explain(
        conn, number, _one_home(url, home, await explanations.watching_homes(conn, number))
    )


async def explain(conn: Connection, number: int, home: str) -> Explanation:
    """What is known of a conversation that ``home`` watches."""
    conversation = await explanations.watched(conn, number, home)
    nodes = await deliveries.nodes(conn, home, number, datetime.now(UTC))
    counts = await deliveries.trust(conn, home, number)
    planned = plan(
        nodes,
        climbs=_climbs(conversation),
        trust={pair: Trust(*numbers) for pair, numbers in counts.items()},
    )
    return Explanation(
        home=home,
        conversation=conversation,
        nodes=nodes,
        verdicts=verdicts(nodes, planned, looked=conversation.stage != "look"),
        details=await explanations.details(conn, number, home),
        asked=await explanations.asked(conn, number),
    )


def _one_home(url: str, wanted: str | None, homes: Sequence[str]) -> str:
    if wanted is not None:
        if wanted not in homes:
            raise UsageError(
                f"{url}: nobody at {wanted} saw this conversation; at {_named(homes)} it is known."
            )
        return wanted
    if len(homes) != 1:
        raise UsageError(f"{url}: watched from {_named(homes)}; choose one with --home")
    return homes[0]


def _named(homes: Sequence[str]) -> str:
    return ", ".join(homes) or "no home"


def _climbs(conversation: WatchedConversation) -> bool:
    """Whether the home fetches ancestors, as the deliveries of this conversation take it."""
    if conversation.verifies:
        return False
    if conversation.fetches_ancestors is not None:
        return conversation.fetches_ancestors
    software = Software(conversation.software or "unknown", conversation.version or "")
    return traits_of(software).fetches_ancestors == "yes"


def as_page_of_a_home(url: str) -> tuple[str, str] | None:
    """(host, last part of the path): homes show any status on a page of their own, by their id."""
    host = host_of(url)
    last = urlsplit(url).path.rstrip("/").rpartition("/")[2] if host else ""
    return (host, last) if host and last else None
