"""Names of servers.

A **host** is a server by its name (``example.social``), never a URL. Names come in from people,
from other servers and from the database; only this module decides what is one.
"""

from __future__ import annotations

import re
from functools import lru_cache
from ipaddress import ip_address
from urllib.parse import urlsplit

from toottail.errors import InvalidHost

_LABEL = re.compile(r"(?!-)[a-z0-9_-]{1,63}(?<!-)")
# As nearly all are written: thousands come in each second.
_PLAIN = re.compile(r"https://([a-z0-9.-]*[a-z0-9-])(?![^/?#])")

# Names that never belong to a server on the public internet (RFC 6761, 6762, 7686, 8375, 9476 and
# what home routers use). Handing such a URI to a home would point its fetcher into its own network.
_PRIVATE_SUFFIXES = frozenset(
    {"alt", "home.arpa", "internal", "intranet", "invalid", "i2p", "lan", "local", "localdomain"}
    | {"localhost", "onion", "private"}
)


def parse_host(text: str) -> str:
    """The host that a person means by ``example.social``, ``@me@example.social`` or a URL.

    Returns it lower-case, in its ASCII form. Raises `InvalidHost` with a message that says what
    was expected.
    """
    name = text.strip()
    if "://" in name:
        name = _netloc(name)
    name = name.split("/", 1)[0].rsplit("@", 1)[-1].rstrip(".")
    try:
        ascii_name = name.encode("idna").decode("ascii").lower() if name else ""
    except UnicodeError:
        ascii_name = ""
    if not is_public_host(ascii_name):
        raise InvalidHost(
            f"{text.strip()!r} is not the name of a server; expected something like example.social"
        )
    return ascii_name


def _netloc(url: str) -> str:
    try:
        return urlsplit(url).netloc
    except ValueError:
        return ""


def is_public_host(name: str) -> bool:
    """Whether ``name`` could be a server on the public internet: a DNS name without a port."""
    # No top-level name begins with a digit, and resolvers take 0x7f.0x1 for an address.
    if len(name) > 253 or "." not in name or name.rsplit(".", 1)[-1][:1].isdigit():
        return False
    if _is_address(name):
        return False
    labels = name.split(".")
    if any(".".join(labels[-n:]) in _PRIVATE_SUFFIXES for n in (1, 2)):
        return False
    return all(_LABEL.fullmatch(label) for label in labels)


def _is_address(name: str) -> bool:
    try:
        ip_address(name)
    except ValueError:
        return False
    return True


@lru_cache(maxsize=4096)
def _public(name: str) -> str | None:
    return name if is_public_host(name) else None


def host_of(uri: str) -> str | None:
    """The host of an ``https`` URI on a public name and the usual port, None for anything else.

    This is the test every URI passes before TootTail asks for it or hands it to a home.
    """
    # In bytes, for that is what an index can hold; what is printable can be encoded.
    if not uri.isprintable() or len(uri.encode()) > 2048 or " " in uri or "\\" in uri:
        return None
    if (plain := _PLAIN.match(uri)) is not None:
        return _public(plain[1])
    try:
        parts = urlsplit(uri)
        port = parts.port
    except ValueError:
        return None
    if parts.scheme != "https" or port not in (None, 443) or "@" in parts.netloc:
        return None
    name = (parts.hostname or "").rstrip(".")
    try:
        name = name.encode("idna").decode("ascii").lower()
    except UnicodeError:
        return None
    return name if is_public_host(name) else None
