"""PieFed's API for anonymous readers: comments by whole branches."""

from __future__ import annotations

from typing import Any

from toottail.simulator.apis import comment_views as views
from toottail.simulator.apis import communities as places
from toottail.simulator.apis.base import Api
from toottail.simulator.question import Question, Reply, document
from toottail.simulator.world import Host, Status, World

PAGE, _USUAL = 100, 20


def _answer(world: World, host: Host, question: Question) -> Reply | None:
    path, asked = question.path, question.asked
    status = host.by_path.get(path)
    if status is not None and question.method == "GET":
        return places.as_object(host, status, question)
    if not path.startswith("/api/alpha/"):
        return None
    match path.removeprefix("/api/alpha/"):
        case "post/replies":
            return _replies(host, asked)
        case "post":
            post = places.on_host(host, asked.get("id", ""), comment=False)
            return document({"post_view": views.post_view(host, post)}) if post else _refused()
        case "resolve_object":
            found = world.by_uri.get(asked.get("q", ""))
            if found is None or found.parent is not None or not host.has(found):
                return _refused()
            return document({"post": views.post_view(host, found)})
    return _refused()


def _refused() -> Reply:
    reply = document({"code": 400, "message": "No object found.", "status": "Bad Request"})
    reply.status = 400
    return reply


def _replies(host: Host, asked: dict[str, str]) -> Reply:
    below = asked.get("parent_id", "")
    top = places.on_host(host, below or asked.get("post_id", ""), comment=bool(below))
    if top is None:
        return _refused()
    branches = [top] if below else places.below(host, top)
    limit = min(int(asked.get("limit", _USUAL)), PAGE)
    start = next((n for n, s in enumerate(branches) if host.known[s] == asked.get("page")), 0)
    end = _page_end(host, branches, start, limit)
    following = host.known[branches[end]] if end < len(branches) else None
    found = [_branch(host, s, top=True) for s in branches[start:end]]
    return document({"comments": found, "next_page": following})


def _page_end(host: Host, branches: list[Status], start: int, limit: int) -> int:
    """Where a page ends that holds whole branches, at least one."""
    size, end = 0, start
    while end < len(branches):
        size += 1 + len(places.comments(host, branches[end]))
        if end > start and size > limit:
            break
        end += 1
    return end


def _branch(host: Host, status: Status, *, top: bool = False) -> dict[str, Any]:
    view = views.view(host, status)
    del view["creator"]["bio"]
    if not top:
        del view["post"], view["community"]
    return view | {"replies": [_branch(host, s) for s in places.below(host, status)]}


def _requests(host: Host, root: Status) -> int:
    branches, start, pages = places.below(host, root), 0, 0
    while start < len(branches):
        start, pages = _page_end(host, branches, start, PAGE), pages + 1
    return max(1, pages)


API = Api(answer=_answer, listings=places.listings, requests=_requests)
