"""What Lemmy, PieFed and Mbin have in common: posts in communities, and comments below them.

Their own APIs list the comments of a post by the post's local id. What is asked for a thread of n
comments: one listing, with its pages where it has several (each module tells how many that is);
where it is empty the post itself, to see whether it is gone. A comment that is asked for first
costs one listing of what is below it, which names the post, and a second one for what is above it,
where its parent is a comment too. The flow goes on from the post.

**The community's host knows all**: whoever writes sends it there, and it passes it on. The others
have what they were sent. So where a post was written elsewhere, the community's host is asked too:
it finds the post by its URI and lists the comments.

What the API does not tell is asked through ActivityPub: where it is closed (401, 403, Lemmy's 400
``instance_is_private``), where robots.txt turns crawlers away from it and we can sign what we ask,
and where it does not know a post that should be there.

Deleted and removed comments are left out. What is below them keeps its place.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable
from dataclasses import replace

from toottail.errors import Forbidden, RobotsRefused, ServerFault, StatusError
from toottail.servers.asker import Asker
from toottail.servers.dialects import base
from toottail.servers.dialects.activitypub import ActivityPub
from toottail.servers.dialects.comments import Comment, Listing, Place, Post, Server
from toottail.servers.nodeinfo import Software
from toottail.types.hosts import host_of
from toottail.types.statuses import FoundStatus, LookTarget, Reading

POST_THREAD = "post:thread"
"""`LookTarget.how`: the comments of the post ``uri`` that the asked host has; ``hint``: a `Place`,
or empty where the asked host must find the post by its URI."""
BRANCH = "branch:replies"
"""`LookTarget.how`: one comment and what is below it; ``hint`` is the `Place` of the comment."""

_PRIVATE_INSTANCE = "instance_is_private"


class Communities(ABC):
    """A dialect of one of these programs; what is its own are the four abstract methods."""

    name: str
    software: frozenset[str]
    note_closed: str | None = base.NOTE_API_OFF
    """What to note of a host that answers 401 or 403."""

    def __init__(self) -> None:
        self._activitypub = ActivityPub()

    @abstractmethod
    def place_of(self, uri: str) -> Place | None:
        """What ``uri``, an id or page of the asked host, is there; None where its API cannot tell.

        The path decides; the host was compared before.
        """

    @abstractmethod
    async def read_comments(self, server: Server, place: Place) -> Listing:
        """The comments at ``place``; a comment that is asked for comes with what is below it."""

    @abstractmethod
    async def read_post(self, server: Server, place: Place) -> Listing:
        """The post at ``place`` without its comments."""

    @abstractmethod
    async def find(self, server: Server, uri: str) -> Place | None:
        """Where the server has the post ``uri`` of any host; None where it does not tell."""

    def speaks(self, software: Software) -> bool:
        """Whether nodeinfo names this program."""
        return software.name in self.software

    async def look(self, ask: Asker, target: LookTarget, software: Software) -> Reading:
        """One look; see `toottail.servers.dialects.base`."""
        if target.how.startswith(base.AP):
            return await self._activitypub.look(ask, target, software)
        try:
            return await self._look(Server(ask, software), target)
        except Forbidden:
            return _otherwise(ask.host, target, *((self.note_closed,) if self.note_closed else ()))
        except RobotsRefused:
            if not ask.signs or host_of(target.uri) != ask.host:
                raise
            return _otherwise(ask.host, target)
        except ServerFault:
            raise
        except StatusError as error:
            if _PRIVATE_INSTANCE in error.what:
                return _otherwise(ask.host, target, base.NOTE_API_OFF)
            return _otherwise(ask.host, target, error.what)

    async def _look(self, server: Server, target: LookTarget) -> Reading:
        if target.how in (POST_THREAD, BRANCH):
            return await self._list(server, target)
        place = self.place_of(target.uri) if host_of(target.uri) == server.host else None
        if place is None:
            by_activitypub = _by_activitypub(target)
            return await self._activitypub.look(server.ask, by_activitypub, server.software)
        if place.kind == "post":
            reading = await self._look_at_post(server, target, place)
        else:
            reading = await self._look_at_comment(server, target, place)
        # Such a view is partial whatever is asked next.
        return replace(reading, further=()) if target.how == base.AROUND else reading

    async def _list(self, server: Server, target: LookTarget) -> Reading:
        """A further part of a listing, or all that a community's host has."""
        place = Place.parse("post" if target.how == POST_THREAD else "comment", target.hint)
        place = place or await self.find(server, target.uri)
        if place is None:
            return Reading(notes=(f"does not know {target.uri}",))
        found = await self.read_comments(server, place)
        if not found.federated:
            return Reading(notes=("not public",))
        post = found.post.uri if found.post is not None else None
        if post is None and target.how == POST_THREAD:
            post = target.uri
        return Reading(
            statuses=_statuses(found.comments, post), further=_more(server.host, target, found.more)
        )

    async def _look_at_post(self, server: Server, target: LookTarget, place: Place) -> Reading:
        found = await self.read_comments(server, place)
        if not found.comments:
            found = replace(await self.read_post(server, place), more=found.more)
        if not found.federated:
            return Reading(notes=("not public",))
        post = found.post or Post(place.id, target.uri)
        if post.gone:
            return Reading(gone=True)
        further = _more(server.host, target, found.more)
        further += _ask_community(post.uri, found.community, server.host)
        if post.uri != target.uri:
            # The asked one is just this host's page of it.
            further += (LookTarget(post.uri, host_of(post.uri) or server.host),)
        return Reading(
            statuses=(_root(post), *_statuses(found.comments, post.uri)), further=further
        )

    async def _look_at_comment(self, server: Server, target: LookTarget, place: Place) -> Reading:
        found = await self.read_comments(server, place)
        asked = next((c for c in found.comments if str(c.id) == place.id), None)
        if asked is None or found.post is None:
            return _otherwise(server.host, target)
        if asked.gone:
            return Reading(gone=True)
        if not found.federated:
            return Reading(notes=("not public",))
        comments = {c.id: c for c in found.comments}
        further = _more(server.host, LookTarget(found.post.uri, server.host), found.more)
        around = target.how == base.AROUND
        if around or len(asked.path) > 1:
            top = Place("comment", str(asked.path[0]))
            whole = Place("post", found.post.id) if around else top
            wider = await self.read_comments(server, whole)
            comments = {c.id: c for c in wider.comments} | comments
        if not comments.keys() >= set(asked.path):
            further += (_by_activitypub(target),)
        further += _ask_community(found.post.uri, found.community, server.host)
        return Reading(
            statuses=(_root(found.post), *_statuses(comments.values(), found.post.uri)),
            further=further,
        )


