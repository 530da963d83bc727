"""Software whose posts only tell what they reply to: a reply leads up, and a root leads nowhere.

Read in Takahē's source (0.11, 2024) and seen on a running one: a post has no ``replies`` and no
``context``, ``/replies`` below it is 404, and contexts of its API want a token. That is said of a
root, so that the home and the hosts of those who took part are asked for what they know.
"""

from __future__ import annotations

from dataclasses import replace

from toottail.servers.asker import Asker
from toottail.servers.dialects.activitypub import ActivityPub
from toottail.servers.dialects.software import way_of
from toottail.servers.nodeinfo import Software
from toottail.types.statuses import LookTarget, Reading


class Posts:
    """Reads the one post that is asked for."""

    name = "posts"

    def __init__(self) -> None:
        self._documents = ActivityPub()

    def speaks(self, software: Software) -> bool:
        """True for software that is known to list no replies."""
        return way_of(software.name).by == "posts"

    async def look(self, ask: Asker, target: LookTarget, software: Software) -> Reading:
        """One look; see `toottail.servers.dialects.base`."""
        reading = await self._documents.look(ask, target, software)
        is_root = len(reading.statuses) == 1 and not reading.statuses[0].is_reply
        if not is_root or reading.further:
            return reading
        return replace(reading, refused=way_of(software.name).why)
