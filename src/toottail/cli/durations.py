"""Lengths of time as people type them."""

from __future__ import annotations

import re

_SECONDS = {"": 1, "s": 1, "m": 60, "min": 60, "h": 3600, "d": 86_400}


def parse_duration(text: str) -> float:
    """Seconds in ``90``, ``90s``, ``20m``, ``1h`` or ``7d``. Raises `ValueError` for others."""
    match = re.fullmatch(r"(\d+(?:\.\d+)?)\s*(s|m|min|h|d|)", text.strip().lower())
    if match is None:
        raise ValueError(f"{text!r} is not a length of time such as 90s, 20m, 1h or 7d")
    return float(match[1]) * _SECONDS[match[2]]
