"""What kinds of server the pretend fediverse has, as data.

A `Flavour` says how a host answers everybody; a `HomeFlavour` what else it does for its members.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

_OPEN = "User-agent: *\nDisallow: /media_proxy/\nDisallow: /interact/\n"
_GOTOSOCIAL = (
    "User-agent: *\nCrawl-delay: 500\n\n# API endpoints.\nDisallow: /api/\n\n"
    "# Accounts and their posts.\nDisallow: /users/\n\n"
    "# Disallow nodeinfo\nDisallow: /.well-known/nodeinfo\nDisallow: /nodeinfo/\n"
)
_NODEBB = "User-agent: *\nDisallow: /admin/\nDisallow: /reset/\nDisallow: /compose\n"
_BOOKWYRM = (
    "User-agent: dotbot\nCrawl-delay: 10\n\n"
    "User-agent: *\nCrawl-delay: 10\nDisallow: /static/js/\nDisallow: /static/css/\n"
)
_FRIENDICA = (
    "User-agent: *\nDisallow: /settings/\nDisallow: /admin/\nDisallow: /message/\n"
    "Disallow: /search\nDisallow: /help\nDisallow: /proxy\nDisallow: /photo\nDisallow: /avatar\n"
)
_MISSKEY = "user-agent: *\nallow: /\n\n# todo: sitemap\n"

# As lemmy-ui served it before 0.19.11. Later ones also want a pause of 60 s, and 1.0 closes /api.
_LEMMY = (
    "User-Agent: *\n  Disallow: /login\n  Disallow: /settings\n  Disallow: /create_community\n"
    "  Disallow: /create_post\n  Disallow: /inbox\n  Disallow: /setup\n  Disallow: /admin\n"
    "  Disallow: /password_change\n  Disallow: /search/\n  Disallow: /modlog\n"
)
_PIEFED = (
    "User-Agent: *\n  Disallow: /auth/login\n  Disallow: /admin\n  Disallow: /inbox\n"
    "  Disallow: /search/\n  Disallow: /modlog\n  Disallow: /u/\n  Disallow: /d/\n"
    "  Disallow: /post/*/options\n  Disallow: /comment/\n\nUser-agent: GPTBot\nDisallow: /\n"
)


@dataclass(frozen=True, slots=True)
class Flavour:
    """How one kind of server shows statuses to anonymous readers.

    ``rest`` is the answer of the Mastodon API (200, 401, 403, or 404: there is none), ``ap`` that
    of unsigned ActivityPub GETs; ``signatures`` are the ways of signing that it takes where
    that is no 200. ``capped`` limits a context to 40 ancestors, 60 descendants and 20 levels.
    ``replies`` tells the collection: two kinds of pages of 60 (mastodon), pages of 20 that leave
    out the author's own unless told (gotosocial), plain pages of 20 (pages), all direct replies
    inside the note (inline), or none. ``threads`` adds the
    collection of a whole conversation. ``ids`` is the look of local ids. ``disallowed`` repeats,
    for counting, what ``robots`` says. ``api`` is the word of a further API (`apis.APIS`).

    ``uri`` and ``url`` are the paths of a post's id and of its page, ``reply_uri`` and
    ``reply_url`` those of a reply where they differ; ``{name}``, ``{host}``, ``{local}``,
    ``{uuid}`` and, in those of a reply, ``{post}`` stand for parts.
    """

    software: str
    version: str
    rest: int = 200
    ap: int = 200
    capped: bool = True
    replies: Literal["mastodon", "gotosocial", "pages", "inline", "none"] = "mastodon"
    threads: bool = False
    ids: Literal["snowflake", "uuid", "ulid", "flake"] = "snowflake"
    throttled: bool = True
    robots: str | None = _OPEN
    disallowed: tuple[str, ...] = ()
    signatures: tuple[str, ...] = ("cavage", "rfc9421")
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
        replies="gotosocial",
        ids="ulid",
        robots=_GOTOSOCIAL,
        disallowed=("/api/", "/users/", "/.well-known/nodeinfo", "/nodeinfo/"),
        signatures=("cavage",),
        url="/@{name}/statuses/{local}",
    ),
    "secure": Flavour("mastodon", "4.4.8", rest=401, ap=401),
    "rfc9421": Flavour(
        "newpub",
        "1.0.0",
        rest=404,
        ap=401,
        capped=False,
        replies="pages",
        throttled=False,
        signatures=("rfc9421",),
        uri="/posts/{local}",
        url="/posts/{local}",
    ),
    "nodebb": Flavour(
        "nodebb",
        "4.15.1",
        rest=404,
        replies="none",
        throttled=False,
        robots=_NODEBB,
        api="nodebb",
        uri="/post/{local}",
        url="/post/{local}",
    ),
    "discourse": Flavour(
        "discourse",
        "",
        rest=404,
        replies="none",
        throttled=False,
        robots=None,
        api="discourse",
        uri="/ap/object/{uuid}",
        url="/t/{local}",
    ),
    "bookwyrm": Flavour(
        "bookwyrm",
        "0.9.2",
        rest=404,
        replies="none",
        throttled=False,
        robots=_BOOKWYRM,
        api="bookwyrm",
        uri="/user/{name}/comment/{local}",
        url="/user/{name}/comment/{local}",
        reply_uri="/user/{name}/status/{local}",
        reply_url="/user/{name}/status/{local}",
    ),
    "friendica": Flavour(
        "friendica",
        "2024.09",
        capped=False,
        replies="none",
        throttled=False,
        robots=_FRIENDICA,
        api="friendica",
        uri="/objects/{uuid}",
        url="/display/{uuid}",
    ),
    "display": Flavour(
        "",
        "",
        rest=404,
        ap=404,
        replies="none",
        throttled=False,
        robots=None,
        api="display",
    ),
    "bridgy": Flavour(
        "bridgy-fed",
        "20260822t101112",
        rest=401,
        replies="none",
        throttled=False,
        robots=None,
        uri="/convert/ap/at://did:plc:{uuid}/app.bsky.feed.post/{local}",
        url="/r/https://bsky.app/profile/{name}/post/{local}",
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
    "pleroma-closed": Flavour(
        "pleroma",
        "2.9.1",
        rest=403,
        ap=404,
        capped=False,
        replies="none",
        ids="flake",
        throttled=False,
        uri="/objects/{uuid}",
        url="/notice/{local}",
    ),
    "akkoma": Flavour(
        "akkoma",
        "3.16.0",
        capped=False,
        replies="pages",
        ids="flake",
        throttled=False,
        uri="/objects/{uuid}",
        url="/notice/{local}",
    ),
    "misskey": Flavour(
        "misskey",
        "2025.12.2",
        rest=404,
        capped=False,
        replies="none",
        ids="ulid",
        throttled=False,
        robots=_MISSKEY,
        api="misskey",
        uri="/notes/{local}",
        url="/notes/{local}",
    ),
    "sharkey": Flavour(
        "sharkey",
        "2025.4.4",
        rest=404,
        capped=False,
        replies="pages",
        ids="ulid",
        throttled=False,
        robots=_MISSKEY,
        api="misskey",
        uri="/notes/{local}",
        url="/notes/{local}",
    ),
    "firefish": Flavour(
        "firefish",
        "20240729",
        rest=404,
        capped=False,
        replies="none",
        ids="ulid",
        throttled=False,
        robots=_MISSKEY,
        api="misskey",
        uri="/notes/{local}",
        url="/notes/{local}",
    ),
    "peertube": Flavour(
        "peertube",
        "7.3.0",
        rest=404,
        capped=False,
        replies="none",
        throttled=False,
        robots="User-agent: *\nDisallow:\n",
        api="peertube",
        uri="/videos/watch/{uuid}",
        url="/w/{uuid}",
        reply_uri="/videos/watch/{uuid}/comments/{local}",
        reply_url="/w/{uuid};threadId={local}",
    ),
    "pixelfed": Flavour(
        "pixelfed",
        "0.12.5",
        rest=403,
        capped=False,
        replies="none",
        throttled=False,
        robots=("User-agent: *\nDisallow: /discover/places/\nDisallow: /stories/\nDisallow: /i/\n"),
        disallowed=("/discover/places/", "/stories/", "/i/"),
        api="pixelfed",
        uri="/p/{name}/{local}",
        url="/p/{name}/{local}",
    ),
    "wordpress": Flavour(
        "wordpress",
        "6.8.3",
        rest=404,
        capped=False,
        replies="none",
        throttled=False,
        robots="User-agent: *\nDisallow: /wp-admin/\nAllow: /wp-admin/admin-ajax.php\n",
        disallowed=("/wp-admin/",),
        api="wordpress",
        uri="/?p={local}",
        url="/archives/{local}/",
        reply_uri="/?c={local}",
        reply_url="/?c={local}",
    ),
    "lemmy": Flavour(
        "lemmy",
        "0.19.10",
        rest=404,
        capped=False,
        replies="none",
        throttled=False,
        robots=_LEMMY,
        api="lemmy",
        uri="/post/{local}",
        url="/post/{local}",
        reply_uri="/comment/{local}",
        reply_url="/comment/{local}",
    ),
    "lemmy1": Flavour(
        "lemmy",
        "1.0.0",
        rest=404,
        capped=False,
        replies="none",
        throttled=False,
        robots=_LEMMY,
        api="lemmy",
        uri="/post/{local}",
        url="/post/{local}",
        reply_uri="/comment/{local}",
        reply_url="/comment/{local}",
    ),
    "piefed": Flavour(
        "piefed",
        "1.6.18",
        rest=404,
        capped=False,
        replies="none",
        throttled=False,
        robots=_PIEFED,
        disallowed=("/u/", "/comment/"),
        api="piefed",
        uri="/c/talk/p/{local}/a-post",
        url="/c/talk/p/{local}/a-post",
        reply_uri="/comment/{local}",
        reply_url="/comment/{local}",
    ),
    "mbin": Flavour(
        "mbin",
        "1.10.1",
        rest=404,
        capped=False,
        replies="none",
        throttled=False,
        api="mbin",
        uri="/m/talk/t/{local}",
        url="/m/talk/t/{local}/a-post",
        reply_uri="/m/talk/t/{post}/-/comment/{local}",
        reply_url="/m/talk/t/{post}/a-post/comment/{local}",
    ),
}


@dataclass(frozen=True, slots=True)
class HomeFlavour:
    """What a home does when it resolves a status for a member.

    ``ancestors``: missing ancestors come one level after another by jobs, all before the answer,
    all some seconds after it, or never. ``search_scope`` is what the search endpoint asks for.
    ``fetches_replies``: an authenticated context makes it crawl a part of the replies by itself.
    ``fetches_known``: what it has already it fetches again when a search names it (Mastodon's
    `ResolveURLService` looks into its database only where the fetch fails).
    ``pulls_self_replies``: each status it ingests brings up to five replies of the same author.
    ``streaming``: its streams, server-sent events or a WebSocket.
    ``limits``: Mastodon's per token and user, one per address for everybody, or none.
    ``markers``: those of the timelines that are asked for, all that there are, or none at all.
    """

    flavour: str
    software: str
    version: str
    ancestors: Literal["jobs", "before", "after", "never"]
    search_scope: str = "read:search"
    fetches_replies: bool = False
    fetches_known: bool = False
    pulls_self_replies: bool = False
    limits: Literal["mastodon", "address", "none"] = "mastodon"
    markers: Literal["asked", "all", "none"] = "asked"
    streaming: tuple[Literal["events", "socket"], ...] = ()


HOME_FLAVOURS: dict[str, HomeFlavour] = {
    "mastodon": HomeFlavour(
        "mastodon",
        "mastodon",
        "4.3.8",
        "jobs",
        fetches_known=True,
        pulls_self_replies=True,
        streaming=("events", "socket"),
    ),
    "mastodon45": HomeFlavour(
        "mastodon45",
        "mastodon",
        "4.5.2",
        "jobs",
        fetches_replies=True,
        fetches_known=True,
        pulls_self_replies=True,
        streaming=("events", "socket"),
    ),
    "gotosocial": HomeFlavour(
        "gotosocial", "gotosocial", "0.20.0", "before", limits="address", streaming=("socket",)
    ),
    "takahe": HomeFlavour(
        "takahe-like", "takahe", "0.11.0", "after", search_scope="read", limits="none"
    ),
    "hollo": HomeFlavour("hollo", "hollo", "0.6.5", "before", limits="none", markers="all"),
    "never": HomeFlavour("activitypub", "snac", "2.80", "never", markers="none"),
}
