"""Deliver: make the home fetch what it lacks, in rounds.

A round is planned on the whole tree (`flow.plan`), then each resolve is a step of its own that
stores what the home answered before anything else happens: a run that is killed repeats at most
the requests that were in flight. When a round is over the next one is planned; when nothing is
left to resolve, what is not proven to hang below the root is verified once.
"""

from __future__ import annotations

from datetime import timedelta
from functools import partial

from toottail.errors import RemoteError, TooManyRequests
from toottail.flow.home_blocks import knows_blocks, learn_blocks
from toottail.flow.plan import Plan, Trust, needs_trust, plan
from toottail.flow.storing import store
from toottail.flow.visit import Visit
from toottail.repository import conversations, deliveries, hosts, members
from toottail.repository.database import Connection
from toottail.repository.deliveries import DueDelivery, DueWatch
from toottail.repository.hosts import HostRow
from toottail.servers.home_traits import traits_of
from toottail.servers.homes import HomeStatus
from toottail.types.trees import AT_HOME, Node

TRIES = (timedelta(seconds=8), timedelta(hours=6))
"""After the first and the second resolve that brought nothing; a third one ends it."""
_WAIT_FOR_RETRY = timedelta(minutes=1)
_WAIT_FOR_OTHERS = timedelta(seconds=0.5)
_SECONDS_PER_LEVEL = 0.15
_MOST_VERIFIES = 2


def climbs(visit: Visit, watch: DueWatch) -> bool:
    """Whether the home is trusted to fetch the ancestors of what it resolves.

    What was seen there counts before what its software usually does. Once a look at the result
    showed that something is lacking, the rest is asked for one by one.
    """
    if watch.verifies:
        return False
    if visit.row.fetches_ancestors is not None:
        return visit.row.fetches_ancestors
    return traits_of(visit.software).fetches_ancestors == "yes"


async def plan_round(visit: Visit, watch: DueWatch) -> None:
    """Decides what is resolved next in one conversation, or that it is over."""
    if not await knows_blocks(visit):
        async with visit.connection() as conn:
            _, found = await _plan(conn, visit, watch)
        if found.resolve:
            await learn_blocks(visit, watch.members)
    async with visit.fenced() as conn:
        # Kept before it is read: what a look stores meanwhile would fall between two rounds.
        await conversations.keep(conn, watch.conversation_id)
        await deliveries.hold_watch(conn, watch.home, watch.conversation_id)
        nodes, found = await _plan(conn, visit, watch)
        dry = await members.only_dry(conn, watch.conversation_id, watch.home)
        if found.wait_for:
            await hosts.want_probes(conn, sorted(found.wait_for), visit.now())
            await visit.wake(conn, found.wait_for)
        if found.resolve and dry:
            await deliveries.set_stage(conn, watch.home, watch.conversation_id, "plan", None)
        elif found.resolve:
            await deliveries.schedule(
                conn,
                watch.home,
                watch.conversation_id,
                found.resolve,
                found.along,
                visit.now(),
            )
            await deliveries.set_stage(conn, watch.home, watch.conversation_id, "resolve", None)
        elif found.wait_for or found.held:
            at = visit.now() + _WAIT_FOR_OTHERS
            await deliveries.set_stage(conn, watch.home, watch.conversation_id, "plan", at)
        else:
            await _end(conn, visit, watch, nodes)


async def _plan(conn: Connection, visit: Visit, watch: DueWatch) -> tuple[list[Node], Plan]:
    nodes = await deliveries.nodes(conn, watch.home, watch.conversation_id, visit.now())
    trust = {}
    if any(map(needs_trust, nodes)):  # most trees need none, and to count it takes longest
        counts = await deliveries.trust(conn, watch.home, watch.conversation_id)
        trust = {pair: Trust(*numbers) for pair, numbers in counts.items()}
    return nodes, plan(nodes, climbs=climbs(visit, watch), trust=trust)


async def _end(conn: Connection, visit: Visit, watch: DueWatch, nodes: list[Node]) -> None:
    retry = await deliveries.next_retry(conn, watch.home, watch.conversation_id)
    if retry is not None and retry <= visit.now() + _WAIT_FOR_RETRY:
        await deliveries.set_stage(conn, watch.home, watch.conversation_id, "resolve", None)
    elif (watch.unproven or _hopes(watch, nodes)) and watch.verifies < _MOST_VERIFIES:
        at = visit.now() + _settling(visit, nodes)
        await deliveries.set_stage(conn, watch.home, watch.conversation_id, "verify", at)
    else:
        await deliveries.mark_unattached(conn, watch.home, watch.conversation_id)
        await deliveries.set_stage(
            conn, watch.home, watch.conversation_id, "done", None, watch.problem
        )


