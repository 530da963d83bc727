"""Which way leads to the conversations of a server, by its software, and why that one.

Software with an API of its own is known by its dialect alone. What stands nowhere is asked for its
ActivityPub collections, as every server may have them.

Read in their sources, as of August 2026 unless another date stands here: Mitra 5.9, snac 2.94,
NodeBB 4.15.1, BookWyrm 0.9.2, Bridgy Fed, Ghost's ActivityPub service 1.2.8, Smithereen (July
2026), discourse-activity-pub 0.1.0 (June 2026: only its inboxes want signatures), GoToSocial
(October 2025), Iceshrimp.NET (February 2025), Friendica 2024.09-rc and WriteFreely (October 2024),
the modules `Conversation` of Hubzilla and of a sibling of Streams; and FEP-171b.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from toottail.servers.dialects.cuts import Caps

By = Literal["contexts", "collections", "posts", "nothing"]


@dataclass(frozen=True, slots=True)
class Way:
    """How conversations are read from a kind of server.

    ``by``: the Mastodon API's ``contexts``, which it gives to anybody; ActivityPub's
    ``collections``; ActivityPub ``posts`` that only tell what they reply to; or ``nothing``.
    ``why`` is for people; where the way is nothing it says so to them. ``caps`` limit its contexts.
    ``signed``: it answers no unsigned ActivityPub request. ``name_only``: the ``context`` of its
    posts is a name where nothing is found. ``denies``: closed by its admin, it answers 404 where
    others answer 401.
    """

    by: By
    why: str
    caps: Caps | None = None
    signed: bool = False
    name_only: bool = False
    denies: bool = False


_MASTODON = Way("contexts", "contexts for anybody, capped; replies and threads beyond", Caps())
_PLEROMA = Way(
    "contexts",
    "whole contexts for anybody, unless an admin closed them",
    name_only=True,
    denies=True,
)
_STREAMS = Way("collections", "context is the conversation, as the activities that made it")

WAYS: dict[str, Way] = {
    "mastodon": _MASTODON,
    "hometown": _MASTODON,
    "glitch": _MASTODON,
    "glitch-soc": _MASTODON,
    "iceshrimp.net": Way(
        "contexts",
        "contexts for anybody with Mastodon's caps, cut level by level; its ActivityPub is signed",
        Caps(by_level=True),
    ),
    "pleroma": _PLEROMA,
    "akkoma": _PLEROMA,
    "hollo": Way("contexts", "whole contexts for anybody", name_only=True),
    "mitra": Way("contexts", "whole contexts for anybody; its replies stop after 20"),
    "friendica": Way(
        "contexts", "contexts for anybody, 40 unless more is asked for", name_only=True
    ),
    "gotosocial": Way("collections", "replies, 20 a page, to signed requests", signed=True),
    "nodebb": Way("collections", "replies and the topic as a collection, 20 a page"),
    "discourse": Way("collections", "the topic as one collection; tells no nodeinfo"),
    "wordpress": Way("collections", "replies and context of posts and comments"),
    "bookwyrm": Way("collections", "replies with whole posts, 15 a page; Crawl-delay of 10 s"),
    "smithereen": Way("collections", "replies, 50 a page; wall posts are its roots"),
    "snac": Way(
        "collections",
        "replies on one page; its robots.txt forbids all but signed requests",
        name_only=True,
    ),
    "hubzilla": _STREAMS,
    "streams": _STREAMS,
    "forte": _STREAMS,
    "takahe": Way("posts", "its API wants a token, and its posts have no replies", name_only=True),
    "pixelfed": Way(
        "posts", "its API wants a token, and its posts have no replies", name_only=True
    ),
    "threads": Way("posts", "a few posts, to signed requests", signed=True, name_only=True),
    "bridgy-fed": Way(
        "nothing", "bridges posts of other networks, and shows nobody the replies to them"
    ),
    "ghost": Way("nothing", "publishes posts without any list of the replies to them"),
    "writefreely": Way("nothing", "publishes posts, and takes no replies to them"),
}
"""By the name in nodeinfo, in lower case."""

_OTHERS = Way("collections", "whatever collections it has")


def way_of(name: str) -> Way:
    """The way for software of that name."""
    return WAYS.get(name, _OTHERS)


CAPPED = frozenset(n for n, way in WAYS.items() if way.by == "contexts" and way.caps is not None)
"""Software with caps on anonymous contexts."""
WHOLE = frozenset(n for n, way in WAYS.items() if way.by == "contexts" and way.caps is None)
"""Software that lists whole conversations."""
NO_LISTING = frozenset(n for n, way in WAYS.items() if way.name_only)
"""Software whose ``context`` is a name only: nothing is found there."""
DENYING = frozenset(n for n, way in WAYS.items() if way.denies)
"""Software whose 404 to an unsigned request may mean that the post is not for everybody."""
SIGNED_ONLY = frozenset(n for n, way in WAYS.items() if way.signed)
"""Software that answers no unsigned request."""
