"""Climb: the way up from a status whose own host tells nothing, by what the home shows above it.

A reply in the timeline may come from a host that is down while the conversation's origin is well:
the home knows what it replied to.
"""

from __future__ import annotations

from toottail.errors import Gone
from toottail.flow.visit import Visit
from toottail.repository import conversations, deliveries, members
from toottail.repository.deliveries import DueWatch
from toottail.servers.homes import HomeStatus
from toottail.types.statuses import FoundStatus


async def climb(visit: Visit, watch: DueWatch) -> None:
    """Reads the home's context of the anchor and opens the look at the root it shows."""
    _, client = visit.home(watch.members)
    above: tuple[HomeStatus, ...] = ()
    try:
        above = (await client.context(watch.anchor_id)).ancestors
        if not above and watch.anchor_parent is not None:
            # The context leaves out whom the member mutes; the status itself does not.
            parent = await client.status(watch.anchor_parent)
            above = (parent,) if parent is not None else ()
    except Gone:
        above = ()
    chain = _chain(watch, above)
    async with visit.fenced() as conn:
        await members.spend(conn, [watch.conversation_id], visit.host, visit.sent())
        await deliveries.note_compared(conn, watch.home, watch.conversation_id)
        conversation = await conversations.lock(conn, watch.conversation_id)
        if conversation is None:
            return
        await deliveries.store_shown(
            conn, watch.home, watch.conversation_id, {s.uri: s.local_id for s in above if s.public}
        )
        uris = [found.uri for found in chain[:-1]]
        conversation = await conversations.climb_into(conn, conversation, uris, watch.anchor_uri)
        await conversations.store_found(conn, conversation, chain, watch.home)
        conversation = await conversations.climb(conn, conversation, watch.home)
        await deliveries.look_again(conn, watch.home, conversation.id, watch.problem)
        await visit.wake(conn, [conversation.host])


def _chain(watch: DueWatch, above: tuple[HomeStatus, ...]) -> list[FoundStatus]:
    """The ancestors from the top down, each below the one before, and the anchor last."""
    chain: list[FoundStatus] = []
    parent: str | None = None
    for status in above:
        if not status.public:
            return []
        chain.append(
            FoundStatus(
                uri=status.uri,
                host=status.host,
                url=status.url,
                parent_uri=parent,
                is_reply=status.in_reply_to_id is not None,
                created_at=status.created_at,
                opted_out=status.opted_out,
            )
        )
        parent = status.uri
    if parent is not None:
        host = watch.anchor_uri.split("/")[2]
        chain.append(FoundStatus(uri=watch.anchor_uri, host=host, parent_uri=parent, is_reply=True))
    return chain
