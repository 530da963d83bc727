"""Misskey's API for notes without a token, and what forks answer otherwise.

Firefish lists the tree below a note where others list its children, with at most 99 of each note.
Every fifth note is quoted once; where the API lists children it lists those quotes too, unless
Sharkey is asked to leave them out.
"""

from __future__ import annotations

from collections.abc import Iterator
from math import ceil
from typing import Any

from toottail.simulator import listing
from toottail.simulator.apis.base import Api
from toottail.simulator.question import Question, Reply, document
from toottail.simulator.shapes import instant, words
from toottail.simulator.world import Account, Host, Status, World, shown_id

PAGE = 100
_OF_EACH = 99
_USUAL_LIMIT = 10
_USUAL_DEPTH = 12
_LISTINGS = ("replies", "children")
_VISIBILITY = {
    "public": "public",
    "unlisted": "home",
    "private": "followers",
    "direct": "specified",
}


def _answer(_world: World, host: Host, question: Question) -> Reply | None:
    parts = question.parts
    if parts[0] != "api":
        return None
    if question.method != "POST" or parts[1:2] != ["notes"] or len(parts) != 3:
        return _fail(404, "UNKNOWN_API_ENDPOINT", "Unknown API endpoint.")
    asked = question.json()
    limit, depth = asked.get("limit", _USUAL_LIMIT), asked.get("depth", _USUAL_DEPTH)
    if not (isinstance(limit, int) and isinstance(depth, int) and 0 < limit <= PAGE >= depth > 0):
        return _fail(400, "INVALID_PARAM", "Invalid param.")
    status = host.by_id.get(asked.get("noteId", ""))
    if status is None or not host.has(status):
        return document([]) if parts[2] in _LISTINGS else _no_such_note()
    match parts[2]:
        case "show":
            return document(_note(host, status)) if status.listable else _no_such_note()
        case "conversation":
            above = listing.ancestors(host, status, limit)
            return document([_note(host, one) for one in reversed(above)])
        case "replies" | "children":
            return document(_below(host, status, parts[2], asked))
    return _fail(404, "UNKNOWN_API_ENDPOINT", "Unknown API endpoint.")


def _no_such_note() -> Reply:
    return _fail(400, "NO_SUCH_NOTE", "No such note.")


def _fail(status: int, code: str, text: str) -> Reply:
    reply = document({"error": {"message": text, "code": code, "id": "0-0", "kind": "client"}})
    reply.status = status
    return reply


def _below(host: Host, status: Status, kind: str, asked: dict[str, Any]) -> list[Any]:
    """The newest first, before ``untilId``."""
    software, limit = host.flavour.software, asked.get("limit", _USUAL_LIMIT)
    levels = asked.get("depth", _USUAL_DEPTH) if software == "firefish" else 1
    found, above = [], [status]
    for _ in range(levels if kind == "children" else 1):
        below = {one: _children(host, one) for one in above}
        if software == "firefish" and kind == "children":
            below = {one: children[: limit - 1] for one, children in below.items()}
        found += [_note(host, c, detail=levels == 1) for some in below.values() for c in some]
        if kind == "children" and (asked.get("showQuotes", True) or software != "sharkey"):
            found += [_quote(host, one) for one in above if one.number % 5 == 0]
        above = [child for children in below.values() for child in children]
    found.sort(key=lambda note: note["id"], reverse=True)
    until = asked.get("untilId")
    found = [note for note in found if until is None or note["id"] < until]
    return found if levels > 1 else found[:limit]


def _children(host: Host, status: Status) -> list[Status]:
    return [child for child in host.children_of(status) if child.listable]


def _note(host: Host, status: Status, *, detail: bool = True) -> dict[str, Any]:
    above = host.parent_of(status)
    local = status.host == host.name
    shown: dict[str, Any] = {
        "id": shown_id(host, status),
        "createdAt": instant(status.at),
        "userId": f"u{status.author.number}",
        "user": _user(status.author, local=local),
        "text": words(status.number, 20 + status.number % 40),
        "cw": None,
        "visibility": _VISIBILITY[status.visibility],
        "localOnly": False,
        "renoteCount": status.number % 7,
        "repliesCount": host.counts[status],
        "reactions": {},
        "reactionEmojis": {},
        "fileIds": [],
        "files": [],
        "replyId": shown_id(host, above) if above is not None else None,
        "renoteId": None,
    }
    if not status.listable:
        shown |= {"text": None, "isHidden": True}
    if not local:
        shown |= {"uri": status.uri, "url": status.url}
    if detail and above is not None:
        shown["reply"] = _note(host, above, detail=False)
    return shown


def _quote(host: Host, quoted: Status) -> dict[str, Any]:
    local_id = f"{shown_id(host, quoted)[:-1]}Q"
    made = _note(host, quoted, detail=False) | {"id": local_id, "replyId": None, "repliesCount": 0}
    made |= {"renoteId": shown_id(host, quoted), "text": words(quoted.number + 1, 12)}
    if "uri" in made:
        made |= {"uri": f"{quoted.uri}Q", "url": f"{quoted.url}Q"}
    return made


def _user(account: Account, *, local: bool) -> dict[str, Any]:
    return {
        "id": f"u{account.number}",
        "name": words(account.number, 2).title(),
        "username": account.name,
        "host": None if local else account.host,
        "avatarUrl": f"https://{account.host}/identicon/{account.name}",
        "avatarBlurhash": None,
        "isBot": False,
        "isCat": False,
        "emojis": {},
        "onlineStatus": "unknown",
    }


def _walk(host: Host, root: Status) -> Iterator[Status]:
    """What can be followed down at ``host``: all of what began there, else its own notes."""
    whole = root.root.host == host.name
    stack = [root]
    while stack:
        status = stack.pop()
        yield status
        if status is root or whole or status.host == host.name:
            stack += _children(host, status)


def _listings(host: Host, status: Status) -> Iterator[tuple[Status, bool]]:
    for above in reversed(listing.ancestors(host, status, 1 << 30)):
        if not above.listable:
            break
        yield above, False
    yield from ((found, False) for found in _walk(host, status) if found is not status)


def _requests(host: Host, root: Status) -> int:
    """One for a whole tree; else, and below crowded notes of a tree, one for each page."""
    counts = [len(_children(host, status)) for status in _walk(host, root)]
    if host.flavour.software == "firefish":
        return 1 + sum(ceil(count / PAGE) for count in counts if count > _OF_EACH)
    return max(1, sum(ceil(count / PAGE) for count in counts))


API = Api(answer=_answer, listings=_listings, requests=_requests)
