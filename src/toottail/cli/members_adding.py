"""``toottail members add``: one member, by a token that they made."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from pydantic import SecretStr

from toottail.cli import loop
from toottail.cli.accounts import named_in
from toottail.cli.prompts import find_token
from toottail.errors import HomeFailed, RemoteError, TokenRefused, UsageError
from toottail.repository.database import open_database
from toottail.servers.homes import HomeClient
from toottail.service import home_requests
from toottail.service.context import Service
from toottail.service.opening import open_service
from toottail.service.roster import NewMember, TakenIn, take_in
from toottail.settings import Settings, load
from toottail.types.hosts import parse_host
from toottail.types.sources import Source, parse_sources

_TOLD: dict[TakenIn, str] = {
    "new": "is served from now on",
    "renewed": "is served again, with the new token",
    "known": "was here already; nothing was changed",
}


@dataclass(frozen=True, slots=True)
class _Asked:
    home: str
    account: str
    account_id: str | None
    scopes: frozenset[str]


def add(account: str, token_file: Path | None, listed: str | None, config: Path | None) -> int:
    """Does it, and says so; the exit code. Raises `TootTailError` or `Interrupted`."""
    settings = load(config)
    home, named = parse_host(account), named_in(account)
    if named is None:
        raise UsageError(f"{account}: expected an account, such as @me@example.social")
    chosen = parse_sources(listed.split(",") if listed else ["home"])
    token = find_token(home, token_file)
    print(loop.run(_add(settings, home, named, token, chosen)))
    return 0


async def _add(
    settings: Settings, name: str, account: str, token: SecretStr, chosen: tuple[Source, ...]
) -> str:
    async with open_database(settings) as database, open_service(settings, database) as service:
        asked = await _ask(service, name, account, token)
        new = NewMember(
            asked.home,
            asked.account,
            token,
            chosen,
            asked.account_id,
            " ".join(sorted(asked.scopes)) or None,
        )
        async with database.transaction() as conn:
            done = await take_in(conn, service.sealer, new)
    return f"@{asked.account}@{asked.home} {_TOLD[done]}"


async def _ask(service: Service, name: str, account: str, token: SecretStr) -> _Asked:
    """Whether the token is good, and whose it is. Raises `TokenRefused` or `HomeFailed`."""
    try:
        home, software = await home_requests.find(service, name, f"@{account}@{name}")
        client = HomeClient(home_requests.asker(service, home), token, "new", software)
        scopes = await client.check_scopes()
        me = await client.verify()
    except RemoteError as error:
        raise HomeFailed(f"{error}; nobody was added") from None
    if me is None:
        # The token does not let us ask: the operator's word is what we have.
        return _Asked(home, account, None, scopes)
    if me.acct.casefold() != account.casefold():
        raise TokenRefused(
            f"{home}: this token is @{me.acct}'s, not @{account}'s; nobody was added"
        )
    return _Asked(home, me.acct, me.id, scopes)
