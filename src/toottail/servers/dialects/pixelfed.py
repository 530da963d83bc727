"""Pixelfed: the comments that its pages show to everybody.

Read in Pixelfed's source (0.11.13, March 2024):

- ActivityPub posts have neither ``replies`` nor ``context``, and contexts of Mastodon's API want a
  token. What its pages for guests are made from is open, and robots.txt leaves it to crawlers:
  ``/api/v2/profile/{name}/status/{id}`` is a post, ``/api/v2/comments/{profile}/status/{id}`` its
  direct replies, the newest first, at most 50 a page.
- ``reply_count`` counts direct replies.
- In such a list only the server's own comments have their ids. Those of other servers are given a
  page of this server that does not exist; asked for by their author's full name each tells its id.
- A post tells of what it replies to only a number; the ActivityPub document has the URI.

A post costs two requests, each further 50 comments one, and each comment from elsewhere one.
"""

from __future__ import annotations

import re
from typing import Any
from urllib.parse import urlsplit

import msgspec

from toottail.errors import AnswerRefused, Forbidden, Gone
from toottail.servers.asker import Asker
from toottail.servers.dialects import base
from toottail.servers.dialects.posts import Posts
from toottail.servers.dialects.software import way_of
from toottail.servers.entities import (
    PUBLIC_VISIBILITIES,
    ApiAccount,
    count_of,
    decode,
    opts_out,
    time_of,
)
from toottail.servers.nodeinfo import Software
from toottail.types.hosts import host_of
from toottail.types.statuses import FoundStatus, LookTarget, Reading

COMMENTS = "comments:replies"
"""Direct replies to ``uri``; the hint is the author's id and the post's id here, and the page."""
ELSEWHERE = "elsewhere"
"""A comment of another server; the hint is its author, its id here, and what it replies to."""

PAGE = 50
MOST_PAGES = 40

_POST = re.compile(r"/p/([A-Za-z0-9_.-]{1,64})/([0-9]{1,20})/?")
_PAGE_HINT = re.compile(r"([0-9]{1,20}) ([0-9]{1,20}) ([0-9]{1,3})")
_AUTHOR = re.compile(r"[A-Za-z0-9_.-]{1,64}@[a-z0-9.-]{1,253}", re.IGNORECASE)
_ID = re.compile(r"[0-9]{1,20}")


class _Author(msgspec.Struct, gc=False):
    id: str
    acct: str = ""
    note: msgspec.Raw = msgspec.Raw()


class _Post(msgspec.Struct, gc=False):
    id: str
    uri: str
    account: _Author
    in_reply_to_id: Any = None
    visibility: str = ""
    local: bool = True
    reply_count: Any = None
    created_at: Any = None

    @property
    def is_usable(self) -> bool:
        """Whether anybody may see it, and more can be asked about it."""
        numbers = _ID.fullmatch(self.id) and _ID.fullmatch(self.account.id)
        public = self.visibility in PUBLIC_VISIBILITIES
        return bool(numbers) and public and host_of(self.uri) is not None


class _Answer(msgspec.Struct):
    status: _Post


class _Page(msgspec.Struct):
    data: list[msgspec.Raw] = []


class Pixelfed:
    """Reads posts and their comments as guests see them; what is above through ActivityPub."""

    name = "pixelfed"

    def __init__(self) -> None:
        self._documents = Posts()

    def speaks(self, software: Software) -> bool:
        """True for Pixelfed."""
        return software.name == "pixelfed"

    async def look(self, ask: Asker, target: LookTarget, software: Software) -> Reading:
        """One look; see `toottail.servers.dialects.base`."""
        page = _PAGE_HINT.fullmatch(target.hint)
        if target.how == COMMENTS and page is not None:
            return await _look_at_comments(ask, target.uri, page[1], page[2], int(page[3]))
        if target.how == ELSEWHERE:
            return await _look_elsewhere(ask, target.hint)
        names = _names_in(target.uri)
        if target.how == base.BEGIN and names is not None and host_of(target.uri) == ask.host:
            return await _look_at_post(ask, target.uri, *names)
        return await self._documents.look(ask, target, software)


