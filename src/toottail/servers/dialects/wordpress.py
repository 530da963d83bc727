"""WordPress with its ActivityPub plugin: one flat list of everything below a post.

Read in the plugin's source (4.0 of 2024 up to 7.x of 2025):

- A post is ``/?p=N``; one that was posted before the plugin used that is its page, the permalink. A
  comment of the blog's own people is ``/?c=N``.
- ``replies`` of posts and comments lists what came from other servers only, as many a page as the
  blog shows comments. The blog's own comments are in ``context`` alone, which is one page of all
  URIs, the post first. So ``replies`` counts nothing.
- A comment on a post replies to the post's *permalink*, whatever the post's id is. The ``context``
  collection has both, and what follows from it takes them along; a comment that is asked for first
  costs a request for the post's page.

A thread costs the post, its context, the pages of its ``replies`` beyond the first, and one request
for each comment of the blog's own.
"""

from __future__ import annotations

from dataclasses import replace
from urllib.parse import parse_qs, urlsplit

from toottail.errors import AnswerRefused, Forbidden, Gone
from toottail.servers.asker import Asker
from toottail.servers.dialects import base
from toottail.servers.dialects.activitypub import ActivityPub
from toottail.servers.dialects.collections import PageHint, Walk, Words
from toottail.servers.dialects.objects import read_object
from toottail.servers.dialects.signed import get_document
from toottail.servers.nodeinfo import Software
from toottail.types.hosts import host_of
from toottail.types.statuses import FoundStatus, LookTarget, Reading


class WordPress:
    """Reads blogs as any ActivityPub host, and gives posts the same name everywhere."""

    name = "wordpress"

    def __init__(self) -> None:
        self._documents = ActivityPub()

    def speaks(self, software: Software) -> bool:
        """True for WordPress."""
        return software.name == "wordpress"

    async def look(self, ask: Asker, target: LookTarget, software: Software) -> Reading:
        """One look; see `toottail.servers.dialects.base`."""
        page = PageHint.parse(target.hint)
        if target.how == base.THREAD and host_of(page.url) == ask.host:
            return await _look_at_conversation(ask, target, page, software)
        reading = await self._documents.look(ask, target, software)
        names = _names_in(target.hint, ask.host)
        parent = next((s.parent_uri for s in reading.statuses if s.uri == target.uri), None)
        if parent is not None and parent not in names and _is_a_page(parent, ask.host):
            names = await _ask_for_name(ask, parent, software)
        return replace(reading, statuses=tuple(_named(s, names) for s in reading.statuses))


async def _look_at_conversation(
    ask: Asker, target: LookTarget, page: PageHint, software: Software
) -> Reading:
    try:
        answer = await get_document(ask, page.url, software)
    except (Forbidden, Gone) as error:
        return Reading(denied=True, notes=(f"{page.url} {error.what}",))
    found = read_object(ask.host, answer.body)
    if not found.is_collection:
        raise AnswerRefused(ask.host, "answered with something else than a collection")
    walk = Walk(ask.host, target.uri, Words(), deeper=True)
    walk.thread_page(found, target.uri, page)
    reading = walk.reading()
    if page.before or not reading.listed or found.page_url is None:
        return reading
    post, *comments = reading.listed
    own = [
        LookTarget(uri, ask.host, base.BEGIN, f"{found.page_url} {post}")
        for uri in comments
        if host_of(uri) == ask.host
    ]
    return replace(reading, further=(*reading.further, *own))


def _names_in(hint: str, host: str) -> dict[str, str]:
    """The permalink of a post and its id, where an earlier answer told them."""
    permalink, _, post = hint.partition(" ")
    return {permalink: post} if host_of(permalink) == host_of(post) == host else {}


def _is_a_page(uri: str, host: str) -> bool:
    """Whether it is on the blog, and neither ``?p=`` nor ``?c=`` there."""
    return host_of(uri) == host and not {"p", "c"} & parse_qs(urlsplit(uri).query).keys()


async def _ask_for_name(ask: Asker, permalink: str, software: Software) -> dict[str, str]:
    try:
        answer = await get_document(ask, permalink, software)
        post = read_object(ask.host, answer.body).uri
    except (Forbidden, Gone, AnswerRefused):
        return {}
    return {permalink: post} if post is not None and host_of(post) == ask.host else {}


def _named(status: FoundStatus, names: dict[str, str]) -> FoundStatus:
    parent = names.get(status.parent_uri or "", status.parent_uri)
    parent = None if parent == status.uri else parent
    return replace(status, parent_uri=parent, replies_count=None)
