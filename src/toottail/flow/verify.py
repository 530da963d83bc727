"""Verify: what of the deliveries the home now shows below the root.

At most one context per conversation for each way of delivering: one after its leaves were resolved
and, only where that showed that something lacks, one after the rest was asked for one by one.
"""

from __future__ import annotations

from toottail.errors import Gone
from toottail.flow.visit import Visit
from toottail.repository import conversations, deliveries, hosts, members
from toottail.repository.deliveries import DueWatch
from toottail.types.trees import Node

_ENOUGH_TO_LEARN = 3


async def verify(visit: Visit, watch: DueWatch) -> None:
    """Reads the home's context once more and plans what still lacks."""
    root_id = watch.root_id
    async with visit.connection() as conn:
        nodes = await deliveries.nodes(conn, watch.home, watch.conversation_id, visit.now())
    _, client = await visit.home(watch.members)
    shown: dict[str, str] = {}
    try:
        if root_id is None:
            root_id = await _find_root(visit, watch, nodes)
        if root_id is not None:
            context = await client.context(root_id)
            shown = {s.uri: s.local_id for s in context.descendants if s.public}
            shown[watch.root_uri] = root_id
    except Gone:
        shown = {}
    async with visit.fenced() as conn:
        await conversations.keep(conn, watch.conversation_id)
        await members.spend(conn, [watch.conversation_id], visit.host, visit.sent())
        await deliveries.store_shown(conn, watch.home, watch.conversation_id, shown)
        if root_id is not None:
            await deliveries.store_root_id(conn, watch.home, watch.conversation_id, root_id)
        learnt = climbing_seen(nodes, shown)
        if learnt is not None and watch.verifies == 0:
            await hosts.learn_climbing(conn, watch.home, learnt)
        await deliveries.note_verified(conn, watch.home, watch.conversation_id)
        await deliveries.set_stage(
            conn, watch.home, watch.conversation_id, "plan", visit.now(), watch.problem
        )


async def _find_root(visit: Visit, watch: DueWatch, nodes: list[Node]) -> str | None:
    """The home's id of the root, from the ancestors of something it has below it."""
    _, client = await visit.home(watch.members)
    below = next((n.local_id for n in reversed(nodes) if n.local_id is not None), None)
    if below is None:
        return None
    context = await client.context(below)
    return next((s.local_id for s in context.ancestors if s.uri == watch.root_uri), None)


def climbing_seen(nodes: list[Node], shown: dict[str, str]) -> bool | None:
    """Whether the home fetched ancestors by itself; None while too little was seen to tell."""
    expected = [node.uri for node in nodes if node.state == "expected"]
    came = sum(uri in shown for uri in expected)
    if came:
        return True
    answering = [n for n in nodes if n.state == "expected" and n.answers]
    return False if len(answering) >= _ENOUGH_TO_LEARN else None
