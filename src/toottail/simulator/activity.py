"""Statuses as ActivityPub documents, with their collections of replies."""

from __future__ import annotations

from typing import Any
from urllib.parse import parse_qsl

from toottail.simulator import listing
from toottail.simulator.shapes import instant, words
from toottail.simulator.world import Account, Host, Status, shown_id

PUBLIC = "https://www.w3.org/ns/activitystreams#Public"
CONTEXT = ["https://www.w3.org/ns/activitystreams", "https://w3id.org/security/v1"]


def actor_uri(account: Account) -> str:
    """The id of an author."""
    return f"https://{account.host}/users/{account.name}"


def actor(account: Account) -> dict[str, Any]:
    """An author's profile; an opt-out stands in the summary."""
    uri = actor_uri(account)
    return {
        "@context": CONTEXT,
        "id": uri,
        "type": "Person",
        "preferredUsername": account.name,
        "name": words(account.number, 2).title(),
        "summary": f"<p>{words(account.number, 24)}</p>" + ("#nobot" if account.nobot else ""),
        "inbox": f"{uri}/inbox",
        "outbox": f"{uri}/outbox",
        "url": f"https://{account.host}/@{account.name}",
    }


def note(host: Host, status: Status, *, top: bool = True) -> dict[str, Any]:
    """A post of ``host`` itself as it serves it; ``top``: a document, not a part of one."""
    author = actor_uri(status.author)
    to, cc = _audience(status)
    document: dict[str, Any] = {"@context": CONTEXT} if top else {}
    document |= {
        "id": status.uri,
        "type": "Note",
        "inReplyTo": status.parent.uri if status.parent else None,
        "published": instant(status.at)[:19] + "Z",
        "url": status.url,
        "attributedTo": author,
        "to": to,
        "cc": cc,
        "sensitive": False,
        "content": f"<p>{words(status.number, 20 + status.number % 40)}</p>",
        "attachment": [],
        "tag": [],
    }
    replies = _replies_stub(host, status)
    if replies is not None:
        document["replies"] = replies
    if host.flavour.threads and status.root.host == host.name:
        document["context"] = thread_uri(status.root)
    return document


def _audience(status: Status) -> tuple[list[str], list[str]]:
    followers = actor_uri(status.author) + "/followers"
    mentioned = [actor_uri(status.parent.author)] if status.parent else []
    if status.visibility == "public":
        return [PUBLIC], [followers, *mentioned]
    if status.visibility == "unlisted":
        return [followers], [PUBLIC, *mentioned]
    if status.visibility == "private":
        return [followers], mentioned
    return mentioned, []


def replies_uri(status: Status) -> str:
    """The collection of direct replies."""
    return status.uri.rstrip("/") + "/replies"


def thread_uri(root: Status) -> str:
    """The collection of a whole conversation, at the root's host."""
    return f"https://{root.host}/contexts/{root.author.number}-{root.number}"


def _replies_stub(host: Host, status: Status) -> dict[str, Any] | str | None:
    kind = host.flavour.replies
    uri = replies_uri(status)
    if kind == "mastodon":
        own = listing.self_replies(host, status)[: listing.EMBEDDED]
        follow = f"min_id={shown_id(host, own[-1])}" if own else "only_other_accounts=true"
        page = _page(f"{uri}?{follow}&page=true", uri, [s.uri for s in own])
        page["next"] = page.pop("id")
        return {"id": uri, "type": "Collection", "first": page}
    if kind == "gotosocial":
        first = _page(f"{uri}?page=true", uri, [])
        del first["items"]
        first["next"] = f"{uri}?page=true&only_other_accounts=false"
        return {"id": uri, "type": "Collection", "first": first}
    if kind == "pages":
        return uri
    if kind == "inline":
        items = [s.uri for s in host.children_of(status) if s.listable]
        return {"id": uri, "type": "Collection", "totalItems": len(items), "items": items}
    return None


def _page(page_id: str, part_of: str, items: list[Any]) -> dict[str, Any]:
    return {"id": page_id, "type": "CollectionPage", "partOf": part_of, "items": items}


