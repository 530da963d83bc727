"""FediFetcher's options in the words of TootTail.

Read in its source: find_posts.py, 7.1.21 of July 2026. Options come from its JSON file, whose names
may have capitals and dashes, and from variables ``FF_*``, which go first. It knows no further ones.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from pydantic import SecretStr

from toottail.errors import UsageError
from toottail.moving.move import Account, Fate, Move, checked_token, entries, read_object
from toottail.types.hosts import is_public_host, parse_host

VERSION = "7.1.21"
_TOKEN = "access_token"  # noqa: S105 — the name of an option

# Of options that name no source: why TootTail can do without.
NEEDLESS: Mapping[str, str] = {
    "config": "is the file that is read here",
    "user": "TootTail reads whom the owner of the token follows, and who follows them; to complete "
    "one other account's profile add the source account:@name@its.host",
    "remember_hosts_for_days": "what a server runs is asked for again after a day",
    "lock_hours": "two runs at once share the work and repeat nothing, so there is no lock",
    "lock_file": "two runs at once share the work and repeat nothing, so there is no lock",
    "log_format": "has one format; --json prints the outcome for programs",
}
DEFAULTS: Mapping[str, object] = {
    "server": "",
    _TOKEN: "",
    "reply_interval_in_hours": 0,
    "home_timeline_length": 0,
    "max_followings": 0,
    "max_followers": 0,
    "max_follow_requests": 0,
    "max_bookmarks": 0,
    "max_favourites": 0,
    "from_notifications": 0,
    "remember_users_for_hours": 24 * 7,
    "http_timeout": 5,
    "backfill_with_context": 1,
    "backfill_mentioned_users": 1,
    "state_dir": "artifacts",
    "on_start": "",
    "on_done": "",
    "on_fail": "",
    "from_lists": 0,
    "max_list_length": 100,
    "max_list_accounts": 10,
    "log_level": "DEBUG",
    "instance_blocklist": "",
}
OPTIONS = frozenset(DEFAULTS) | frozenset(NEEDLESS)
"""All options that FediFetcher has, with _ for -."""

# Options whose number is how many entries of a source are read.
_NUMBERED = {
    "home_timeline_length": "home",
    "max_bookmarks": "bookmarks",
    "max_favourites": "favourites",
    "max_followings": "followings",
    "max_followers": "followers",
    "max_follow_requests": "follow_requests",
}
_PINGS = ("on_start", "on_done", "on_fail")
_OF_LISTS = {"max_list_length": "lists", "max_list_accounts": "list_accounts"}
_HOURS_ARE_ENTRIES = "TootTail counts entries, not hours: it reads the newest 40"
_BY_HOURS = {
    "reply_interval_in_hours": (
        "replied",
        " replies of the member. Others on the server take part with a token of their own; none "
        "needs an administrator's scope",
    ),
    "from_notifications": ("notifiers", " notifications"),
}
_LEVELS = {"DEBUG": "debug", "INFO": "info", "WARNING": "warning"}


class _Values:
    """The options as given, each read as what it should be."""

    def __init__(self, given: Mapping[str, Any]) -> None:
        self.given = given

    def number(self, name: str) -> int:
        value = self.given.get(name, DEFAULTS[name])
        if isinstance(value, str) and value.strip().isdecimal():
            value = int(value)
        if isinstance(value, float) and math.isfinite(value):
            value = int(value)
        if not isinstance(value, int):
            raise UsageError(f"{shown(name)}: should be a whole number")
        return max(int(value), 0)

    def text(self, name: str) -> str:
        value = self.given.get(name, DEFAULTS[name])
        if value is None:
            return ""
        if not isinstance(value, str):
            raise UsageError(f"{shown(name)}: should be a text, in quotes")
        return value.strip()

    def unless_told(self, name: str) -> str:
        """What is said of an option that is on and was not given."""
        return "" if name in self.given else ", because it is on unless told"


def shown(name: str) -> str:
    """The name of an option as FediFetcher's help has it."""
    return name.replace("_", "-")


def read_options(path: Path | None, environ: Mapping[str, str]) -> dict[str, Any]:
    """All options given, by name with _ for -: the file's, and above them those of ``environ``.

    Raises `UsageError` where the file cannot be read, or holds no options.
    """
    given = {
        name.lower().replace("-", "_"): value
        for name, value in (read_object(path) if path else {}).items()
    }
    tokens = []
    for variable, value in environ.items():
        name = variable.lower()
        if name.startswith("ff_access_token"):
            tokens.append(value)
        elif name.startswith("ff_"):
            given[name[3:]] = value
    if tokens:
        given[_TOKEN] = tokens
    return given


def translate(given: Mapping[str, Any]) -> Move:
    """What `read_options` found, in the words of TootTail. Raises `UsageError`."""
    values = _Values(given)
    if not values.text("server"):
        raise UsageError("server: FediFetcher's options name none, so there is no home")
    home = parse_host(values.text("server"))
    tokens = _tokens(given.get(_TOKEN))
    fates: list[Fate] = [Fate("server", f"home {home}"), _fate_of_tokens(len(tokens))]
    sources = _sources(values, fates)
    choices = _choices(values, fates)
    settings = _settings(values, fates)
    blocked = _blocked(values, fates)
    fates += [
        Fate(shown(name), f"not needed: {why}", kept=False)
        for name, why in NEEDLESS.items()
        if given.get(name) not in (None, "")
    ]
    fates += [
        Fate(shown(name), f"FediFetcher {VERSION} has no such option", kept=False)
        for name in sorted(given.keys() - OPTIONS)
    ]
    accounts = tuple(Account(home, token, tuple(sources)) for token in tokens)
    again = timedelta(hours=_hours(values))
    return Move(accounts, choices, settings, blocked, tuple(fates), again)


