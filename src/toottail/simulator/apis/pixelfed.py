"""What Pixelfed's pages for guests are made from, as its source has it (0.11.13, 2024).

Comments of other servers are listed under an address of this one where there is nothing.
"""

from __future__ import annotations

from collections.abc import Iterator
from math import ceil
from typing import Any

from toottail.simulator import activity, listing
from toottail.simulator.apis.base import Api
from toottail.simulator.question import ACTIVITY, Question, Reply, document, error
from toottail.simulator.shapes import instant, words
from toottail.simulator.world import Account, Host, Status, World, shown_id

_DEFAULT_PAGE, PAGE = 10, 50


def _answer(_world: World, host: Host, question: Question) -> Reply | None:
    parts = question.parts
    if parts[0] == "api" and parts[1:2] != ["v2"]:
        return error(403, "Unauthorized")
    if parts[:2] == ["api", "v2"] and len(parts) == 6 and parts[4] == "status":
        status = host.by_id.get(parts[5])
        if status is None or not host.has(status) or not status.listable:
            return error(404, "Resource not found")
        if parts[2] == "profile" and parts[3] == _username(host, status.author):
            return document({"status": _post(host, status, uri=status.uri)})
        if parts[2] == "comments" and parts[3] == str(status.author.number):
            return _comments(host, status, question.asked)
        return error(404, "Resource not found")
    status = host.by_path.get(question.path)
    if status is None or not status.listable or status.deleted or "json" not in question.accept:
        return None
    return document(activity.note(host, status) | {"commentsEnabled": True}, ACTIVITY)


def _username(host: Host, account: Account) -> str:
    return account.name if account.host == host.name else f"@{account.name}@{account.host}"


def _comments(host: Host, status: Status, asked: dict[str, str]) -> Reply:
    limit, number = int(asked.get("limit", _DEFAULT_PAGE)), int(asked.get("page", 1))
    if not 5 <= limit <= PAGE:
        return error(422, "The limit must be between 5 and 50.")
    found = _children(host, status)[::-1]
    page = found[(number - 1) * limit : number * limit]
    pages = {"total": len(found), "per_page": limit, "current_page": number}
    return document(
        {
            "data": [_post(host, s, uri=_page_here(host, s)) for s in page],
            "meta": {"pagination": pages | {"total_pages": ceil(len(found) / limit)}},
        }
    )


def _page_here(host: Host, status: Status) -> str:
    return f"https://{host.name}/p/{status.author.name}/{shown_id(host, status)}"


def _children(host: Host, status: Status) -> list[Status]:
    return [child for child in host.children_of(status) if child.listable]


def _post(host: Host, status: Status, *, uri: str) -> dict[str, Any]:
    above = host.parent_of(status)
    author = status.author
    return {
        "_v": 1,
        "id": shown_id(host, status),
        "uri": uri,
        "url": uri,
        "in_reply_to_id": None if above is None else shown_id(host, above),
        "content": words(status.number, 20),
        "created_at": instant(status.at),
        "visibility": status.visibility,
        "reply_count": len(_children(host, status)),
        "comments_disabled": False,
        "local": author.host == host.name,
        "account": {
            "id": str(author.number),
            "username": author.name,
            "acct": _username(host, author).removeprefix("@"),
            "note": words(author.number, 24) + ("<p>#nobot</p>" if author.nobot else ""),
            "local": author.host == host.name,
        },
    }


def _below(host: Host, status: Status) -> list[Status]:
    return [s for s in listing.descendants(host, status, 1 << 30, 1 << 30) if s.listable]


def _listings(host: Host, status: Status) -> Iterator[tuple[Status, bool]]:
    if status.host == host.name:
        yield from ((found, False) for found in _below(host, status))


def _requests(host: Host, root: Status) -> int:
    everything = [root, *_below(host, root)]
    pages = sum(ceil(len(_children(host, status)) / PAGE) for status in everything)
    return 1 + pages + sum(status.host != host.name for status in everything)


API = Api(answer=_answer, listings=_listings, requests=_requests)
