"""Names of lanes: a host, or one slice of a very large home's members (``example.social#3``)."""

from __future__ import annotations

_MARK = "#"


def lane_of(home: str, part: int) -> str:
    """The lane of slice ``part`` of a home; 0 is its main lane."""
    return f"{home}{_MARK}{part}" if part else home


def host_of_lane(key: str) -> str:
    """The host that the work of a lane touches."""
    return key.partition(_MARK)[0]


def slice_of_lane(key: str) -> int:
    """The number of the slice, 0 for the main lane of a host."""
    return int(key.partition(_MARK)[2] or 0)
