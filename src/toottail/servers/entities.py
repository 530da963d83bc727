"""What other servers answer, as structs that keep only the fields TootTail needs.

Answers are decoded tolerantly: a listing is first cut into its raw items, then each item is read on
its own, so that one malformed item never costs the others. The quick way is a typed struct; an item
that does not fit it is read again leniently, field by field, and dropped only where it has no
usable id or URI.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any, TypeVar

import msgspec

from toottail.errors import AnswerRefused
from toottail.types.hosts import host_of
from toottail.types.statuses import FoundStatus

PUBLIC_VISIBILITIES = frozenset({"public", "unlisted"})
ITEMS_AT_MOST = 10_000
"""Items of one listing that are read; the largest honest one has 4,096."""

_MOST_COUNTED = (1 << 31) - 1
_LOCAL_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.~-]{0,127}")
# In JSON as it came: a line break before the word is a backslash and a letter there.
_NOBOT = re.compile(rb"(?:(?<![a-z])|(?<=\\[nrtbf]))nobot(?![a-z])", re.IGNORECASE)
_T = TypeVar("_T")


class ApiAccount(msgspec.Struct, gc=False):
    """An account as the Mastodon API shows it; ``note``, its profile text, stays as it came."""

    acct: str = ""
    note: msgspec.Raw = msgspec.Raw()
    indexable: bool | None = None
    discoverable: bool | None = None


class ApiStatus(msgspec.Struct, gc=False):
    """A status as the Mastodon API shows it."""

    id: str
    uri: str
    url: str | None = None
    in_reply_to_id: str | None = None
    replies_count: int | None = None
    created_at: datetime | None = None
    visibility: str = ""
    account: ApiAccount | None = None


class ApiBoostable(ApiStatus, gc=False):
    """A status of a timeline, where it may be the boost of another."""

    reblog: ApiStatus | None = None


class ApiContext(msgspec.Struct):
    """A conversation around one status; the items are read one by one."""

    ancestors: list[msgspec.Raw] = []
    descendants: list[msgspec.Raw] = []


class ApiSearch(msgspec.Struct):
    """The answer of a search for statuses."""

    statuses: list[msgspec.Raw] = []


class ApiMe(msgspec.Struct):
    """The account a token belongs to."""

    id: str
    acct: str = ""
    username: str = ""


class ApiApp(msgspec.Struct):
    """The application a token was made by; servers before Mastodon 4.3 tell no scopes."""

    scopes: list[str] | str | None = None


_STATUS = msgspec.json.Decoder(ApiStatus)
_BOOSTABLE = msgspec.json.Decoder(ApiBoostable)
_LIST = msgspec.json.Decoder(list[msgspec.Raw])
_OBJECT = msgspec.json.Decoder(dict[str, Any])


def decode(host: str, body: bytes, type_: type[_T]) -> _T:
    """``body`` as ``type_``. Raises `AnswerRefused` where it is not that."""
    try:
        return msgspec.json.decode(body, type=type_)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise AnswerRefused(host, f"answered with unusable JSON ({error})") from None


def decode_list(host: str, body: bytes) -> list[msgspec.Raw]:
    """The items of a JSON list, still raw. Raises `AnswerRefused` where it is no list."""
    try:
        return _LIST.decode(body)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise AnswerRefused(host, f"answered with unusable JSON ({error})") from None


def statuses_of(items: Iterable[msgspec.Raw]) -> list[ApiStatus]:
    """The readable statuses among ``items``."""
    found = []
    for count, item in enumerate(items):
        if count >= ITEMS_AT_MOST:
            break
        status = _status_of(item)
        if status is not None:
            found.append(status)
    return found


def boostables_of(items: Iterable[msgspec.Raw]) -> list[ApiBoostable]:
    """The readable statuses of a timeline."""
    found = []
    for item in items:
        try:
            status: ApiBoostable | None = _BOOSTABLE.decode(item)
        except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
            status = _lenient(item)
        if status is not None and is_local_id(status.id):
            found.append(status)
    return found


def boostable_of(text: bytes | str) -> ApiBoostable | None:
    """The status in one JSON document, None where it is not readable as one."""
    raw = msgspec.Raw(text.encode() if isinstance(text, str) else text)
    return next(iter(boostables_of([raw])), None)


def _status_of(item: msgspec.Raw) -> ApiStatus | None:
    try:
        status = _STATUS.decode(item)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return _lenient(item)
    return status if is_local_id(status.id) else None


def _lenient(item: msgspec.Raw) -> ApiBoostable | None:
    """``item`` read field by field, None where it has no id or URI."""
    try:
        fields = _OBJECT.decode(item)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return None
    status = _from_fields(fields)
    if status is not None and isinstance(fields.get("reblog"), dict):
        status.reblog = _from_fields(fields["reblog"])
    return status


def _from_fields(fields: dict[str, Any]) -> ApiBoostable | None:
    local_id, uri = _identifier(fields.get("id")), fields.get("uri")
    if local_id is None or not isinstance(uri, str):
        return None
    return ApiBoostable(
        id=local_id,
        uri=uri,
        url=_text(fields.get("url")),
        in_reply_to_id=_identifier(fields.get("in_reply_to_id")),
        replies_count=count_of(fields.get("replies_count")),
        created_at=time_of(fields.get("created_at")),
        visibility=_text(fields.get("visibility")) or "",
        account=_lenient_account(fields.get("account")),
    )


def _lenient_account(account: object) -> ApiAccount | None:
    if not isinstance(account, dict):
        return None
    note = msgspec.json.encode(_text(account.get("note")) or "")
    return ApiAccount(
        acct=_text(account.get("acct")) or "",
        note=msgspec.Raw(note),
        indexable=_flag(account.get("indexable")),
        discoverable=_flag(account.get("discoverable")),
    )


def _identifier(value: object) -> str | None:
    if isinstance(value, int) and not isinstance(value, bool):
        value = str(value)
    return value if isinstance(value, str) and is_local_id(value) else None


def is_local_id(text: str) -> bool:
    """Whether ``text`` can be the last part of an API path: ids of all known servers can."""
    return _LOCAL_ID.fullmatch(text) is not None


def _flag(value: object) -> bool | None:
    return value if isinstance(value, bool) else None


def _text(value: object) -> str | None:
    return value if isinstance(value, str) else None


def count_of(value: object) -> int | None:
    """``value`` as a count of things, None where it is none (or beyond what is stored as one)."""
    return value if type(value) is int and 0 <= value <= _MOST_COUNTED else None


def time_of(value: object) -> datetime | None:
    """``value`` as a moment in UTC, None where it is none."""
    if not isinstance(value, str):
        return None
    try:
        return utc(msgspec.convert(value, datetime))
    except msgspec.ValidationError:
        return None


def utc(moment: datetime | None) -> datetime | None:
    """``moment`` in UTC; without a zone it is taken to be UTC already."""
    if moment is None:
        return None
    if moment.tzinfo is None:
        return moment.replace(tzinfo=UTC)
    try:
        return moment.astimezone(UTC)
    except OverflowError:
        return None


def opts_out(account: ApiAccount | None) -> bool:
    """Whether the profile asks robots to stay away."""
    return account is not None and _NOBOT.search(account.note) is not None


def is_public(status: ApiStatus) -> bool:
    """Whether anybody may see it: public or unlisted."""
    return status.visibility in PUBLIC_VISIBILITIES


def found_status(status: ApiStatus, parent_uri: str | None) -> FoundStatus | None:
    """``status`` as the flow wants it, None where its URI is none that may be asked for."""
    host = host_of(status.uri)
    if host is None:
        return None
    return FoundStatus(
        uri=status.uri,
        host=host,
        url=status.url if status.url and host_of(status.url) else None,
        parent_uri=parent_uri,
        is_reply=parent_uri is not None or status.in_reply_to_id is not None,
        created_at=utc(status.created_at),
        replies_count=count_of(status.replies_count),
        local_id=status.id,
        public=is_public(status),
        opted_out=opts_out(status.account),
    )
