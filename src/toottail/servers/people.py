"""Accounts as the Mastodon API shows them, and who asks not to be read as a profile."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import msgspec

from toottail.servers.consent import opts_out_of_backfill
from toottail.servers.entities import ITEMS_AT_MOST, ApiAccount, is_local_id
from toottail.types.hosts import host_of, is_public_host

_OBJECT = msgspec.json.Decoder(dict[str, Any])
_NAME_AT_MOST = 200


@dataclass(frozen=True, slots=True)
class Person:
    """An account: ``name`` is ``user@host`` as people write it, ``host`` the server it is on.

    ``local_id`` is the id that the answering host has for it, ``uri`` where its actor is to be had:
    its ActivityPub id or, where that is not told, its page (GoToSocial tells the page only).
    ``opted_out``: its profile asks not to be read by programs, as far as the answer shows it (a
    mention shows nothing of a profile).
    """

    name: str
    host: str
    local_id: str | None = None
    uri: str | None = None
    opted_out: bool = False


def people_of(items: Iterable[msgspec.Raw], host: str) -> list[Person]:
    """The readable accounts among ``items`` as ``host`` lists them."""
    found = []
    for count, item in enumerate(items):
        if count >= ITEMS_AT_MOST:
            break
        person = person_in(item, host)
        if person is not None:
            found.append(person)
    return found


def person_in(item: msgspec.Raw, host: str) -> Person | None:
    """The account that ``host`` shows in ``item``, None where it is none of use."""
    try:
        return person_of(_OBJECT.decode(item), host)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return None


def person_of(fields: Mapping[str, Any], host: str) -> Person | None:
    """The same for an account that is decoded already."""
    acct, url, uri = (_text(fields.get(key)) for key in ("acct", "url", "uri"))
    user, _, told = acct.partition("@")
    named = told.lower() if told else host
    if not user or len(acct) > _NAME_AT_MOST or not acct.isprintable() or " " in acct:
        return None
    server = (host_of(uri) or host_of(url) or named) if told else host
    if not is_public_host(named) or not is_public_host(server):
        return None
    local_id = fields.get("id")
    return Person(
        name=f"{user}@{named}",
        host=server,
        local_id=local_id if isinstance(local_id, str) and is_local_id(local_id) else None,
        uri=next((at for at in (uri, url) if host_of(at) == server), None),
        opted_out=_opted_out(fields),
    )


def _opted_out(fields: Mapping[str, Any]) -> bool:
    return opts_out_of_backfill(
        ApiAccount(
            note=msgspec.Raw(msgspec.json.encode(_text(fields.get("note")))),
            indexable=_flag(fields.get("indexable")),
            discoverable=_flag(fields.get("discoverable")),
        )
    )


def _flag(value: object) -> bool | None:
    return value if isinstance(value, bool) else None


def _text(value: object) -> str:
    return value if isinstance(value, str) else ""
