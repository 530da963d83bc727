"""PeerTube's API for comments, as its source has it (7.3, 2025).

The root of a thread is a video, everything below it a comment. A comment is asked for by its
ActivityPub id, which tells only what it replies to.
"""

from __future__ import annotations

from collections.abc import Iterator
from math import ceil
from typing import Any
from uuid import UUID

from toottail.simulator import activity, listing
from toottail.simulator.apis.base import Api
from toottail.simulator.question import ACTIVITY, Question, Reply, document
from toottail.simulator.shapes import instant, words
from toottail.simulator.world import Account, Host, Status, World, shown_id

PAGE = 100
_DEFAULT_PAGE = 15


def _answer(world: World, host: Host, question: Question) -> Reply | None:
    parts = question.parts
    if parts[:3] == ["api", "v1", "videos"] and len(parts) > 3:
        return _api(world, host, parts[3:], question.asked)
    status = host.by_path.get(question.path)
    is_video = status is not None and status.parent is None and status.listable
    if status is None or not is_video or status.deleted or "json" not in question.accept:
        return None
    return document(_video_document(host, status), ACTIVITY)


def _api(world: World, host: Host, parts: list[str], asked: dict[str, str]) -> Reply:
    video = _video(world, host, parts[0])
    if video is None:
        return _fail(404, "Video not found")
    if not video.listable:
        return _fail(403, "Cannot fetch information of private/internal/blocked video")
    if len(parts) == 1:
        return document({"id": video.number, "uuid": parts[0], "url": video.uri})
    if parts[1] != "comment-threads" or len(parts) > 3:
        return _fail(404, "Not found")
    if len(parts) == 3:
        return _tree_below(host, video, parts[2])
    start, count = int(asked.get("start", 0)), int(asked.get("count", _DEFAULT_PAGE))
    if not 0 < count <= PAGE:
        return _fail(400, "Should have a number count between 1 and 100")
    threads = _comments(host, video)
    if asked.get("sort", "-createdAt").startswith("-"):
        threads.reverse()
    return document(
        {
            "total": len(threads),
            "data": [_comment(host, video, one) for one in threads[start : start + count]],
            "totalNotDeletedComments": len(threads),
        }
    )


def _video(world: World, host: Host, asked: str) -> Status | None:
    """A video under the id it has everywhere: the UUID in its address."""
    ends = f"/videos/watch/{asked}"
    roots = (s for s in world.statuses if s.parent is None and s.uri.endswith(ends))
    return next((video for video in roots if host.has(video)), None)


def _fail(status: int, text: str) -> Reply:
    reply = document({"type": "about:blank", "status": status, "detail": text, "error": text})
    reply.status = status
    reply.content_type = "application/problem+json; charset=utf-8"
    return reply


def _comments(host: Host, status: Status) -> list[Status]:
    return [child for child in host.children_of(status) if child.listable]


def _below(host: Host, status: Status) -> list[Status]:
    return [s for s in listing.descendants(host, status, 1 << 30, 1 << 30) if s.listable]


def _tree_below(host: Host, video: Status, thread_id: str) -> Reply:
    thread = host.by_id.get(thread_id)
    if thread is None or thread.root is not video or not host.has(thread):
        return _fail(404, "Video comment thread not found")
    if thread.parent is not video:
        return _fail(400, "Video comment is not a thread.")
    top: dict[str, Any] = {"comment": _comment(host, video, thread), "children": []}
    stack = [(thread, top)]
    while stack:
        status, node = stack.pop()
        for child in _comments(host, status):
            below = {"comment": _comment(host, video, child), "children": []}
            node["children"].append(below)
            stack.append((child, below))
    return document(top)


def _comment(host: Host, video: Status, status: Status) -> dict[str, Any]:
    thread = status
    while thread.parent is not None and thread.parent is not video:
        thread = thread.parent
    above = host.parent_of(status)
    return {
        "id": int(shown_id(host, status)),
        "url": status.uri,
        "text": words(status.number, 20),
        "threadId": int(shown_id(host, thread)),
        "inReplyToCommentId": None if above is video or above is None else int(host.known[above]),
        "videoId": video.number,
        "createdAt": instant(status.at),
        "updatedAt": instant(status.at),
        "deletedAt": None,
        "heldForReview": False,
        "isDeleted": False,
        "totalRepliesFromVideoAuthor": 0,
        "totalReplies": len(_below(host, status)),
        "account": _account(status.author),
    }


def _account(account: Account) -> dict[str, Any]:
    return {
        "id": account.number,
        "url": activity.actor_uri(account),
        "name": account.name,
        "displayName": words(account.number, 2).title(),
        "description": words(account.number, 24) + (" #nobot" if account.nobot else ""),
        "host": account.host,
        "hostRedundancyAllowed": False,
        "followingCount": 3,
        "followersCount": 5,
        "avatars": [],
    }


def _video_document(host: Host, video: Status) -> dict[str, Any]:
    found = activity.note(host, video)
    author = found["attributedTo"]
    channel = f"https://{host.name}/video-channels/{video.author.name}"
    return found | {
        "type": "Video",
        "name": words(video.number, 5).capitalize(),
        "uuid": str(UUID(video.uri.rsplit("/", 1)[1])),
        "attributedTo": [{"type": "Person", "id": author}, {"type": "Group", "id": channel}],
        "url": [{"type": "Link", "mediaType": "text/html", "href": video.url}],
        "commentsEnabled": True,
        "comments": f"{video.uri}/comments",
    }


def _listings(host: Host, status: Status) -> Iterator[tuple[Status, bool]]:
    if status.parent is None:
        yield from ((found, False) for found in _below(host, status))


def _requests(host: Host, root: Status) -> int:
    threads = _comments(host, root)
    trees = sum(bool(_below(host, thread)) for thread in threads)
    return max(1, ceil(len(threads) / PAGE)) + trees


API = Api(answer=_answer, listings=_listings, requests=_requests)
