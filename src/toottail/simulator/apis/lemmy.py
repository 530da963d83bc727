"""Lemmy's API for anonymous readers: version 3, and for 1.0 version 4 with its cursors."""

from __future__ import annotations

from base64 import urlsafe_b64decode, urlsafe_b64encode
from math import ceil
from typing import Any

from toottail.simulator import activity
from toottail.simulator.apis import comment_views as views
from toottail.simulator.apis import communities as places
from toottail.simulator.apis.base import Api
from toottail.simulator.question import ACTIVITY, Question, Reply, document, error
from toottail.simulator.world import Host, Status, World

TREE, PAGE, _USUAL = 300, 50, 10


def _answer(world: World, host: Host, question: Question) -> Reply | None:
    is_new = host.flavour.version.startswith("1.")
    path, asked = question.path, question.asked
    status = host.by_path.get(path.removesuffix("/context"))
    if path.endswith("/context") and status is not None and is_new and status.listable:
        return _context(host, status)
    if status is not None and question.method == "GET":
        return places.as_object(host, status, question)
    if not path.startswith("/api/v4/" if is_new else "/api/v3/"):
        return None
    match path[len("/api/v3") :]:
        case "/comment/list":
            return _list(host, asked, is_new=is_new)
        case "/post":
            post = places.on_host(host, asked.get("id", ""), comment=False)
            return document({"post_view": views.post_view(host, post)}) if post else _unknown()
        case "/resolve_object":
            found = world.by_uri.get(asked.get("q", ""))
            if found is None or found.parent is not None or not host.has(found):
                return _unknown()
            view = views.post_view(host, found)
            return document({"type_": "post"} | view if is_new else {"post": view})
    return _unknown()


def _unknown() -> Reply:
    return error(404, "not_found")


def _context(host: Host, status: Status) -> Reply:
    """The URIs of all comments of a post, which 1.0 gives to other servers."""
    everything = [c.uri for c in places.comments(host, status.root) if not c.deleted]
    uri = f"{status.uri}/context"
    return document(
        {
            "@context": activity.CONTEXT,
            "id": uri,
            "type": "OrderedCollection",
            "totalItems": len(everything),
            "orderedItems": everything,
        },
        ACTIVITY,
    )


def _list(host: Host, asked: dict[str, str], *, is_new: bool) -> Reply:
    below = asked.get("parent_id", "")
    top = places.on_host(host, below or asked.get("post_id", ""), comment=bool(below))
    if top is None:
        return _unknown() if below else document({"comments": []})
    found = places.comments(host, top)
    if below:
        found.insert(0, top)
    everything = "all" if is_new else "All"
    if asked.get("type_") != everything and top.root.host != host.name:
        found = []
    if "max_depth" in asked:
        size = TREE
        found.sort(key=lambda s: (places.path(host, s)[:-1], s.at))
    else:
        size = int(asked.get("limit", _USUAL))
        if not 1 <= size <= PAGE:
            return error(400, "couldnt_get_comments")
        found.sort(key=lambda s: s.at)
    if is_new:
        return _by_cursor(host, found, size, asked.get("page_cursor", ""))
    start = 0 if "max_depth" in asked else size * (int(asked.get("page", "1")) - 1)
    return document({"comments": [views.view(host, s) for s in found[start : start + size]]})


def _by_cursor(host: Host, found: list[Status], size: int, cursor: str) -> Reply:
    start = int(urlsafe_b64decode(cursor)) if cursor else 0
    page = found[start : start + size]
    answer: dict[str, Any] = {"items": [_renamed(views.view(host, s)) for s in page]}
    if len(page) == size:
        following = urlsafe_b64encode(f"{start + size:06d}".encode()).decode()
        answer["next_page"] = following
    return document(answer)


def _renamed(view: dict[str, Any]) -> dict[str, Any]:
    """A view as version 4 writes it: other words, and the counts in the comment."""
    comment, counts = view["comment"], view.pop("counts")
    comment["published_at"] = comment.pop("published")
    comment["child_count"] = counts["child_count"]
    view["community"]["ap_id"] = view["community"].pop("actor_id")
    view["community"]["visibility"] = "public"
    return view


def _requests(host: Host, root: Status) -> int:
    return max(1, ceil(len(places.comments(host, root)) / TREE))


API = Api(answer=_answer, listings=places.listings, requests=_requests)
