"""Asides: what the home shows of a conversation and its origin did not list.

Replies go to whom they mention, so a branch in which nobody mentions the origin's people is unknown
there. Where the home has a piece of such a branch, the hosts of those who wrote it and of those it
replies to are asked for the rest, a few of them.
"""

from __future__ import annotations

from toottail.flow.visit import Visit
from toottail.repository import conversations, looks
from toottail.repository.conversations import Locked
from toottail.repository.database import Connection
from toottail.repository.deliveries import DueWatch
from toottail.servers.dialects.base import AROUND, PLACED
from toottail.servers.homes import HomeContext
from toottail.types.hosts import host_of
from toottail.types.statuses import FoundStatus, LookTarget


def asides(
    context: HomeContext, asked: tuple[str, str], known: frozenset[str], home: str
) -> list[FoundStatus]:
    """Public replies in the home's context that are not among ``known`` URIs.

    ``asked`` is the home's id and the URI of the status whose context it is. What the home's own
    members wrote may be meant for the home alone, so it is left out.
    """
    uris = {s.local_id: s.uri for s in (*context.ancestors, *context.descendants)}
    uris[asked[0]] = asked[1]
    return [
        FoundStatus(
            uri=status.uri,
            host=status.host,
            url=status.url,
            parent_uri=uris[status.in_reply_to_id],
            is_reply=True,
            created_at=status.created_at,
            opted_out=status.opted_out,
        )
        for status in context.descendants
        if status.public
        and status.uri not in known
        and status.host not in (None, home)
        and status.in_reply_to_id in uris
    ]


async def follow(
    conn: Connection, visit: Visit, watch: DueWatch, held: Locked, found: list[FoundStatus]
) -> None:
    """Stores asides in the conversation ``held`` and opens the looks that they lead to."""
    news = await conversations.store_found(conn, held, found, watch.home)
    targets = _questions(held, watch.home, found)
    woken = await looks.add(conn, held.id, watch.home, targets, len(targets))
    if news:
        # Other homes that were through with it lack them, too, and the looks find them known.
        await conversations.note_arrivals(conn, held.id, visit.now())
    if news and not woken:
        await conversations.stir(conn, [held.id], visit.now())
    await visit.wake(conn, woken.union(await looks.wait_for_none(conn, held.id)))


def _questions(held: Locked, home: str, found: list[FoundStatus]) -> list[LookTarget]:
    views: dict[str, LookTarget] = {}
    own: dict[str, LookTarget] = {}
    for status in found:
        own.setdefault(status.host, LookTarget(status.uri, status.host, hint=PLACED))
        above = host_of(status.parent_uri or "")
        if above is not None and above not in (held.host, home):
            views.setdefault(above, LookTarget(status.parent_uri or "", above, AROUND))
    most = looks.OTHER_VIEWS
    return [*list(views.values())[:most], *list(own.values())[:most]]
