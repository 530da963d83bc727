"""What the project's documents link to, and what can be linked to in them: read as Markdown is."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from functools import cache
from itertools import pairwise
from pathlib import Path
from urllib.parse import unquote

from markdown_it import MarkdownIt
from markdown_it.token import Token

CHECKOUT = Path(__file__).parents[2]


def pages() -> list[Path]:
    """Every document of the checkout; folders that others fill are left out."""
    ours = ("docs", "deploy", ".github", "benchmarks", "src", "tests")
    below = [path for folder in ours for path in (CHECKOUT / folder).rglob("*.md")]
    return sorted([*CHECKOUT.glob("*.md"), *below])


def links(text: str) -> Iterator[str]:
    """Where links and pictures lead, also those that are a bare address in angle brackets."""
    for token in _tokens(text):
        for one in token.children or ():
            target = one.attrGet("href") or one.attrGet("src")
            if target is not None:
                yield unquote(str(target))


def bracketed(text: str) -> Iterator[str]:
    """What was meant as a link, ``[words][name]`` or ``[words](place)``, and became none."""
    for token in _tokens(text):
        for one in token.children or ():
            if one.type == "text":
                yield from re.findall(r"\[[^\]]+\](?:\(|\[)[^\])]*", one.content)


@cache
def anchors(page: Path) -> frozenset[str]:
    """The names that its headings get on GitHub."""
    return frozenset(_anchors(page.read_text(encoding="utf-8")))


def _anchors(text: str) -> Iterator[str]:
    seen: Counter[str] = Counter()
    tokens = _tokens(text)
    for opening, inline in pairwise(tokens):
        if opening.type != "heading_open":
            continue
        words = "".join(
            one.content for one in inline.children or () if one.type in ("text", "code_inline")
        )
        name = re.sub(r"[^\w\- ]", "", words.lower()).replace(" ", "-")
        yield f"{name}-{seen[name]}" if seen[name] else name
        seen[name] += 1


def _tokens(text: str) -> list[Token]:
    return MarkdownIt("commonmark").enable("table").parse(text)
