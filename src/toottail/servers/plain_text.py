"""What people wrote, as plain text: markup, and signs that are not seen, taken away.

Homes clean the HTML of posts before they hand it on; that is not relied on. What comes out holds no
markup at all, and is to be escaped like any other text of strangers.
"""

from __future__ import annotations

import re
import unicodedata
from html import unescape

MOST_SIGNS = 5_000
"""So long a text is shown."""
_MOST_HTML = 40_000
_PARAGRAPHS = frozenset({"p", "div", "blockquote", "pre", "ul", "ol", "table"}) | {
    "h1",
    "h2",
    "h3",
    "h4",
    "h5",
    "h6",
}
_LINES = frozenset({"br", "li", "tr", "dt", "dd"})
_UNSEEN = frozenset({"script", "style", "template", "title", "textarea", "iframe", "noscript"})
_EMPTY = frozenset({"br", "hr", "img", "wbr", "input", "link", "meta", "source", "embed", "col"})
_DEEPEST = 200
# One pass over the text, whatever it is: the standard library's parser takes a minute for 40 kB of
# tags that nobody closes. Where a tag holds another sign of a tag it is text.
_MARKUP = re.compile(r"<[!?][^<>]*+>|<(?P<end>/?)(?P<tag>[a-zA-Z][a-zA-Z0-9]*+)(?P<more>[^<>]*+)>")
_CLASS = re.compile(r"""\bclass\s*=\s*(?:"([^"]*)"|'([^']*)'|([^\s"'>]+))""", re.IGNORECASE)
_SPACES = re.compile(r"[ \t\r\f\v\u00a0]+")
_AROUND_BREAKS = re.compile(r" *\n *")
_MANY_BREAKS = re.compile(r"\n{3,}")
# Joiners shape Persian and Indic words, and emoji: without them these are other words.
_JOINERS = "\u200c\u200d"


def clean(text: str) -> str:
    """``text`` without control signs (line breaks stay) and signs that steer direction or are not
    seen at all."""
    return "".join(sign for sign in text if sign in "\n\t" or sign in _JOINERS or _is_seen(sign))


def _is_seen(sign: str) -> bool:
    # Cc: control, Cf: format, with all bidirectional ones; Cs, Co, Cn: not characters for anybody.
    return unicodedata.category(sign)[0] != "C"


def one_line(text: str, most: int) -> str:
    """A name or a title: clean, in one line, cut at ``most`` signs."""
    return _cut(" ".join(clean(text).split()), most)


def plain(html: str, most: int = MOST_SIGNS) -> str:
    """The text of an HTML fragment; paragraphs, line breaks and the visible text of links stay."""
    reader = _Reader()
    reader.read(html[:_MOST_HTML])
    text = _AROUND_BREAKS.sub("\n", _SPACES.sub(" ", clean("".join(reader.parts))))
    return _cut(_MANY_BREAKS.sub("\n\n", text).strip(), most)


def _cut(text: str, most: int) -> str:
    return text if len(text) <= most else text[: most - 1].rstrip() + "…"


class _Reader:
    """Collects what is seen. Mastodon hides parts of links by class, and cuts them with a sign."""

    def __init__(self) -> None:
        self.parts: list[str] = []
        self._open: list[tuple[str, bool, bool]] = []  # (tag, not seen, ends with a cut)

    @property
    def _hidden(self) -> bool:
        return bool(self._open) and self._open[-1][1]

    def read(self, html: str) -> None:
        """Takes all of a text."""
        at = 0
        for mark in _MARKUP.finditer(html):
            self._text(html[at : mark.start()])
            at = mark.end()
            if tag := (mark["tag"] or "").lower():
                self._end(tag) if mark["end"] else self._start(tag, mark["more"])
        self._text(html[at:])

    def _start(self, tag: str, more: str) -> None:
        self._break(tag)
        if tag in _EMPTY or len(self._open) >= _DEEPEST:
            return
        found = _CLASS.search(more)
        classes = unescape(found[1] or found[2] or found[3] or "").split() if found else []
        hidden = self._hidden or tag in _UNSEEN or "invisible" in classes
        self._open.append((tag, hidden, "ellipsis" in classes and not hidden))

    def _end(self, tag: str) -> None:
        if all(name != tag for name, _, _ in self._open):
            return
        while self._open:
            name, _, is_cut = self._open.pop()
            if is_cut:
                self.parts.append("…")
            if name == tag:
                break
        if tag in _PARAGRAPHS:
            self._break(tag)

    def _text(self, text: str) -> None:
        if not self._hidden:
            data = unescape(text)
            # A line break of the source is a space; those of `pre` are what they are.
            keeps = any(name == "pre" for name, _, _ in self._open)
            self.parts.append(data if keeps else data.replace("\n", " "))

    def _break(self, tag: str) -> None:
        if self._hidden:
            return
        if tag in _PARAGRAPHS:
            self.parts.append("\n\n")
        elif tag in _LINES:
            self.parts.append("\n")
