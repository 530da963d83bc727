"""Climb: what the home shows of a conversation whose own host tells nothing.

A reply in the timeline may come from a host that is down while the conversation's origin is well:
the home knows what it replied to. And where the origin is closed, the hosts of those whose replies
the home shows may list what they know of the rest.
"""

from __future__ import annotations

from toottail.errors import Gone
from toottail.flow.visit import Visit
from toottail.repository import conversations, deliveries, looks, members
from toottail.repository.deliveries import DueWatch
from toottail.servers.homes import HomeStatus
from toottail.types.statuses import FoundStatus


async def climb(visit: Visit, watch: DueWatch) -> None:
    """Reads the home's context of the anchor and opens the look at the root it shows."""
    if watch.anchor_id is None:
        # The home has nothing of it to show: what was wanted by itself is brought at least.
        async with visit.fenced() as conn:
            at = visit.now()
            await deliveries.set_stage(
                conn, watch.home, watch.conversation_id, "plan", at, watch.problem
            )
        return
    _, client = await visit.home(watch.members)
    above: tuple[HomeStatus, ...] = ()
    below: tuple[HomeStatus, ...] = ()
    try:
        context = await client.context(watch.anchor_id)
        above, below = context.ancestors, context.descendants
        if not above and watch.anchor_parent is not None:
            # The context leaves out whom the member mutes; the status itself does not.
            parent = await client.status(watch.anchor_parent)
            above = (parent,) if parent is not None else ()
    except Gone:
        above = ()
    chain = _chain(watch, above)
    shown = {s.uri: s.local_id for s in (*above, *below) if s.public}
    async with visit.fenced() as conn:
        await members.spend(conn, [watch.conversation_id], visit.host, visit.sent())
        conversation = await conversations.lock(conn, watch.conversation_id)
        if conversation is None:
            return
        await deliveries.note_compared(conn, watch.home, watch.conversation_id)
        await deliveries.store_shown(conn, watch.home, watch.conversation_id, shown)
        uris = [found.uri for found in chain[:-1]]
        conversation = await conversations.climb_into(conn, conversation, uris, watch.anchor_uri)
        found = [*chain, *_replies(watch, above, below)]
        await conversations.store_found(conn, conversation, found, watch.home)
        conversation = await conversations.climb(conn, conversation, watch.home)
        woken: set[str] = set()
        if conversation.root_uri == watch.root_uri:
            views = await looks.other_views(conn, conversation.id, visit.ask().signs)
            woken = await looks.add(conn, conversation.id, watch.home, views, len(views))
        await deliveries.look_again(conn, watch.home, conversation.id, visit.now(), watch.problem)
        others = await looks.wait_for_none(conn, conversation.id)
        await visit.wake(conn, {conversation.host, *woken, *others})


def _chain(watch: DueWatch, above: tuple[HomeStatus, ...]) -> list[FoundStatus]:
    """What is above the anchor, each with its parent, and the anchor last.

    Homes list ancestors in an order of their own, so only what a status replies to tells its place.
    """
    if not all(status.public for status in above):
        return []
    uris = {status.local_id: status.uri for status in above}
    chain = [
        FoundStatus(
            uri=status.uri,
            host=status.host,
            url=status.url,
            parent_uri=uris.get(status.in_reply_to_id or ""),
            is_reply=status.in_reply_to_id is not None,
            created_at=status.created_at,
            opted_out=status.opted_out,
        )
        for status in above
    ]
    parent = uris.get(watch.anchor_parent or "")
    if parent is not None:
        host = watch.anchor_uri.split("/")[2]
        chain.append(FoundStatus(uri=watch.anchor_uri, host=host, parent_uri=parent, is_reply=True))
    return chain


def _replies(
    watch: DueWatch, above: tuple[HomeStatus, ...], below: tuple[HomeStatus, ...]
) -> list[FoundStatus]:
    """What the home shows below the anchor, each with its parent."""
    uris = {status.local_id: status.uri for status in (*above, *below)}
    if watch.anchor_id is not None:
        uris[watch.anchor_id] = watch.anchor_uri
    return [
        FoundStatus(
            uri=status.uri,
            host=status.host,
            url=status.url,
            parent_uri=uris.get(status.in_reply_to_id or ""),
            is_reply=True,
            created_at=status.created_at,
            public=status.public,
            opted_out=status.opted_out,
        )
        for status in below
    ]
