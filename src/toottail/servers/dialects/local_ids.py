"""The id that a host's API has for a status of its own, read from the status' URI.

No request is needed for it on most servers: their URIs hold the id.
"""

from __future__ import annotations

import re
from urllib.parse import urlsplit

_NUMBER = r"[0-9]{1,20}"
_UUID = r"[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}"
_PATHS = tuple(
    re.compile(pattern)
    for pattern in (
        rf"/users/[^/]+/statuses/({_NUMBER})/?",  # Mastodon and its forks
        rf"/ap/users/[^/]+/statuses/({_NUMBER})/?",  # Mastodon accounts with numeric URIs
        rf"/@[^/]+/({_NUMBER})/?",  # Mastodon's pages for people
        rf"/@[^/]+/({_UUID})/?",  # Hollo
        r"/notice/([A-Za-z0-9]{10,40})/?",  # Pleroma and Akkoma
    )
)
_API = re.compile(r"/api/v1/statuses/([A-Za-z0-9-]{1,64})/context")
_OWN = {
    "mitra": re.compile(rf"/objects/({_UUID})/?"),
    "iceshrimp.net": re.compile(r"/notes/([a-z0-9]{8,40})/?"),
}
"""Shapes that other software has for something else, by the name in nodeinfo."""
_REDIRECTING = re.compile(rf"/objects/{_UUID}/?")


def local_id_of(uri: str) -> str | None:
    """The id in ``uri``, None where its shape shows none."""
    try:
        path = urlsplit(uri).path
    except ValueError:
        return None
    for pattern in _PATHS:
        found = pattern.fullmatch(path)
        if found:
            return found[1]
    return None


def id_in_api(url: str) -> str | None:
    """The id in the address of a context, where a name leads its API on to another host."""
    try:
        found = _API.fullmatch(urlsplit(url).path)
    except ValueError:
        return None
    return found[1] if found else None


def own_id_of(uri: str, software: str) -> str | None:
    """The id in ``uri``, where this software alone has URIs of that shape."""
    pattern = _OWN.get(software)
    try:
        found = pattern.fullmatch(urlsplit(uri).path) if pattern else None
    except ValueError:
        return None
    return found[1] if found else None


def redirects_to_id(uri: str) -> bool:
    """Whether Pleroma or Akkoma lead from ``uri`` to a page whose address holds the id."""
    try:
        return _REDIRECTING.fullmatch(urlsplit(uri).path) is not None
    except ValueError:
        return False
