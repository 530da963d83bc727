"""Posts and their comments as one host lists them, whatever its API calls them."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Literal

from toottail.servers.asker import Asker
from toottail.servers.dialects.collections import PAGES_AT_MOST
from toottail.servers.nodeinfo import Software
from toottail.types.hosts import host_of

_HINT = re.compile(r"([a-z]?[0-9]{1,20})(?: ([0-9]{1,3})(?: ([A-Za-z0-9_.~-]{1,400}))?)?")


@dataclass(frozen=True, slots=True)
class Server:
    """Who is asked, and what runs there."""

    ask: Asker
    software: Software

    @property
    def host(self) -> str:
        """Its name."""
        return self.ask.host


@dataclass(frozen=True, slots=True)
class Place:
    """What to list at a host: below a post or a comment, by its id there, from which page on.

    ``page`` counts from 0; ``cursor`` is the host's own word for a page, empty where pages are
    numbered. The id may begin with a letter where the host counts several kinds of posts apart.
    """

    kind: Literal["post", "comment"]
    id: str
    page: int = 0
    cursor: str = ""

    @classmethod
    def parse(cls, kind: Literal["post", "comment"], hint: str) -> Place | None:
        """The place that ``hint`` is the text of; None where it is none."""
        found = _HINT.fullmatch(hint)
        if found is None:
            return None
        return cls(kind, found[1], int(found[2] or 0), found[3] or "")

    def __str__(self) -> str:
        if not self.page:
            return self.id
        return f"{self.id} {self.page} {self.cursor}".rstrip()

    def next(self, cursor: object = "") -> Place | None:
        """The place of the next page; None where a listing goes on for too long.

        ``cursor`` is what the host said of it, not checked yet.
        """
        if self.page + 1 >= PAGES_AT_MOST or not isinstance(cursor, str):
            return None
        if cursor and cursor == self.cursor:
            return None
        following = replace(self, page=self.page + 1, cursor=cursor)
        return following if _HINT.fullmatch(str(following)) else None


@dataclass(frozen=True, slots=True)
class Comment:
    """A comment as one host lists it.

    ``path`` holds local ids, from the topmost comment to its own; a first one that the answer does
    not list is a parent whose URI is not known. ``below`` counts all comments below it, None where
    that is not told.
    """

    id: int
    uri: str
    path: tuple[int, ...]
    created_at: datetime | None = None
    gone: bool = False
    opted_out: bool = False
    below: int | None = None


@dataclass(frozen=True, slots=True)
class Post:
    """The post that comments belong to."""

    id: str
    uri: str
    created_at: datetime | None = None
    gone: bool = False


@dataclass(frozen=True, slots=True)
class Listing:
    """One answer of a host.

    ``community`` is the host of the community, where the answer tells it; ``federated`` is False
    where the community stays on its host. ``more`` are places to ask next.
    """

    comments: Sequence[Comment] = ()
    post: Post | None = None
    community: str | None = None
    federated: bool = True
    more: Sequence[Place] = ()


def uri_in(value: object) -> str | None:
    """``value`` where it is a URI that may be asked for."""
    return value if isinstance(value, str) and host_of(value) else None


def number_in(value: object) -> int | None:
    """``value`` where it can be a local id."""
    return value if type(value) is int and 0 < value < 1 << 63 else None
