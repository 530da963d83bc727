"""Gathers what is known of one conversation at one home."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from urllib.parse import urlsplit

from toottail.errors import UsageError
from toottail.flow.plan import Trust, plan
from toottail.flow.verdicts import Verdict, verdicts
from toottail.repository import deliveries, explanations, trails
from toottail.repository.database import Connection
from toottail.repository.explanations import Asked, Details, WatchedConversation
from toottail.servers.home_traits import traits_of
from toottail.servers.nodeinfo import Software
from toottail.service import trail
from toottail.service.trail import Fact
from toottail.types.hosts import host_of
from toottail.types.trees import Node

_UNKNOWN = """\
{url}: no conversation with this status is known here.
Only what a member's timeline showed is watched, and it is forgotten 30 days later. \
toottail fetch HOME makes the conversations of your timeline's newest statuses known (--limit says \
how many)."""


@dataclass(frozen=True, slots=True)
class Explanation:
    """A conversation as ``home`` has it; ``verdicts`` and ``details`` are by URI."""

    home: str
    conversation: WatchedConversation
    nodes: Sequence[Node]
    verdicts: Mapping[str, Verdict]
    details: Mapping[str, Details]
    asked: Sequence[Asked]
    status: str | None = None
    """The URI of the one that was asked about, and …"""
    trail: Sequence[Fact] = ()
    """… its way to the home."""


async def gather(
    conn: Connection, url: str, home: str | None, account: str | None = None
) -> Explanation:
    """What is known of the conversation with the status ``url``, and of that one's way home.

    ``account`` is the name of the member at ``home`` who misses it. Raises `UsageError` where none
    is known, which tells what is known instead, or where several homes watch it and none is named.
    """
    page = as_page_of_a_home(url)
    number = await explanations.find_conversation(conn, url, page)
    if number is None:
        facts = await trail.of_stranger(conn, host_of(url), home, account)
        raise UsageError("\n".join([_UNKNOWN.format(url=url), *_told(facts)]))
    homes = await explanations.watching_homes(conn, number)
    if home is not None and home not in homes:
        facts = await trail.of_stranger(conn, host_of(url), home, account)
        raise UsageError("\n".join([_not_seen(url, home, homes), *_told(facts)]))
    chosen = _one_home(url, home, homes)
    found = await explain(conn, number, chosen)
    uri = await trails.find(conn, url, page)
    if uri is None:
        return found
    return replace(found, status=uri, trail=await trail.of_status(conn, uri, chosen, account))


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


def _not_seen(url: str, home: str, homes: Sequence[str]) -> str:
    return f"{url}: nobody at {home} saw this conversation; at {_named(homes)} it is known."


def _told(facts: Sequence[Fact]) -> list[str]:
    return [f"- {fact.words}." for fact in facts]


def _one_home(url: str, wanted: str | None, homes: Sequence[str]) -> str:
    if wanted is not None:
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
