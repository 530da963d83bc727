"""Posts and comments as Lemmy's API writes them, and PieFed's in its likeness."""

from __future__ import annotations

from typing import Any

from toottail.simulator.activity import actor_uri
from toottail.simulator.apis.communities import (
    COMMUNITY,
    comments,
    community_uri,
    is_deleted,
    path,
)
from toottail.simulator.shapes import instant, words
from toottail.simulator.world import Account, Host, Status


def post(host: Host, status: Status) -> dict[str, Any]:
    """A post."""
    return {
        "id": int(host.known[status]),
        "name": "A post",
        "body": words(status.number, 60),
        "creator_id": status.author.number,
        "community_id": 1,
        "ap_id": status.uri,
        "published": instant(status.at),
        "removed": False,
        "deleted": is_deleted(host, status),
        "locked": False,
        "nsfw": False,
        "local": status.host == host.name,
    }


def community(host: Host, status: Status) -> dict[str, Any]:
    """The community that ``status`` is in."""
    return {
        "id": 1,
        "name": COMMUNITY,
        "title": COMMUNITY.title(),
        "description": words(status.root.number, 40),
        "actor_id": community_uri(status),
        "local": status.root.host == host.name,
        "hidden": False,
        "visibility": "Public",
    }


def creator(account: Account) -> dict[str, Any]:
    """An author; an opt-out stands in the bio."""
    return {
        "id": account.number,
        "name": account.name,
        "actor_id": actor_uri(account),
        "bio": words(account.number, 24) + (" #nobot" if account.nobot else ""),
        "deleted": False,
    }


def comment(host: Host, status: Status) -> dict[str, Any]:
    """A comment; a deleted one has lost its text."""
    deleted = is_deleted(host, status)
    return {
        "id": int(host.known[status]),
        "creator_id": status.author.number,
        "post_id": int(host.known[status.root]),
        "content": "" if deleted else words(status.number, 20 + status.number % 40),
        "ap_id": status.uri,
        "path": ".".join(map(str, (0, *path(host, status)))),
        "published": instant(status.at),
        "removed": False,
        "deleted": deleted,
        "distinguished": False,
        "local": status.host == host.name,
        "language_id": 0,
    }


def counts(host: Host, status: Status) -> dict[str, Any]:
    """Its counts: what is below it, deleted ones included."""
    return {"comment_id": int(host.known[status]), "child_count": len(comments(host, status))}


def view(host: Host, status: Status) -> dict[str, Any]:
    """A comment with what it belongs to."""
    return {
        "comment": comment(host, status),
        "counts": counts(host, status),
        "creator": creator(status.author),
        "post": post(host, status.root),
        "community": community(host, status),
        "subscribed": "NotSubscribed",
        "saved": False,
    }


def post_view(host: Host, status: Status) -> dict[str, Any]:
    """A post with what it belongs to."""
    return {
        "post": post(host, status),
        "creator": creator(status.author),
        "community": community(host, status),
        "counts": {"post_id": int(host.known[status]), "comments": len(comments(host, status))},
    }
