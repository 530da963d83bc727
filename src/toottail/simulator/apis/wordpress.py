"""WordPress with its ActivityPub plugin, as the plugin's source has it (7.x, 2025).

The root of a thread is a post, what the blog's own people reply is a comment. A comment on a post
names its permalink as what it replies to; collections of replies leave the blog's own comments out.
"""

from __future__ import annotations

from collections.abc import Iterator
from math import ceil
from typing import Any

from toottail.simulator import activity, listing
from toottail.simulator.apis.base import Api
from toottail.simulator.question import ACTIVITY, Question, Reply, document, error
from toottail.simulator.world import Host, Status, World, shown_id

PER_PAGE = 50
_REST = ["wp-json", "activitypub", "1.0"]


def _answer(_world: World, host: Host, question: Question) -> Reply | None:
    parts = question.parts
    if parts[:3] == _REST and len(parts) == 6:
        return _collection(host, parts[3:], question.asked)
    status = None
    if question.path == "/":
        asked = question.asked
        status = host.by_id.get(asked.get("p") or asked.get("c") or "")
    elif parts[0] == "archives" and len(parts) == 2:
        status = host.by_id.get(parts[1])
    else:
        return None
    if status is None or not status.listable:
        return error(404, "Not Found")
    if status.host != host.name:
        return Reply(302, b"", "text/html", {"Location": status.uri})
    if status.deleted:
        return error(410, "Gone")
    if "json" not in question.accept:
        return Reply(200, b"<!DOCTYPE html><title>A post</title>", "text/html; charset=utf-8")
    return document(_object(host, status), ACTIVITY)


def _object(host: Host, status: Status) -> dict[str, Any]:
    found = activity.note(host, status)
    if status.parent is None:
        found |= {"type": "Article", "name": "A post"}
    elif status.parent.host == host.name and status.parent.parent is None:
        found["inReplyTo"] = status.parent.url
    if status.root.host == host.name:
        found["context"] = f"{_rest(host, status.root)}/context"
    collection = f"{_rest(host, status)}/replies"
    first = _page(host, status, 1)
    return found | {"replies": {"id": collection, "type": "Collection", "first": first}}


def _rest(host: Host, status: Status) -> str:
    kind = "comments" if status.parent else "posts"
    return f"https://{host.name}/{'/'.join(_REST)}/{kind}/{shown_id(host, status)}"


def _collection(host: Host, parts: list[str], asked: dict[str, str]) -> Reply:
    status = host.by_id.get(parts[1])
    if status is None or not host.has(status) or not status.listable:
        return error(404, "Post not found")
    if parts[2] == "context" and parts[0] == "posts":
        return document(_context(host, status), ACTIVITY)
    if parts[2] != "replies":
        return error(404, "Not Found")
    page = _page(host, status, int(asked.get("page", "1")))
    return document({"@context": activity.CONTEXT} | page, ACTIVITY)


def _context(host: Host, post: Status) -> dict[str, Any]:
    everything = _below(host, post)
    everything.sort(key=lambda status: status.at)
    return {
        "@context": activity.CONTEXT,
        "id": f"{_rest(host, post)}/context",
        "type": "OrderedCollection",
        "url": post.url,
        "attributedTo": activity.actor_uri(post.author),
        "totalItems": len(everything) + 1,
        "items": [post.uri, *(status.uri for status in everything)],
    }


def _page(host: Host, status: Status, number: int) -> dict[str, Any]:
    """A page is cut before the blog's own comments are left out of it."""
    children = [child for child in host.children_of(status) if child.listable]
    start = (number - 1) * PER_PAGE
    uri = f"{_rest(host, status)}/replies"
    page: dict[str, Any] = {
        "id": f"{uri}?page={number}",
        "type": "CollectionPage",
        "partOf": uri,
        "items": [c.uri for c in children[start : start + PER_PAGE] if c.host != host.name],
    }
    if len(children) > number * PER_PAGE:
        page["next"] = f"{uri}?page={number + 1}"
    return page


def _below(host: Host, status: Status) -> list[Status]:
    return [s for s in listing.descendants(host, status, 1 << 30, 1 << 30) if s.listable]


def _listings(host: Host, status: Status) -> Iterator[tuple[Status, bool]]:
    if status.root.host == host.name:
        yield from ((found, True) for found in listing.thread(host, status.root))
    elif status.host == host.name:
        yield from ((c, False) for c in host.children_of(status) if c.listable)


def _requests(host: Host, root: Status) -> int:
    own = [s for s in _below(host, root) if s.host == host.name]
    pages = (ceil(len(host.children_of(status)) / PER_PAGE) for status in (root, *own))
    return 2 + len(own) + sum(max(0, count - 1) for count in pages)


API = Api(answer=_answer, listings=_listings, requests=_requests)
