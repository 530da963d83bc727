"""PeerTube: all threads of comments on a video, and the tree of each, through its own API.

Read in PeerTube's source (7.3, 2025):

- ``/api/v1/videos/{id}/comment-threads`` lists 100 threads at a time; ``id`` is the UUID or the
  short UUID of the video's page. Sorted by ``createdAt`` a page does not shift when one is added.
- ``/comment-threads/{threadId}`` is the whole tree below one. ``totalReplies`` of a thread counts
  that tree without what was deleted, so 0 saves the request.
- Deleted comments stay in their place, without an author. Where comments are switched off the list
  is empty. Videos that are private or want a password answer 401 or 403.
- A comment's ``url`` is its ActivityPub id; those of its own users are
  ``/videos/watch/{uuid}/comments/{id}``, also on videos of other servers, which have the same UUID
  here. What a comment replies to is told by its ActivityPub document.
- 50 requests in 10 seconds are allowed.

A video with t threads costs a request for each 100 of them, and one for each that has replies.
"""

from __future__ import annotations

import re
from typing import Annotated, Any
from urllib.parse import urlsplit

import msgspec

from toottail.errors import AnswerRefused, Forbidden, Gone
from toottail.servers.asker import Asker
from toottail.servers.dialects import base
from toottail.servers.dialects.activitypub import ActivityPub
from toottail.servers.entities import (
    ITEMS_AT_MOST,
    ApiAccount,
    count_of,
    decode,
    opts_out,
    time_of,
)
from toottail.servers.nodeinfo import Software
from toottail.types.hosts import host_of
from toottail.types.statuses import FoundStatus, LookTarget, Reading

THREADS = "comments:thread"
"""A page of the threads below the video ``uri``; the hint is the video's id here and an offset."""
TREE = "tree:replies"
"""What is below the thread ``uri``; the hint is the video's id here and that of the thread."""

PAGE = 100
MOST_THREADS = 5_000
HIDDEN = "shows the comments on this video to its own members only"

_VIDEO = re.compile(r"/(?:videos/watch|w)/([A-Za-z0-9-]{1,36})/?")
_COMMENT = re.compile(
    r"/(?:videos/watch/([A-Za-z0-9-]{1,36})/comments/[0-9]{1,19}/?"
    r"|w/([A-Za-z0-9-]{1,36});threadId=[0-9]{1,19})"
)
_HINT = re.compile(r"([A-Za-z0-9-]{1,36}) ([0-9]{1,19})")


class _Account(msgspec.Struct, gc=False):
    description: msgspec.Raw = msgspec.Raw()


class _Comment(msgspec.Struct, rename="camel", gc=False):
    id: Annotated[int, msgspec.Meta(ge=1, le=(1 << 63) - 1)]
    url: str
    created_at: Any = None
    is_deleted: bool = False
    held_for_review: bool = False
    total_replies: Any = None
    account: _Account | None = None


class _Threads(msgspec.Struct):
    data: list[msgspec.Raw] = []
    total: Any = None


# A tree is read in one pass, whatever a hostile server nests into it: all that is no node of it
# fits one of the other types and is left out.
_Other = list[msgspec.Raw] | str | int | float | bool | None


class _Tree(msgspec.Struct):
    comment: msgspec.Raw = msgspec.Raw()
    children: list[_Tree | _Other] | dict[str, msgspec.Raw] | str | int | float | bool | None = None


class _Video(msgspec.Struct):
    url: str


class PeerTube:
    """Reads videos and what is below them; single comments through ActivityPub."""

    name = "peertube"

    def __init__(self) -> None:
        self._documents = ActivityPub()

    def speaks(self, software: Software) -> bool:
        """True for PeerTube."""
        return software.name == "peertube"

    async def look(self, ask: Asker, target: LookTarget, software: Software) -> Reading:
        """One look; see `toottail.servers.dialects.base`."""
        hint = _HINT.fullmatch(target.hint)
        if hint is not None and target.how == THREADS:
            return await _look_at_threads(ask, target.uri, hint[1], int(hint[2]))
        if hint is not None and target.how == TREE:
            return await _look_at_tree(ask, target.uri, hint[1], hint[2])
        if target.how == base.AROUND:
            return await _look_around(ask, target)
        video = _id_in(_VIDEO, target.uri)
        if video is None or host_of(target.uri) != ask.host:
            return await self._documents.look(ask, target, software)
        return await _look_at_video(ask, target.uri, video)


