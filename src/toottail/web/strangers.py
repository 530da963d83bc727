"""Text of strangers, made fit to stand in a page: plain, bounded, and in its own direction."""

from __future__ import annotations

import re
import unicodedata
from urllib.parse import urlsplit

from toottail.servers.plain_text import clean

# Blank letters, which hide what they stand for, and marks beyond those that any language piles up.
_BLANK = re.compile("[\u034f\u115f\u1160\u17b4\u17b5\u2800\u3164\uffa0]")
_MARKS = "[\u0300-\u036f\u0483-\u0489\u1ab0-\u1aff\u20d0-\u20ff]"
_PILED = re.compile(f"({_MARKS}{{3}}){_MARKS}+")


def plain(text: str) -> str:
    """``text`` without signs that nobody sees; of marks piled on one letter three are left."""
    if text.isascii() and text.isprintable():
        return text
    return _PILED.sub(r"\1", _BLANK.sub("", clean(text)))


def clip(text: str, most: int) -> str:
    """``text``, ended with an ellipsis where it is longer than ``most`` characters."""
    return text if len(text) <= most else text[: most - 1].rstrip() + "…"


def link(url: str | None) -> str | None:
    """``url`` where a browser may be sent there; None otherwise."""
    if not url or any(unicodedata.category(sign) in ("Cc", "Cf", "Zs") for sign in url):
        return None
    try:
        parts = urlsplit(url)
    except ValueError:
        return None
    return url if parts.scheme in ("https", "http") and parts.netloc else None
