"""What a member's home tells of their sources: pages of statuses, of accounts, of names.

Read in Mastodon's source (4.7-alpha of August 2026): bookmarks, favourites, followers and the like
are ordered by when they were made and paged by ids of their own, which only the Link header tells;
timelines, notifications and an account's statuses are paged by the ids of their entries.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any
from urllib.parse import parse_qs, quote, urlsplit

import msgspec

from toottail.errors import Forbidden, ScopeLacking
from toottail.servers.entities import (
    PUBLIC_VISIBILITIES,
    boostables_of,
    decode_list,
    is_local_id,
)
from toottail.servers.homes import HomeClient, HomeStatus, home_entry
from toottail.servers.people import Person, people_of, person_in, person_of
from toottail.types.sources import BASE_SCOPE, KINDS

_LISTS_AT_MOST = 100
_TITLE_AT_MOST = 200
_MENTIONS_AT_MOST = 20
_PEOPLE_PAGE = 80
_OBJECT = msgspec.json.Decoder(dict[str, Any])

ORDERED = frozenset({"home", "list", "notifications", "notifiers", "replied"})
"""Kinds whose entries are ordered by their ids, so that ids tell what lies below which."""

_PEOPLE = frozenset({"followings", "followers", "follow_requests", "list_accounts"})
_PATHS = {
    "home": "/api/v1/timelines/home",
    "list": "/api/v1/timelines/list/{ref}",
    "bookmarks": "/api/v1/bookmarks",
    "favourites": "/api/v1/favourites",
    "replied": "/api/v1/accounts/{ref}/statuses",
    "profile": "/api/v1/accounts/{ref}/statuses",
    "notifications": "/api/v1/notifications",
    "notifiers": "/api/v1/notifications",
    "followings": "/api/v1/accounts/{ref}/following",
    "followers": "/api/v1/accounts/{ref}/followers",
    "follow_requests": "/api/v1/follow_requests",
    "list_accounts": "/api/v1/lists/{ref}/accounts",
}


@dataclass(frozen=True, slots=True)
class SourcePage:
    """A page of a source, newest first.

    ``ids`` are those of its entries, ``statuses`` what they are about, ``people`` the accounts that
    they show: those of a list of accounts and of notifications, and in a timeline whom it
    ``mentioned`` and ``boosted``. ``next_max_id`` asks for the next page, None at the end.
    ``rebuilding``: the home is still making the timeline, come back later.
    """

    ids: tuple[str, ...] = ()
    statuses: tuple[HomeStatus, ...] = ()
    people: tuple[Person, ...] = ()
    mentioned: tuple[Person, ...] = ()
    boosted: tuple[Person, ...] = ()
    next_max_id: str | None = None
    rebuilding: bool = False


@dataclass(frozen=True, slots=True)
class HomeList:
    """One of the member's lists."""

    id: str
    title: str


async def read_page(
    client: HomeClient,
    kind: str,
    ref: str = "",
    *,
    max_id: str | None = None,
    limit: int = 40,
    people: bool = False,
) -> SourcePage:
    """A page of a source of ``kind``: the newest entries, or those older than ``max_id``.

    The kind ``profile`` is what the home shows of any account's posts. ``ref`` is the home's own id
    of the list or account that it is about. ``people``: who is mentioned and boosted in a timeline
    is wanted too. Raises `ScopeLacking` where the token may not see it, and what `HomeClient.get`
    raises.
    """
    gives_people = kind in _PEOPLE
    params = {"limit": str(min(limit, _PEOPLE_PAGE if gives_people else 40))}
    own = kind in ("replied", "profile")
    if own:
        params["exclude_reblogs"] = "true"
    if max_id is not None:
        params["max_id"] = max_id
    answer = await client.get(
        _PATHS[kind].format(ref=quote(ref, safe="")),
        scope=BASE_SCOPE if own else KINDS[kind].scopes[0],
        params=params,
        paging=max_id is not None,
    )
    if answer.status == 206:
        return SourcePage(rebuilding=True)
    items = decode_list(client.host, answer.body)
    if gives_people:
        found = people_of(items, client.host)
        return SourcePage(
            ids=tuple(p.local_id or "" for p in found),
            people=tuple(found),
            next_max_id=_next_max_id(answer.headers, None, max_id),
        )
    if kind in ("notifications", "notifiers"):
        return _notifications(client.host, items, answer.headers, max_id)
    page = _statuses(kind, items, answer.headers, max_id)
    return _with_people(page, client.host, items) if people else page


def _statuses(
    kind: str,
    items: list[msgspec.Raw],
    headers: Mapping[str, str],
    asked: str | None,
) -> SourcePage:
    entries = boostables_of(items)
    statuses = [status for status in map(home_entry, entries) if status is not None]
    if kind == "replied":
        statuses = [s for s in statuses if s.in_reply_to_id is not None]
    last = entries[-1].id if entries and kind in ORDERED else None
    return SourcePage(
        ids=tuple(entry.id for entry in entries),
        statuses=tuple(statuses),
        next_max_id=_next_max_id(headers, last, asked),
    )


