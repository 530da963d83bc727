"""A member's conversations: the list, and one of them explained, with its texts read live."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Literal, get_args

from pydantic import SecretStr

from toottail.errors import (
    BadRequest,
    HomeFailed,
    NotFound,
    NotPermittedYet,
    RemoteError,
    TokenRefused,
)
from toottail.repository import listings
from toottail.repository.listings import Place
from toottail.servers.asker import Asker
from toottail.servers.budgets import HostBudget, standard_limits
from toottail.servers.home_texts import read_texts
from toottail.servers.homes import HomeClient
from toottail.servers.nodeinfo import Software
from toottail.servers.permit import Permit
from toottail.service import allowances, paging
from toottail.service.context import Service
from toottail.service.explanation import Explanation, as_page_of_a_home, explain
from toottail.types.service import ConversationPage, StatusText

Which = Literal["all", "working", "gaps", "whole"]

MOST_ROWS = 100
_UNKNOWN = "There is no such conversation among yours."
_LONGEST_URL = 2048
_MOST_ID = 1 << 63
_PATIENCE = 15.0


async def listed(
    service: Service,
    member_id: int,
    *,
    which: Which = "all",
    after: str | None = None,
    limit: int = 40,
) -> ConversationPage:
    """The member's conversations, the last seen first. Raises `BadRequest`.

    ``working``: something is still to be done. ``gaps``: that is over, and something lacks or
    nothing could be learnt. ``whole``: nothing lacks that can be had; where all that lacks is out
    of reach, a conversation is in both of these.
    """
    if which not in get_args(Which):
        raise BadRequest(f"Conversations are listed as one of: {', '.join(get_args(Which))}.")
    if not 1 <= limit <= MOST_ROWS:
        raise BadRequest(f"From 1 to {MOST_ROWS} conversations are listed at once.")
    place = paging.place(after) if after else None
    async with service.database.connection() as conn:
        rows = await listings.page(conn, member_id, which, place, limit + 1)
    shown = rows[:limit]
    more = len(rows) > limit
    return ConversationPage(
        tuple(shown), paging.cursor(shown[-1].seen_at, shown[-1].id) if more else None
    )


async def explained(service: Service, member_id: int, conversation_id: int) -> Explanation:
    """One of the member's conversations, reply by reply. Raises `NotFound`."""
    _check(conversation_id)
    async with service.database.connection() as conn:
        home = await listings.home_of(conn, member_id, conversation_id)
        if home is None:
            raise NotFound(_UNKNOWN)
        return await explain(conn, conversation_id, home)


def _check(conversation_id: int) -> None:
    if not 0 < conversation_id < _MOST_ID:
        raise NotFound(_UNKNOWN)


async def find(service: Service, member_id: int, url: str) -> int:
    """The member's conversation with this status (its URI or a page of it). Raises `NotFound`."""
    wanted = url.strip()
    if len(wanted) > _LONGEST_URL or not wanted.isprintable():
        raise NotFound(_UNKNOWN)
    async with service.database.connection() as conn:
        number = await listings.find(conn, member_id, wanted, as_page_of_a_home(wanted))
    if number is None:
        raise NotFound(_UNKNOWN)
    return number


async def texts(service: Service, member_id: int, conversation_id: int) -> Mapping[str, StatusText]:
    """What the statuses at home say, by URI; read with the member's token, in two requests.

    Raises `TooManyAttempts`, `NotFound`, or `HomeFailed` where the home does not show them.
    """
    _check(conversation_id)
    async with service.database.connection() as conn:
        place = await listings.place(conn, member_id, conversation_id)
    if place is None:
        raise NotFound(_UNKNOWN)
    if place.local_id is None:
        raise HomeFailed(f"{place.home} has not shown this conversation to us yet.")
    await allowances.use(
        service,
        "texts",
        str(member_id),
        allowances.LIVE_TEXTS,
        "You have opened many conversations in a short time: their texts can be read again soon.",
    )
    try:
        async with asyncio.timeout(_PATIENCE):
            return await read_texts(_client(service, place, member_id), place.local_id)
    except TokenRefused:
        why = "no longer takes the key it gave us, or wants another permission; sign in again"
    except RemoteError as error:
        why = error.what
    except (NotPermittedYet, TimeoutError):
        why = "does not answer in time"
    raise HomeFailed(f"{place.home} does not show the texts: it {why}.")


def _client(service: Service, place: Place, member_id: int) -> HomeClient:
    """A way to ask the member's home, beside its lane: the allowance bounds how often."""
    budget = HostBudget(place.home, defaults=standard_limits())
    ask = Asker(service.door, Permit(place.home, budget, in_flight=2), home=place.home)
    token = SecretStr(service.sealer.open(place.token_sealed))
    software = Software(place.software or "unknown", place.version or "")
    return HomeClient(ask, token, str(member_id), software)
