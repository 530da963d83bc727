"""How the home signs its members in elsewhere: apps, the page where they say yes, tokens.

As Mastodon has it: PKCE, ``profile`` and the metadata from 4.3 on, unknown scopes refused. Other
homes pass over PKCE and what scopes there are, and tell no metadata.
"""

from __future__ import annotations

import base64
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import sha256
from typing import Any
from urllib.parse import parse_qsl, urlencode

import msgspec

from toottail.simulator import oauth_pages
from toottail.simulator.grants import App, Grant
from toottail.simulator.question import Reply, document, error
from toottail.simulator.world import Account, World

AUTHORIZE, APPS = "/oauth/authorize", "/api/v1/apps"
METADATA = "/.well-known/oauth-authorization-server"
USERS = ("mira", "noor", "otto")
"""Who has an account at the home; the first is the member of the story."""

_READ = (
    "accounts blocks bookmarks favourites filters follows lists mutes notifications search statuses"
)
SCOPES = frozenset({"profile", "read", "write", "follow", "push"}).union(
    f"read:{part}" for part in _READ.split()
)
Form = Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Code:
    """What somebody said yes to, until the token is fetched."""

    app: App
    user: Account
    scopes: frozenset[str]
    redirect_uri: str
    challenge: str


class OAuth:
    """The sign-in of the home, and what it saw of it.

    ``withhold``: scopes that members do not grant though they are asked for.
    """

    def __init__(self, world: World, grants: dict[str, Grant]) -> None:
        self.world = world
        self.apps: dict[str, App] = {}
        self.codes: dict[str, Code] = {}
        self.withhold: frozenset[str] = frozenset()
        self._grants = grants
        self._seen: list[dict[str, Any]] = []
        home = world.home.name
        others = [Account(9_000_000 + n, name, home) for n, name in enumerate(USERS[1:])]
        self.users = {user.name: user for user in (world.member, *others)}

    @property
    def _is_mastodon(self) -> bool:
        return self.world.home_flavour.software == "mastodon"

    def seen(self) -> dict[str, Any]:
        """What happened, oldest first, without a secret."""
        live = [g for g in self._grants.values() if g.app is not None and not g.revoked]
        return {
            "events": self._seen,
            "apps": len(self.apps),
            "live_tokens": [{"user": g.user.name, "scopes": sorted(g.scopes)} for g in live],
        }

    def forget_apps(self) -> None:
        """The home no longer knows any client."""
        self.apps.clear()

    def answers(self, method: str, path: str) -> bool:
        """Whether a request is about signing in."""
        return path.startswith("/oauth/") or path == METADATA or (method, path) == ("POST", APPS)

    def answer(self, method: str, path: str, query: str, body: bytes, kind: str) -> Reply:
        """What the home answers."""
        match method, path:
            case "GET", "/.well-known/oauth-authorization-server":
                return self._metadata()
            case "POST", "/api/v1/apps":
                return self._register(_form(body, kind))
            case "GET", "/oauth/authorize":
                return self._page(dict(parse_qsl(query)))
            case "POST", "/oauth/authorize":
                return self._decide(dict(parse_qsl(query)), _form(body, kind))
            case "POST", "/oauth/token":
                return self._token(_form(body, kind))
            case "POST", "/oauth/revoke":
                return self._revoke(_form(body, kind))
        return error(404, "Record not found")

    def _metadata(self) -> Reply:
        if not self._is_mastodon:
            return error(404, "Not Found")
        base = f"https://{self.world.home.name}"
        return document(
            {
                "issuer": f"{base}/",
                "authorization_endpoint": base + AUTHORIZE,
                "token_endpoint": f"{base}/oauth/token",
                "revocation_endpoint": f"{base}/oauth/revoke",
                "app_registration_endpoint": base + APPS,
                "scopes_supported": sorted(SCOPES),
                "response_types_supported": ["code"],
                "grant_types_supported": ["authorization_code", "client_credentials"],
                "token_endpoint_auth_methods_supported": [
                    "client_secret_basic",
                    "client_secret_post",
                ],
                "code_challenge_methods_supported": ["S256"],
            }
        )

    def _register(self, form: Form) -> Reply:
        scopes = frozenset(form.get("scopes", "read").split())
        uris = tuple(form.get("redirect_uris", "").split())
        if not form.get("client_name") or not uris:
            return error(422, "Validation failed: Name or redirect URI can't be blank")
        if self._is_mastodon and not scopes <= SCOPES:
            return error(422, "Validation failed: Scopes doesn't match configured on the server.")
        app = App(form["client_name"], form.get("website", ""), uris, scopes)
        self.apps[app.client_id] = app
        self._note("registered", app=app.name, scopes=scopes)
        return document(
            {
                "id": str(len(self.apps)),
                "name": app.name,
                "website": app.website or None,
                "scopes": sorted(scopes),
                "redirect_uris": list(uris),
                "redirect_uri": "\n".join(uris),
                "client_id": app.client_id,
                "client_secret": app.secret,
                "client_secret_expires_at": 0,
                "vapid_key": "",
            }
        )

    def _page(self, asked: Form) -> Reply:
        app = self._checked(asked)
        if isinstance(app, Reply):
            return app
        scopes = asked.get("scope", "read").split()
        home = self.world.home
        return _html(
            200,
            oauth_pages.authorize(home.title or home.name, app.name, scopes, list(self.users)),
        )

    def _checked(self, asked: Form) -> App | Reply:
        """The client that asks; or a page, where sending the browser back would not be safe."""
        app = self.apps.get(asked.get("client_id", ""))
        if app is None:
            return _html(401, oauth_pages.problem("This application is not known here."))
        if asked.get("redirect_uri") not in app.redirect_uris:
            return _html(400, oauth_pages.problem("The redirect URI is not one of its own."))
        return app

    def _decide(self, asked: Form, form: Form) -> Reply:
        app = self._checked(asked)
        if isinstance(app, Reply):
            return app
        scopes = frozenset(asked.get("scope", "read").split())
        user = self.users.get(form.get("user", ""))
        back = {"state": asked["state"]} if "state" in asked else {}
        challenge = asked.get("code_challenge", "")
        if form.get("decision") != "allow" or user is None:
            back = {"error": "access_denied"} | back
        elif not scopes <= app.scopes:
            back = {"error": "invalid_scope"} | back
        elif self._is_mastodon and challenge and asked.get("code_challenge_method") != "S256":
            back = {"error": "invalid_code_challenge_method"} | back
        else:
            code = secrets.token_urlsafe(24)
            self.codes[code] = Code(
                app, user, scopes - self.withhold, asked["redirect_uri"], challenge
            )
            back = {"code": code} | back
        uri = asked["redirect_uri"]
        location = uri + ("&" if "?" in uri else "?") + urlencode(back)
        return Reply(302, b"", "text/html; charset=utf-8", {"Location": location})

    def _client(self, form: Form) -> App | None:
        app = self.apps.get(form.get("client_id", ""))
        return app if app is not None and app.secret == form.get("client_secret") else None

    def _token(self, form: Form) -> Reply:
        app = self._client(form)
        if app is None:
            return _oauth_error(401, "invalid_client", "Client authentication failed.")
        code = self.codes.pop(form.get("code", ""), None)
        if (
            code is None
            or form.get("grant_type") != "authorization_code"
            or code.app is not app
            or code.redirect_uri != form.get("redirect_uri")
            or not self._verified(code, form.get("code_verifier", ""))
        ):
            return _oauth_error(400, "invalid_grant", "The provided grant is invalid or expired.")
        # Mastodon gives the token again that there is for the same client, member and scopes.
        grant = next(
            (
                one
                for one in self._grants.values()
                if one.app is app
                and one.user is code.user
                and one.scopes == code.scopes
                and not one.revoked
            ),
            None,
        )
        if grant is None:
            grant = Grant(secrets.token_urlsafe(32), code.user, code.scopes, app=app)
            self._grants[grant.token] = grant
        self._note("issued", app=app.name, user=code.user.name, scopes=code.scopes)
        return document(
            {
                "access_token": grant.token,
                "token_type": "Bearer",
                "scope": " ".join(sorted(grant.scopes)),
                "created_at": 1_790_000_000,
            }
        )

    def _verified(self, code: Code, verifier: str) -> bool:
        if not self._is_mastodon or not code.challenge:
            return True
        digest = base64.urlsafe_b64encode(sha256(verifier.encode()).digest()).decode()
        return digest.rstrip("=") == code.challenge

    def _revoke(self, form: Form) -> Reply:
        app = self._client(form)
        grant = self._grants.get(form.get("token", ""))
        if app is None or (grant is not None and grant.app is not app):
            return _oauth_error(403, "unauthorized_client", "You are not authorized to revoke it.")
        if grant is not None and not grant.revoked:
            grant.revoked = True
            self._note("revoked", app=app.name, user=grant.user.name, scopes=grant.scopes)
        if self.world.home_flavour.software == "takahe":
            return _html(200, "")
        return document({})

    def _note(self, what: str, *, scopes: frozenset[str], **more: str) -> None:
        self._seen.append({"event": what, "scopes": sorted(scopes)} | more)


def _oauth_error(status: int, word: str, text: str) -> Reply:
    return Reply(status, msgspec.json.encode({"error": word, "error_description": text}))


def _html(status: int, page: str) -> Reply:
    return Reply(status, page.encode(), "text/html; charset=utf-8")


def _form(body: bytes, kind: str) -> dict[str, str]:
    """A body as a form, sent as one or as JSON."""
    if "json" in kind:
        try:
            told = msgspec.json.decode(body, type=dict[str, Any])
        except (msgspec.DecodeError, UnicodeDecodeError):
            return {}
        return {name: value for name, value in told.items() if isinstance(value, str)}
    return dict(parse_qsl(body.decode("utf-8", "replace")))
