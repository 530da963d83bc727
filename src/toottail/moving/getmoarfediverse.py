"""GetMoarFediverse's options in the words of TootTail.

Read in its source, of January 2025 (Program.cs, Configuration). Names in its JSON are written as
here; ``imported.txt`` beside it lists what it handed to FakeRelay, a relay server that the home's
administrator has to subscribe to. TootTail hands posts to the home by a member's token instead.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from toottail.errors import UsageError
from toottail.moving.move import Account, Fate, Move, checked_token, read_object
from toottail.types.hosts import parse_host
from toottail.types.sources import parse_source

# As many as it asks for of each hashtag at each server.
_ENTRIES = 40

NEEDLESS: Mapping[str, str] = {
    "FakeRelayUrl": "the home fetches what a member's token asks it for; no relay is needed",
    "FakeRelayApiKey": "the home fetches what a member's token asks it for; no relay is needed",
    "MastodonPostgresConnectionString": "the home's database is not read: each member's token "
    "tells which hashtags this member follows",
    "PinnedTags": "which hashtags are pinned is only in the home's database, which is not read: "
    "follow them, or name them as sources hashtag:NAME",
    "ImportedPath": "what the home has already is seen at the home",
}
OPTIONS = frozenset({"Tags", "Instances", "Sites", "Api", *NEEDLESS})
"""All names that its file may hold."""


def read_options(path: Path) -> dict[str, Any]:
    """The options in a file, those that are null left out. Raises `UsageError`."""
    return {name: value for name, value in read_object(path).items() if value is not None}


def translate(given: Mapping[str, Any], home: str | None) -> Move:
    """What `read_options` found, for ``home`` unless the options name one. Raises `UsageError`."""
    fates: list[Fate] = []
    servers, site_tags = _servers(given, fates)
    tags = [*_texts(given, "Tags"), *site_tags]
    follows = "Api" in given or "MastodonPostgresConnectionString" in given
    sources = [f"hashtags={_ENTRIES}"] if follows else []
    if tags:
        found = dict.fromkeys(f"{parse_source(f'hashtag:{tag}')}={_ENTRIES}" for tag in tags)
        sources += found
        fates.append(
            Fate("Tags" if given.get("Tags") else "SiteSpecificTags", f"sources {', '.join(found)}")
        )
    if not sources:
        raise UsageError(
            "Tags: the file names none, and neither Api nor a database to ask for them"
        )
    accounts = _accounts(given, home, tuple(sources), fates)
    fates += [
        Fate(name, f"not needed: {why}", kept=False)
        for name, why in NEEDLESS.items()
        if given.get(name)
    ]
    fates += [
        Fate(name, "GetMoarFediverse has no such option", kept=False)
        for name in sorted(given.keys() - OPTIONS)
    ]
    return Move(accounts, {"tag_servers": servers}, fates=tuple(fates))


def _servers(given: Mapping[str, Any], fates: list[Fate]) -> tuple[list[str], list[str]]:
    """The servers whose hashtags are read, and the hashtags that were for one of them only."""
    tags: list[str] = []
    names = _texts(given, "Instances")
    if not names:
        sites = given.get("Sites", [])
        if not isinstance(sites, list) or not all(isinstance(one, dict) for one in sites):
            raise UsageError("Sites: should be a list of objects")
        names = [str(one.get("Host", "")) for one in sites]
        for one in sites:
            tags += _texts(one, "SiteSpecificTags")
    if not names:
        raise UsageError("Instances: the file names no servers whose hashtags are to be read")
    servers = list(dict.fromkeys(parse_host(name) for name in names))
    fates.append(Fate("Instances", f"tag_servers: {', '.join(servers)}"))
    if tags:
        words = "are asked for at all tag_servers: a home that follows a hashtag wants all of it"
        fates.append(Fate("Sites.SiteSpecificTags", words))
    return servers, tags


def _accounts(
    given: Mapping[str, Any], home: str | None, sources: tuple[str, ...], fates: list[Fate]
) -> tuple[Account, ...]:
    api = given.get("Api", {})
    if not isinstance(api, dict) or not isinstance(api.get("Tokens") or [], list):
        raise UsageError("Api: should be an object with Url and Tokens")
    if not home and not api.get("Url"):
        raise UsageError("the file does not say which server is yours: name it with --home")
    place = parse_host(home or str(api["Url"]))
    tokens = [
        checked_token(one.get("Token") if isinstance(one, dict) else None, f"Api.Tokens, the {n}.")
        for n, one in enumerate(api.get("Tokens") or [], start=1)
    ]
    if not tokens:
        words = f"{place} needs a token with the scopes read:statuses and read:search"
        fates.append(
            Fate("a token", words + (", read:follows" if "Api" in given else ""), kept=False)
        )
        return (Account(place, None, sources),)
    words = (
        "an account for each. For GetMoarFediverse read:follows was enough: TootTail also needs "
        "read:statuses and read:search, so make new tokens where these lack them"
    )
    fates.append(Fate("Api.Tokens", words))
    return tuple(Account(place, token, sources) for token in tokens)


def _texts(given: Mapping[str, Any], name: str) -> list[str]:
    found = given.get(name) or []
    if not isinstance(found, list) or not all(isinstance(one, str) for one in found):
        raise UsageError(f"{name}: should be a list of texts")
    return found
