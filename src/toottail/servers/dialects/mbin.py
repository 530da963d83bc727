"""Mbin's own API, and that of kbin, which Mbin began from, as anonymous readers may use it.

Read in the source of Mbin 1.10.1. ``/api/entry/ID/comments`` (threads) and
``/api/posts/ID/comments`` (microblog posts) list 100 replies to the post a page, each with what is
below it, 25 levels deep; ``/api/comments/ID`` and ``/api/post-comments/ID`` do so for one comment.
What was written on another server has its URI as ``apId``; the own has none, its URI is made of the
ids: ``/m/MAGAZINE/t/ID``, ``/m/MAGAZINE/t/ID/-/comment/ID``, ``/m/MAGAZINE/p/ID`` and
``/m/MAGAZINE/p/ID/-/reply/ID``. Anonymous readers may ask 60 times a minute. A 401 or 403 may mean
just one post, so it does not close the API for good. Finding a post of another server by its URI is
for members only, so as the host of a community Mbin tells only of its own posts.

What is asked for a thread with m direct replies to the post: m / 100 requests, at least one, and
one for each comment 25 levels below another that has more below it. A comment that is asked for
first is read by ActivityPub, which names what it replies to: the API would tell just a number.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace
from typing import Any
from urllib.parse import urlsplit

import msgspec

from toottail.servers.asker import ANONYMOUS
from toottail.servers.dialects.comment_views import struct_in
from toottail.servers.dialects.comments import (
    Comment,
    Listing,
    Place,
    Post,
    Server,
    number_in,
    uri_in,
)
from toottail.servers.dialects.communities import Communities
from toottail.servers.door import Answer
from toottail.servers.entities import ITEMS_AT_MOST, count_of, decode, time_of
from toottail.types.hosts import host_of

PAGE, DEPTH = 100, 25
_ALLOWANCES = (*ANONYMOUS, "mbin")
_POST = re.compile(r"/m/[^/]+/([tp])/([0-9]{1,19})(?:/[^/]*)?/?")
_MAGAZINE = re.compile(r"[\w.@-]{1,200}")
_NONE = msgspec.Raw()


class _Magazine(msgspec.Struct, rename="camel", gc=False):
    name: Any = None
    ap_profile_id: Any = None


class _Item(msgspec.Struct, rename="camel", gc=False):
    comment_id: Any = None
    entry_id: Any = None
    post_id: Any = None
    parent_id: Any = None
    ap_id: Any = None
    created_at: Any = None
    visibility: Any = None
    magazine: msgspec.Raw = _NONE
    children: msgspec.Raw = _NONE
    child_count: Any = None


class _Pages(msgspec.Struct, rename="camel"):
    current_page: Any = None
    max_page: Any = None


class _Answer(msgspec.Struct):
    items: list[msgspec.Raw] = []
    pagination: msgspec.Raw = _NONE


class Mbin(Communities):
    """Reads Mbin and kbin instances by their trees of comments."""

    name = "mbin"
    software = frozenset({"mbin", "kbin"})
    note_closed = None

    def place_of(self, uri: str) -> Place | None:
        """Posts have their id in the path; comments are read by ActivityPub."""
        found = _POST.fullmatch(urlsplit(uri).path)
        return Place("post", found[1] + found[2]) if found else None

    async def read_comments(self, server: Server, place: Place) -> Listing:
        """A page of the trees below a post, or the tree below a comment."""
        sort, number = place.id[0], place.id[1:]
        depth = {"d": str(DEPTH)}
        if place.kind == "comment":
            path = "/api/comments" if sort == "t" else "/api/post-comments"
            answer = await _get(server, f"{path}/{number}", depth)
            return _listing(server.host, place, [msgspec.Raw(answer.body)])
        path, by = ("/api/entry", "sortBy") if sort == "t" else ("/api/posts", "sort")
        pages = {by: "oldest", "p": str(place.page + 1), "perPage": str(PAGE)}
        answer = await _get(server, f"{path}/{number}/comments", depth | pages)
        found = decode(server.host, answer.body, _Answer)
        told = struct_in(found.pagination, _Pages) or _Pages()
        last, current = number_in(told.max_page), number_in(told.current_page)
        goes_on = current == place.page + 1 and last is not None and last > current
        listing = _listing(server.host, place, found.items)
        following = place.next() if goes_on and found.items else None
        return replace(listing, more=(*listing.more, following)) if following else listing

    async def read_post(self, server: Server, place: Place) -> Listing:
        """The post by its id."""
        path = "/api/entry" if place.id[0] == "t" else "/api/post"
        answer = await _get(server, f"{path}/{place.id[1:]}", {})
        item = decode(server.host, answer.body, _Item)
        uri = uri_in(item.ap_id) or _made(server.host, item, place.id, None)
        if uri is None:
            return Listing()
        gone = item.visibility in ("soft_deleted", "trashed")
        post = Post(place.id, uri, time_of(item.created_at), gone)
        return Listing(
            post=post, community=_community(item), federated=item.visibility != "private"
        )

    async def find(self, server: Server, uri: str) -> Place | None:
        """Only posts of its own: the rest is for members."""
        return self.place_of(uri) if host_of(uri) == server.host else None


async def _get(server: Server, path: str, params: dict[str, str]) -> Answer:
    return await server.ask.get(path, params=params, allowances=_ALLOWANCES)


def _listing(host: str, place: Place, items: Sequence[msgspec.Raw]) -> Listing:
    """The comments in ``items`` and in each other, and those whose trees are cut."""
    found: list[Comment] = []
    cut: list[Place] = []
    community: str | None = None
    level: list[tuple[msgspec.Raw, tuple[int, ...]]] = [(item, ()) for item in items]
    for depth in range(DEPTH + 1):
        below: list[tuple[msgspec.Raw, tuple[int, ...]]] = []
        for raw, above in level:
            item = struct_in(raw, _Item)
            own = number_in(item.comment_id) if item is not None else None
            if item is None or own is None or len(found) >= ITEMS_AT_MOST:
                continue
            parent = number_in(item.parent_id)
            path = (*(above or ((parent,) if parent else ())), own)
            uri = uri_in(item.ap_id) or _made(host, item, place.id, own)
            community = community or _community(item)
            if uri is not None:
                gone = item.visibility != "visible"
                found.append(Comment(own, uri, path, time_of(item.created_at), gone))
            children = struct_in(item.children, list[msgspec.Raw]) or []
            below += [(child, path) for child in children]
            if depth == DEPTH and count_of(item.child_count) and len(cut) < 10 * PAGE:
                cut.append(Place("comment", f"{place.id[0]}{own}"))
        level = below
    return Listing(found, community=community, more=cut)


def _made(host: str, item: _Item, post: str, comment: int | None) -> str | None:
    """The URI of a post or comment that was written on ``host`` itself."""
    magazine = struct_in(item.magazine, _Magazine) or _Magazine()
    number = number_in(item.entry_id if post[0] == "t" else item.post_id)
    if item.ap_id is not None or number is None or not isinstance(magazine.name, str):
        return None
    if _MAGAZINE.fullmatch(magazine.name) is None:
        return None
    uri = f"https://{host}/m/{magazine.name}/{post[0]}/{number}"
    if comment is not None:
        uri += f"/-/{'comment' if post[0] == 't' else 'reply'}/{comment}"
    return uri_in(uri)


def _community(item: _Item) -> str | None:
    """The host of the magazine that ``item`` is in."""
    magazine = struct_in(item.magazine, _Magazine)
    uri = uri_in(magazine.ap_profile_id) if magazine is not None else None
    return host_of(uri) if uri is not None else None
