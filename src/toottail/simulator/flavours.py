"""What kinds of server the pretend fediverse has, as data.

A `Flavour` says how a host answers everybody; a `HomeFlavour` what else it does for its members.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

_OPEN = "User-agent: *\nDisallow: /media_proxy/\nDisallow: /interact/\n"
_GOTOSOCIAL = (
    "User-agent: *\nCrawl-delay: 500\n\n# API endpoints.\nDisallow: /api/\n\n"
    "# Accounts and their posts.\nDisallow: /users/\n"
)


@dataclass(frozen=True, slots=True)
class Flavour:
    """How one kind of server shows statuses to anonymous readers.

    ``rest`` is the answer of the Mastodon API (200, 401, or 404 where there is none), ``ap`` that
    of unsigned ActivityPub GETs. ``capped`` limits a context to 40 ancestors, 60 descendants and
    20 levels. ``replies`` tells the collection: two kinds of pages of 60 (mastodon), plain pages
    of 20 (pages), all direct replies inside the note (inline), or none. ``threads`` adds the
    collection of a whole conversation. ``ids`` is the look of local ids. ``disallowed`` repeats,
    for counting, what ``robots`` says. ``api`` is the word of a further API (`apis.APIS`).

    ``uri`` and ``url`` are the paths of a post's id and of its page, ``reply_uri`` and
    ``reply_url`` those of a reply where they differ; ``{name}``, ``{host}``, ``{local}`` and
    ``{uuid}`` stand for parts.
    """

    software: str
    version: str
    rest: int = 200
    ap: int = 200
    capped: bool = True
    replies: Literal["mastodon", "pages", "inline", "none"] = "mastodon"
    threads: bool = False
    ids: Literal["snowflake", "uuid", "ulid", "flake"] = "snowflake"
    throttled: bool = True
    robots: str | None = _OPEN
    disallowed: tuple[str, ...] = ()
    api: str | None = None
    uri: str = "/users/{name}/statuses/{local}"
    url: str = "/@{name}/{local}"
    reply_uri: str = ""
    reply_url: str = ""


FLAVOURS: dict[str, Flavour] = {
    "mastodon": Flavour("mastodon", "4.3.8"),
    "mastodon45": Flavour("mastodon", "4.5.2", threads=True),
    "api-off": Flavour("mastodon", "4.3.4", rest=401),
    "activitypub": Flavour(
        "smallpub",
        "1.2.0",
        rest=404,
        capped=False,
        replies="pages",
        throttled=False,
        uri="/posts/{local}",
        url="/posts/{local}",
    ),
    "takahe-like": Flavour(
        "takahe",
        "0.11.0",
        rest=401,
        capped=False,
        replies="none",
        throttled=False,
        uri="/@{name}@{host}/posts/{local}/",
        url="/@{name}/posts/{local}/",
    ),
    "hollo": Flavour(
        "hollo",
        "0.6.5",
        capped=False,
        replies="inline",
        ids="uuid",
        throttled=False,
        robots=None,
        uri="/@{name}/{local}",
    ),
    "gotosocial": Flavour(
        "gotosocial",
        "0.20.0",
        rest=401,
        ap=401,
        replies="pages",
        ids="ulid",
        robots=_GOTOSOCIAL,
        disallowed=("/api/", "/users/"),
        url="/@{name}/statuses/{local}",
    ),
    "pleroma": Flavour(
        "pleroma",
        "2.9.1",
        capped=False,
        replies="none",
        ids="flake",
        throttled=False,
        uri="/objects/{uuid}",
        url="/notice/{local}",
    ),
}


@dataclass(frozen=True, slots=True)
class HomeFlavour:
    """What a home does when it resolves a status for a member.

    ``ancestors``: missing ancestors come one level after another by jobs, all before the answer,
    all some seconds after it, or never. ``search_scope`` is what the search endpoint asks for.
    ``fetches_replies``: an authenticated context makes it crawl a part of the replies by itself.
    ``pulls_self_replies``: each status it ingests brings up to five replies of the same author.
    ``limits``: Mastodon's per token and user, one per address for everybody, or none.
    """

    flavour: str
    software: str
    version: str
    ancestors: Literal["jobs", "before", "after", "never"]
    search_scope: str = "read:search"
    fetches_replies: bool = False
    pulls_self_replies: bool = False
    limits: Literal["mastodon", "address", "none"] = "mastodon"


HOME_FLAVOURS: dict[str, HomeFlavour] = {
    "mastodon": HomeFlavour("mastodon", "mastodon", "4.3.8", "jobs", pulls_self_replies=True),
    "mastodon45": HomeFlavour(
        "mastodon45",
        "mastodon",
        "4.5.2",
        "jobs",
        fetches_replies=True,
        pulls_self_replies=True,
    ),
    "gotosocial": HomeFlavour("gotosocial", "gotosocial", "0.20.0", "before", limits="address"),
    "takahe": HomeFlavour(
        "takahe-like", "takahe", "0.11.0", "after", search_scope="read", limits="none"
    ),
    "never": HomeFlavour("activitypub", "snac", "2.80", "never"),
}