def _with_people(page: SourcePage, host: str, items: list[msgspec.Raw]) -> SourcePage:
    """``page`` with who is mentioned and who is boosted in what it shows of public statuses."""
    mentioned: dict[str, Person] = {}
    boosted: dict[str, Person] = {}
    for item in items:
        try:
            fields = _OBJECT.decode(item)
        except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
            continue
        original = fields.get("reblog")
        if isinstance(original, dict):
            fields = original
            author = original.get("account")
            if isinstance(author, dict) and (person := person_of(author, host)) is not None:
                boosted[person.name] = person
        named = fields.get("mentions")
        if fields.get("visibility") not in PUBLIC_VISIBILITIES or not isinstance(named, list):
            continue
        for mention in named[:_MENTIONS_AT_MOST]:
            if isinstance(mention, dict) and (person := person_of(mention, host)) is not None:
                mentioned[person.name] = person
    return replace(page, mentioned=tuple(mentioned.values()), boosted=tuple(boosted.values()))


class _Notification(msgspec.Struct):
    id: str
    account: msgspec.Raw = msgspec.Raw()
    status: msgspec.Raw = msgspec.Raw()


def _notifications(
    host: str, items: list[msgspec.Raw], headers: Mapping[str, str], asked: str | None
) -> SourcePage:
    ids: list[str] = []
    statuses: dict[str, HomeStatus] = {}
    people: dict[str, Person] = {}
    for item in items:
        try:
            entry = msgspec.json.decode(item, type=_Notification)
        except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
            continue
        if not is_local_id(entry.id):
            continue
        ids.append(entry.id)
        for shown in boostables_of([entry.status]):
            status = home_entry(shown)
            if status is not None:
                statuses.setdefault(status.uri, status)
        person = person_in(entry.account, host)
        if person is not None:
            people.setdefault(person.name, person)
    return SourcePage(
        ids=tuple(ids),
        statuses=tuple(statuses.values()),
        people=tuple(people.values()),
        next_max_id=_next_max_id(headers, ids[-1] if ids else None, asked),
    )


def _next_max_id(headers: Mapping[str, str], last: str | None, asked: str | None) -> str | None:
    """The id to go on from: by the Link header, else ``last``; never the one just asked."""
    link = re.search(r"<([^<>]*)>\s*;\s*rel=\"?next", headers.get("Link", ""))
    found = last if "Link" not in headers else None
    if link is not None:
        try:
            found = parse_qs(urlsplit(link[1]).query).get("max_id", [None])[-1]
        except ValueError:
            found = None
    return found if found and is_local_id(found) and found != asked else None


async def read_lists(client: HomeClient) -> list[HomeList]:
    """The member's lists."""
    answer = await client.get("/api/v1/lists", scope="read:lists")
    found: dict[str, HomeList] = {}
    for item in decode_list(client.host, answer.body)[:_LISTS_AT_MOST]:
        try:
            fields = _OBJECT.decode(item)
        except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
            continue
        number, title = str(fields.get("id", "")), fields.get("title")
        if is_local_id(number):
            found.setdefault(number, HomeList(number, _title(title) or number))
    return list(found.values())


def _title(title: object) -> str:
    """A title as it may be stored and shown."""
    text = title if isinstance(title, str) else ""
    return "".join(sign if sign.isprintable() else " " for sign in text)[:_TITLE_AT_MOST].strip()


async def read_followed_tags(client: HomeClient, limit: int) -> list[str]:
    """The names of the hashtags that the member follows, without the sign."""
    answer = await client.get(
        "/api/v1/followed_tags", scope="read:follows", params={"limit": str(min(limit, 200))}
    )
    names = []
    for item in decode_list(client.host, answer.body)[:limit]:
        try:
            name = _OBJECT.decode(item).get("name")
        except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
            continue
        if isinstance(name, str) and re.fullmatch(r"\w{1,100}", name):
            names.append(name.lower())
    return list(dict.fromkeys(names))


async def look_up(client: HomeClient, name: str) -> Person | None:
    """The account ``name`` (``user``, or ``user@host``) as the home knows it.

    Asked without the token where that may not: the page is public. None where the home does not
    let us know. Raises `Gone` where it does not know the account.
    """
    path, params = "/api/v1/accounts/lookup", {"acct": name}
    try:
        try:
            answer = await client.get(path, scope="read:accounts", params=params)
        except ScopeLacking:
            answer = await client.get(path, scope=None, params=params, anonymous=True)
    except Forbidden:
        return None
    return person_in(msgspec.Raw(answer.body), client.host)
