"""An explained conversation as JSON tells it."""

from __future__ import annotations

from toottail.api.models import AskedHost, Conversation, ExplainedStatus
from toottail.service.explanation import Explanation
from toottail.types.trees import Node, in_order


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
        statuses=[_status(found, node, depth) for node, depth in in_order(found.nodes)],
        asked=[
            AskedHost(host=one.host, answered=one.answered, open=one.open, problem=one.problem)
            for one in found.asked
        ],
    )


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
