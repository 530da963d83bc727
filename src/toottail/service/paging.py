"""Cursors: where a page of a list goes on, opaque to whoever hands them back."""

from __future__ import annotations

import base64
import binascii
from datetime import UTC, datetime, timedelta

from toottail.errors import BadRequest

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_LONGEST = 80
_MOST = 1 << 63


def cursor(at: datetime, number: int) -> str:
    """Names the place after the row with this time and number."""
    micros = (at - _EPOCH) // timedelta(microseconds=1)
    return base64.urlsafe_b64encode(f"{micros}.{number}".encode()).decode().rstrip("=")


def place(text: str) -> tuple[datetime, int]:
    """The place that `cursor` named. Raises `BadRequest` for what it never made."""
    refused = BadRequest("This page of the list is not known; begin at its top.")
    if not text.isascii() or len(text) > _LONGEST:
        raise refused
    try:
        plain = base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
        micros, number = (int(part) for part in plain.decode("ascii").split("."))
        at = _EPOCH + timedelta(microseconds=micros)
    except (binascii.Error, ValueError, OverflowError):
        raise refused from None
    if not 0 <= number < _MOST or cursor(at, number) != text:
        raise refused
    return at, number
