"""Sources: where a member's conversations, and the profiles to complete, come from.

One vocabulary for the command line, the configuration file and the database. A source is written
``KIND``, ``KIND:NAME`` or either with ``=N``, how many of its newest entries are read:
``home=400``, ``lists``, ``list:Friends``, ``hashtag:caturday``, ``account:@ann@example.social``.

The scopes are those of Mastodon's API (read in its source, 4.7-alpha of August 2026); GoToSocial
(October 2025), Takahē (0.11) and Hollo ask for the same ones. ``read`` covers them all.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Literal

from toottail.errors import UsageError

Gives = Literal["conversations", "profiles"]

BASE_SCOPE = "read:statuses"
"""What every home is asked with, beside the scope of its search."""
MOST_ENTRIES = 4_000
"""No source is read deeper."""


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of source.

    ``gives``: it leads to conversations, or to accounts whose profiles are completed. ``scopes``
    must all be the token's. ``entries`` is how many are read unless told. ``names`` says, for
    people, what follows the colon; empty where nothing may. ``needs_name``: something must.
    """

    word: str
    what: str
    gives: Gives
    scopes: tuple[str, ...] = ()
    entries: int = 40
    names: str = ""
    needs_name: bool = False


KINDS: dict[str, Kind] = {
    kind.word: kind
    for kind in (
        Kind("home", "the home timeline", "conversations", (BASE_SCOPE,), 200),
        Kind("lists", "the timelines of all lists", "conversations", ("read:lists",), 100),
        Kind(
            "list",
            "the timeline of one list",
            "conversations",
            ("read:lists",),
            100,
            "its title or id",
            True,
        ),
        Kind(
            "notifications",
            "the statuses in notifications",
            "conversations",
            ("read:notifications",),
        ),
        Kind("bookmarks", "bookmarked statuses", "conversations", ("read:bookmarks",)),
        Kind("favourites", "favourite statuses", "conversations", ("read:favourites",)),
        Kind(
            "replied",
            "the conversations that the member replied in",
            "conversations",
            ("read:accounts", BASE_SCOPE),
        ),
        Kind(
            "hashtags",
            "posts with followed hashtags, as the named tag servers show them",
            "conversations",
            ("read:follows",),
        ),
        Kind(
            "hashtag",
            "posts with one hashtag, as the named tag servers show them",
            "conversations",
            (),
            40,
            "the hashtag",
            True,
        ),
        Kind("followings", "whom the member followed last", "profiles", ("read:accounts",), 80),
        Kind("followers", "who followed the member last", "profiles", ("read:accounts",), 80),
        Kind("follow_requests", "who asks to follow", "profiles", ("read:follows",), 80),
        Kind("list_accounts", "the accounts on lists", "profiles", ("read:lists",), 200, "a list"),
        Kind("notifiers", "who appears in notifications", "profiles", ("read:notifications",)),
        Kind("mentioned", "who is mentioned in the timelines read", "profiles", (), 80),
        Kind("boosted", "who is boosted in the timelines read", "profiles", (), 80),
        Kind("account", "one account", "profiles", (), 1, "@name@its.host", True),
    )
}
"""All kinds, by the word that people write."""

PASSIVE = frozenset({"mentioned", "boosted"})
"""Kinds that ask for nothing themselves: other sources' timelines show what they give."""

_SPEC = re.compile(r"(?P<kind>[a-z_]+)(?::(?P<name>.+?))?(?:=(?P<entries>\d+))?")
_ACCOUNT = re.compile(r"@?(?P<name>[\w.-]+)@(?P<host>[^@\s/]+)")
_HASHTAG = re.compile(r"#?(?P<tag>\w+)")


@dataclass(frozen=True, slots=True)
class Source:
    """One source of a member: its kind, the name after the colon (or ""), and how much is read."""

    kind: str
    name: str = ""
    entries: int = 40

    def __str__(self) -> str:
        return f"{self.kind}:{self.name}" if self.name else self.kind


@dataclass(frozen=True, slots=True)
class Choices:
    """What a member wants done.

    ``profile_posts`` of the newest posts of a profile are brought home; the profile is not asked
    for again before ``profile_again`` is over. ``tag_servers`` are the hosts whose hashtags are
    read. ``with_conversations``: what profiles and hashtags bring home comes with its replies.
    """

    sources: tuple[Source, ...] = (Source("home", entries=200),)
    profile_posts: int = 20
    profile_again: timedelta = timedelta(days=7)
    with_conversations: bool = False
    tag_servers: tuple[str, ...] = field(default=())


def parse_source(text: str) -> Source:
    """The source that ``text`` names. Raises `UsageError` that says what was expected."""
    match = _SPEC.fullmatch(text.strip())
    kind = KINDS.get(match["kind"]) if match else None
    if match is None or kind is None:
        raise UsageError(f"{text.strip()!r} is no source; there are: {', '.join(KINDS)}")
    name = (match["name"] or "").strip()
    if name and not kind.names:
        raise UsageError(f"the source {kind.word} takes no name, only {kind.word} or {kind.word}=N")
    if kind.needs_name and not name:
        raise UsageError(f"the source {kind.word} needs a name: {kind.word}:NAME ({kind.names})")
    entries = int(match["entries"]) if match["entries"] else kind.entries
    if not 1 <= entries <= MOST_ENTRIES:
        raise UsageError(f"{text.strip()!r}: a number from 1 to {MOST_ENTRIES} was expected")
    return Source(kind.word, _checked_name(kind.word, name), entries)


def _checked_name(kind: str, name: str) -> str:
    if kind == "account":
        match = _ACCOUNT.fullmatch(name)
        if match is None:
            raise UsageError(f"account:{name}: expected something like account:@ann@example.social")
        return f"{match['name']}@{match['host'].lower()}"
    if kind == "hashtag":
        tag = _HASHTAG.fullmatch(name)
        if tag is None:
            raise UsageError(f"hashtag:{name}: a hashtag has letters, digits and _ only")
        return tag["tag"].lower()
    return name


def parse_sources(texts: Iterable[str]) -> tuple[Source, ...]:
    """The sources that ``texts`` name, each once, the last word on each counting."""
    found = {str(source): source for source in map(parse_source, texts)}
    return tuple(found.values())


def lacking(kind: str, scopes: Iterable[str], *, knows_account: bool = False) -> list[str]:
    """The scopes that a token with ``scopes`` lacks for this kind of source.

    ``knows_account``: the member's account is known without asking for it.
    """
    held = set(scopes)
    needed: Sequence[str] = KINDS[kind].scopes
    if kind == "replied" and knows_account:
        needed = (BASE_SCOPE,)
    if "read" in held:
        return []
    return [scope for scope in needed if scope not in held]
