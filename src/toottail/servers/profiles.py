"""The newest public posts of an account, or with a hashtag, as the host where they are lists them.

Read in Mastodon's source (4.7-alpha of August 2026): anonymous readers get up to 40 statuses of an
account, boosts left out on request, and of a hashtag where its preview is open; an ActivityPub
outbox gives pages of 20, boosts among them. Misskey (2025) lists an account's notes by its id,
which the name leads to; others have an outbox.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any
from urllib.parse import quote, urlencode

import msgspec

from toottail.errors import AnswerRefused, Forbidden, Gone, RedirectedAway
from toottail.servers.asker import JSON, Asker
from toottail.servers.consent import actor_opts_out_of_backfill
from toottail.servers.dialects import choose
from toottail.servers.dialects.objects import (
    ApObject,
    link_in,
    named_in,
    object_in,
    read_object,
)
from toottail.servers.dialects.signed import get_document
from toottail.servers.entities import (
    boostables_of,
    decode,
    decode_list,
    found_status,
)
from toottail.servers.nodeinfo import Software
from toottail.servers.people import person_in
from toottail.types.hosts import host_of
from toottail.types.statuses import FoundStatus

MOST = 40
"""Posts of one listing that are read."""


@dataclass(frozen=True, slots=True)
class Feed:
    """What a host lists: public and unlisted posts, the newest first.

    ``opted_out``: the account's profile asks not to be read by programs; then nothing is listed.
    ``refused`` says in words why the host lists nothing.
    """

    posts: tuple[FoundStatus, ...] = ()
    opted_out: bool = False
    refused: str | None = None


async def read_profile(ask: Asker, name: str, uri: str | None, software: Software) -> Feed:
    """The newest posts of the account ``name`` (``user@host``), whose actor is at ``uri``.

    Two requests with the Mastodon API, three otherwise, one more where ``uri`` is not known; one
    where the profile opts out. Raises what `Asker.get` raises, but for what will stay so.
    """
    user = name.rpartition("@")[0]
    try:
        if choose(software, ask.notes).name == "mastodon":
            try:
                return await _by_api(ask, user)
            except Forbidden:
                pass  # closed to anonymous readers: what it shows to other servers may not be
        return await _by_activitypub(ask, name, uri, software)
    except Forbidden as error:
        return Feed(refused=error.what)
    except (Gone, RedirectedAway) as error:
        return Feed(refused=f"knows no such account: {error.what}")


async def read_hashtag(ask: Asker, tag: str) -> Feed:
    """The newest posts with the hashtag ``tag`` that ``ask.host`` knows. One request."""
    try:
        answer = await ask.get(
            f"/api/v1/timelines/tag/{quote(tag, safe='')}", params={"limit": str(MOST)}
        )
    except (Forbidden, Gone) as error:
        return Feed(refused=error.what)
    return Feed(_statuses(ask.host, answer.body))


async def _by_api(ask: Asker, user: str) -> Feed:
    answer = await ask.get("/api/v1/accounts/lookup", params={"acct": user})
    person = person_in(msgspec.Raw(answer.body), ask.host)
    if person is None or person.local_id is None or person.host != ask.host:
        raise AnswerRefused(ask.host, "answered with no account of its own")
    if person.opted_out:
        return Feed(opted_out=True)
    answer = await ask.get(
        f"/api/v1/accounts/{quote(person.local_id, safe='')}/statuses",
        params={"limit": str(MOST), "exclude_reblogs": "true"},
    )
    posts = _statuses(ask.host, answer.body)
    return Feed(tuple(post for post in posts if post.host == ask.host))


def _statuses(host: str, body: bytes) -> tuple[FoundStatus, ...]:
    entries = [entry for entry in boostables_of(decode_list(host, body)) if entry.reblog is None]
    uris = {entry.id: entry.uri for entry in entries}
    found = []
    for entry in entries[:MOST]:
        above = uris.get(entry.in_reply_to_id or "")
        post = found_status(entry, above if above and host_of(above) else None)
        if post is not None and post.public and not post.opted_out:
            found.append(post)
    return tuple(found)


class _Link(msgspec.Struct):
    rel: str = ""
    type: str = ""
    href: str = ""


class _Webfinger(msgspec.Struct):
    links: list[_Link] = []


async def _by_activitypub(ask: Asker, name: str, uri: str | None, software: Software) -> Feed:
    uri = uri or await _find_actor(ask, name)
    if host_of(uri) != ask.host:
        return Feed(refused=f"says that the account is on {host_of(uri)}")
    answer = await get_document(ask, uri, software)
    actor = decode(ask.host, answer.body, dict[str, Any])
    if actor_opts_out_of_backfill(actor):
        return Feed(opted_out=True)
    outbox, own = actor.get("outbox"), actor.get("id")
    if not isinstance(own, str) or host_of(own) != ask.host:
        return Feed(refused="answers with no account of its own")
    if not isinstance(outbox, str) or host_of(outbox) != ask.host:
        return Feed(refused="its account has no outbox")
    page = read_object(ask.host, (await get_document(ask, outbox, software)).body)
    if not page.entries():
        first = object_in(page.first)
        url = link_in(page.first)
        if first is not None and first.entries():
            page = first
        elif url is not None and host_of(url) == ask.host:
            page = read_object(ask.host, (await get_document(ask, url, software)).body)
    return Feed(_in_outbox(ask.host, own, page))


async def _find_actor(ask: Asker, name: str) -> str:
    query = urlencode({"resource": f"acct:{name}"})
    answer = await ask.get(
        f"/.well-known/webfinger?{query}", accept=f"application/jrd+json, {JSON}"
    )
    for link in decode(ask.host, answer.body, _Webfinger).links:
        if link.rel == "self" and "json" in link.type and host_of(link.href):
            return link.href
    raise AnswerRefused(ask.host, "answered with no account")


def _in_outbox(host: str, actor: str, page: ApObject) -> tuple[FoundStatus, ...]:
    found: dict[str, FoundStatus] = {}
    for entry in page.entries()[:MOST]:
        post = _post(host, actor, entry)
        if post is not None:
            found[post.uri] = post
    return tuple(found.values())


def _post(host: str, actor: str, entry: msgspec.Raw) -> FoundStatus | None:
    """The post that an entry of an outbox is about; None where it is not one of the account's."""
    activity = object_in(entry)
    uri, note = named_in(entry)
    if activity is None or uri is None or host_of(uri) != host:
        return None
    if note is None:  # only named: what it is shows when the home fetches it
        return FoundStatus(uri=uri, host=host) if activity.is_public else None
    if not (note.is_status and note.is_public) or note.authors not in ([actor], []):
        return None
    return FoundStatus(
        uri=uri,
        host=host,
        url=note.page_url,
        parent_uri=note.parent_uri,
        is_reply=note.is_reply,
        created_at=note.published_at,
    )
