"""Software that shows nobody the replies to its posts: said so, without a request.

What a reply there answers is known to the home that shows it, and the other hosts that took part
may show the rest.
"""

from __future__ import annotations

from toottail.servers.asker import Asker
from toottail.servers.dialects.software import way_of
from toottail.servers.nodeinfo import Software
from toottail.types.statuses import LookTarget, Reading


class Nothing:
    """Asks nothing."""

    name = "nothing"

    def speaks(self, software: Software) -> bool:
        """True for the software that is known to have no way."""
        return way_of(software.name).by == "nothing"

    async def look(self, ask: Asker, target: LookTarget, software: Software) -> Reading:
        """A refusal in words for people."""
        del ask, target
        return Reading(refused=way_of(software.name).why)
