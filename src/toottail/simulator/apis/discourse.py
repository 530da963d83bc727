"""Discourse with its ActivityPub plugin: a topic is one collection that holds its posts inline.

As the plugin answers (June 2026): GETs need no signature; copies of other servers' posts stand in
the collection without saying whom they are for; there is no nodeinfo.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from toottail.simulator import activity, listing
from toottail.simulator.apis.base import Api
from toottail.simulator.question import ACTIVITY, Question, Reply, document, error
from toottail.simulator.world import Host, Status, World


def _answer(_world: World, host: Host, question: Question) -> Reply | None:
    path, parts = question.path, question.parts
    if path.startswith(("/.well-known/nodeinfo", "/nodeinfo/")):
        return error(404, "Not Found")
    if parts[0] != "ap":
        return None
    if "json" not in question.accept:
        return error(400, "Bad request")
    if parts[1:2] == ["object"]:
        status = host.by_path.get(path)
        if status is None or status.deleted or not status.listable:
            return error(404, "Object not found")
        return document(_object(host, status), ACTIVITY)
    if parts[1:2] == ["collection"] and len(parts) == 3:
        root = host.by_id.get(parts[2])
        if root is None or root.host != host.name or root.deleted or not root.listable:
            return error(404, "Collection not found")
        return document(_collection(host, root), ACTIVITY)
    return error(404, "Not Found")


def _collection_uri(host: Host, root: Status) -> str:
    return f"https://{host.name}/ap/collection/{host.known[root]}"


def _object(host: Host, status: Status) -> dict[str, Any]:
    note = activity.note(host, status)
    if status.parent is None:
        del note["inReplyTo"]
    if status.root.host == host.name:
        note["context"] = _collection_uri(host, status.root)
    if status.host != host.name:
        del note["to"], note["cc"]
    return note


def _collection(host: Host, root: Status) -> dict[str, Any]:
    items = [_object(host, s) for s in listing.thread(host, root) if host.has(s)]
    return {
        "@context": activity.CONTEXT[0],
        "id": _collection_uri(host, root),
        "type": "OrderedCollection",
        "name": "A topic",
        "url": root.url,
        "audience": f"https://{host.name}/ap/actor/1",
        "orderedItems": items,
        "totalItems": len(items),
    }


def _listings(host: Host, status: Status) -> Iterator[tuple[Status, bool]]:
    if status.host != host.name or status.deleted:
        return
    if status.parent is not None and status.parent.listable:
        yield status.parent, False
    if status.root.host == host.name and not status.root.deleted:
        yield from ((found, False) for found in listing.thread(host, status.root))


def _requests(host: Host, root: Status) -> int:
    """The post, and the topic."""
    del host, root
    return 2


API = Api(answer=_answer, listings=_listings, requests=_requests)