def _id_in(pattern: re.Pattern[str], uri: str) -> str | None:
    """The video's id in a URI of that shape."""
    try:
        found = pattern.fullmatch(urlsplit(uri).path)
    except ValueError:
        return None
    return next((part for part in found.groups() if part), None) if found else None


async def _look_at_video(ask: Asker, uri: str, video: str) -> Reading:
    try:
        return await _threads(ask, uri, video, 0)
    except Forbidden:
        return Reading(refused=HIDDEN)
    except Gone:
        return Reading(gone=True)


async def _look_around(ask: Asker, target: LookTarget) -> Reading:
    """The video that a comment of this host belongs to, as this host knows it."""
    video = _id_in(_COMMENT, target.uri)
    if video is None or host_of(target.uri) != ask.host:
        return Reading()
    answer = await ask.get(f"/api/v1/videos/{video}")
    uri = decode(ask.host, answer.body, _Video).url
    if host_of(uri) is None:
        raise AnswerRefused(ask.host, "answered with a video that has no usable id")
    return Reading(further=(LookTarget(uri, ask.host, THREADS, f"{video} 0"),))


async def _look_at_threads(ask: Asker, uri: str, video: str, start: int) -> Reading:
    try:
        return await _threads(ask, uri, video, start)
    except (Forbidden, Gone) as error:
        return Reading(notes=(f"comments on {uri}: {error.what}",))


async def _threads(ask: Asker, uri: str, video: str, start: int) -> Reading:
    paging = {"start": str(start), "count": str(PAGE), "sort": "createdAt"}
    answer = await ask.get(f"/api/v1/videos/{video}/comment-threads", params=paging)
    listed = decode(ask.host, answer.body, _Threads)
    items = listed.data[:PAGE]
    statuses: dict[str, FoundStatus] = {}
    further = []
    for comment in filter(None, map(_comment_in, items)):
        found = _found(comment, uri)
        if found is not None:
            statuses.setdefault(found.uri, found)
        if count_of(comment.total_replies) != 0:
            about = comment.url if host_of(comment.url) else uri
            further.append(LookTarget(about, ask.host, TREE, f"{video} {comment.id}"))
    following, total = start + PAGE, count_of(listed.total)
    if len(items) == PAGE and following < min(total or MOST_THREADS, MOST_THREADS):
        further.append(LookTarget(uri, ask.host, THREADS, f"{video} {following}"))
    return Reading(statuses=tuple(statuses.values()), further=tuple(further))


async def _look_at_tree(ask: Asker, uri: str, video: str, thread: str) -> Reading:
    try:
        answer = await ask.get(f"/api/v1/videos/{video}/comment-threads/{thread}")
    except (Forbidden, Gone) as error:
        return Reading(notes=(f"comments below {uri}: {error.what}",))
    top = decode(ask.host, answer.body, _Tree)
    statuses: dict[str, FoundStatus] = {}
    stack = [(top, _comment_in(top.comment))]
    while stack and len(statuses) < ITEMS_AT_MOST:
        node, above = stack.pop()
        parent = above.url if above is not None and host_of(above.url) else None
        for child in node.children if isinstance(node.children, list) else ():
            if not isinstance(child, _Tree):
                continue
            comment = _comment_in(child.comment)
            found = _found(comment, parent) if comment is not None else None
            if found is not None:
                statuses.setdefault(found.uri, found)
            stack.append((child, comment))
    return Reading(statuses=tuple(statuses.values()))


def _comment_in(item: msgspec.Raw) -> _Comment | None:
    try:
        return msgspec.json.decode(item, type=_Comment)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return None


def _found(comment: _Comment, parent: str | None) -> FoundStatus | None:
    """A comment that anybody may see and that has an id to ask for."""
    host = host_of(comment.url)
    if host is None or comment.is_deleted or comment.held_for_review or comment.url == parent:
        return None
    description = comment.account.description if comment.account else msgspec.Raw()
    return FoundStatus(
        uri=comment.url,
        host=host,
        parent_uri=parent,
        is_reply=True,
        created_at=time_of(comment.created_at),
        opted_out=opts_out(ApiAccount(note=description)),
    )
