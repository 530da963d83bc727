"""Text of strangers, made fit to stand in a page: plain, bounded, and in its own direction."""

from __future__ import annotations

import re
import unicodedata
from urllib.parse import urlsplit

# Controls, and what turns or hides the text around it: bidirectional controls, zero-width signs,
# soft hyphens, variation tags, private use (ours alone: see `languages.rich`).
_UNSEEN = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\xad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f"
    "\u200b-\u200f\u2028-\u202f\u2060-\u206f\u3164\ufe00-\ufe0e\ufeff\uffa0\ufff0-\uffff"
    "\U000e0000-\U000e0fff]"
)
_MOST_MARKS = re.compile(
    r"([\u0300-\u036f\u0483-\u0489\u1ab0-\u1aff\u20d0-\u20ff]{3})"
    r"[\u0300-\u036f\u0483-\u0489\u1ab0-\u1aff\u20d0-\u20ff]+"
)


def plain(text: str) -> str:
    """``text`` without signs that nobody sees; of marks piled on one letter three are left."""
    return _MOST_MARKS.sub(r"\1", _UNSEEN.sub("", text.replace("\u2028", "\n")))


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