def _tokens(value: object) -> list[SecretStr]:
    found = value if isinstance(value, list) else [value]
    if not value or not found:
        raise UsageError("access-token: FediFetcher's options hold none")
    many = len(found) > 1
    tokens = [
        checked_token(one, f"access-token, the {number}. of them" if many else "access-token")
        for number, one in enumerate(found, start=1)
    ]
    return list({one.get_secret_value(): one for one in tokens}.values())


def _fate_of_tokens(count: int) -> Fate:
    if count == 1:
        return Fate("access-token", "an account, and a file for its token")
    return Fate("access-token", f"{count} accounts, and a file for the token of each")


def _sources(values: _Values, fates: list[Fate]) -> list[str]:
    found = []
    for option, source in _NUMBERED.items():
        if number := values.number(option):
            found.append(f"{source}={entries(number)}")
            fates.append(Fate(shown(option), f"source {found[-1]}"))
    if values.number("from_lists"):
        for option, source in _OF_LISTS.items():
            if number := values.number(option):
                found.append(f"{source}={entries(number)}")
                fates.append(Fate(f"from-lists, {shown(option)}", f"source {found[-1]}"))
    for option, (source, words) in _BY_HOURS.items():
        if values.number(option):
            found.append(source)
            fates.append(Fate(shown(option), f"source {source}. {_HOURS_ARE_ENTRIES}{words}"))
    timelines = any(one.partition("=")[0] in ("home", "lists") for one in found)
    if values.number("backfill_mentioned_users") and timelines:
        found += ["mentioned", "boosted"]
        words = "sources mentioned and boosted" + values.unless_told("backfill_mentioned_users")
        fates.append(Fate("backfill-mentioned-users", words))
    if not found:
        raise UsageError(
            "FediFetcher's options switch no source on (home-timeline-length and the others are 0 "
            "unless told), so there is nothing to do; simply try: toottail fetch HOME"
        )
    return found


def _choices(values: _Values, fates: list[Fate]) -> dict[str, object]:
    found: dict[str, object] = {}
    if "remember_users_for_hours" in values.given:
        hours = _hours(values)
        found["profile_again"] = f"{hours}h"
        fates.append(Fate("remember-users-for-hours", f"profile_again = {hours}h"))
    if values.number("backfill_with_context"):
        found["with_conversations"] = True
        words = "with_conversations = true" + values.unless_told("backfill_with_context")
        fates.append(Fate("backfill-with-context", words))
    return found


def _hours(values: _Values) -> int:
    # A century: nobody means more, and it can be added to a date.
    return min(max(values.number("remember_users_for_hours"), 1), 24 * 365 * 100)


def _settings(values: _Values, fates: list[Fate]) -> dict[str, object]:
    found: dict[str, object] = {}
    if seconds := values.number("http_timeout") if "http_timeout" in values.given else 0:
        found |= {"connect_timeout": seconds, "idle_timeout": seconds}
        fates.append(Fate("http-timeout", f"connect_timeout and idle_timeout = {seconds}"))
    for name in _PINGS:
        if url := values.given.get(name):
            if not isinstance(url, str):
                raise UsageError(f"{shown(name)}: should be a URL, in quotes")
            found[name] = url.strip()
            fates.append(Fate(shown(name), f"{name}, with the same parameters"))
    if places := _in_the_clear(found):
        found["lan_monitors"] = places
        words = f"lan_monitors: {', '.join(places)}, because it is told over http"
        fates.append(Fate(", ".join(shown(name) for name in _PINGS if name in found), words))
    if level := values.given.get("log_level"):
        word = _LEVELS.get(str(level).upper(), "error")
        words = f"not in the file: set TOOTTAIL_LOG={word}, or use --verbose"
        fates.append(Fate("log-level", words, kept=False))
    return found


def _in_the_clear(settings: Mapping[str, object]) -> list[str]:
    """The monitors that are pinged over http, by name and port."""
    found: dict[str, None] = {}
    for name in _PINGS:
        try:
            parts = urlsplit(str(settings.get(name, "")))
            port = parts.port or 80
        except ValueError:
            raise UsageError(f"{shown(name)}: is not a URL") from None
        if parts.scheme == "http" and parts.hostname:
            host = f"[{parts.hostname}]" if ":" in parts.hostname else parts.hostname
            found[f"{host}:{port}"] = None
    return list(found)


def _blocked(values: _Values, fates: list[Fate]) -> tuple[str, ...]:
    words = [word.strip().lower() for word in values.text("instance_blocklist").split(",")]
    names = [word for word in words if word]
    good = tuple(dict.fromkeys(name for name in names if is_public_host(name)))
    if good:
        fates.append(Fate("instance-blocklist", f"a block list of {len(good)}, with subdomains"))
    if bad := [name for name in names if name not in good]:
        left_out = f"no names of servers, left out: {', '.join(bad)}"
        fates.append(Fate("instance-blocklist", left_out, kept=False))
    return good
