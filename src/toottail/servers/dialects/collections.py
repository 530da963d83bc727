"""Walks ``replies`` and ``context`` collections, inline or page by page, with limits on everything.

A page is one step: the next one becomes a further target, whose hint carries what is needed to end
a listing that never ends by itself.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from zlib import crc32

import msgspec

from toottail.servers.dialects import base
from toottail.servers.dialects.objects import ApObject, link_in, named_in, object_in
from toottail.types.hosts import host_of
from toottail.types.statuses import FoundStatus, LookTarget, Reading

PAGES_AT_MOST = 200
ITEMS_AT_MOST = 2_000
"""Items read of one answer, nested ones included."""
_WITH_OWN = "?limit=20&only_other_accounts=false"
_NOTES = {"": base.NOTE_USUAL_REPLIES, _WITH_OWN: base.NOTE_USUAL_WITH_OWN}
NESTING_AT_MOST = 5
"""Notes within replies within notes."""


@dataclass(frozen=True, slots=True)
class PageHint:
    """The page to read and short marks of the pages before it.

    As text: the URL, followed after a blank by eight hexadecimal digits a page. The first page is
    just its URL, so that everybody who finds it asks the same question.
    """

    url: str
    before: tuple[str, ...] = ()

    @classmethod
    def parse(cls, hint: str) -> PageHint:
        """The hint that ``hint`` is the text of."""
        url, _, marks = hint.partition(" ")
        return cls(url, tuple(marks[i : i + 8] for i in range(0, len(marks), 8)))

    def __str__(self) -> str:
        return f"{self.url} {''.join(self.before)}" if self.before else self.url

    def next(self, url: str) -> PageHint | None:
        """The hint for the next page, None where the listing runs in circles or on for ever."""
        seen = (*self.before, _mark(self.url))
        if _mark(url) in seen or len(seen) >= PAGES_AT_MOST:
            return None
        return PageHint(url, seen)


def _mark(url: str) -> str:
    return f"{crc32(url.encode()):08x}"


@dataclass(frozen=True, slots=True)
class Words:
    """The words for further questions to the same host."""

    begin: str = base.BEGIN
    replies: str = base.REPLIES
    thread: str = base.THREAD


class Walk:
    """Collects what one answer of ``host`` about the status ``asked`` tells.

    ``deeper`` says whether replies that come embedded are walked by their own collections; where
    the host has a better way to tell what is below them, that is asked instead.
    """

    def __init__(self, host: str, asked: str, words: Words, *, deeper: bool) -> None:
        self._host = host
        self._asked = asked
        self._words = words
        self._deeper = deeper
        self._statuses: dict[str, FoundStatus] = {}
        self._further: dict[LookTarget, None] = {}
        self._own: dict[str, None] = {}
        self._foreign: dict[str, str] = {}
        self._listed: dict[str, None] = {}
        self._items = 0
        self._usual: str | None = None
        self._bare = False  # notes tell of their replies no more than where they are

    def reading(self) -> Reading:
        """All that was collected."""
        further = dict(self._further)
        for uri in self._own:
            if self._deeper and self._usual is not None:
                page = usual_replies(uri) + self._usual
                further[LookTarget(uri, self._host, self._words.replies, page)] = None
            else:
                further[LookTarget(uri, self._host, self._words.begin)] = None
        further.update(dict.fromkeys(base.ask_at_home(self._foreign, self._asked)))
        return Reading(
            statuses=tuple(self._statuses.values()),
            further=tuple(further),
            listed=tuple(self._listed),
            notes=(_NOTES[self._usual],) if self._usual is not None and self._bare else (),
        )

    def note(self, note: ApObject, uri: str, nesting: int = 0) -> None:
        """A status of this host and the replies that come with it."""
        self._add_note(note, uri, note.parent_uri, self._replies(note, uri, nesting))

    def thread_of(self, note: ApObject, uri: str) -> None:
        """The flat listing that ``note`` points to, where it is on this host."""
        for url in (link_in(note.context), link_in(note.context_history)):
            if url is not None and url != uri and host_of(url) == self._host:
                self._further[LookTarget(url, self._host, self._words.thread, url)] = None
                return

    def replies_of(self, note: ApObject, uri: str) -> None:
        """Only the replies that come with the note ``uri``."""
        self._replies(note, uri, 0)

    def replies_page(self, page: ApObject, parent: str, hint: PageHint) -> None:
        """A page of the direct replies to ``parent``."""
        self._usual = _usual_form(hint.url, parent)
        for part in _parts(page):
            for entry in part.entries():
                self._reply(entry, parent, 0)
        if not _is_whole(page):
            self._go_on(page, parent, self._words.replies, hint)

    def thread_page(self, page: ApObject, uri: str, hint: PageHint) -> None:
        """A page of the flat listing of a conversation."""
        for part in _parts(page):
            for entry in part.entries():
                self._list(entry)
        self._go_on(page, uri, self._words.thread, hint)

    def _replies(self, note: ApObject, uri: str, nesting: int) -> int | None:
        """Walks the collection in ``note``; how many replies there are, where that is told."""
        inline = object_in(note.replies)
        named = link_in(note.replies)
        self._bare = inline is None
        if inline is None:
            self._learn(named, uri)
            if named is not None:
                self._page(uri, self._words.replies, PageHint(named))
            return None
        if inline.total == 0:
            return 0
        parts = _parts(inline)
        entries = [entry for part in parts for entry in part.entries()]
        count = sum(self._reply(entry, uri, nesting) for entry in entries)
        url = _next_url(inline) or (inline.uri if not entries and len(parts) == 1 else None)
        self._learn(url or named, uri)
        self._bare = self._usual == _WITH_OWN
        if url is None:
            return count
        if self._usual:
            url = usual_replies(uri) + self._usual
        self._page(uri, self._words.replies, PageHint(url))
        return inline.total

    def _learn(self, url: str | None, uri: str) -> None:
        """Notes where this host has the collection of ``uri``, if in a usual place."""
        form = _usual_form(url, uri) if url is not None else None
        self._usual = self._usual if form is None else form

    def _reply(self, entry: msgspec.Raw, parent: str, nesting: int) -> bool:
        """One item of a ``replies`` collection; whether it is a reply that anybody may see."""
        self._items += 1
        uri, embedded = named_in(entry)
        host = host_of(uri) if uri is not None else None
        if uri is None or host is None or uri == parent or self._items > ITEMS_AT_MOST:
            return False
        if embedded is None or not trusted(embedded, self._host):
            if embedded is not None and (host == self._host or _is_private(embedded)):
                return False
            found = FoundStatus(uri=uri, host=host, parent_uri=parent, is_reply=True)
            self._statuses.setdefault(uri, found)
            self._ask_about(uri, host)
        elif self._deeper and len(embedded.replies) and nesting < NESTING_AT_MOST:
            count = self._replies(embedded, uri, nesting + 1)
            self._add_note(embedded, uri, embedded.parent_uri or parent, count)
        else:
            self._add_note(embedded, uri, embedded.parent_uri or parent, None)
            self._ask_about(uri, host)
        return True

    def _ask_about(self, uri: str, host: str) -> None:
        if host == self._host:
            self._own[uri] = None
        else:
            self._foreign[uri] = host

    def _list(self, entry: msgspec.Raw) -> None:
        """One item of the flat listing of a conversation."""
        self._items += 1
        uri, embedded = named_in(entry)
        host = host_of(uri) if uri is not None else None
        if uri is None or host is None or self._items > ITEMS_AT_MOST:
            return
        if embedded is not None and host == self._host:
            if not trusted(embedded, self._host):
                return
            self._add_note(embedded, uri, embedded.parent_uri, None)
        elif embedded is not None:
            if _is_private(embedded):
                return
            self._add_foreign(embedded, uri, host)
        self._listed[uri] = None

    def _add_foreign(self, note: ApObject, uri: str, host: str) -> None:
        """A status of another host, with its place as this one knows it."""
        parent = note.parent_uri
        if parent is not None and parent != uri:
            found = FoundStatus(uri=uri, host=host, parent_uri=parent, is_reply=True)
            self._statuses.setdefault(uri, found)

    def _add_note(self, note: ApObject, uri: str, parent: str | None, count: int | None) -> None:
        self._statuses[uri] = FoundStatus(
            uri=uri,
            host=self._host,
            url=note.page_url,
            parent_uri=parent if parent != uri else None,
            is_reply=parent is not None or note.is_reply,
            created_at=note.published_at,
            replies_count=count,
        )

    def _go_on(self, page: ApObject, uri: str, how: str, hint: PageHint) -> None:
        url = _next_url(page)
        following = hint.next(url) if url is not None else None
        if following is not None:
            self._page(uri, how, following)

    def _page(self, uri: str, how: str, page: PageHint) -> None:
        """A further question, for a page that is on this host."""
        if host_of(page.url) == self._host:
            self._further[LookTarget(uri, self._host, how, str(page))] = None


def usual_replies(uri: str) -> str:
    """Where most servers have the ``replies`` of a note.

    Tried only on a host that was seen to name one of its collections so: it saves getting the note.
    """
    return f"{uri.rstrip('/')}/replies"


def _usual_form(url: str, uri: str) -> str | None:
    """What follows `usual_replies` where ``url`` is that of ``uri``; None for another place.

    GoToSocial's bare collection leaves out the author's own replies, and its first pages are empty:
    the query has what its page of all replies is asked by.
    """
    place, _, query = url.partition("?")
    if place != usual_replies(uri):
        return None
    return _WITH_OWN if "only_other_accounts=false" in query else ""


def _is_whole(page: ApObject) -> bool:
    """Whether one page has all that its collection says to have."""
    return page.total is not None and page.is_page and len(page.entries()) >= page.total


def known_replies(uri: str, notes: Collection[str]) -> str | None:
    """Where a host has the replies of its note ``uri``, by what was remembered of it."""
    return next((usual_replies(uri) + form for form, note in _NOTES.items() if note in notes), None)


def trusted(note: ApObject, host: str) -> bool:
    """Whether ``host`` may speak for ``note``: public, and its own by id and authors."""
    if not note.is_status or note.uri is None or host_of(note.uri) != host or not note.is_public:
        return False
    return is_by(note, host)


def _is_private(note: ApObject) -> bool:
    """Whether it is said to be for some only; a copy of a post may say nothing of that."""
    return note.is_addressed and not note.is_public


def is_by(note: ApObject, host: str) -> bool:
    """Whether ``note`` names authors, all of them on ``host``."""
    authors = note.authors
    return bool(authors) and all(author and host_of(author) == host for author in authors)


def _parts(collection: ApObject) -> list[ApObject]:
    """The collection and the first page, where that comes inside it."""
    first = object_in(collection.first)
    return [collection] if first is None else [collection, first]


def _next_url(collection: ApObject) -> str | None:
    """Where a listing goes on after what came with this answer."""
    first = object_in(collection.first)
    if first is not None:
        # An empty list is told too: WordPress sends it with every comment nobody replied to.
        holds = len(first.items) or len(first.ordered_items) or len(first.next)
        return link_in(first.next) if holds else first.uri
    following = link_in(collection.next)
    if following is None and not collection.is_page:
        return link_in(collection.first)
    return following
