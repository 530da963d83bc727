"""Compare: what the home has of a conversation already, by its own authenticated context.

One request tells up to 4,096 replies at once. It is left out where it cannot pay: where the home
shows no reply at all, and where one resolve costs as little. Absence from a context is no proof
that the home lacks a status (it hides whom the member mutes), but a resolve of such a status finds
it and is never repeated.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta

from toottail.errors import Gone
from toottail.flow.asides import asides, follow
from toottail.flow.visit import Visit
from toottail.repository import conversations, deliveries, members
from toottail.repository.deliveries import DueWatch
from toottail.servers.home_traits import traits_of
from toottail.servers.homes import HomeContext
from toottail.types.trees import AT_HOME, Node

WORTH_WAITING_FOR = 3
"""From so many missing leaves on, a home that fetches replies by itself is left to do its part."""


async def compare(visit: Visit, watch: DueWatch) -> None:
    """Reads the home's context where that pays, and lets the deliveries be planned."""
    async with visit.connection() as conn:
        nodes = await deliveries.nodes(conn, watch.home, watch.conversation_id, visit.now())
    missing = [node for node in nodes if node.state not in AT_HOME]
    if not missing or not worth_asking(
        watch, nodes, counted=traits_of(visit.software).counts_replies
    ):
        await _next(visit, watch, "plan")
    else:
        await _ask(visit, watch, nodes)


def worth_asking(watch: DueWatch, nodes: Sequence[Node], *, counted: bool = True) -> bool:
    """Whether a request for the home's context pays; a pure function.

    ``counted`` says that the home's own count of replies can be believed.
    """
    if watch.stage == "refresh":
        return True
    root = next((node for node in nodes if node.uri == watch.root_uri), None)
    rooted = root is not None and root.state in AT_HOME
    replies_there = any(n.state in AT_HOME for n in nodes if n.uri != watch.root_uri)
    if rooted and counted and watch.shown == 0 and not replies_there:
        return False
    return len(_leaves(nodes)) > 1


def _leaves(nodes: Sequence[Node]) -> list[Node]:
    missing = [node for node in nodes if node.state not in AT_HOME]
    inner = {node.parent_uri for node in missing}
    return [node for node in missing if node.uri not in inner]


def _known_root_id(watch: DueWatch, nodes: Sequence[Node]) -> str | None:
    by_uri = {node.uri: node for node in nodes}
    root = by_uri.get(watch.root_uri)
    anchor = by_uri.get(watch.anchor_uri)
    if watch.root_id is not None:
        return watch.root_id
    if root is not None and root.local_id is not None:
        return root.local_id
    if anchor is not None and anchor.parent_uri == watch.root_uri:
        return watch.anchor_parent
    return None


async def _ask(visit: Visit, watch: DueWatch, nodes: Sequence[Node]) -> None:
    _, client = await visit.home(watch.members)
    root_id = _known_root_id(watch, nodes)
    asked = root_id or watch.anchor_id
    if asked is None:  # the home has nothing of it
        await _next(visit, watch, "plan")
        return
    try:
        context = await client.context(asked)
    except Gone:
        await _next(visit, watch, "failed", "the home no longer has the status")
        return
    await _store(visit, watch, context, root_id, nodes)
    if root_id is None:
        root_id = next((s.local_id for s in context.ancestors if s.uri == watch.root_uri), None)
        if root_id is not None and root_id != watch.anchor_id:
            context = await client.context(root_id)
            await _store(visit, watch, context, root_id, nodes)
    refresh = context.refresh
    if (
        refresh is not None
        and watch.stage == "compare"
        and client.traits.fetches_replies_itself(visit.software)
        and await _many_missing(visit, watch)
    ):
        await _next(visit, watch, "refresh", wait=refresh.retry)
    else:
        await _next(visit, watch, "plan")


async def _many_missing(visit: Visit, watch: DueWatch) -> bool:
    async with visit.connection() as conn:
        nodes = await deliveries.nodes(conn, watch.home, watch.conversation_id, visit.now())
    return len(_leaves(nodes)) > WORTH_WAITING_FOR


async def _store(
    visit: Visit,
    watch: DueWatch,
    context: HomeContext,
    root_id: str | None,
    nodes: Sequence[Node],
) -> None:
    shown = {
        status.uri: status.local_id
        for status in (*context.ancestors, *context.descendants)
        if status.public
    }
    found = []
    if root_id is not None and not watch.alone:
        known = frozenset(node.uri for node in nodes)
        found = asides(context, (root_id, watch.root_uri), known, watch.home)
    async with visit.fenced() as conn:
        if found and (held := await conversations.lock(conn, watch.conversation_id)):
            await follow(conn, visit, watch, held, found)
        await conversations.keep(conn, watch.conversation_id)
        await deliveries.store_shown(conn, watch.home, watch.conversation_id, shown)
        await deliveries.note_compared(conn, watch.home, watch.conversation_id)
        if root_id is not None:
            await deliveries.store_shown(
                conn, watch.home, watch.conversation_id, {watch.root_uri: root_id}
            )
            await deliveries.store_root_id(conn, watch.home, watch.conversation_id, root_id)
        await members.spend(conn, [watch.conversation_id], visit.host, visit.sent())


async def _next(
    visit: Visit, watch: DueWatch, stage: str, problem: str | None = None, wait: float = 0
) -> None:
    ended = stage in ("done", "failed")
    at = None if ended else visit.now() + timedelta(seconds=wait)
    async with visit.fenced() as conn:
        await conversations.keep(conn, watch.conversation_id)
        await members.spend(conn, [watch.conversation_id], visit.host, visit.sent())
        await deliveries.set_stage(
            conn, watch.home, watch.conversation_id, stage, at, problem or watch.problem
        )