def _statuses(comments: Iterable[Comment], post: str | None) -> tuple[FoundStatus, ...]:
    """The comments that are there, with their parents where the answer tells these."""
    by_id = {comment.id: comment for comment in comments}
    uris = {number: comment.uri for number, comment in by_id.items()}
    found = []
    for comment in by_id.values():
        above = uris.get(comment.path[-2]) if len(comment.path) > 1 else post
        host = host_of(comment.uri)
        if comment.gone or host is None or comment.uri == post:
            continue
        found.append(
            FoundStatus(
                uri=comment.uri,
                host=host,
                parent_uri=above if above != comment.uri else None,
                is_reply=True,
                created_at=comment.created_at,
                local_id=str(comment.id),
                opted_out=comment.opted_out,
            )
        )
    return tuple(found)


def _root(post: Post) -> FoundStatus:
    host = host_of(post.uri) or ""
    return FoundStatus(uri=post.uri, host=host, created_at=post.created_at, local_id=post.id)


def _more(host: str, target: LookTarget, places: Iterable[Place]) -> tuple[LookTarget, ...]:
    hows = {"post": POST_THREAD, "comment": BRANCH}
    return tuple(LookTarget(target.uri, host, hows[place.kind], str(place)) for place in places)


def _ask_community(post: str, community: str | None, asked: str) -> tuple[LookTarget, ...]:
    """The question to the community's host, where that is neither the asked one nor the post's."""
    if community is None or community in (asked, host_of(post)):
        return ()
    return (LookTarget(post, community, POST_THREAD),)


def _by_activitypub(target: LookTarget) -> LookTarget:
    return LookTarget(target.uri, target.host, base.AP)


def _otherwise(host: str, target: LookTarget, *notes: str) -> Reading:
    """What the API does not tell is asked through ActivityPub, where the post is of this host."""
    own = host_of(target.uri) == host and target.how not in (POST_THREAD, BRANCH, base.AROUND)
    return Reading(further=(_by_activitypub(target),) if own else (), notes=notes)
