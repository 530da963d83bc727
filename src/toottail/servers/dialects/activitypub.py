"""ActivityPub: what any server shows to any other, signed where it wants to know to whom.

A look gets one note, one page of its ``replies``, or one page of the flat listing that its
``context`` leads to. A thread of n replies costs a request for each note and each page that does
not come inline; the flat listing shows when all are placed, so the rest need not be asked.

A host speaks for its own: a note must be on the host that was asked, and so must its authors.
"""

from __future__ import annotations

from toottail.errors import AnswerRefused, Forbidden, Gone
from toottail.servers.asker import Asker
from toottail.servers.dialects import base
from toottail.servers.dialects.collections import (
    PageHint,
    Walk,
    Words,
    is_by,
    known_replies,
    usual_replies,
)
from toottail.servers.dialects.objects import ApObject, read_object
from toottail.servers.dialects.signed import get_document
from toottail.servers.dialects.software import DENYING, NO_LISTING
from toottail.servers.nodeinfo import Software
from toottail.types.hosts import host_of
from toottail.types.statuses import LookTarget, Reading

_AP_WORDS = Words(base.AP, base.AP_REPLIES, base.AP_THREAD)
_BEGINS = frozenset({base.BEGIN, base.AP})


class ActivityPub:
    """Reads any host through notes and collections.

    ``api`` says that the Mastodon dialect uses this for collections only: what is below a reply is
    then asked through the API. ``closed`` says that the host's API was seen to be closed to
    anonymous readers.
    """

    name = "activitypub"

    def __init__(self, *, api: bool = False, closed: bool = False) -> None:
        self._api = api
        self._closed = closed

    def speaks(self, software: Software) -> bool:
        """True for everything: this is the way when no other is known."""
        return bool(software.name)

    async def look(self, ask: Asker, target: LookTarget, software: Software) -> Reading:
        """One look; see `toottail.servers.dialects.base`."""
        words = _AP_WORDS if target.how.startswith(base.AP) else Words()
        walk = Walk(ask.host, target.uri, words, deeper=not self._api)
        page = PageHint.parse(target.hint)
        known = known_replies(target.uri, ask.notes) if _is_placed(target) else None
        if known is not None:
            # Another answer may have led to that page already: as one question it is asked once.
            return Reading(further=(LookTarget(target.uri, ask.host, words.replies, known),))
        if target.how in (words.replies, words.thread) and host_of(page.url) == ask.host:
            if target.how == words.thread:
                return await _look_at_thread(ask, target, software, walk, page)
            return await _look_at_replies(
                ask, target, software, walk, page, words, by_api=self._api
            )
        reading = await _look_at_note(
            ask,
            target,
            software,
            walk,
            whole=target.how != words.replies,
            listing=software.name not in NO_LISTING,
        )
        if reading.gone and self._closed and software.name in DENYING and not ask.signs:
            return Reading(refused=base.NEEDS_SIGNATURE)
        return reading


def _is_placed(target: LookTarget) -> bool:
    """Whether it is known what the status replies to: then only what is below it is wanted."""
    placed = target.hint == base.PLACED or base.below_what(target.hint) is not None
    return target.how in _BEGINS and placed


async def _look_at_thread(
    ask: Asker, target: LookTarget, software: Software, walk: Walk, page: PageHint
) -> Reading:
    try:
        found = await _collection(ask, page, software)
    except (Forbidden, Gone) as error:
        return Reading(denied=True, notes=(f"{page.url} {error.what}",))
    walk.thread_page(found, target.uri, page)
    return walk.reading()


async def _look_at_replies(
    ask: Asker,
    target: LookTarget,
    software: Software,
    walk: Walk,
    page: PageHint,
    words: Words,
    *,
    by_api: bool,
) -> Reading:
    try:
        found = await _collection(ask, page, software)
    except Forbidden as error:
        return Reading(notes=(f"{page.url} {error.what}",))
    except Gone as error:
        if not page.before and page.url.partition("?")[0] == usual_replies(target.uri):
            # It was a guess, or the post is gone: the post itself tells.
            how = words.begin if by_api else words.replies
            return Reading(further=(LookTarget(target.uri, target.host, how),))
        return Reading(notes=(f"{page.url} {error.what}",))
    walk.replies_page(found, target.uri, page)
    return walk.reading()


async def _collection(ask: Asker, page: PageHint, software: Software) -> ApObject:
    answer = await get_document(ask, page.url, software)
    found = read_object(ask.host, answer.body)
    if not found.is_collection:
        raise AnswerRefused(ask.host, "answered with something else than a collection")
    return found


async def _look_at_note(
    ask: Asker,
    target: LookTarget,
    software: Software,
    walk: Walk,
    *,
    whole: bool,
    listing: bool,
) -> Reading:
    if host_of(target.uri) != ask.host:
        return Reading(notes=("asked for a post of another host",))
    try:
        answer = await get_document(ask, target.uri, software)
    except Forbidden as error:
        return Reading(refused=error.what)
    except Gone:
        return Reading(gone=True)
    note = read_object(ask.host, answer.body)
    if "Tombstone" in note.types:
        return Reading(gone=True)
    uri = _check(ask.host, note)
    if not note.is_public:
        return Reading(notes=("not public",))
    if whole:
        walk.note(note, uri)
    else:
        walk.replies_of(note, target.uri)
    if listing:
        walk.thread_of(note, uri)
    return walk.reading()


def _check(host: str, note: ApObject) -> str:
    """The note's URI. Raises `AnswerRefused` where the host may not speak for it."""
    if not note.is_status:
        raise AnswerRefused(host, "answered with something that is no post")
    uri = note.uri
    if uri is None or host_of(uri) != host:
        raise AnswerRefused(host, "answered with a post that names another host as its own")
    if not is_by(note, host):
        raise AnswerRefused(host, "answered with a post whose author is on another host")
    return uri
