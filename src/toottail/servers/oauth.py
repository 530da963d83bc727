"""OAuth as homes speak it: the client we register, the token a member grants us, its end.

Read in their sources: Mastodon (4.7-alpha of August 2026; PKCE, ``profile`` and the metadata came
with 4.3, and an older one refuses a scope that it does not know), Hollo (2026: all three; older
ones revoke nothing, and who says no comes back without the state), Takahē (0.11: no PKCE, no
metadata, ``read`` alone works; a revocation brings an empty page, or 403 where there is no such
token), GoToSocial (2025: knows ``profile``, tells no metadata, its form for PKCE has no field),
Pleroma (any revocation brings ``{}``). Each of them tells the granted scopes, and has the paths
below. Not read: Akkoma, and what Pleroma makes of PKCE; who does not know it passes over it.
"""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode, urlsplit

import msgspec
from pydantic import SecretStr

from toottail.errors import (
    AnswerRefused,
    Forbidden,
    Gone,
    NotPermittedYet,
    RemoteError,
    ServerFault,
    StatusError,
    TooManyRequests,
)
from toottail.servers.asker import Asker
from toottail.servers.door import Answer
from toottail.servers.entities import decode
from toottail.servers.plain_text import one_line
from toottail.types.hosts import host_of

AUTHORIZE, TOKEN, REVOKE = "/oauth/authorize", "/oauth/token", "/oauth/revoke"

_MOST_BYTES = 256 << 10
_LONGEST_ID = 512
_LONGEST_SECRET = 4096
_LONGEST_TITLE = 100
_ANYTHING = "application/json, */*;q=0.1"
# What may be repeated of a home's error: the words of the standard, never its sentences, for those
# may hold what we sent.
_ERROR = re.compile(
    r"\b(invalid_(?:client(?:_id)?|grant|request|scope|code)|unauthorized_client"
    r"|unsupported_grant_type|access_denied)\b"
)
_UNKNOWN_CLIENT = ("invalid_client", "unauthorized_client")


@dataclass(frozen=True, slots=True)
class Metadata:
    """What a home tells of its OAuth; no ``scopes`` where it tells none."""

    scopes: frozenset[str] = frozenset()
    revoke_path: str = REVOKE


@dataclass(frozen=True, slots=True)
class Client:
    """Our client at one home."""

    id: str
    secret: SecretStr


@dataclass(frozen=True, slots=True)
class Token:
    """A granted token; ``scopes`` is None where the home does not tell, which means: as asked."""

    secret: SecretStr
    scopes: frozenset[str] | None


class _Instance(msgspec.Struct):
    title: str = ""


class _Metadata(msgspec.Struct):
    scopes_supported: Any = None
    revocation_endpoint: Any = None


class _App(msgspec.Struct):
    client_id: str = ""
    client_secret: str = ""


class _Token(msgspec.Struct):
    access_token: str = ""
    scope: Any = None


async def read_title(ask: Asker) -> str:
    """What the server calls itself, on one line; empty where it tells nobody.

    Raises `Gone` or `AnswerRefused` where it has no Mastodon API, and what `Asker.get` raises.
    """
    try:
        answer = await ask.get("/api/v2/instance", max_body=_MOST_BYTES, robots=False)
    except Gone:
        answer = await ask.get("/api/v1/instance", max_body=_MOST_BYTES, robots=False)
    except Forbidden:
        return ""  # closed to strangers, not to members
    return one_line(decode(ask.host, answer.body, _Instance).title, _LONGEST_TITLE)


async def read_metadata(ask: Asker) -> Metadata:
    """What the home tells; the usual where it tells nothing, or something we cannot read."""
    try:
        answer = await ask.get(
            "/.well-known/oauth-authorization-server", max_body=_MOST_BYTES, robots=False
        )
        told = decode(ask.host, answer.body, _Metadata)
    except (ServerFault, TooManyRequests):
        raise
    except (StatusError, AnswerRefused):
        return Metadata()
    scopes = told.scopes_supported if isinstance(told.scopes_supported, list) else []
    return Metadata(
        frozenset(scope for scope in scopes if isinstance(scope, str)),
        _path_at(ask.host, told.revocation_endpoint) or REVOKE,
    )


