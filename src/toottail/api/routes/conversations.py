"""The member's conversations."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Path, Query

from toottail.api import tree
from toottail.api.description import problems
from toottail.api.guards import Here, Member
from toottail.api.models import Conversation, Found, Number
from toottail.service import conversations
from toottail.service.conversations import Which
from toottail.types.service import ConversationPage, StatusText

router = APIRouter(prefix="/api/v1/me/conversations", tags=["member"])

Id = Annotated[Number, Path(description="The conversation's number.")]
_PRINTABLE = r"^[^\x00-\x1f\x7f]*$"


@router.get("", operation_id="listConversations", summary="The member's conversations")
async def listed(
    service: Here,
    session: Member,
    which: Annotated[Which, Query(description="Working on it, with gaps, or whole.")] = "all",
    after: Annotated[
        str | None, Query(max_length=100, description="`next` of the page before.")
    ] = None,
    limit: Annotated[int, Query(ge=1, le=100)] = 40,
) -> ConversationPage:
    """The last seen first, in pages."""
    return await conversations.listed(
        service, session.member_id, which=which, after=after, limit=limit
    )


# Before the one with a number in this place.
@router.get(
    "/find",
    operation_id="findConversation",
    summary="The conversation with a status",
    responses=problems(404),
)
async def find(
    service: Here,
    session: Member,
    url: Annotated[str, Query(min_length=1, max_length=2048, pattern=_PRINTABLE)],
) -> Found:
    """By a status's URI, its page at its origin, or its page at the member's home."""
    return Found(id=await conversations.find(service, session.member_id, url))


@router.get(
    "/{number}",
    operation_id="explainConversation",
    summary="What became of each reply, and why",
    responses=problems(404),
)
async def explain(service: Here, session: Member, number: Id) -> Conversation:
    """A tree of verdicts, in reading order."""
    return tree.told(await conversations.explained(service, session.member_id, number))


@router.get(
    "/{number}/texts",
    operation_id="readTexts",
    summary="What the statuses say",
    responses=problems(404, 502),
)
async def texts(service: Here, session: Member, number: Id) -> dict[str, StatusText]:
    """By URI; read from the member's home now, and not kept."""
    return dict(await conversations.texts(service, session.member_id, number))
