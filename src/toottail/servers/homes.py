"""A member's home, asked with the member's token through the Mastodon client API."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime

import msgspec
from pydantic import SecretStr

from toottail.errors import AnswerRefused, Forbidden, ScopeLacking, StatusError, TokenRefused
from toottail.servers.asker import Asker
from toottail.servers.blocklists import published
from toottail.servers.door import Answer
from toottail.servers.entities import (
    ApiApp,
    ApiBoostable,
    ApiContext,
    ApiMe,
    ApiSearch,
    ApiStatus,
    count_of,
    decode,
    is_local_id,
    is_public,
    opts_out,
    statuses_of,
    utc,
)
from toottail.servers.home_traits import HomeTraits, traits_of
from toottail.servers.nodeinfo import Software
from toottail.types.domains import DomainRule
from toottail.types.hosts import host_of

CONTEXT_LIMIT = 4_096
"""Ancestors, and descendants, that a home lists at most."""
_CONTEXT_BYTES = 48 << 20
_PAGE_BYTES = 8 << 20


@dataclass(frozen=True, slots=True)
class Account:
    """The member's account: ``acct`` is the handle within the home."""

    acct: str
    id: str


@dataclass(frozen=True, slots=True)
class HomeStatus:
    """A status as the home shows it to its member.

    ``local_id`` and ``in_reply_to_id`` are the home's own ids; ``in_reply_to_id`` is None where the
    home does not have the parent. ``acct`` is the author's handle at the home, ``host`` the host of
    ``uri``. ``public`` is True for public and unlisted. A boost has what was boosted in
    ``boost_of``.
    """

    local_id: str
    uri: str
    host: str
    url: str | None = None
    public: bool = False
    in_reply_to_id: str | None = None
    replies_count: int | None = None
    created_at: datetime | None = None
    acct: str = ""
    opted_out: bool = False
    boost_of: HomeStatus | None = None

    @property
    def original(self) -> HomeStatus:
        """What was posted: the boosted status, or this one."""
        return self.boost_of or self


@dataclass(frozen=True, slots=True)
class AsyncRefresh:
    """The home is fetching replies by itself; ask again in ``retry`` seconds.

    ``result_count`` is how many it has found so far, None where it does not say.
    """

    id: str
    retry: float
    result_count: int | None = None


@dataclass(frozen=True, slots=True)
class HomeContext:
    """A conversation as the home shows it to its member; it omits whom the member mutes or blocks.

    ``complete`` is False where the home reached its limit, so that what is not listed may be there.
    """

    ancestors: tuple[HomeStatus, ...]
    descendants: tuple[HomeStatus, ...]
    refresh: AsyncRefresh | None = None
    complete: bool = True


