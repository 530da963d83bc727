"""Friendica: the Mastodon API's contexts for anybody, 40 statuses of them unless more is asked for.

As its modules answer (2024.09-rc): the API's ids are numbers that no URI holds; the page of a post
has them in its head, in the name of a feed. ActivityPub shows no replies.
"""

from __future__ import annotations

from collections.abc import Iterator

from toottail.simulator import listing, shapes
from toottail.simulator.apis.base import Api
from toottail.simulator.question import Question, Reply, error
from toottail.simulator.world import Host, Status, World

_USUAL = 40
_HEAD = """<!DOCTYPE html><html><head><title>A post</title>
<link href="display/feed-item/{local}.atom" rel="alternate" type="application/atom+xml">
<link href="display/feed-item/{top}/conversation.atom" rel="conversation" type="application/atom+xml">
</head><body>"""  # noqa: E501


def _answer(_world: World, host: Host, question: Question) -> Reply | None:
    parts = question.parts
    if parts[:3] == ["api", "v1", "statuses"] and parts[4:] == ["context"]:
        return _context(host, parts[3], question)
    if parts[0] not in ("objects", "display") or "json" in question.accept:
        return None
    status = host.by_path.get(question.path)
    if status is None or not status.listable or status.deleted:
        return error(404, "Not Found")
    if parts[0] == "objects":
        return Reply(302, b"", "text/html", {"Location": status.url})
    head = _HEAD.format(local=host.known[status], top=host.known.get(status.root, "0"))
    # The page shows the conversation, so it is as long as that.
    return Reply(200, head.encode() + b"<p>words</p>" * 40_000, "text/html; charset=utf-8")


def _context(host: Host, local: str, question: Question) -> Reply:
    status = host.by_id.get(local)
    if status is None or not host.has(status) or not status.listable:
        return error(404, "Record not found")
    limit = question.asked.get("limit", "")
    most = int(limit) if limit.isdigit() else _USUAL
    above, below = listing.anonymous_context(host, status)
    below.sort(key=lambda s: int(host.known[s]))
    return Reply(200, shapes.context_json(host, above[:most], below[:most]))


def _listings(host: Host, status: Status) -> Iterator[tuple[Status, bool]]:
    above, below = listing.anonymous_context(host, status)
    yield from ((found, False) for found in (*above, *below))


def _requests(host: Host, root: Status) -> int:
    """The page, and the context."""
    del host, root
    return 2


API = Api(answer=_answer, listings=_listings, requests=_requests)
