"""One conversation explained: a tree of what is where, with the texts as the home shows them."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping

from starlette.responses import Response

from toottail.errors import HomeFailed, NotFound, RemoteError, TokenRefused, TooManyAttempts
from toottail.service import conversations
from toottail.types.service import StatusText
from toottail.web.rendering import render
from toottail.web.trees import grown
from toottail.web.visits import Visit

_LONGEST_NUMBER = 20
_PATIENCE = 6.0
"""Seconds in which the home must have told the texts; the page does without them then."""


async def conversation(visit: Visit) -> Response:
    """GET /me/conversations/ID"""
    member, number = visit.member.member_id, _number(visit.request.path_params["number"])
    found = await conversations.explained(visit.service, member, number)
    texts, untold = await _texts(visit, member, number)
    tree = grown(found, texts, _first(visit))
    return render(visit, "conversation.html", found=found, tree=tree, untold=untold)


def _number(text: str) -> int:
    """The number in the address. Raises `NotFound` for what is none."""
    if not (text.isascii() and text.isdigit() and len(text) < _LONGEST_NUMBER):
        raise NotFound("There is no such conversation here.")
    return int(text)


async def _texts(
    visit: Visit, member: int, number: int
) -> tuple[Mapping[str, StatusText], str | None]:
    """What the posts say, or none and the name of the message that tells why."""
    try:
        async with asyncio.timeout(_PATIENCE):
            return await conversations.texts(visit.service, member, number), None
    except TooManyAttempts:
        return {}, "texts-too-many"
    except (HomeFailed, RemoteError, TokenRefused, NotFound, TimeoutError):
        return {}, "texts-home-failed"


def _first(visit: Visit) -> int:
    asked = visit.asked("from")
    return int(asked) if asked.isdecimal() and len(asked) < 7 else 0
