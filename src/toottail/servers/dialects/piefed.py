"""PieFed's own API, as anonymous readers may use it: ``/api/alpha``, made after Lemmy's.

Read in the source of PieFed 1.6.18. ``/post/replies`` (since July 2025) lists whole branches, the
comments of each inside one another, as many branches as make 100 comments, at least one; or the
branch below one comment, that one included. So every page tells its parents. The next page is named
by the id of its first comment. Of a post no more than its first 2,000 comments are listed. The flat
``/comment/list`` would tell parents on other pages by local ids only. ``resolve_object`` finds
anonymously what the host has already. Whatever is wrong is answered with 400.

What is asked for a thread of n comments: about n / 90 requests, one for up to 100.

Ids are ``/post/ID``, in newer versions ``/c/NAME/p/ID/SLUG``, and ``/comment/ID``. Standard
robots.txt closes ``/comment/`` to crawlers, the API is open. Profiles come without their texts, so
an opt-out is not seen here.
"""

from __future__ import annotations

import re
from typing import Any
from urllib.parse import urlsplit

import msgspec

from toottail.servers.dialects.comment_views import (
    comments_in,
    community_in,
    find_by_uri,
    post_in,
    read_post_at,
    views_of,
)
from toottail.servers.dialects.comments import Listing, Place, Server
from toottail.servers.dialects.communities import Communities
from toottail.servers.entities import decode

PAGE = 100
_POST = re.compile(r"/post/([0-9]{1,19})/?|/c/[^/]+/p/([0-9]{1,19})(?:/[^/]*)?")
_COMMENT = re.compile(r"/comment/([0-9]{1,19})/?")


class _Answer(msgspec.Struct):
    comments: list[msgspec.Raw] = []
    next_page: Any = None


class PieFed(Communities):
    """Reads PieFed instances by their lists of branches."""

    name = "piefed"
    software = frozenset({"piefed"})

    def place_of(self, uri: str) -> Place | None:
        """Posts and comments have their id in the path."""
        path = urlsplit(uri).path
        if found := _POST.fullmatch(path):
            return Place("post", found[1] or found[2])
        found = _COMMENT.fullmatch(path)
        return Place("comment", found[1]) if found else None

    async def read_comments(self, server: Server, place: Place) -> Listing:
        """The branches at ``place``."""
        params = {
            "post_id" if place.kind == "post" else "parent_id": place.id,
            "sort": "Old",
            "limit": str(PAGE),
        }
        if place.cursor:
            params["page"] = place.cursor
        answer = await server.ask.get("/api/alpha/post/replies", params=params)
        found = decode(server.host, answer.body, _Answer)
        views = views_of(found.comments)
        community, federated = community_in(views[0].community) if views else (None, True)
        following = place.next(found.next_page) if found.next_page and views else None
        return Listing(
            list(comments_in(views)),
            next((post for view in views if (post := post_in(view.post))), None),
            community,
            federated,
            (following,) if following is not None else (),
        )

    async def read_post(self, server: Server, place: Place) -> Listing:
        """The post by its id."""
        return await read_post_at(server, "/api/alpha/post", place.id)

    async def find(self, server: Server, uri: str) -> Place | None:
        """By ``resolve_object``."""
        return await find_by_uri(server, "/api/alpha/resolve_object", uri)
