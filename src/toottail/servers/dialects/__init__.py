"""Ways to read conversations from servers: one module for each, chosen by nodeinfo.

`choose` is all that others need; `toottail.servers.dialects.base` has the words they share.
"""

from __future__ import annotations

from toottail.servers.dialects.activitypub import ActivityPub
from toottail.servers.dialects.base import NOTE_API_OFF, Dialect
from toottail.servers.dialects.mastodon import Mastodon
from toottail.servers.nodeinfo import Software

__all__ = ["DIALECTS", "NOTE_API_OFF", "Dialect", "choose"]

_FALLBACK = ActivityPub()
DIALECTS: tuple[Dialect, ...] = (Mastodon(), _FALLBACK)
"""All dialects; the first that speaks a server's software is taken."""


def choose(software: Software, *, api_off: bool = False) -> Dialect:
    """The dialect for a host that runs ``software``.

    ``api_off``: an earlier Reading of this host carried `NOTE_API_OFF`.
    """
    if api_off:
        return _FALLBACK
    return next((dialect for dialect in DIALECTS if dialect.speaks(software)), _FALLBACK)
