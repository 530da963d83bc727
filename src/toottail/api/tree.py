"""An explained conversation as JSON tells it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator

from toottail.api.models import AskedHost, Conversation, ExplainedStatus
from toottail.service.explanation import Explanation
from toottail.types.trees import Node


def told(found: Explanation) -> Conversation:
    """The conversation, its statuses in reading order."""
    about = found.conversation
    return Conversation(
        id=about.id,
        host=about.host,
        root_uri=about.root_uri,
        home=found.home,
        stage=about.stage,
        looked_at=about.looked_at,
        next_look_at=about.next_look_at,
        problem=about.problem,
        statuses=[_status(found, node, depth) for node, depth in _in_order(found)],
        asked=[
            AskedHost(host=one.host, answered=one.answered, open=one.open, problem=one.problem)
            for one in found.asked
        ],
    )


def _in_order(found: Explanation) -> Iterator[tuple[Node, int]]:
    """Each node below its parent. Those whose parent is not known are on top, and so is what is
    left on a circle, where it is entered first."""
    known = {node.uri for node in found.nodes}
    below: dict[str | None, list[Node]] = defaultdict(list)
    for node in found.nodes:
        below[node.parent_uri if node.parent_uri in known else None].append(node)
    seen: set[str] = set()
    for top in (*below[None], *found.nodes):
        ends = [(top, 0)]
        while ends:
            node, depth = ends.pop()
            if node.uri in seen:
                continue
            seen.add(node.uri)
            yield node, depth
            ends += [(child, depth + 1) for child in reversed(below[node.uri])]


def _status(found: Explanation, node: Node, depth: int) -> ExplainedStatus:
    verdict, details = found.verdicts[node.uri], found.details[node.uri]
    return ExplainedStatus(
        uri=node.uri,
        url=details.url,
        parent_uri=node.parent_uri,
        depth=depth,
        host=node.host,
        kind=verdict.kind,
        words=verdict.words,
        observed=verdict.observed,
        inferred=details.inferred,
        created_at=details.created_at,
        changed_at=details.changed_at,
        next_at=details.next_at,
    )
