"""BookWyrm: replies as collections that hold whole posts, 15 a page.

As its views answer (0.9.2, August 2026): a post carries how many replies it has and where the first
page is; so does each post on a page, those of other servers included. Replies for followers only
are on the pages too, addressed as such, and deleted ones as Tombstones.
"""

from __future__ import annotations

from collections.abc import Iterator
from math import ceil
from typing import Any

from toottail.simulator import activity
from toottail.simulator.apis.base import Api
from toottail.simulator.question import ACTIVITY, Question, Reply, document, error
from toottail.simulator.world import Host, Status, World

PAGE = 15


def _answer(_world: World, host: Host, question: Question) -> Reply | None:
    path = question.path.rstrip("/")
    if question.parts[0] != "user" or "json" not in question.accept:
        return None
    status = host.by_path.get(path.removesuffix(".json").removesuffix("/replies"))
    if status is None or not status.listable or status.deleted:
        return error(404, "Not Found")
    if not path.removesuffix(".json").endswith("/replies"):
        return document(_post(host, status), ACTIVITY)
    asked = question.asked.get("page")
    if asked is None:
        return document({"@context": activity.CONTEXT} | _replies(host, status), ACTIVITY)
    return document(_page(host, status, asked), ACTIVITY)


def _all_replies(host: Host, status: Status) -> list[Status]:
    """Whatever is below ``status``, with what is not for everybody and what is gone."""
    return [child for child in status.children if child in host.known]


def _post(host: Host, status: Status) -> dict[str, Any]:
    return activity.note(host, status) | {"replies": _replies(host, status)}


def _replies(host: Host, status: Status) -> dict[str, Any]:
    uri = activity.replies_uri(status)
    count = len(_all_replies(host, status))
    return {
        "id": uri,
        "type": "OrderedCollection",
        "totalItems": count,
        "first": f"{uri}?page=1",
        "last": f"{uri}?page={max(1, ceil(count / PAGE))}",
    }


def _page(host: Host, status: Status, asked: str) -> dict[str, Any]:
    uri, everything = activity.replies_uri(status), _all_replies(host, status)
    last = max(1, ceil(len(everything) / PAGE))
    page = min(max(int(asked), 1), last) if asked.isdigit() else 1
    shown = everything[(page - 1) * PAGE : page * PAGE]
    return {
        "@context": activity.CONTEXT,
        "id": f"{uri}?page={page}",
        "type": "OrderedCollectionPage",
        "partOf": uri,
        "orderedItems": [_item(host, child) for child in shown],
        "next": f"{uri}?page={page + 1}" if page < last else None,
        "prev": f"{uri}?page={page - 1}" if page > 1 else None,
    }


def _item(host: Host, status: Status) -> dict[str, Any]:
    if status.deleted and status.host == host.name:
        return {"@context": activity.CONTEXT[0], "id": status.uri, "type": "Tombstone"}
    return _post(host, status)


def _listings(host: Host, status: Status) -> Iterator[tuple[Status, bool]]:
    if status.host != host.name or status.deleted:
        return
    if status.parent is not None and status.parent.listable:
        yield status.parent, False
    yield from ((child, False) for child in host.children_of(status) if child.listable)


def _requests(host: Host, root: Status) -> int:
    """The post, and the pages of replies to its own posts; other hosts' posts have none here."""
    own = [s for s in root.branch() if s.host == host.name and not s.deleted and s.listable]
    return 1 + sum(ceil(len(_all_replies(host, s)) / PAGE) for s in own)


API = Api(answer=_answer, listings=_listings, requests=_requests)
