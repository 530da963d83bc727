"""What the home shows its member beside the timeline, each behind the scope that Mastodon wants.

Bookmarks, favourites and lists of accounts are paged by ids of their own, which only the Link
header tells.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeVar

import msgspec

from toottail.simulator import profiles, shapes
from toottail.simulator.belongings import Belongings, Notification
from toottail.simulator.question import Reply, document, error
from toottail.simulator.world import Account, Status, World

_encode = msgspec.json.encode
_Item = TypeVar("_Item")
Query = Mapping[str, str]

_SCOPES = {
    "bookmarks": "read:bookmarks",
    "favourites": "read:favourites",
    "notifications": "read:notifications",
    "followed_tags": "read:follows",
    "follow_requests": "read:follows",
    "lists": "read:lists",
    "timelines/list": "read:lists",
    "timelines/tag": "read:statuses",
    "accounts/lookup": "read:accounts",
    "accounts/following": "read:accounts",
    "accounts/followers": "read:accounts",
    "accounts/statuses": "read:statuses",
}


def scope_of(path: str) -> str | None:
    """The scope that a path needs; None where it is not one of these."""
    kind = _kind_of(path)
    return _SCOPES.get(kind) if kind else None


def _kind_of(path: str) -> str | None:
    parts = path.strip("/").split("/")
    if parts[:2] != ["api", "v1"]:
        return None
    if parts[2:4] == ["accounts", "lookup"] or parts[2:3] == ["timelines"]:
        return "/".join(parts[2:4])
    if parts[2:3] == ["accounts"] and len(parts) == 5:
        return f"accounts/{parts[4]}"
    return parts[2]


def answer(world: World, path: str, query: Query) -> Reply:
    """What the member gets; only for paths that `scope_of` knows."""
    own = world.belongings
    parts = path.strip("/").split("/")
    match _kind_of(path):
        case "bookmarks":
            return _statuses(world, path, own.bookmarks, query)
        case "favourites":
            return _statuses(world, path, own.favourites, query)
        case "notifications":
            return _notifications(world, path, own.notifications, query)
        case "followed_tags":
            tags = [
                {"name": tag, "url": f"https://{world.home.name}/tags/{tag}", "history": []}
                for tag in own.hashtags
            ]
            return document([tag | {"following": True} for tag in tags])
        case "follow_requests":
            return _accounts(world, path, own.follow_requests, query)
        case "lists":
            return _lists(world, own, path, parts[3:], query)
        case "timelines/list":
            return _list_timeline(world, own, parts[-1], query)
        case "accounts/following" | "accounts/followers":
            if profiles.account_of(world, parts[3]) is not world.member:
                return document([])
            people = own.followings if parts[4] == "following" else own.followers
            return _accounts(world, path, people, query)
        case _:
            return profiles.rest(world, world.home, path, query) or error(404, "Record not found")


def _page(
    world: World,
    path: str,
    items: Sequence[_Item],
    query: Query,
    most: int,
    show: Callable[[_Item], bytes],
) -> Reply:
    """The newest ``items``, with ids that count them: the oldest is 1."""
    limit = min(most, int(query.get("limit", "20")))
    numbered = list(zip(range(len(items), 0, -1), items, strict=True))
    if "max_id" in query:
        numbered = [(n, item) for n, item in numbered if n < int(query["max_id"])]
    shown = numbered[:limit]
    reply = Reply(200, b"[" + b",".join(show(item) for _, item in shown) + b"]")
    if len(numbered) > limit:
        url = f"https://{world.home.name}{path}?limit={limit}&max_id={shown[-1][0]}"
        reply.headers["Link"] = f'<{url}>; rel="next"'
    elif shown:
        url = f"https://{world.home.name}{path}?limit={limit}&since_id={shown[0][0]}"
        reply.headers["Link"] = f'<{url}>; rel="prev"'
    return reply


def _statuses(world: World, path: str, statuses: Sequence[Status], query: Query) -> Reply:
    return _page(world, path, statuses, query, 40, lambda s: shapes.status_json(world.home, s))


def _accounts(world: World, path: str, people: Sequence[Account], query: Query) -> Reply:
    def show(account: Account) -> bytes:
        local = account.host == world.home.name
        return _encode(shapes.account_object(account, local=local))

    return _page(world, path, people, query, 80, show)


def _by_id(world: World, path: str, items: Sequence[tuple[str, bytes]], query: Query) -> Reply:
    """Entries that are paged by their own ids."""
    limit = min(40, int(query.get("limit", "20")))
    if "max_id" in query:
        at = query["max_id"]
        items = [(number, part) for number, part in items if (len(number), number) < (len(at), at)]
    shown = items[:limit]
    reply = Reply(200, b"[" + b",".join(part for _, part in shown) + b"]")
    if len(shown) == limit:
        url = f"https://{world.home.name}{path}?limit={limit}&max_id={shown[-1][0]}"
        reply.headers["Link"] = f'<{url}>; rel="next"'
    return reply


def _notifications(world: World, path: str, entries: Sequence[Notification], query: Query) -> Reply:
    home = world.home

    def show(entry: Notification) -> bytes:
        about = shapes.account_object(entry.account, local=entry.account.host == home.name)
        shown: dict[str, Any] = {
            "id": entry.id,
            "type": entry.kind,
            "created_at": shapes.instant(entry.at),
            "group_key": f"ungrouped-{entry.id}",
            "account": about,
        }
        if entry.status is not None:
            shown["status"] = msgspec.Raw(shapes.status_json(home, entry.status))
        return _encode(shown)

    return _by_id(world, path, [(entry.id, show(entry)) for entry in entries], query)


def _lists(world: World, own: Belongings, path: str, rest: list[str], query: Query) -> Reply:
    if not rest:
        shape = {"replies_policy": "list", "exclusive": False}
        return document([{"id": one.id, "title": one.title} | shape for one in own.lists])
    found = next((one for one in own.lists if one.id == rest[0]), None)
    if found is None or rest[1:] != ["accounts"]:
        return error(404, "Record not found")
    return _accounts(world, path, found.accounts, query)


def _list_timeline(world: World, own: Belongings, number: str, query: Query) -> Reply:
    found = next((one for one in own.lists if one.id == number), None)
    if found is None:
        return error(404, "Record not found")
    home = world.home
    entries = [(home.known[s], shapes.status_json(home, s)) for s in found.statuses]
    return _by_id(world, f"/api/v1/timelines/list/{number}", entries, query)
