"""Ways to read conversations from servers: one module for each, chosen by nodeinfo.

`choose` is all that others need; `toottail.servers.dialects.base` has the words they share.
"""

from __future__ import annotations

from collections.abc import Collection

from toottail.servers.dialects.activitypub import ActivityPub
from toottail.servers.dialects.base import NOTE_API_OFF, REMEMBERED, Dialect
from toottail.servers.dialects.lemmy import Lemmy
from toottail.servers.dialects.mastodon import Mastodon
from toottail.servers.dialects.mbin import Mbin
from toottail.servers.dialects.misskey import Misskey
from toottail.servers.dialects.nothing import Nothing
from toottail.servers.dialects.peertube import PeerTube
from toottail.servers.dialects.piefed import PieFed
from toottail.servers.dialects.pixelfed import Pixelfed
from toottail.servers.dialects.posts import Posts
from toottail.servers.dialects.wordpress import WordPress
from toottail.servers.nodeinfo import Software

__all__ = ["DIALECTS", "REMEMBERED", "Dialect", "choose"]

_FALLBACK = ActivityPub()
_CLOSED = ActivityPub(closed=True)
DIALECTS: tuple[Dialect, ...] = (
    Mastodon(),
    Misskey(),
    PeerTube(),
    Lemmy(),
    PieFed(),
    Mbin(),
    Pixelfed(),
    WordPress(),
    Posts(),
    Nothing(),
    _FALLBACK,
)
"""All dialects; the first that speaks a server's software is taken."""


def choose(software: Software, notes: Collection[str] = ()) -> Dialect:
    """The dialect for a host that runs ``software``.

    ``notes`` are those of earlier Readings of this host that were to be remembered.
    """
    if NOTE_API_OFF in notes:
        return _CLOSED
    return next((dialect for dialect in DIALECTS if dialect.speaks(software)), _FALLBACK)
