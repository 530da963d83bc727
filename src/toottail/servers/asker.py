"""Asking one host: the door and a permit bound together. Dialects and homes know only this."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from urllib.parse import urlencode, urlsplit

from pydantic import SecretStr

from toottail.errors import Forbidden, RemoteError
from toottail.servers.budgets import SIGNED
from toottail.servers.door import Answer, Door, Request
from toottail.servers.permit import Permit, Signature
from toottail.servers.signatures import Scheme

JSON = "application/json"
ANONYMOUS = ("anonymous",)
MOST_BYTES = 8 << 20
_SCHEMES: tuple[Scheme, ...] = ("cavage", "rfc9421")


class Asker:
    """Sends requests to ``host`` within its permit; ``home`` is named in the User-Agent.

    One for each step: after the first answer its requests go on with what was begun (see
    `Permit.admit`). ``notes`` is what dialects wanted remembered of the host.
    """

    def __init__(
        self,
        door: Door,
        permit: Permit,
        *,
        home: str | None = None,
        notes: frozenset[str] = frozenset(),
    ) -> None:
        self.host = permit.host
        self.notes = notes
        self._door = door
        self._permit = permit
        self._home = home
        self._goes_on = False

    @property
    def signs(self) -> bool:
        """Whether requests can be signed: there is an actor of ours."""
        return self._door.signs

    @property
    def signature(self) -> Signature | None:
        """What is known of the signature that the host wants; kept as long as its permit."""
        return self._permit.signature

    @signature.setter
    def signature(self, learnt: Signature) -> None:
        self._permit.signature = learnt

    def pause(self) -> float:
        """Seconds that its robots.txt wants between anonymous requests."""
        robots = self._permit.robots
        return (robots.crawl_delay if robots else None) or 0.0

    def may(self, path_or_url: str, *, signed: bool = False) -> bool:
        """Whether the host's robots.txt lets us ask for it."""
        robots = self._permit.robots
        parts = urlsplit(path_or_url)
        target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
        return robots is None or robots.allows(target, signed=signed)

    async def get(
        self,
        path_or_url: str,
        *,
        accept: str = JSON,
        params: Mapping[str, str] | Sequence[tuple[str, str]] | None = None,
        token: SecretStr | None = None,
        allowances: Sequence[str] = ANONYMOUS,
        max_body: int = MOST_BYTES,
        robots: bool = True,
        cut: bool = False,
        follow: bool = True,
        patient: bool = False,
        signed: bool | Scheme = False,
    ) -> Answer:
        """The answer to a GET of a path (``/…``) or a URL on this host.

        With ``signed`` our actor signs it: in the named way, or else in that which the host is
        known to take; where none is known, in the other way too if the first brings a 401. The
        Asker must be one that `signs`.

        With ``cut`` a body longer than ``max_body`` bytes is cut instead of refused; without
        ``follow`` a redirect is the answer itself; ``patient`` lets the host think in silence.
        Raises `RedirectedAway` for a URL on another host, `AddressRefused` for what is no public
        https URL, and everything `Door.send` raises.
        """
        request = Request(
            self._url(path_or_url, params),
            accept=accept,
            token=token,
            max_body=max_body,
            allowances=(SIGNED,) if signed else tuple(allowances),
            robots=robots,
            home=self._home,
            cut=cut,
            follow=follow,
            patient=patient,
        )
        if signed is True:
            return await self._sign(request)
        return await self._send(replace(request, sign=signed or None))

    async def _send(self, request: Request) -> Answer:
        try:
            answer = await self._door.send(self._permit, replace(request, goes_on=self._goes_on))
        except RemoteError:
            self._goes_on = True
            raise
        self._goes_on = True
        return answer

    async def _sign(self, request: Request) -> Answer:
        """Signs as the host takes it; the first to do so finds out how that is."""
        if self.signature not in _SCHEMES:
            async with self._permit.knocking:
                if self.signature not in _SCHEMES:
                    return await self._knock(request)
        return await self._send(replace(request, sign=self.signature))

    async def _knock(self, request: Request) -> Answer:
        for scheme in _SCHEMES:
            try:
                answer = await self._send(replace(request, sign=scheme))
            except Forbidden as error:
                if error.status != 401:
                    raise
                refused = error
            else:
                self.signature = scheme
                return answer
        raise refused

    async def post(
        self,
        path: str,
        *,
        form: Mapping[str, str] | None = None,
        json: Mapping[str, object] | None = None,
        accept: str = JSON,
        token: SecretStr | None = None,
        allowances: Sequence[str] = ANONYMOUS,
        max_body: int = MOST_BYTES,
        robots: bool = True,
    ) -> Answer:
        """The answer to a POST of ``form`` or ``json``; raises as `get` does."""
        return await self._send(
            Request(
                self._url(path, None),
                method="POST",
                accept=accept,
                token=token,
                form=form,
                json=json,
                max_body=max_body,
                allowances=tuple(allowances),
                robots=robots,
                home=self._home,
            ),
        )

    def _url(
        self, target: str, params: Mapping[str, str] | Sequence[tuple[str, str]] | None
    ) -> str:
        url = f"https://{self.host}{target}" if target.startswith("/") else target
        if params:
            url += ("&" if "?" in url else "?") + urlencode(params)
        return url
