"""Statuses and accounts as Mastodon's API shows them: three to four kilobytes each.

What differs from host to host (the id, the parent's id, the counts) is put in front of a part that
is serialised once, so that a context of thousands costs a join and not an encoding.
"""

from __future__ import annotations

import re
from collections import deque
from datetime import UTC, datetime
from typing import Any

import msgspec

from toottail.simulator.world import Account, Host, Status, shown_id

_WORDS = tuple(
    re.findall(
        r"\w+",
        "bridge harbour lantern quiet morning thread gravel kettle orchard signal paper "
        "winter copper meadow station letter window river garden market violin ferry "
        "pepper cloud anchor basket ",
    )
)
_encode = msgspec.json.Encoder().encode
_KEPT = 20_000
_kept: deque[Status] = deque()
"""Statuses whose serialised parts are kept: 3 KB each."""


def instant(at: int) -> str:
    """A time in ms since the epoch as the API writes it."""
    return datetime.fromtimestamp(at / 1000, UTC).strftime("%Y-%m-%dT%H:%M:%S.") + (
        f"{at % 1000:03d}Z"
    )


def words(number: int, count: int) -> str:
    """Some text that belongs to ``number``: the same at every call."""
    step = number * 7919 % 101 + 1
    return " ".join(_WORDS[(number + i * step) % len(_WORDS)] for i in range(count))


def account_id(account: Account) -> str:
    """The id of an account, the same at all hosts."""
    return str(109000000000000000 + account.number)


def account_object(account: Account, *, local: bool) -> dict[str, Any]:
    """An account as `GET /api/v1/accounts/:id` shows it; ``local``: to its own host."""
    url = f"https://{account.host}/@{account.name}"
    note = f"<p>{words(account.number, 24)}</p>" + ("<p>#nobot</p>" if account.nobot else "")
    media = f"https://{account.host}/system/accounts/{account.number:09d}"
    return {
        "id": account_id(account),
        "username": account.name,
        "acct": account.name if local else f"{account.name}@{account.host}",
        "display_name": words(account.number, 2).title(),
        "locked": False,
        "bot": False,
        "discoverable": account.discoverable,
        "indexable": account.indexable,
        "group": False,
        "created_at": "2022-11-06T00:00:00.000Z",
        "note": note,
        "url": url,
        "uri": f"https://{account.host}/users/{account.name}",
        "avatar": f"{media}/avatars/original/0f1e2d3c4b5a6978.png",
        "avatar_static": f"{media}/avatars/original/0f1e2d3c4b5a6978.png",
        "header": f"{media}/headers/original/8a7b6c5d4e3f2a1b.jpeg",
        "header_static": f"{media}/headers/original/8a7b6c5d4e3f2a1b.jpeg",
        "followers_count": account.number * 37 % 2000,
        "following_count": account.number * 17 % 900,
        "statuses_count": account.number * 91 % 9000,
        "last_status_at": "2026-08-01",
        "hide_collections": None,
        "noindex": False,
        "emojis": [_emoji(account, name) for name in ("blobcat", "verified")],
        "roles": [],
        "fields": [
            {
                "name": name,
                "value": f'<a href="https://{name}.{account.host}/{account.name}" '
                f'target="_blank" rel="nofollow noopener me">{name}.{account.host}</a>',
                "verified_at": None,
            }
            for name in ("home", "code", "photos")
        ],
    }


def _emoji(account: Account, name: str) -> dict[str, Any]:
    base = f"https://{account.host}/system/custom_emojis/images/000/{account.number:03d}"
    return {
        "shortcode": name,
        "url": f"{base}/original/{name}.png",
        "static_url": f"{base}/static/{name}.png",
        "visible_in_picker": True,
    }


def status_json(host: Host, status: Status) -> bytes:
    """``status`` as ``host`` shows it, serialised."""
    above = host.parent_of(status)
    head = {
        "id": shown_id(host, status),
        "in_reply_to_id": None if above is None else shown_id(host, above),
        "in_reply_to_account_id": _parent_account(host, status),
        "replies_count": host.counts[status],
    }
    return _encode(head)[:-1] + b"," + _static_part(status, local=status.host == host.name)


def _parent_account(host: Host, status: Status) -> str | None:
    if status.parent is None or host.parent_of(status) is None:
        return None
    return str(109000000000000000 + status.parent.author.number)


