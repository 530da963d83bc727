"""Lemmy's own API, as anonymous readers may use it: ``/api/v3``, from Lemmy 1.0 on ``/api/v4``.

Read in the source of Lemmy 0.19.20 and 1.0.0-beta.1 and of lemmy-ui up to February 2026. A list of
comments is either flat, 50 a page, or with ``max_depth`` a tree of at most 300, parents before
children: all replies to the post first, then those below the first of them, and so on. Each comment
tells its place by local ids (``path``) and how many are below it (``child_count``). Without
``type_=All`` many instances list only their own communities. Version 4 has cursors, for trees too;
1.0 still answers version 3, but gives its first page whatever is asked for. ``resolve_object``
finds anonymously what the host has already. A missing comment is 404 or 400, a missing post an
empty list, a private instance 400.

What is asked for a thread of n comments: **one** request for up to 300. For more, all pages
besides, n / 50 (n / 300 by version 4), in one look: a page tells parents by ids that only the pages
before it explain.

The robots.txt of lemmy-ui concerns nothing of this until 0.19.10; from 0.19.11 (March 2025) on it
wants a ``Crawl-delay`` of 60 s, that of 1.0 has ``Disallow: /api`` too. There ActivityPub is asked,
signed: 0.19 tells what is above a comment and no more; posts of 1.0 have a ``context`` collection
with the URIs of all comments.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any
from urllib.parse import urlsplit

import msgspec

from toottail.servers.dialects.comment_views import (
    PATHS_AT_MOST,
    comments_in,
    community_in,
    find_by_uri,
    post_in,
    read_post_at,
    views_of,
)
from toottail.servers.dialects.comments import Comment, Listing, Place, Server
from toottail.servers.dialects.communities import Communities
from toottail.servers.entities import ITEMS_AT_MOST, decode
from toottail.servers.nodeinfo import Software

TREE, PAGE = 300, 50
"""Comments of one answer at most: with ``max_depth``, and without."""
_PAGES_AT_MOST = 60
_LONGEST = 300.0
"""Seconds that a look spends at most in pauses between pages."""
_DEEPER_THAN_ALL = "60"
_MOST_BYTES = 24 << 20
"""Each comment repeats the texts of its post and community."""
_IDS = re.compile(r"/(post|comment)/([0-9]{1,19})/?")


@dataclass(frozen=True, slots=True)
class _Version:
    base: str
    everything: str
    oldest_first: str
    cursors: bool


_V3 = _Version("/api/v3", "All", "Old", cursors=False)
_V4 = _Version("/api/v4", "all", "old", cursors=True)


class _Answer(msgspec.Struct):
    comments: list[msgspec.Raw] = []
    items: list[msgspec.Raw] = []
    next_page: Any = None


@dataclass(frozen=True, slots=True)
class _Page:
    listing: Listing
    full: bool
    following: Place | None


class Lemmy(Communities):
    """Reads Lemmy instances by their comment lists."""

    name = "lemmy"
    software = frozenset({"lemmy"})

    def place_of(self, uri: str) -> Place | None:
        """Posts and comments have their id in the path."""
        found = _IDS.fullmatch(urlsplit(uri).path)
        if found is None:
            return None
        return Place("post" if found[1] == "post" else "comment", found[2])

    async def read_comments(self, server: Server, place: Place) -> Listing:
        """The tree at ``place``; where that was cut before, all pages of the post's comments."""
        page = await _read(server, place)
        first, comments, pages = page.listing, [*page.listing.comments], 1
        most = _pages_at_most(server)
        while place.page and page.following is not None and pages < most and _has_room(comments):
            page = await _read(server, page.following)
            comments += page.listing.comments
            pages += 1
        cut = not place.page and page.full and not _is_whole(place, comments)
        more = (Place("post", first.post.id, page=1),) if cut and first.post is not None else ()
        return replace(first, comments=comments, more=more)

    async def read_post(self, server: Server, place: Place) -> Listing:
        """The post by its id."""
        return await read_post_at(server, f"{_version(server.software).base}/post", place.id)

    async def find(self, server: Server, uri: str) -> Place | None:
        """By ``resolve_object``."""
        return await find_by_uri(server, f"{_version(server.software).base}/resolve_object", uri)


def _pages_at_most(server: Server) -> int:
    """How many pages one look reads: fewer where the host wants pauses between them."""
    pause = server.ask.pause()
    return min(_PAGES_AT_MOST, max(1, int(_LONGEST / pause))) if pause else _PAGES_AT_MOST


def _has_room(comments: Sequence[Comment]) -> bool:
    """Whether a further page is read: honest ones are small."""
    return (
        len(comments) < ITEMS_AT_MOST
        and sum(len(comment.path) for comment in comments) < PATHS_AT_MOST
    )


def _version(software: Software) -> _Version:
    return _V4 if software.at_least(1) else _V3


async def _read(server: Server, place: Place) -> _Page:
    """One answer. Pages after the tree are numbered from 1; version 4 gives trees on each."""
    version = _version(server.software)
    params = {
        "post_id" if place.kind == "post" else "parent_id": place.id,
        "type_": version.everything,
        "sort": version.oldest_first,
    }
    is_tree = place.page == 0 or version.cursors
    if is_tree:
        params["max_depth"] = _DEEPER_THAN_ALL
    else:
        params |= {"limit": str(PAGE), "page": str(place.page)}
    if version.cursors and place.cursor:
        params["page_cursor"] = place.cursor
    path = f"{version.base}/comment/list"
    answer = await server.ask.get(path, params=params, max_body=_MOST_BYTES)
    found = decode(server.host, answer.body, _Answer)
    items = found.comments or found.items
    views = views_of(items)
    comments = list(comments_in(views))
    post = next((post for view in views if (post := post_in(view.post))), None)
    community, federated = community_in(views[0].community) if views else (None, True)
    full = len(items) >= (TREE if is_tree else PAGE)
    following = None
    if full and comments:
        # A host that gives the same page again ends it: its first comment is that page's mark.
        following = place.next(found.next_page if version.cursors else str(comments[0].id))
    return _Page(Listing(comments, post, community, federated), full, following)


def _is_whole(place: Place, comments: Sequence[Comment]) -> bool:
    """Whether a full tree happens to hold all there is, by what it counts itself."""
    asked = next((c for c in comments if place.kind == "comment" and str(c.id) == place.id), None)
    if asked is not None:
        return (asked.below or 0) < len(comments)
    direct = [comment for comment in comments if len(comment.path) == 1]
    # Those come first: where the last one is deeper, they are all there.
    total = sum(1 + (comment.below or 0) for comment in direct)
    return bool(comments) and len(comments[-1].path) > 1 and total <= len(comments)
