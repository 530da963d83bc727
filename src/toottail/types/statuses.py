"""Statuses as one listing shows them, and what one reading of a conversation brings.

Only URIs, ids, times and counts of other people's posts are kept, never what they wrote.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime


@dataclass(frozen=True, slots=True)
class FoundStatus:
    """One status as a host lists it.

    ``uri`` is its ActivityPub id, ``url`` the page for people; ``parent_uri`` is None for a root
    *and* for a reply whose parent this listing does not tell (``is_reply`` tells them apart).
    ``replies_count`` counts direct replies the listing host knows; None where it does not say.
    ``local_id`` is the listing host's own id for it, None where the listing has none.
    ``public`` is True for public and unlisted statuses; others are never stored.
    ``opted_out`` is True where the author's profile in this listing carries ``nobot``.
    """

    uri: str
    host: str
    url: str | None = None
    parent_uri: str | None = None
    is_reply: bool = False
    created_at: datetime | None = None
    replies_count: int | None = None
    local_id: str | None = None
    public: bool = True
    opted_out: bool = False


@dataclass(frozen=True, slots=True)
class LookTarget:
    """A question to one host about one status of a conversation.

    ``uri`` names the status (or the page of a collection) the question is about, ``host`` is asked,
    ``how`` is the dialect's own word for the kind of question (``""``: begin from the status), and
    ``hint`` what the dialect needs to ask it (an id, the URL of a page).
    """

    uri: str
    host: str
    how: str = ""
    hint: str = ""


@dataclass(frozen=True, slots=True)
class Reading:
    """What one look at a host brought.

    ``statuses`` are all statuses seen, the asked one and its ancestors included where the answer
    tells them. ``further`` are questions that follow from the answer at hand (the next page of a
    collection, statuses that a collection only names). ``cut_at`` holds URIs of listed statuses
    below which this host says there is more than it listed. ``listed`` are URIs that belong to
    the conversation by a flat listing that tells no parents. ``gone`` says the asked status is no
    longer there. ``refused`` says, in words for people, that the host has no way to be read.
    ``denied`` says that the host does not show the page of a listing that it named itself.
    """

    statuses: tuple[FoundStatus, ...] = ()
    further: tuple[LookTarget, ...] = ()
    cut_at: tuple[str, ...] = ()
    listed: tuple[str, ...] = ()
    gone: bool = False
    refused: str | None = None
    denied: bool = False
    notes: tuple[str, ...] = field(default=())
