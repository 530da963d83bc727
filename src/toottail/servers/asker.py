"""Asking one host: the door and a permit bound together. Dialects and homes know only this."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from urllib.parse import urlencode

from pydantic import SecretStr

from toottail.servers.door import Answer, Door, Request
from toottail.servers.permit import Permit

JSON = "application/json"
ANONYMOUS = ("anonymous",)
MOST_BYTES = 8 << 20


class Asker:
    """Sends requests to ``host`` within its permit; ``home`` is named in the User-Agent."""

    def __init__(self, door: Door, permit: Permit, *, home: str | None = None) -> None:
        self.host = permit.host
        self._door = door
        self._permit = permit
        self._home = home

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
    ) -> Answer:
        """The answer to a GET of a path (``/…``) or a URL on this host.

        With ``cut`` a body longer than ``max_body`` bytes is cut instead of refused; without
        ``follow`` a redirect is the answer itself; ``patient`` lets the host think in silence.
        Raises `RedirectedAway` for a URL on another host, `AddressRefused` for what is no public
        https URL, and everything `Door.send` raises.
        """
        return await self._door.send(
            self._permit,
            Request(
                self._url(path_or_url, params),
                accept=accept,
                token=token,
                max_body=max_body,
                allowances=tuple(allowances),
                robots=robots,
                home=self._home,
                cut=cut,
                follow=follow,
                patient=patient,
            ),
        )

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
        return await self._door.send(
            self._permit,
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
