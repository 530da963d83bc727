"""Notes as Misskey's API and those of its forks show them.

Read in Misskey of 2025, CherryPick 4.17, Sharkey 2024.9 and 2025.12 and Firefish 1.0.3. A note has
``uri`` only where it came from another server; the server's own are at ``https://HOST/notes/ID``.
Visibility is ``public`` or ``home`` where anybody may see it; notes that are ``localOnly`` never
leave the server, and those that are ``isHidden`` come without content, because their authors show
them to people who sign in only.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from urllib.parse import urlsplit

import msgspec

from toottail.servers.entities import ITEMS_AT_MOST, count_of, is_local_id, time_of
from toottail.types.hosts import host_of
from toottail.types.statuses import FoundStatus

_SHOWN_TO_ALL = frozenset({"public", "home"})
_PATH = re.compile(r"/notes/([A-Za-z0-9]{6,40})/?")


class _Fields(msgspec.Struct, rename="camel", gc=False):
    id: Any = None
    created_at: Any = None
    reply_id: Any = None
    uri: Any = None
    url: Any = None
    visibility: Any = None
    local_only: Any = None
    is_hidden: Any = None
    replies_count: Any = None
    reply: msgspec.Raw = msgspec.Raw()
    user: msgspec.Raw = msgspec.Raw()


class _User(msgspec.Struct, gc=False):
    host: Any = None


_FIELDS = msgspec.json.Decoder(_Fields)
_USER = msgspec.json.Decoder(_User)


@dataclass(frozen=True, slots=True)
class Note:
    """A note as one host lists it; ``id`` is that host's own.

    ``shown`` says that it is for everybody and known outside of that host. ``reply`` is the note
    it replies to, where the answer has it; ``reply_id`` is that one's id.
    """

    id: str
    uri: str
    host: str
    url: str | None
    created_at: datetime | None
    replies_count: int | None
    reply_id: str | None
    reply: Note | None
    shown: bool

    def found(self, parent_uri: str | None) -> FoundStatus:
        """It as the flow wants it."""
        return FoundStatus(
            uri=self.uri,
            host=self.host,
            url=self.url,
            parent_uri=parent_uri,
            is_reply=self.reply_id is not None,
            created_at=self.created_at,
            replies_count=self.replies_count,
            local_id=self.id,
        )


def note_id(uri: str) -> str | None:
    """The id in the URI of a server's own note, None where its shape shows none."""
    try:
        found = _PATH.fullmatch(urlsplit(uri).path)
    except ValueError:
        return None
    return found[1] if found else None


def notes_of(host: str, items: Iterable[msgspec.Raw]) -> list[Note]:
    """The readable notes among ``items``, each id once."""
    found: dict[str, Note] = {}
    for count, item in enumerate(items):
        if count >= ITEMS_AT_MOST:
            break
        note = read_note(host, item)
        if note is not None:
            found.setdefault(note.id, note)
    return list(found.values())


def read_note(host: str, item: msgspec.Raw, *, nested: bool = True) -> Note | None:
    """``item`` as a note that ``host`` lists, None where it has no usable id or URI.

    ``nested``: what it replies to is read too, if the answer has it.
    """
    try:
        fields = _FIELDS.decode(item)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return None
    local_id = _id(fields.id)
    if local_id is None:
        return None
    uri = _uri(host, local_id, fields)
    own = host_of(uri) if uri is not None else None
    if uri is None or own is None:
        return None
    return Note(
        id=local_id,
        uri=uri,
        host=own,
        url=fields.url if isinstance(fields.url, str) and host_of(fields.url) else None,
        created_at=time_of(fields.created_at),
        replies_count=count_of(fields.replies_count),
        reply_id=_id(fields.reply_id),
        reply=read_note(host, fields.reply, nested=False) if nested and fields.reply else None,
        shown=_is_shown(fields),
    )


def _id(value: object) -> str | None:
    return value if isinstance(value, str) and is_local_id(value) else None


def _uri(host: str, local_id: str, fields: _Fields) -> str | None:
    if fields.uri is not None:
        return fields.uri if isinstance(fields.uri, str) else None
    return f"https://{host}/notes/{local_id}" if _is_by_local(fields.user) else None


def _is_by_local(user: msgspec.Raw) -> bool:
    try:
        return _USER.decode(user).host is None
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return False


def _is_shown(fields: _Fields) -> bool:
    if fields.local_only or fields.is_hidden:
        return False
    return isinstance(fields.visibility, str) and fields.visibility in _SHOWN_TO_ALL
