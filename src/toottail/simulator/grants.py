"""Clients of the home, and the tokens that its members granted."""

from __future__ import annotations

import secrets
from dataclasses import dataclass, field

from toottail.simulator.world import Account


@dataclass(slots=True)
class App:
    """A registered client."""

    name: str
    website: str
    redirect_uris: tuple[str, ...]
    scopes: frozenset[str]
    client_id: str = field(default_factory=lambda: secrets.token_urlsafe(24))
    secret: str = field(default_factory=lambda: secrets.token_urlsafe(24), repr=False)


@dataclass(slots=True)
class Grant:
    """A token of a user, with its scopes; ``app`` is whose it is, None where it is made by hand."""

    token: str = field(repr=False)
    user: Account
    scopes: frozenset[str]
    revoked: bool = False
    app: App | None = field(default=None, repr=False)

    def covers(self, scope: str) -> bool:
        """Whether it may do what needs ``scope``; ``read`` covers ``read:statuses``."""
        return scope in self.scopes or scope.partition(":")[0] in self.scopes
