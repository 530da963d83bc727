"""How members are shown: handle, state, and what is wrong, in words."""

from __future__ import annotations

from toottail.repository.people import PersonRow
from toottail.types.service import MemberState, MemberView

_STATES: dict[str | None, MemberState] = {
    None: "working",
    "member": "paused",
    "operator": "paused",
    "token": "token_refused",
    "home": "home_fails",
    "idle": "asleep",
}
_TOLD: dict[MemberState, str] = {
    "token_refused": "Your server no longer takes the key it gave us. Sign in again to go on.",
    "home_fails": "Your server has not answered for days. Nothing is asked of it for now.",
    "asleep": "Not seen to read for two months: nothing is asked until the next visit here.",
}


def handle_of(account: str, home: str) -> str:
    """``@me@home``; the home alone where it did not tell whose account it is."""
    name = account.removeprefix("@").partition("@")[0]
    return f"@{name}@{home}" if name else home


def shown(row: PersonRow) -> MemberView:
    """A member as they and the operator see them."""
    state = _STATES[row.paused_why]
    told = _TOLD.get(state)
    if row.paused_why == "operator":
        told = "The operator of this service has paused this account."
    elif state == "working":
        told = row.problem
    elif told is not None and row.problem:
        told = f"{told} What it said: {row.problem}"
    return MemberView(
        id=row.id,
        home=row.home,
        handle=handle_of(row.account, row.home),
        state=state,
        created_at=row.created_at,
        told=told,
        delete_at=row.delete_at,
        paused_by_operator=row.paused_why == "operator",
    )
