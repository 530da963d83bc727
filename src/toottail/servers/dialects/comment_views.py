"""Comments as Lemmy's API shows them; PieFed's shows them alike.

A view holds the comment, its author, the post and the community, the last two again and again: they
stay as they came until one of them is wanted. Every field stays what it is until it is used, so a
malformed one costs no more than itself.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any, TypeVar

import msgspec

from toottail.errors import StatusError
from toottail.servers.dialects.comments import (
    Comment,
    Listing,
    Place,
    Post,
    Server,
    number_in,
    uri_in,
)
from toottail.servers.entities import (
    ITEMS_AT_MOST,
    ApiAccount,
    count_of,
    decode,
    opts_out,
    time_of,
)
from toottail.types.hosts import host_of

PATHS_AT_MOST = 500_000
"""Ids in the paths of all comments that one look keeps."""
_NESTING_AT_MOST = 500
_BYTES_AT_MOST = 64 << 20
"""Bytes of views that are read of one answer; what is nested n deep is read n times."""

_T = TypeVar("_T")
_NONE = msgspec.Raw()
_LOCAL_ONLY = frozenset({"LocalOnly", "local_only_public", "local_only_private", "private"})
"""Communities whose posts other servers do not get."""


class _Comment(msgspec.Struct, gc=False):
    id: Any = None
    ap_id: Any = None
    path: Any = None
    published: Any = None
    published_at: Any = None
    deleted: Any = None
    removed: Any = None
    child_count: Any = None


class _Counts(msgspec.Struct, gc=False):
    child_count: Any = None


class _Creator(msgspec.Struct, gc=False):
    bio: msgspec.Raw = _NONE


class View(msgspec.Struct, gc=False):
    """One comment and what it belongs to; ``replies`` are the views of those below, with PieFed."""

    comment: _Comment
    creator: msgspec.Raw = _NONE
    counts: msgspec.Raw = _NONE
    post: msgspec.Raw = _NONE
    community: msgspec.Raw = _NONE
    replies: msgspec.Raw = _NONE


class _Post(msgspec.Struct, gc=False):
    id: Any = None
    ap_id: Any = None
    published: Any = None
    published_at: Any = None
    deleted: Any = None
    removed: Any = None
    post: msgspec.Raw = _NONE
    community: msgspec.Raw = _NONE


class _PostAnswer(msgspec.Struct):
    post_view: msgspec.Raw


class _Resolved(msgspec.Struct):
    post: msgspec.Raw = _NONE


class _Community(msgspec.Struct, gc=False):
    actor_id: Any = None
    ap_id: Any = None
    visibility: Any = None


def views_of(items: Iterable[msgspec.Raw]) -> list[View]:
    """The readable views among ``items``, and among the replies within them."""
    found: list[View] = []
    level, room = list(items), _BYTES_AT_MOST
    for _ in range(_NESTING_AT_MOST):
        below: list[msgspec.Raw] = []
        for item in level:
            room -= len(item)
            view = struct_in(item, View) if room > 0 and len(found) < ITEMS_AT_MOST else None
            if view is not None:
                found.append(view)
                below += struct_in(view.replies, list[msgspec.Raw]) or ()
        level = below
    return found


def comments_in(views: Iterable[View]) -> Iterator[Comment]:
    """The comments of ``views`` that have all they need: an id, a URI, a path.

    Where their paths together are longer than any that people write, the rest is left out.
    """
    room = PATHS_AT_MOST
    for view in views:
        raw = view.comment
        own, uri, path = number_in(raw.id), uri_in(raw.ap_id), _path(raw.path)
        if own is None or uri is None or path is None or path[-1] != own:
            continue
        room -= len(path)
        if room < 0:
            return
        counts = struct_in(view.counts, _Counts)
        creator = struct_in(view.creator, _Creator)
        yield Comment(
            id=own,
            uri=uri,
            path=path,
            created_at=time_of(raw.published or raw.published_at),
            gone=raw.deleted is True or raw.removed is True,
            opted_out=creator is not None and opts_out(ApiAccount(note=creator.bio)),
            below=count_of(raw.child_count if counts is None else counts.child_count),
        )


def post_in(field: msgspec.Raw) -> Post | None:
    """The post that a field holds, as itself or within a view of it."""
    raw = struct_in(field, _Post)
    if raw is not None and raw.ap_id is None:
        raw = struct_in(raw.post, _Post)
    if raw is None:
        return None
    own, uri = number_in(raw.id), uri_in(raw.ap_id)
    if own is None or uri is None:
        return None
    gone = raw.deleted is True or raw.removed is True
    return Post(str(own), uri, time_of(raw.published or raw.published_at), gone)


def community_in(field: msgspec.Raw) -> tuple[str | None, bool]:
    """The host of the community that a field holds, and whether its posts go to other servers."""
    raw = struct_in(field, _Community)
    if raw is None:
        return None, True
    uri = uri_in(raw.actor_id) or uri_in(raw.ap_id)
    local = isinstance(raw.visibility, str) and raw.visibility in _LOCAL_ONLY
    return (host_of(uri) if uri else None), not local


async def read_post_at(server: Server, path: str, post_id: str) -> Listing:
    """The post with that id, by the API at ``path``, without its comments."""
    answer = await server.ask.get(path, params={"id": post_id})
    view = decode(server.host, answer.body, _PostAnswer).post_view
    raw = struct_in(view, _Post)
    community, federated = community_in(_NONE if raw is None else raw.community)
    return Listing(post=post_in(view), community=community, federated=federated)


async def find_by_uri(server: Server, path: str, uri: str) -> Place | None:
    """Where a host has the post ``uri``, by its API at ``path``; None where it does not tell."""
    try:
        answer = await server.ask.get(path, params={"q": uri})
    except StatusError as error:
        if error.status not in (400, 404, 410):
            raise
        return None
    post = post_in(decode(server.host, answer.body, _Resolved).post)
    return Place("post", post.id) if post is not None and post.uri == uri else None


def struct_in(field: msgspec.Raw, kind: type[_T]) -> _T | None:
    """``field`` as a ``kind``; None where it is something else."""
    try:
        return msgspec.json.decode(field, type=kind)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return None


def _path(value: object) -> tuple[int, ...] | None:
    """``0.24.27`` as the ids in it; the 0 stands for the post."""
    if not isinstance(value, str) or len(value) > 2000 or not value.isascii():
        return None
    words = value.split(".")
    if words[0] != "0" or len(words) < 2 or not all(word.isdigit() for word in words):
        return None
    return tuple(int(word) for word in words[1:])
