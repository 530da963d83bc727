"""NodeBB 4: posts with their replies, and the topic they are in as a collection, 20 a page.

As its controllers answer (4.15.1, August 2026): a collection asked for without a page is its own
first page where there are more, with ``first`` on every page; the topic's own post stands only on
pages that are asked for by number, or where all fits on one. What the forum has of other servers is
named by its URI. A deleted post is a Tombstone with status 200.
"""

from __future__ import annotations

from collections.abc import Iterator
from math import ceil
from typing import Any

from toottail.simulator import activity, listing
from toottail.simulator.apis.base import Api
from toottail.simulator.question import ACTIVITY, Question, Reply, document, error
from toottail.simulator.world import Host, Status, World

PAGE = 20


def _answer(_world: World, host: Host, question: Question) -> Reply | None:
    parts = question.parts
    if question.method not in ("GET", "HEAD") or "json" not in question.accept:
        return None
    if parts[0] == "topic" and len(parts) == 2:
        return _topic(host, parts[1], question)
    if parts[0] != "post" or len(parts) not in (2, 3):
        return None
    status = host.by_path.get(f"/post/{parts[1]}")
    if status is None or not status.listable:
        return error(404, "Not Found")
    if parts[2:] == ["replies"]:
        items = [] if status.deleted else [c.uri for c in _children(host, status)]
        return _collection(items, len(items), f"{status.uri}/replies", question)
    if len(parts) == 3:
        return error(404, "Not Found")
    return document(_tombstone(status) if status.deleted else _note(host, status), ACTIVITY)


def _children(host: Host, status: Status) -> list[Status]:
    return [child for child in host.children_of(status) if child.listable]


def _note(host: Host, status: Status) -> dict[str, Any]:
    note = activity.note(host, status)
    note |= {"type": "Note" if status.parent else "Article", "replies": f"{status.uri}/replies"}
    if status.parent is None:
        del note["inReplyTo"]
    if status.root.host == host.name:
        note["context"] = _topic_uri(host, status.root)
        note["audience"] = f"https://{host.name}/category/1"
    return note


def _tombstone(status: Status) -> dict[str, Any]:
    return {
        "@context": activity.CONTEXT[0],
        "type": "Tombstone",
        "id": status.uri,
        "formerType": "Note",
        "attributedTo": activity.actor_uri(status.author),
    }


def _topic_uri(host: Host, root: Status) -> str:
    return f"https://{host.name}/topic/{host.known[root]}"


def _topic(host: Host, topic_id: str, question: Question) -> Reply:
    root = host.by_id.get(topic_id)
    if root is None or root.parent is not None or root.host != host.name or root.deleted:
        return error(404, "Not Found")
    below = [s.uri for s in listing.thread(host, root) if s is not root]
    first = question.asked.get("page", "") in ("0", "1") or (
        "page" not in question.asked and len(below) + 1 < PAGE
    )
    reply = _collection(below, len(below) + 1, _topic_uri(host, root), question, first * [root.uri])
    reply.headers["ETag"] = f"{len(below):064x}"
    return reply


def _collection(
    items: list[str], total: int, url: str, question: Question, before: list[str] | None = None
) -> Reply:
    """``total`` is what it says it has; ``before`` comes ahead of the page's items."""
    asked = question.asked.get("page", "")
    pages = max(1, ceil(len(items) / PAGE))
    page = min(int(asked), pages) if asked.isdigit() and int(asked) else 1
    paged = asked.isdigit() or pages > 1
    shown = items[(page - 1) * PAGE : page * PAGE]
    found: dict[str, Any] = {
        "@context": activity.CONTEXT[0],
        "id": f"{url}?page={page}" if asked and shown else url,
        "url": url.removesuffix("/replies"),
        "type": "OrderedCollectionPage" if paged and shown else "OrderedCollection",
        "totalItems": total,
    }
    if shown or before:
        found["orderedItems"] = [*(before or []), *shown]
    if paged and shown:
        found["partOf"] = url
        found["next"] = f"{url}?page={page + 1}" if page < pages else None
        found["prev"] = f"{url}?page={page - 1}" if page > 1 else None
    if paged:
        found |= {"first": f"{url}?page=1", "last": f"{url}?page={pages}"}
    return document(found, ACTIVITY)


def _listings(host: Host, status: Status) -> Iterator[tuple[Status, bool]]:
    if status.host != host.name or status.deleted:
        return
    yield from ((child, False) for child in _children(host, status))
    if status.root.host == host.name and not status.root.deleted:
        yield from ((found, False) for found in listing.thread(host, status.root))


def _requests(host: Host, root: Status) -> int:
    """The post, the topic's pages, and the replies to those of its own posts that have some."""
    everything = listing.thread(host, root)
    own = [len(_children(host, s)) for s in everything if s.host == host.name and not s.deleted]
    return 1 + ceil((len(everything) - 1) / PAGE) + sum(ceil(count / PAGE) for count in own)


API = Api(answer=_answer, listings=_listings, requests=_requests)