def _names_in(uri: str) -> tuple[str, str] | None:
    """The author's name and the post's id in its URI."""
    try:
        found = _POST.fullmatch(urlsplit(uri).path)
    except ValueError:
        return None
    return (found[1], found[2]) if found else None


async def _look_at_post(ask: Asker, uri: str, name: str, post_id: str) -> Reading:
    document = LookTarget(uri, ask.host, base.AP)
    try:
        post = await _post(ask, name, post_id)
    except (Forbidden, Gone, AnswerRefused):
        return Reading(further=(document,))
    if not post.is_usable:
        return Reading(notes=("not public",))
    is_reply = post.in_reply_to_id is not None
    further = [*_comments_on(post, uri, ask.host), *([document] if is_reply else [])]
    status = FoundStatus(
        uri=uri,
        host=ask.host,
        is_reply=is_reply,
        created_at=time_of(post.created_at),
        opted_out=_opted_out(post),
    )
    return Reading(statuses=(status,), further=tuple(further))


async def _look_at_comments(
    ask: Asker, uri: str, author: str, post_id: str, number: int
) -> Reading:
    path = f"/api/v2/comments/{author}/status/{post_id}"
    try:
        answer = await ask.get(path, params={"limit": str(PAGE), "page": str(number)})
    except Forbidden:
        return Reading(refused=way_of("pixelfed").why)
    except Gone as error:
        return Reading(notes=(f"comments on {uri}: {error.what}",))
    items = decode(ask.host, answer.body, _Page).data[:PAGE]
    statuses: dict[str, FoundStatus] = {}
    further: list[LookTarget] = []
    for post in filter(None, map(_post_in, items)):
        if not post.is_usable or host_of(post.uri) != ask.host or post.uri == uri:
            continue
        if post.local:
            statuses[post.uri] = _reply(post, ask.host, uri)
            further += _comments_on(post, post.uri, ask.host)
        elif _AUTHOR.fullmatch(post.account.acct):
            hint = f"{post.account.acct} {post.id} {uri}"
            further.append(LookTarget(post.uri, ask.host, ELSEWHERE, hint))
    if len(items) == PAGE and number < MOST_PAGES:
        hint = f"{author} {post_id} {number + 1}"
        further.append(LookTarget(uri, ask.host, COMMENTS, hint))
    return Reading(statuses=tuple(statuses.values()), further=tuple(further))


async def _look_elsewhere(ask: Asker, hint: str) -> Reading:
    author, _, rest = hint.partition(" ")
    post_id, _, parent = rest.partition(" ")
    known = _AUTHOR.fullmatch(author) and _ID.fullmatch(post_id) and host_of(parent)
    if not known:
        return Reading()
    try:
        post = await _post(ask, f"@{author}", post_id)
    except (Forbidden, Gone) as error:
        return Reading(notes=(f"a comment of {author}: {error.what}",))
    host = host_of(post.uri)
    if host is None or host == ask.host or not post.is_usable or post.uri == parent:
        return Reading()
    return Reading(
        statuses=(_reply(post, host, parent),),
        further=tuple(_comments_on(post, post.uri, ask.host)),
    )


async def _post(ask: Asker, name: str, post_id: str) -> _Post:
    answer = await ask.get(f"/api/v2/profile/{name}/status/{post_id}")
    return decode(ask.host, answer.body, _Answer).status


def _comments_on(post: _Post, uri: str, host: str) -> list[LookTarget]:
    if count_of(post.reply_count) == 0:
        return []
    return [LookTarget(uri, host, COMMENTS, f"{post.account.id} {post.id} 1")]


def _reply(post: _Post, host: str, parent: str) -> FoundStatus:
    return FoundStatus(
        uri=post.uri,
        host=host,
        parent_uri=parent,
        is_reply=True,
        created_at=time_of(post.created_at),
        opted_out=_opted_out(post),
    )


def _opted_out(post: _Post) -> bool:
    return opts_out(ApiAccount(note=post.account.note))


def _post_in(item: msgspec.Raw) -> _Post | None:
    try:
        return msgspec.json.decode(item, type=_Post)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return None
