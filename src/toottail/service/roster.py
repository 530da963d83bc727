"""Members taken in by the operator, with a token that they, or another service, were given."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Literal

from pydantic import SecretStr

from toottail.repository import members, roster
from toottail.repository.database import Connection
from toottail.repository.sealing import Sealer
from toottail.types.sources import Choices, Source

TakenIn = Literal["new", "renewed", "known"]
"""``renewed``: the member was there with a token of no use; ``known``: nothing was changed."""


@dataclass(frozen=True, slots=True)
class NewMember:
    """A member to be served: ``account`` is their name at home; ``scopes`` is None where not known.

    ``account_id`` is the home's own id of the account, None where nobody asked yet.
    """

    home: str
    account: str
    token: SecretStr
    sources: Sequence[Source]
    account_id: str | None = None
    scopes: str | None = None
    paused: Literal["member", "operator"] | None = None


async def take_in(conn: Connection, sealer: Sealer, new: NewMember) -> TakenIn:
    """Serves a member from now on, in the caller's transaction; one who is served stays as is.

    Only where the home refused the token that is known the new one takes its place. Whether it is
    good is found out by the worker that serves the home.
    """
    secret = new.token.get_secret_value()
    marks = sealer.fingerprints(new.home, secret)
    there = await roster.known(conn, new.home, marks, new.account)
    if there is not None and (there.same_token or there.paused_why != "token"):
        return "known"
    member_id, _ = await members.serve(
        conn,
        home=new.home,
        account_id=new.account_id,
        account=new.account,
        token_fingerprint=marks[0],
        token_sealed=sealer.seal(secret),
        scopes=new.scopes,
        choices=Choices(sources=tuple(new.sources)),
        now=datetime.now(UTC),
    )
    if new.paused is not None:
        await members.pause(conn, member_id, new.paused)
    return "new" if there is None else "renewed"
