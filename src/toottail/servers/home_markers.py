"""When a member last read, as their home tells by its markers: where they are in their timelines.

The same request with the scope ``read:statuses`` at Mastodon, Pleroma and Akkoma, GoToSocial,
Takahē and Hollo (read in their sources); Hollo gives all markers, whatever is asked for. A client
moves them while somebody reads, and not all clients do.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

import msgspec

from toottail.servers.entities import decode, utc
from toottail.servers.homes import HomeClient
from toottail.types.sources import BASE_SCOPE

_PATH = "/api/v1/markers?timeline%5B%5D=home&timeline%5B%5D=notifications"
_MOST_BYTES = 64 << 10


class _Marker(msgspec.Struct):
    updated_at: datetime


async def last_read(client: HomeClient) -> datetime | None:
    """When one of the member's markers was last moved, by the home's clock; None without any.

    Raises `ScopeLacking` where the token may not see them, and what `HomeClient.get` raises.
    """
    answer = await client.get(_PATH, scope=BASE_SCOPE, max_body=_MOST_BYTES)
    markers = decode(client.host, answer.body, dict[str, Any])
    moved = [_moved(markers.get(timeline)) for timeline in ("home", "notifications")]
    return max((moment for moment in moved if moment is not None), default=None)


def _moved(marker: object) -> datetime | None:
    try:
        return utc(msgspec.convert(marker, _Marker).updated_at)
    except msgspec.ValidationError:
        return None
