"""One conversation as a home sees it: the tree that deliveries are planned on."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

DeliveryState = Literal[
    "pending",
    "expected",
    "resolved",
    "delivered",
    "unattached",
    "already_there",
    "not_obtained",
    "given_up",
]

AT_HOME: frozenset[DeliveryState] = frozenset({"already_there", "delivered"})
"""Seen below the root in the home's own context, or proven to hang there."""
LOST: frozenset[DeliveryState] = frozenset({"not_obtained", "given_up"})
"""The home was asked and did not bring it."""


@dataclass(frozen=True, slots=True)
class Node:
    """A status of a conversation and what is known of it at one home.

    ``state`` is None while the home was never asked for it and never showed it. ``answers`` tells
    whether its author's host answered lately (None: nobody asked). ``believed`` is False where the
    host that named it has named too much there that was not confirmed.
    """

    uri: str
    parent_uri: str | None
    host: str
    placed: bool = True
    state: DeliveryState | None = None
    local_id: str | None = None
    tries: int = 0
    answers: bool | None = None
    listed_by: str = ""
    opted_out: bool = False
    gone: bool = False
    observed: str | None = None
