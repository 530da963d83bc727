"""combine.social's members and clients, as its tables ``tokens`` and ``registrations`` have them.

Read in its migrations and its sources: a registration is a client at one ``instance_url`` (a host's
name, as its visitor typed it), a token belongs to one, and ``username`` is ``me@example.social``.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from pydantic import SecretStr

from toottail.errors import InvalidHost
from toottail.moving.roster import BadRow, Row, checked
from toottail.types.hosts import parse_host

NOT_TAKEN = (
    ("worker_id, workers", "members are spread over workers by themselves"),
    ("fail_count", "what a home refuses is found out anew, and the member is told"),
    ("ping_at, the caches in Redis and the queues", "nothing of them says what is at a home"),
    ("nonce, name, website, vapid_key, registration_id", "are of no use to what we do"),
    (
        "redirect_uri",
        "belongs to the old service: whoever signs in anew gets a new client, and the old one "
        "is kept to revoke the tokens that it gave",
    ),
)
"""What is left behind, and why."""
SCOPES = "read"
"""What its clients were registered with."""
_LONGEST = 4096
_NO_HOME_OF_OURS = {"firefish": "Firefish", "friendica": "Friendica"}


def member(record: Mapping[str, Any]) -> Row | BadRow:
    """A row of ``tokens`` with ``instance_url`` and ``sns`` of its registration.

    Its number is the id of the token.
    """
    number = int(record["id"])
    software = _NO_HOME_OF_OURS.get(record.get("sns") or "")
    if software is not None:
        return BadRow(number, f"is at a {software} server, which cannot be a home here")
    row = checked(
        number,
        {
            "home": record["instance_url"],
            "account": record["username"],
            "token": record["access_token"],
        },
    )
    if isinstance(row, BadRow):
        return row
    scopes = " ".join(sorted(set((record.get("scope") or SCOPES).split())))
    return Row(number, row.home, row.account, row.token, scopes=scopes)


@dataclass(frozen=True, slots=True)
class Client:
    """Its client at a home; with it alone the tokens that it gave can be revoked."""

    home: str
    id: str
    secret: SecretStr
    redirect_uri: str


def client(record: Mapping[str, Any]) -> Client | None:
    """A row of ``registrations``; None where its host is none, or the client cannot be used."""
    try:
        home = parse_host(record["instance_url"])
    except InvalidHost:
        return None
    words = [record["client_id"], record["client_secret"]]
    if not all(word and len(word) <= _LONGEST and word.isascii() for word in words):
        return None
    return Client(home, words[0], SecretStr(words[1]), record.get("redirect_uri") or "")
