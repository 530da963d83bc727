"""A member's conversations: the list, and one of them explained, with its texts read live."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

from toottail.service.context import Service
from toottail.service.explanation import Explanation
from toottail.types.service import ConversationPage, StatusText

Which = Literal["all", "working", "gaps", "whole"]


async def listed(
    service: Service,
    member_id: int,
    *,
    which: Which = "all",
    after: str | None = None,
    limit: int = 40,
) -> ConversationPage:
    """The member's conversations, the last seen first. Raises `BadRequest`."""
    raise NotImplementedError


async def explained(service: Service, member_id: int, conversation_id: int) -> Explanation:
    """One of the member's conversations, reply by reply. Raises `NotFound`."""
    raise NotImplementedError


async def find(service: Service, member_id: int, url: str) -> int:
    """The member's conversation with this status (its URI or a page of it). Raises `NotFound`."""
    raise NotImplementedError


async def texts(service: Service, member_id: int, conversation_id: int) -> Mapping[str, StatusText]:
    """What the statuses at home say, by URI; read with the member's token, in one request.

    Raises `TooManyAttempts`, `NotFound`, or `HomeFailed` where the home does not show them.
    """
    raise NotImplementedError