def _hopes(watch: DueWatch, nodes: list[Node]) -> bool:
    """Whether something that is wanted by itself was only to come along with another post."""
    return watch.alone and any(node.state == "expected" for node in nodes)


def _settling(visit: Visit, nodes: list[Node]) -> timedelta:
    """How long the home may need until everything it fetches along the way is there."""
    by_uri = {node.uri: node for node in nodes}
    levels = 0
    for node in nodes:
        depth, at = 0, node
        while at.state in ("expected", "resolved") and at.parent_uri in by_uri and depth < 100:
            depth, at = depth + 1, by_uri[at.parent_uri]
        levels = max(levels, depth)
    return timedelta(seconds=traits_of(visit.software).settle + _SECONDS_PER_LEVEL * levels)


async def resolve(visit: Visit, due: DueDelivery) -> None:
    """Makes the home fetch one status and stores what it answered."""
    if due.withheld:
        await _withdraw(visit, due)
        return
    _, client = await visit.home(due.members)
    try:
        found = await client.resolve(due.uri)
    except TooManyRequests as error:
        await _home_failed(visit, due, error)
    except RemoteError as error:
        # A home that cannot fetch may answer 500, or fall silent; again and again, it fails itself.
        if visit.failures() > 1:
            await _home_failed(visit, due, error)
        else:
            told = f"the home {error.what}"
            await store(partial(_not_obtained, visit, due, told, visit.sent()))
    else:
        if found is None:
            told = "the home answered with an empty list"
            await store(partial(_not_obtained, visit, due, told, visit.sent()))
        else:
            await store(partial(_obtained, visit, due, found, visit.sent()))


async def _withdraw(visit: Visit, due: DueDelivery) -> None:
    """Deleted, opted out or blocked since the round was planned: it is planned anew without it."""
    async with visit.fenced() as conn:
        await deliveries.keep(conn, visit.host, due.uri)
        number = await deliveries.withdraw(conn, visit.host, due.uri)
        if number is not None:
            await deliveries.end_round(conn, visit.host, number, visit.now())


async def _obtained(visit: Visit, due: DueDelivery, found: HomeStatus, requests: int) -> None:
    home = visit.host
    async with visit.fenced() as conn:
        await deliveries.keep(conn, home, due.uri)
        await members.spend(conn, [due.conversation_id], home, requests)
        parent = await deliveries.parent_of(conn, home, due.uri)
        is_root = parent is not None and parent.uri is None and parent.placed
        proven = (
            is_root
            or due.alone
            or (
                parent is not None
                and parent.state in AT_HOME
                and parent.local_id is not None
                and parent.local_id == found.in_reply_to_id
            )
        )
        number = await deliveries.store_outcome(
            conn,
            home,
            due.uri,
            "delivered" if proven else "resolved",
            local_id=found.local_id,
        )
        if number is None:
            return
        if is_root:
            await deliveries.store_root_id(conn, home, number, found.local_id)
        if not proven:
            await deliveries.note_unproven(conn, home, number)
        await deliveries.end_round(conn, home, number, visit.now())
    visit.counts.resolves["delivered" if proven else "resolved"] += 1


async def _not_obtained(visit: Visit, due: DueDelivery, observed: str, requests: int) -> None:
    """The home brought nothing: what was seen is stored, and when it is tried again."""
    tries = due.tries + 1
    async with visit.fenced() as conn:
        await deliveries.keep(conn, visit.host, due.uri)
        await members.spend(conn, [due.conversation_id], visit.host, requests)
        author = await hosts.of_author(conn, due.uri)
        again = None
        if tries <= len(TRIES):
            # Soon only where the author's host is known to be well: else nothing will have changed.
            again = visit.now() + TRIES[tries - 1 if author.answered_at else -1]
        number = await deliveries.store_outcome(
            conn,
            visit.host,
            due.uri,
            "not_obtained" if again else "given_up",
            again_at=again,
            observed=observed,
            inferred=_inferred(author),
        )
        if number is not None:
            await deliveries.end_round(conn, visit.host, number, visit.now())
    visit.counts.resolves["not_obtained" if again else "given_up"] += 1


def _inferred(author: HostRow) -> str | None:
    if author.problem is None:
        return None
    return f"inferred: {author.host} gave us no answer either ({author.problem})"


async def _home_failed(visit: Visit, due: DueDelivery, error: RemoteError) -> None:
    """The home itself did not answer: that says nothing about the status."""
    visit.counts.resolves["home_failed"] += 1
    async with visit.fenced() as conn:
        await deliveries.keep(conn, visit.host, due.uri)
        await members.spend(conn, [due.conversation_id], visit.host, visit.sent())
        await deliveries.put_off(conn, visit.host, due.uri, visit.retry_at(), error.what)
