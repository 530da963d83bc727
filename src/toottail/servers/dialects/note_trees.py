"""Replies as one answer of Misskey's API lists them, and where to go on from there.

An answer is a page of the direct replies to a note or, on some forks, the tree below it, with at
most 99 replies of each note, whichever they are. What it leaves out shows by the server's own count
of replies; that count may be too high, never too low.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Self

from toottail.servers.dialects.notes import Note
from toottail.servers.entities import is_local_id
from toottail.types.statuses import FoundStatus, LookTarget

BRANCH = "notes:replies"
"""The question what is below the note ``uri``; the hint is a `Place`."""
NEARLY_FULL = 90
"""So many notes on a page of 100 say that there may be more: some forks drop a few of them."""
MANY = 20_000
"""Replies to one note at most, and the count where a server tells none."""
_SURELY_DEEP = 12
"""So many levels every server lists that lists trees."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where a listing of replies stands.

    ``id`` is the note's, ``left`` how many replies of its were not listed yet by the host's own
    count. ``whole``: the host is asked for all that it has, not for what is below its own notes
    only. ``paged``: page by page also where trees are to be had; ``until`` is the last note listed.
    """

    id: str
    left: int
    whole: bool
    paged: bool = False
    until: str = ""

    @classmethod
    def parse(cls, hint: str) -> Self | None:
        """The place that ``hint`` is the text of, None where it is none."""
        local_id, left, whole, paged, until, *_ = (*hint.split(" "), "", "", "", "")
        if not is_local_id(local_id) or not left.isdecimal() or (until and not is_local_id(until)):
            return None
        return cls(local_id, min(int(left[:9]), MANY), whole == "whole", paged == "page", until)

    def __str__(self) -> str:
        words = (self.id, str(self.left), "whole" if self.whole else "own")
        return " ".join((*words, "page" if self.paged else "tree", self.until)).rstrip()


def _order(local_id: str) -> tuple[int, str]:
    return len(local_id), local_id


class Tree:
    """Replies as one answer lists them: ``found`` are those below the asked note."""

    def __init__(self, uri: str, place: Place, notes: Sequence[Note]) -> None:
        self.found: list[FoundStatus] = []
        self._place = place
        self._last = notes[-1].id if notes else ""
        self._children: dict[str, list[Note]] = defaultdict(list)
        for note in notes:
            if note.reply_id is not None:
                self._children[note.reply_id].append(note)
        self._levels: dict[Note, int] = {}
        seen = {uri}
        stack = [(place.id, uri, 1)]
        while stack:
            above, parent_uri, level = stack.pop()
            for note in self._children.get(above, ()):
                if note.shown and note.uri not in seen:
                    seen.add(note.uri)
                    self._levels[note] = level
                    self.found.append(note.found(parent_uri))
                    stack.append((note.id, note.uri, level + 1))

    def branches(self, host: str) -> list[LookTarget]:
        """Questions for the notes whose replies the answer does not have."""
        flat = all(level == 1 for level in self._levels.values())
        whole = self._place.whole
        return [
            branch(note, host, whole=whole, paged=self._is_full(note.id))
            for note, level in self._levels.items()
            if (whole or note.host == host)
            and left_of(note) > len(self._children.get(note.id, ()))
            and (flat or level >= _SURELY_DEEP or self._is_full(note.id))
        ]

    def crowded(self) -> list[Place]:
        """The first page, where the note has more replies than a tree shows of one."""
        if self._is_full(self._place.id) and self._place.left > len(self._own()):
            return [replace(self._place, paged=True)]
        return []

    def next_page(self) -> list[Place]:
        """The next page; none where all are listed, or where the listing runs in circles."""
        left, until = self._place.left - len(self._own()), self._place.until
        if left <= 0 or not self._own() or (until and _order(self._last) >= _order(until)):
            return []
        return [replace(self._place, left=left, until=self._last)]

    def _own(self) -> list[Note]:
        return self._children.get(self._place.id, [])

    def _is_full(self, local_id: str) -> bool:
        return len(self._children.get(local_id, ())) >= NEARLY_FULL


def branch(note: Note, host: str, *, whole: bool, paged: bool = False) -> LookTarget:
    return LookTarget(note.uri, host, BRANCH, str(Place(note.id, left_of(note), whole, paged)))


def left_of(note: Note) -> int:
    return min(note.replies_count if note.replies_count is not None else MANY, MANY)
