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


def redirects_to_id(uri: str) -> bool:
    """Whether Pleroma or Akkoma lead from ``uri`` to a page whose address holds the id."""
    try:
        return _REDIRECTING.fullmatch(urlsplit(uri).path) is not None
    except ValueError:
        return False
