"""Rules about domains, as block lists, allow lists and homes have them."""

from __future__ import annotations

import re
from dataclasses import dataclass
from hashlib import sha256
from typing import Literal

Severity = Literal["suspend", "silence", "noop"]
_URL = re.compile(r"([a-z][a-z0-9+.-]*://)(?:[^/?#]*@)?([^?#]*)([?#].*)?", re.I | re.S)
SEVERITIES: frozenset[Severity] = frozenset({"suspend", "silence", "noop"})


@dataclass(frozen=True, slots=True)
class DomainRule:
    """What a list says of a domain, which is meant with its subdomains.

    Only ``suspend`` keeps a host from being asked; the others matter as exceptions from a rule
    about a domain above. ``domain`` may have stars in it where a home shows it in part only;
    ``digest``, the SHA-256 of the whole name, tells. ``why`` is in words for people.
    """

    domain: str
    digest: bytes
    severity: Severity = "suspend"
    why: str | None = None


def digest_of(domain: str) -> bytes:
    """The SHA-256 of a domain in its ASCII form, as Mastodon publishes it (there in hex)."""
    return sha256(domain.encode()).digest()


def shown_list(name: str) -> str:
    """A list's file or URL as people may read it.

    A URL's query, fragment, user and password may be secrets, and are left out.
    """
    url = _URL.fullmatch(name)
    if url is None:
        return name
    return f"{url[1]}{url[2]}{'?…' if url[3] else ''}"


def list_key(name: str) -> bytes:
    """The SHA-256 of a list's whole name: it tells apart lists that are shown alike."""
    return sha256(name.encode()).digest()