def _static_part(status: Status, *, local: bool) -> bytes:
    part = status.shown.get(local)
    if part is None:
        part = status.shown[local] = _encode(_static_object(status, local=local))[1:]
        if len(_kept) == _KEPT:
            _kept.popleft().shown.clear()
        _kept.append(status)
    return part


def _static_object(status: Status, *, local: bool) -> dict[str, Any]:
    number = status.number
    return {
        "created_at": instant(status.at),
        "edited_at": None,
        "sensitive": False,
        "spoiler_text": "",
        "visibility": status.visibility,
        "language": "en",
        "uri": status.uri,
        "url": status.url,
        "reblogs_count": number % 7,
        "favourites_count": number % 23,
        "quotes_count": 0,
        "favourited": False,
        "reblogged": False,
        "muted": False,
        "bookmarked": False,
        "content": f"<p>{words(number, 20 + number % 40)}</p>",
        "filtered": [],
        "reblog": None,
        "application": {"name": "Web", "website": None} if local else None,
        "account": account_object(status.author, local=local),
        "media_attachments": [_attachment(status)] if number % 3 == 0 else [],
        "mentions": _mentions(status),
        "tags": [
            {"name": tag, "url": f"https://{status.host}/tags/{tag}"}
            for tag in words(number, number % 4).split()
        ],
        "emojis": [],
        "card": _card(status) if number % 4 == 1 else None,
        "poll": None,
    }


def _mentions(status: Status) -> list[dict[str, Any]]:
    if status.parent is None:
        return []
    author = status.parent.author
    return [
        {
            "id": str(109000000000000000 + author.number),
            "username": author.name,
            "url": f"https://{author.host}/@{author.name}",
            "acct": f"{author.name}@{author.host}",
        }
    ]


def _attachment(status: Status) -> dict[str, Any]:
    base = f"https://{status.host}/system/media_attachments/files/{status.number:012d}"
    return {
        "id": str(110000000000000000 + status.number),
        "type": "image",
        "url": f"{base}/original/5ac1e93b.jpeg",
        "preview_url": f"{base}/small/5ac1e93b.jpeg",
        "remote_url": None,
        "preview_remote_url": None,
        "text_url": None,
        "meta": {
            "original": {"width": 1200, "height": 800, "size": "1200x800", "aspect": 1.5},
            "small": {"width": 588, "height": 392, "size": "588x392", "aspect": 1.5},
        },
        "description": words(status.number + 3, 30),
        "blurhash": "UBL_:rOpGG-;~qRjRPof00M{4nIUxuWBIUof",
    }


def _card(status: Status) -> dict[str, Any]:
    return {
        "url": f"https://news.{status.host}/articles/{status.number}",
        "title": words(status.number + 5, 8).capitalize(),
        "description": words(status.number + 9, 28),
        "language": "en",
        "type": "link",
        "author_name": "",
        "author_url": "",
        "authors": [],
        "provider_name": f"news.{status.host}",
        "provider_url": "",
        "html": "",
        "width": 1200,
        "height": 630,
        "image": f"https://{status.host}/system/cache/preview_cards/{status.number:09d}.jpg",
        "image_description": "",
        "embed_url": "",
        "blurhash": "UBL_:rOpGG-;~qRjRPof00M{4nIUxuWBIUof",
        "published_at": None,
    }


def context_json(host: Host, above: list[Status], below: list[Status]) -> bytes:
    """The body of a context answer."""
    up = b",".join(status_json(host, s) for s in above)
    down = b",".join(status_json(host, s) for s in below)
    return b'{"ancestors":[' + up + b'],"descendants":[' + down + b"]}"


def boost_json(host: Host, entry_id: str, at: int, booster: Account, status: Status) -> bytes:
    """A boost as it appears in a timeline: an empty status around the original."""
    shell = _static_object(status, local=False)
    shell |= {
        "created_at": instant(at),
        "uri": f"https://{booster.host}/users/{booster.name}/statuses/{entry_id}/activity",
        "url": f"https://{booster.host}/users/{booster.name}/statuses/{entry_id}/activity",
        "account": account_object(booster, local=booster.host == host.name),
        "media_attachments": [],
        "mentions": [],
        "tags": [],
        "card": None,
        "reblog": msgspec.Raw(status_json(host, status)),
    }
    head = {
        "id": entry_id,
        "in_reply_to_id": None,
        "in_reply_to_account_id": None,
        "replies_count": 0,
    }
    return _encode(head)[:-1] + b"," + _encode(shell)[1:]