class HomeClient:
    """One member's view of their home. ``member`` names the token's allowances in the budget.

    Every method raises `TokenRefused` where the home does not take the token or wants a scope that
    it lacks, and what `Asker` raises.
    """

    def __init__(
        self, ask: Asker, token: SecretStr, member: str, software: Software | None = None
    ) -> None:
        self.host = ask.host
        self._ask = ask
        self._token = token
        self._member = member
        self._software = software or Software("unknown", "")
        self.traits: HomeTraits = traits_of(self._software)

    async def verify(self) -> Account | None:
        """The member's account, None where the token's scopes do not let us ask (that is fine)."""
        try:
            answer = await self.get("/api/v1/accounts/verify_credentials", scope=None)
        except Forbidden:
            return None
        me = decode(self._ask.host, answer.body, ApiMe)
        return Account(me.acct or me.username, me.id)

    async def app_scopes(self) -> frozenset[str]:
        """The scopes of the token's application; empty where the home does not tell."""
        try:
            answer = await self.get("/api/v1/apps/verify_credentials", scope=None)
        except Forbidden:
            return frozenset()
        scopes = decode(self._ask.host, answer.body, ApiApp).scopes
        return frozenset(scopes.split() if isinstance(scopes, str) else scopes or ())

    async def check_scopes(self) -> frozenset[str]:
        """The token's scopes; raises `TokenRefused` where one is missing that nothing goes without.

        Not every home tells them: then none are given, and one that lacks shows when it is needed.
        """
        try:
            scopes = await self.app_scopes()
        except StatusError:
            return frozenset()
        for needed in ("read:statuses", self.traits.search_scope):
            if scopes and not scopes & {needed, "read"}:
                raise TokenRefused(
                    self._advice(f"{self._ask.host}: the token lacks the scope {needed}")
                )
        return scopes

    async def context(self, local_id: str) -> HomeContext:
        """The conversation around a status, by its id at the home."""
        answer = await self.get(
            f"/api/v1/statuses/{_checked_id(self._ask.host, local_id)}/context",
            scope="read:statuses",
            max_body=_CONTEXT_BYTES,
        )
        context = decode(self._ask.host, answer.body, ApiContext)
        full = max(len(context.ancestors), len(context.descendants)) >= CONTEXT_LIMIT
        return HomeContext(
            ancestors=_statuses(context.ancestors),
            descendants=_statuses(context.descendants),
            refresh=_async_refresh(answer.headers),
            complete=not full,
        )

    async def status(self, local_id: str) -> HomeStatus | None:
        """One status by its id at the home; None where its URI is of no use to us."""
        answer = await self.get(
            f"/api/v1/statuses/{_checked_id(self._ask.host, local_id)}", scope="read:statuses"
        )
        return _home_status(decode(self._ask.host, answer.body, ApiStatus))

    async def resolve(self, uri: str) -> HomeStatus | None:
        """Makes the home fetch ``uri``; None where it answers that it found nothing."""
        answer = await self.get(
            "/api/v2/search",
            scope=self.traits.search_scope,
            params={"q": uri, "resolve": "true", "type": "statuses", "limit": "1"},
            patient=True,
        )
        found = decode(self._ask.host, answer.body, ApiSearch).statuses
        # Some homes search their texts when they cannot resolve: only what was asked for counts.
        return next((s for s in _statuses(found) if uri in (s.uri, s.url)), None)

    async def domain_blocks(self) -> tuple[DomainRule, ...]:
        """Whom the home blocks, as far as it tells its members; nobody where it does not tell."""
        try:
            answer = await self.get("/api/v1/instance/domain_blocks", scope=None)
            return published(self._ask.host, answer.body)
        except (StatusError, AnswerRefused, TokenRefused):
            return ()

    async def get(
        self,
        path: str,
        *,
        scope: str | None,
        params: Mapping[str, str] | None = None,
        max_body: int = _PAGE_BYTES,
        paging: bool = False,
        patient: bool = False,
        anonymous: bool = False,
    ) -> Answer:
        """An answer to the member.

        A 403 raises `ScopeLacking`; without a ``scope`` it stays `Forbidden`. ``anonymous``: as
        anybody may ask, without the token.
        """
        allowances = ["anonymous"] if anonymous else [f"token:{self._member}"]
        if self.traits.limits_address:
            allowances.append("address")
        if paging:
            allowances.append(f"user-paging:{self._member}")
        try:
            return await self._ask.get(
                path,
                params=params,
                token=None if anonymous else self._token,
                allowances=allowances,
                max_body=max_body,
                robots=False,
                patient=patient,
            )
        except Forbidden as error:
            if error.status == 401 and not anonymous:
                raise TokenRefused(self._words(error, "does not take the token")) from None
            if scope is None:
                raise
            what = f"the token may lack the scope {scope}"
            raise ScopeLacking(self._words(error, what), scope) from None

    def _words(self, error: StatusError, what: str) -> str:
        return self._advice(f"{self._ask.host} {error.what}: {what}")

    def _advice(self, problem: str) -> str:
        host = self._ask.host
        needed = " ".join(sorted({"read:statuses", self.traits.search_scope}))
        if self.traits.search_scope == "read":
            needed = "read"
        return (
            f"{problem}. A new token with the scopes {needed} "
            f"is made at {host}: {self.traits.made_at}."
        )


def _checked_id(host: str, local_id: str) -> str:
    if not is_local_id(local_id):
        raise AnswerRefused(host, "gave an id that cannot be asked for")
    return local_id


def _statuses(items: Iterable[msgspec.Raw]) -> tuple[HomeStatus, ...]:
    return tuple(s for s in map(_home_status, statuses_of(items)) if s is not None)


def _home_status(status: ApiStatus, boost_of: HomeStatus | None = None) -> HomeStatus | None:
    host = host_of(status.uri)
    if host is None:
        return None
    return HomeStatus(
        local_id=status.id,
        uri=status.uri,
        host=host,
        url=status.url if status.url and host_of(status.url) else None,
        public=is_public(status),
        in_reply_to_id=status.in_reply_to_id,
        replies_count=count_of(status.replies_count),
        created_at=utc(status.created_at),
        acct=status.account.acct if status.account else "",
        opted_out=opts_out(status.account),
        boost_of=boost_of,
    )


def home_entry(entry: ApiBoostable) -> HomeStatus | None:
    """A timeline entry; a boost whose original is unusable is left out."""
    if entry.reblog is None:
        return _home_status(entry)
    original = _home_status(entry.reblog) if is_local_id(entry.reblog.id) else None
    return _home_status(entry, original) if original is not None else None


def _async_refresh(headers: Mapping[str, str]) -> AsyncRefresh | None:
    told = headers.get("Mastodon-Async-Refresh", "")
    fields = dict(re.findall(r"(\w+)=\"?([^\",;\s]+)", told))
    if "id" not in fields:
        return None
    count = fields.get("result_count", "")
    return AsyncRefresh(
        id=fields["id"],
        retry=_seconds(fields.get("retry", "")),
        result_count=int(count) if re.fullmatch(r"\d{1,9}", count) else None,
    )


def _seconds(text: str) -> float:
    """A waiting time as the home names it, within what is sensible; 3 s where it names none."""
    return min(max(float(text), 0.5), 60.0) if re.fullmatch(r"\d{1,6}(\.\d{1,6})?", text) else 3.0