def _path_at(host: str, url: object) -> str | None:
    """The path of an address on the home itself: secrets go nowhere else."""
    if not isinstance(url, str) or len(url) > _LONGEST_ID or host_of(url) != host:
        return None
    parts = urlsplit(url)
    return parts.path if parts.path.startswith("/") and not parts.query else None


async def register(
    ask: Asker, *, name: str, redirect_uri: str, scopes: Iterable[str], website: str
) -> Client:
    """A new client of ours at the home. Raises what `Asker.post` raises."""
    form = {
        "client_name": name,
        "redirect_uris": redirect_uri,
        "scopes": joined(scopes),
        "website": website,
    }
    app = decode(ask.host, (await _post(ask, "/api/v1/apps", form)).body, _App)
    if not _is_word(app.client_id, _LONGEST_ID) or not _is_word(app.client_secret, _LONGEST_SECRET):
        raise AnswerRefused(ask.host, "registered us without an id or a secret that can be used")
    return Client(app.client_id, SecretStr(app.client_secret))


def joined(scopes: Iterable[str]) -> str:
    """Scopes as they are sent and stored."""
    return " ".join(sorted(scopes))


def authorize_url(
    base: str,
    client_id: str,
    *,
    redirect_uri: str,
    scopes: Iterable[str],
    state: str,
    verifier: SecretStr,
) -> str:
    """Where a member says yes; ``base`` is the home as a browser reaches it, without a slash."""
    digest = hashlib.sha256(verifier.get_secret_value().encode()).digest()
    query = {
        "response_type": "code",
        "client_id": client_id,
        "redirect_uri": redirect_uri,
        "scope": joined(scopes),
        "state": state,
        "code_challenge": base64.urlsafe_b64encode(digest).decode().rstrip("="),
        "code_challenge_method": "S256",
    }
    return f"{base}{AUTHORIZE}?{urlencode(query)}"


async def exchange(
    ask: Asker, client: Client, *, code: str, redirect_uri: str, verifier: SecretStr
) -> Token:
    """The token for a code. Raises what `Asker.post` raises; see `knows_client`."""
    form = {
        "grant_type": "authorization_code",
        "code": code,
        "client_id": client.id,
        "client_secret": client.secret.get_secret_value(),
        "redirect_uri": redirect_uri,
        "code_verifier": verifier.get_secret_value(),
    }
    told = decode(ask.host, (await _post(ask, TOKEN, form)).body, _Token)
    if not _is_word(told.access_token, _LONGEST_SECRET):
        raise AnswerRefused(ask.host, "answered without a token that can be used")
    scopes = frozenset(told.scope.split()) if isinstance(told.scope, str) else None
    return Token(SecretStr(told.access_token), scopes or None)


def knows_client(refusal: RemoteError) -> bool:
    """Whether a refusal was about something else than our client being unknown to the home."""
    return not any(word in refusal.what for word in _UNKNOWN_CLIENT)


async def revoke(ask: Asker, client: Client, token: SecretStr, path: str = REVOKE) -> bool:
    """Ends a token at its home; False where the home does not confirm that it is no more."""
    form = {
        "client_id": client.id,
        "client_secret": client.secret.get_secret_value(),
        "token": token.get_secret_value(),
    }
    try:
        await _post(ask, path, form, accept=_ANYTHING)
    except (RemoteError, NotPermittedYet):
        return False
    return True


def covers(granted: Iterable[str], scope: str) -> bool:
    """Whether ``granted`` scopes allow what needs ``scope``: ``read`` covers ``read:search``."""
    held = set(granted)
    return scope in held or scope.partition(":")[0] in held


async def _post(
    ask: Asker, path: str, form: Mapping[str, str], *, accept: str = "application/json"
) -> Answer:
    try:
        return await ask.post(path, form=form, accept=accept, max_body=_MOST_BYTES, robots=False)
    except StatusError as error:
        known = _ERROR.search(error.what)
        what = f"answered {error.status}" + (f": {known[1]}" if known else "")
        kind, status = type(error), error.status
    raise kind(ask.host, status, what)


def _is_word(text: str, longest: int) -> bool:
    """Whether ``text`` can be sent in a header and stored."""
    return 0 < len(text) <= longest and text.isascii() and text.isprintable() and " " not in text