def replies(host: Host, status: Status, query: str) -> dict[str, Any]:
    """The replies collection, or the page of it that the query asks for."""
    asked = dict(parse_qsl(query))
    if host.flavour.replies == "gotosocial":
        return {"@context": CONTEXT} | _gotosocial_page(host, status, asked)
    make = _mastodon_page if host.flavour.replies == "mastodon" else _plain_page
    uri = replies_uri(status)
    page = make(host, status, asked)
    if asked.get("page"):
        return {"@context": CONTEXT} | page
    return {"@context": CONTEXT, "id": uri, "type": "Collection", "first": page}


def _mastodon_page(host: Host, status: Status, asked: dict[str, str]) -> dict[str, Any]:
    uri = replies_uri(status)
    others = asked.get("only_other_accounts") == "true"
    pool = listing.others_replies if others else listing.self_replies
    min_id = asked.get("min_id", "")
    found = listing.page_after(host, pool(host, status), min_id, listing.PAGE)
    full = len(found) == listing.PAGE
    query = ("only_other_accounts=true&" if others else "") + (f"min_id={min_id}&" * bool(min_id))
    page = _page(f"{uri}?{query}page=true", uri, [_item(host, s) for s in found])
    if full:
        again = "only_other_accounts=true&" if others else ""
        page["next"] = f"{uri}?{again}min_id={shown_id(host, found[-1])}&page=true"
    elif not others:
        page["next"] = f"{uri}?only_other_accounts=true&page=true"
    return page


def _item(host: Host, status: Status) -> dict[str, Any] | str:
    return note(host, status, top=False) if status.host == host.name else status.uri


def _gotosocial_page(host: Host, status: Status, asked: dict[str, str]) -> dict[str, Any]:
    """Newest first. Without a limit it is a collection, and the author's own must be asked for."""
    others = asked.get("only_other_accounts", "true")
    query = f"only_other_accounts={others}"
    uri = replies_uri(status)
    found = [s for s in reversed(host.children_of(status)) if s.listable]
    if others == "true":
        found = [s for s in found if s.author is not status.author]
    total = len(found)
    if "limit" not in asked:
        first = f"{uri}?limit={listing.PLAIN_PAGE}&{query}"
        kind = "OrderedCollection"
        return {"id": f"{uri}?{query}", "type": kind, "totalItems": total, "first": first}
    below = asked.get("max_id", "~")
    found = [s for s in found if shown_id(host, s) < below][: listing.PLAIN_PAGE]
    page = _page(f"{uri}?limit={asked['limit']}&{query}", f"{uri}?{query}", [])
    del page["items"]
    page |= {"type": "OrderedCollectionPage", "totalItems": total}
    page["orderedItems"] = [s.uri for s in found]
    if found:
        last = shown_id(host, found[-1])
        page["next"] = f"{uri}?limit={asked['limit']}&max_id={last}&{query}"
    return page


def _plain_page(host: Host, status: Status, asked: dict[str, str]) -> dict[str, Any]:
    uri = replies_uri(status)
    number = max(1, int(asked.get("page", "1")))
    everything = [s.uri for s in host.children_of(status) if s.listable]
    start = (number - 1) * listing.PLAIN_PAGE
    page = _page(f"{uri}?page={number}", uri, everything[start : start + listing.PLAIN_PAGE])
    if start + listing.PLAIN_PAGE < len(everything):
        page["next"] = f"{uri}?page={number + 1}"
    return page


def thread(host: Host, root: Status, query: str) -> dict[str, Any]:
    """The FEP-7888 collection of a conversation, or a page of its items."""
    uri = thread_uri(root)
    asked = dict(parse_qsl(query))
    found = listing.page_after(
        host, listing.thread(host, root), asked.get("min_id", ""), listing.PAGE
    )
    page = _page(f"{uri}/items?{query or 'page=true'}", uri, [s.uri for s in found])
    if len(found) == listing.PAGE:
        last = shown_id(host, found[-1])
        page["next"] = f"{uri}/items?min_id={last}&page=true"
    if "page" in asked:
        return {"@context": CONTEXT} | page
    return {
        "@context": CONTEXT,
        "id": uri,
        "type": "Collection",
        "attributedTo": actor_uri(root.author),
        "first": page,
    }
