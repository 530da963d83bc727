"""Accounts and hashtags as a host lists them: to anybody, to other servers, to its member."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import parse_qsl

from toottail.simulator import shapes
from toottail.simulator.activity import CONTEXT, PUBLIC, actor_uri, note
from toottail.simulator.question import ACTIVITY, Reply, document, error
from toottail.simulator.world import Account, Host, Status, World

_NOT_FOUND = "Record not found"
_PAGE = 20
_FIRST_ACCOUNT = 109000000000000000


def account_of(world: World, number: str) -> Account | None:
    """The account with this id, the same at every host."""
    index = int(number) - _FIRST_ACCOUNT - 1 if number.isdigit() else -1
    return world.accounts[index] if 0 <= index < len(world.accounts) else None


def posts_of(host: Host, account: Account) -> list[Status]:
    """What ``host`` has of an account's public posts, the newest first."""
    found = [s for s in host.known if s.author is account and s.listable and host.has(s)]
    return sorted(found, key=lambda status: status.at, reverse=True)


def hashtags_of(status: Status) -> list[str]:
    """The hashtags that a status is shown with."""
    return shapes.words(status.number, status.number % 4).split()


def rest(world: World, host: Host, path: str, query: Mapping[str, str]) -> Reply | None:
    """Accounts and hashtags by the Mastodon API; None for other paths."""
    parts = path.strip("/").split("/")
    if parts[2:4] == ["timelines", "tag"] and len(parts) == 5:
        tag = parts[4].lower()
        found = [s for s in host.known if tag in hashtags_of(s) and s.visibility == "public"]
        return _listing(host, sorted(found, key=lambda s: s.at, reverse=True), query)
    if parts[2:4] == ["accounts", "lookup"]:
        name, _, where = query.get("acct", "").partition("@")
        account = world.by_handle.get((where or host.name, name))
        known = account is not None and (account.host == host.name or posts_of(host, account))
        if account is None or not known:
            return error(404, _NOT_FOUND)
        return document(shapes.account_object(account, local=account.host == host.name))
    if parts[2:3] == ["accounts"] and parts[4:] == ["statuses"]:
        account = account_of(world, parts[3])
        if account is None:
            return error(404, _NOT_FOUND)
        posts = posts_of(host, account)
        if query.get("exclude_replies") == "true":
            posts = [s for s in posts if s.parent is None or s.parent.author is account]
        return _listing(host, posts, query)
    return None


def _listing(host: Host, statuses: Sequence[Status], query: Mapping[str, str]) -> Reply:
    limit = min(40, int(query.get("limit", "20")))
    if "max_id" in query:
        statuses = [s for s in statuses if host.known[s] < query["max_id"]]
    shown = statuses[:limit]
    return Reply(200, b"[" + b",".join(shapes.status_json(host, s) for s in shown) + b"]")


def webfinger(world: World, host: Host, query: str) -> Reply:
    """Where the account is whose address is asked for."""
    address = dict(parse_qsl(query)).get("resource", "").removeprefix("acct:")
    name, _, where = address.partition("@")
    account = world.by_handle.get((host.name, name))
    if account is None or where != host.name:
        return error(404, _NOT_FOUND)
    link = {"rel": "self", "type": "application/activity+json", "href": actor_uri(account)}
    return document({"subject": f"acct:{address}", "links": [link]}, "application/jrd+json")


def outbox(host: Host, account: Account, query: str) -> Reply:
    """An account's outbox, or its first page."""
    uri = f"{actor_uri(account)}/outbox"
    posts = posts_of(host, account)
    if "page" not in dict(parse_qsl(query)):
        return document(
            {
                "@context": CONTEXT,
                "id": uri,
                "type": "OrderedCollection",
                "totalItems": len(posts),
                "first": f"{uri}?page=true",
            },
            ACTIVITY,
        )
    return document(
        {
            "@context": CONTEXT,
            "id": f"{uri}?page=true",
            "type": "OrderedCollectionPage",
            "partOf": uri,
            "orderedItems": [_activity(host, status) for status in posts[:_PAGE]],
        },
        ACTIVITY,
    )


def _activity(host: Host, status: Status) -> dict[str, Any]:
    return {
        "id": f"{status.uri}/activity",
        "type": "Create",
        "actor": actor_uri(status.author),
        "to": [PUBLIC],
        "object": note(host, status, top=False),
    }
