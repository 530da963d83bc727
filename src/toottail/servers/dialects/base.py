"""What a dialect is: a way to read conversations from one kind of server.

A dialect turns one `LookTarget` into one `Reading`, with one request where it can. What it would
have to ask next it leaves to the flow as further targets, so that every request is a small step of
its own that may be paced, stored, dropped or taken over by another worker.

The words of `LookTarget.how` that mean the same in every dialect:

==============  ==============================================================================
``""``          begin from the status ``uri``. A ``hint`` that is a URL is the status' page; with
                `below` it says that more is wanted of what this host has below an ancestor
``context``     the Mastodon API's context of the status whose id at ``host`` is ``hint``
``replies``     the direct replies to ``uri`` by its ActivityPub ``replies`` collection;
                ``hint`` is empty or a later page (see `collections.PageHint`)
``thread``      the flat listing of the conversation that the ``context`` collection gives; the
                same hints
``around``      all that ``host`` has of the conversation that its own status ``uri`` is in, from
                the topmost status it knows: for conversations that others cannot tell whole
``ap…``         the same three (``ap``, ``ap:replies``, ``ap:thread``), where the host's API is
                known to be closed to anonymous readers and ActivityPub is asked instead
==============  ==============================================================================

Two questions with ``""`` about the same status to the same host are one, whatever their hints.

A status is known to have no further direct replies where its ``replies_count`` is reached *in a
listing of its own host or of the host of the conversation's root*: others know only what they were
sent, so their listings lead to questions to the hosts of what they list. For such a status the
questions ``""``, ``ap`` and ``replies`` are needless. ``context`` is asked for what is deeper down.
Once a ``thread`` was read to its end and everything it listed has a known way up to the root, all
other questions are needless; while something has none, ask its own host, with ``""``.

Within a host, ask ``thread``, ``context`` and ``replies`` before ``""``, and ``""`` with a hint
before those without: their answers make many of the latter needless.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from typing import Protocol

from toottail.servers.asker import Asker
from toottail.servers.nodeinfo import Software
from toottail.types.statuses import LookTarget, Reading

BEGIN = ""
CONTEXT = "context"
REPLIES = "replies"
THREAD = "thread"
AROUND = "around"
AP = "ap"
AP_REPLIES = "ap:replies"
AP_THREAD = "ap:thread"

_BELOW = "below "
PLACED = "placed"
"""The hint that the status is known to be a reply to what: only what is below it is wanted."""
CROWD = 3
"""So many statuses of one host make that host's own view of what is above them worth a request."""
NAMED_AT_MOST = 60
"""Questions to one foreign host that a single answer of another may cause."""

NOTE_API_OFF = "api-off"
"""In `Reading.notes`: the host's API is closed to anonymous readers."""
NOTE_USUAL_REPLIES = "usual-replies"
"""In `Reading.notes`: the host has the replies to its notes where most servers have them."""
NOTE_USUAL_WITH_OWN = "usual-replies-with-own"
"""In `Reading.notes`: the same, with the query that GoToSocial's pages have."""
REMEMBERED = frozenset({NOTE_API_OFF, NOTE_USUAL_REPLIES, NOTE_USUAL_WITH_OWN})
"""Notes that are kept for the host and given to later looks as `Asker.notes`."""

NEEDS_SIGNATURE = (
    "answers signed requests only: TOOTTAIL_ACTOR_URL makes that possible (see toottail actor)"
)
SIGNATURE_REFUSED = (
    "refuses our signed requests: it cannot read our actor, or blocks it (see toottail actor)"
)
ROBOTS_UNSIGNED = "signed requests would be free of that: see toottail actor"
"""What helps where only the rules for all crawlers stand in the way."""


class Dialect(Protocol):
    """A way to read conversations from one kind of server."""

    @property
    def name(self) -> str:
        """Its word in logs and tables."""
        ...

    def speaks(self, software: Software) -> bool:
        """Whether this is the way to read a server of that kind."""
        ...

    async def look(self, ask: Asker, target: LookTarget, software: Software) -> Reading:
        """One look at ``target``.

        Raises the errors of `toottail.errors.RemoteError` for what may be tried again; what will
        stay so is said in the Reading (``gone``, ``refused``).
        """
        ...


def below(uri: str) -> str:
    """The hint that more is wanted of what the asked host has below ``uri``."""
    return _BELOW + uri


def below_what(hint: str) -> str | None:
    """The URI in such a hint, None in any other."""
    return hint.removeprefix(_BELOW) if hint.startswith(_BELOW) else None


def ask_at_home(statuses: Mapping[str, str], above: str) -> list[LookTarget]:
    """Questions about ``statuses`` (URI to host), all below ``above``, to their own hosts."""
    by_host: dict[str, list[str]] = defaultdict(list)
    for uri, host in statuses.items():
        by_host[host].append(uri)
    return [
        LookTarget(uri, host, BEGIN, below(above) if len(uris) >= CROWD else PLACED)
        for host, uris in by_host.items()
        for uri in uris[:NAMED_AT_MOST]
    ]
