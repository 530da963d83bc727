"""ActivityPub objects, read field by field: everybody spells them a little differently.

Every field stays raw until it is asked for, so a malformed one costs only itself, and the text of a
post is never decoded.
"""

from __future__ import annotations

from datetime import datetime

import msgspec

from toottail.errors import AnswerRefused
from toottail.servers.entities import count_of, time_of
from toottail.types.hosts import host_of

ACCEPT = (
    "application/activity+json, "
    'application/ld+json; profile="https://www.w3.org/ns/activitystreams"'
)
STATUS_TYPES = frozenset(
    {"Note", "Question", "Article", "Page", "Image", "Audio", "Video", "Event"}
)
_BRINGING = frozenset({"Create", "Update", "Add"})
_WRAPPINGS = 3
"""Activities within activities, and the status in them."""
_PUBLIC = frozenset({"https://www.w3.org/ns/activitystreams#Public", "as:Public", "Public"})
_FIELD_AT_MOST = 256 << 10
"""Bytes of a field that names things; longer ones are nothing we know."""

_EMPTY = msgspec.Raw()


class ApObject(msgspec.Struct, rename="camel", gc=False):
    """An object, collection or page; each field as it came."""

    id: msgspec.Raw = _EMPTY
    type: msgspec.Raw = _EMPTY
    url: msgspec.Raw = _EMPTY
    published: msgspec.Raw = _EMPTY
    attributed_to: msgspec.Raw = _EMPTY
    to: msgspec.Raw = _EMPTY
    cc: msgspec.Raw = _EMPTY
    in_reply_to: msgspec.Raw = _EMPTY
    replies: msgspec.Raw = _EMPTY
    context: msgspec.Raw = _EMPTY
    context_history: msgspec.Raw = _EMPTY
    object: msgspec.Raw = _EMPTY
    first: msgspec.Raw = _EMPTY
    next: msgspec.Raw = _EMPTY
    items: msgspec.Raw = _EMPTY
    ordered_items: msgspec.Raw = _EMPTY
    total_items: msgspec.Raw = _EMPTY

    @property
    def uri(self) -> str | None:
        """Its ``id``, where that may be asked for."""
        uri = _value(self.id)
        return uri if isinstance(uri, str) and host_of(uri) else None

    @property
    def types(self) -> set[str]:
        """Its types; most objects have one."""
        return {word for word in _listed(_value(self.type)) if isinstance(word, str)}

    @property
    def is_status(self) -> bool:
        """Whether it is something people reply to."""
        return not self.types.isdisjoint(STATUS_TYPES)

    @property
    def is_collection(self) -> bool:
        """Whether it is a collection or a page of one."""
        return any("Collection" in word for word in self.types)

    @property
    def is_page(self) -> bool:
        """Whether it is a page of a collection: its ``first`` is where the listing began."""
        return any("CollectionPage" in word for word in self.types)

    @property
    def is_public(self) -> bool:
        """Whether it is addressed to everybody: public or unlisted."""
        named = (*_listed(_value(self.to)), *_listed(_value(self.cc)))
        return any(isinstance(word, str) and word in _PUBLIC for word in named)

    @property
    def is_addressed(self) -> bool:
        """Whether it says at all whom it is for."""
        return bool(_listed(_value(self.to)) or _listed(_value(self.cc)))

    @property
    def authors(self) -> list[str | None]:
        """The URIs of those it is attributed to, None for what is no URI."""
        return [_id_in(author) for author in _listed(_value(self.attributed_to))]

    @property
    def is_reply(self) -> bool:
        """Whether it answers something, whatever that is."""
        return bool(_value(self.in_reply_to))

    @property
    def parent_uri(self) -> str | None:
        """What it replies to, where that may be asked for."""
        for parent in _listed(_value(self.in_reply_to)):
            uri = _id_in(parent)
            if uri is not None and host_of(uri):
                return uri
        return None

    @property
    def page_url(self) -> str | None:
        """Its page for people."""
        for link in _listed(_value(self.url)):
            url = link.get("href") if isinstance(link, dict) else link
            if isinstance(url, str) and host_of(url):
                return url
        return None

    @property
    def published_at(self) -> datetime | None:
        """When it was posted, in UTC."""
        return time_of(_value(self.published))

    @property
    def total(self) -> int | None:
        """How many items a collection says it has."""
        return count_of(_value(self.total_items))

    def entries(self) -> list[msgspec.Raw]:
        """The items of a collection or page; a single one may come without a list."""
        found: list[msgspec.Raw] = []
        for field in (self.items, self.ordered_items):
            if not len(field) or bytes(field) == b"null":
                continue
            try:
                found += msgspec.json.decode(field, type=list[msgspec.Raw])
            except (msgspec.MsgspecError, RecursionError):
                found.append(field)
        return found


def named_in(entry: msgspec.Raw) -> tuple[str | None, ApObject | None]:
    """The status that an item of a collection names or holds: its URI, and itself where inline.

    Some collections list activities (FEP-171b): what brings a status stands for the status, and
    what does something else with it for nothing.
    """
    for _ in range(_WRAPPINGS):
        inline = object_in(entry)
        if inline is None:
            return link_in(entry), None
        if inline.types.isdisjoint(_BRINGING):
            if not inline.types:
                return inline.uri, None
            return (inline.uri, inline) if inline.is_status else (None, None)
        entry = inline.object
    return None, None


def read_object(host: str, body: bytes) -> ApObject:
    """``body`` as an object. Raises `AnswerRefused` where it is none."""
    found = object_in(msgspec.Raw(body))
    if found is None:
        raise AnswerRefused(host, "answered with no ActivityPub object")
    return found


def object_in(field: msgspec.Raw) -> ApObject | None:
    """The object that a field holds inline, None where it holds something else."""
    try:
        return msgspec.json.decode(field, type=ApObject)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return None


def link_in(field: msgspec.Raw) -> str | None:
    """The URI in a field, as text or as the ``id`` of an object, where it may be asked for."""
    uri = _value(field)
    if isinstance(uri, str):
        return uri if host_of(uri) else None
    inline = object_in(field)
    return inline.uri if inline is not None else None


def _value(field: msgspec.Raw) -> object:
    if not 0 < len(field) <= _FIELD_AT_MOST:
        return None
    try:
        value: object = msgspec.json.decode(field)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return None
    return value


def _listed(value: object) -> list[object]:
    if value is None:
        return []
    return value if isinstance(value, list) else [value]


def _id_in(value: object) -> str | None:
    uri = value.get("id") if isinstance(value, dict) else value
    return uri if isinstance(uri, str) else None
