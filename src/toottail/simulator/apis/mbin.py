"""Mbin's API for anonymous readers: pages of trees of comments, at most 25 levels deep."""

from __future__ import annotations

from math import ceil
from typing import Any

from toottail.simulator.apis import communities as places
from toottail.simulator.apis.base import Api
from toottail.simulator.question import Question, Reply, document, error
from toottail.simulator.shapes import instant, words
from toottail.simulator.world import Host, Status, World

PAGE, DEPTH, _USUAL, _USUAL_DEPTH = 100, 25, 15, 10


def _answer(_world: World, host: Host, question: Question) -> Reply | None:
    parts, asked = question.parts, question.asked
    status = host.by_path.get(question.path)
    if status is not None and question.method == "GET":
        return places.as_object(host, status, question)
    if parts[0] != "api":
        return None
    depth = min(max(int(asked.get("d", _USUAL_DEPTH)), 0), DEPTH)
    match parts[1:]:
        case ["entry", local, "comments"]:
            post = places.on_host(host, local, comment=False)
            return _page(host, post, asked, depth) if post else error(404, "Not Found")
        case ["entry", local]:
            post = places.on_host(host, local, comment=False)
            return document(_entry(host, post)) if post else error(404, "Not Found")
        case ["comments", local]:
            top = places.on_host(host, local, comment=True)
            return document(_tree(host, top, depth)) if top else error(404, "Not Found")
    return error(404, "Not Found")


def _page(host: Host, post: Status, asked: dict[str, str], depth: int) -> Reply:
    top = places.below(host, post)
    size = min(max(int(asked.get("perPage", _USUAL)), 1), PAGE)
    page, last = int(asked.get("p", "1")), max(1, ceil(len(top) / size))
    if page > last:
        return error(404, "Not Found")
    shown = top[size * (page - 1) : size * page]
    return document(
        {
            "items": [_tree(host, s, depth) for s in shown],
            "pagination": {
                "count": len(top),
                "currentPage": page,
                "maxPage": last,
                "perPage": size,
            },
        }
    )


def _shared(host: Host, status: Status) -> dict[str, Any]:
    own = status.host == host.name
    return {
        "entryId": int(host.known[status.root]),
        "magazine": {
            "magazineId": 1,
            "name": places.COMMUNITY,
            "apProfileId": places.community_uri(status),
        },
        "user": {"userId": status.author.number, "username": status.author.name},
        "body": None if places.is_deleted(host, status) else words(status.number, 20),
        "visibility": "soft_deleted" if places.is_deleted(host, status) else "visible",
        "apId": None if own else status.uri,
        "createdAt": instant(status.at)[:19] + "+00:00",
    }


def _entry(host: Host, status: Status) -> dict[str, Any]:
    return _shared(host, status) | {"numComments": len(places.comments(host, status))}


def _tree(host: Host, status: Status, depth: int) -> dict[str, Any]:
    path = places.path(host, status)
    below = places.below(host, status) if depth else []
    return _shared(host, status) | {
        "commentId": path[-1],
        "parentId": path[-2] if len(path) > 1 else None,
        "rootId": path[0] if len(path) > 1 else None,
        "childCount": len(places.comments(host, status)),
        "children": [_tree(host, s, depth - 1) for s in below],
    }


def _requests(host: Host, root: Status) -> int:
    cut = 0
    for comment in places.comments(host, root):
        level = sum(1 for _ in comment.ancestors())
        cut += level > 1 and level % DEPTH == 1 and bool(places.below(host, comment))
    return max(1, ceil(len(places.below(host, root)) / PAGE)) + cut


API = Api(answer=_answer, listings=places.listings, requests=_requests)
