"""Our actor as other servers see it: its documents, and the answers of whoever serves them.

Who gets a signed request fetches the actor for its key. What that takes was read in the source of
GoToSocial 0.20 (the key may come from the actor's document; it also wants to store an account and
its server: webfinger and nodeinfo help, nothing else is needed) and Mastodon 4.5 (an ``inbox``, and
a webfinger answer that names the actor).

Pure functions of the request, so that any web server can give these answers.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from html import escape
from typing import Any
from urllib.parse import parse_qs, urlsplit

from toottail import __version__
from toottail.settings import Settings

ACTIVITY = "application/activity+json"
_CONTEXT = [
    "https://www.w3.org/ns/activitystreams",
    "https://w3id.org/security/v1",
    {
        "toot": "http://joinmastodon.org/ns#",
        "discoverable": "toot:discoverable",
        "indexable": "toot:indexable",
        "manuallyApprovesFollowers": "as:manuallyApprovesFollowers",
    },
]
_PUBLIC = {"Cache-Control": "public, max-age=3600", "Vary": "Accept"}
WEBFINGER = "/.well-known/webfinger"
NODEINFO = "/.well-known/nodeinfo"
_NODEINFO_DOCUMENT = "/nodeinfo/2.0"


@dataclass(frozen=True, slots=True)
class Served:
    """An answer, for whatever web server gives it."""

    status: int
    kind: str
    body: str
    headers: dict[str, str]


@dataclass(frozen=True, slots=True)
class Actor:
    """The actor at ``url`` (checked by the settings) with its public key in PEM.

    ``contact`` is where to find who runs this, None where nobody said.
    """

    url: str
    public_pem: str
    contact: str | None = None

    @property
    def host(self) -> str:
        """The host it is served from."""
        return urlsplit(self.url).netloc

    @property
    def path(self) -> str:
        """Where its document is on that host."""
        return urlsplit(self.url).path

    @property
    def handle(self) -> str:
        """``name@host``: the name is the end of the path."""
        return f"{self.path.rsplit('/', 1)[-1]}@{self.host}"

    @property
    def key_id(self) -> str:
        """The name of its key in signatures."""
        return f"{self.url}#main-key"

    def document(self) -> dict[str, Any]:
        """The actor itself."""
        return {
            "@context": _CONTEXT,
            "id": self.url,
            "type": "Application",
            "preferredUsername": self.handle.partition("@")[0],
            "name": "TootTail",
            "summary": self._about(),
            "url": self.url,
            "inbox": f"{self.url}/inbox",
            "outbox": f"{self.url}/outbox",
            "discoverable": False,
            "indexable": False,
            "manuallyApprovesFollowers": True,
            "publicKey": {
                "id": self.key_id,
                "owner": self.url,
                "publicKeyPem": self.public_pem,
            },
        }

    def outbox(self) -> dict[str, Any]:
        """An empty collection: it never says anything."""
        return {
            "@context": _CONTEXT[0],
            "id": f"{self.url}/outbox",
            "type": "OrderedCollection",
            "totalItems": 0,
            "orderedItems": [],
        }

    def webfinger(self) -> dict[str, Any]:
        """What ``acct:NAME@HOST`` leads to."""
        return {
            "subject": f"acct:{self.handle}",
            "aliases": [self.url],
            "links": [{"rel": "self", "type": ACTIVITY, "href": self.url}],
        }

    def nodeinfo(self) -> dict[str, Any]:
        """What runs here."""
        return {
            "version": "2.0",
            "software": {"name": "toottail", "version": __version__},
            "protocols": ["activitypub"],
            "services": {"inbound": [], "outbound": []},
            "openRegistrations": False,
            "usage": {"users": {}},
            "metadata": {},
        }

    def nodeinfo_links(self) -> dict[str, Any]:
        """Where `nodeinfo` is."""
        rel = "http://nodeinfo.diaspora.software/ns/schema/2.0"
        return {"links": [{"rel": rel, "href": f"https://{self.host}{_NODEINFO_DOCUMENT}"}]}

    def documents(self) -> dict[str, dict[str, Any]]:
        """All documents by path, for a server of files; webfinger's stands for its one question."""
        return {
            self.path: self.document(),
            f"{self.path}/outbox": self.outbox(),
            WEBFINGER: self.webfinger(),
            NODEINFO: self.nodeinfo_links(),
            _NODEINFO_DOCUMENT: self.nodeinfo(),
        }

    def answer(self, method: str, target: str, accept: str = "") -> Served | None:
        """The answer to a request for ``target`` (path and query); None where that is not ours."""
        path, _, query = target.partition("?")
        if path == f"{self.path}/inbox":
            # Whatever is sent has been taken note of: nobody follows it, and it reads no mail.
            return _text(202, "") if method == "POST" else _not_allowed("POST")
        if path not in self.documents():
            return None
        if method not in ("GET", "HEAD"):
            return _not_allowed("GET, HEAD")
        if path == WEBFINGER and not self._is_meant(parse_qs(query).get("resource", [""])[0]):
            return _text(404, "There is nobody of that name here.\n")
        if path == self.path and "text/html" in accept and "json" not in accept:
            return Served(200, "text/html; charset=utf-8", self._page(), dict(_PUBLIC))
        kind = {WEBFINGER: "application/jrd+json"}.get(path, "application/json")
        if path.startswith(self.path):
            kind = ACTIVITY
        return Served(200, kind, json.dumps(self.documents()[path]), dict(_PUBLIC))

    def _is_meant(self, resource: str) -> bool:
        return resource.lower() in (f"acct:{self.handle}", self.url)

    def _about(self) -> str:
        """Who asks, why, and how to make it stop; HTML."""
        contact = ""
        if self.contact is not None:
            link = escape(self.contact, quote=True)
            contact = f'<p>Who runs it: <a href="{link}">{link}</a></p>'
        return (
            "<p>A program that completes conversations: it reads public replies where they were "
            "written, for people whose own server lacks them. It stores links, not what anybody "
            "wrote, posts nothing and follows nobody.</p>"
            f"<p>To stop it, block {self.host} on your server, or write into its robots.txt: "
            "User-agent: TootTail, and below that Disallow: /</p>" + contact
        )

    def _page(self) -> str:
        return (
            '<!DOCTYPE html><html lang="en"><meta charset="utf-8">'
            f"<title>TootTail at {self.host}</title><h1>TootTail at {self.host}</h1>"
            f"{self._about()}"
        )


def actor_of(settings: Settings, public_pem: str) -> Actor | None:
    """The actor that the settings name; None where they name none."""
    if settings.actor_url is None:
        return None
    told = "service_url" in settings.model_fields_set
    return Actor(settings.actor_url, public_pem, settings.service_url if told else None)


def _text(status: int, words: str) -> Served:
    return Served(status, "text/plain; charset=utf-8", words, {})


def _not_allowed(methods: str) -> Served:
    return Served(405, "text/plain; charset=utf-8", "", {"Allow": methods})
