"""Members as one service hands them to another: in a file of CSV or JSON.

CSV has a line of names first: ``home``, ``account``, ``token``, ``sources``, ``paused``, of which
the first three must be there; sources are separated by semicolons. JSON is an array of
objects with these keys, or one object after the other; sources are an array or as in CSV. Files may
be longer than memory: rows are read one by one. No error says what stood in the file.
"""

from __future__ import annotations

import csv
import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal, TextIO

from pydantic import SecretStr

from toottail.errors import UsageError
from toottail.types.hosts import parse_host
from toottail.types.sources import Source, parse_sources

FIELDS = ("home", "account", "token", "sources", "paused")
_LONGEST = 64 << 10
_LONGEST_TOKEN = 4096
_MOST_SOURCES = 200
_CHUNK = 64 << 10
_ACCOUNT = re.compile(r"[\w.-]{1,255}")
_PAUSED: dict[str, Literal["member", "operator"] | None] = {
    "": None,
    "member": "member",
    "operator": "operator",
}
_DEFAULT = parse_sources(["home"])


@dataclass(frozen=True, slots=True)
class Row:
    """One member; ``number`` is where they stand, ``paused`` who paused them, if anybody.

    ``account`` is the name within the home. ``scopes`` is None where they are not known.
    """

    number: int
    home: str
    account: str
    token: SecretStr
    sources: tuple[Source, ...] = _DEFAULT
    paused: Literal["member", "operator"] | None = None
    scopes: str | None = None


@dataclass(frozen=True, slots=True)
class BadRow:
    """One that cannot be taken in, and why."""

    number: int
    why: str


def read(stream: TextIO) -> Iterator[Row | BadRow]:
    """The members in a file, of whichever of the two kinds it is.

    Raises `UsageError` where it is neither.
    """
    start = stream.read(1)
    while start in (" ", "\t", "\ufeff"):
        start = stream.read(1)
    if not start.strip():
        raise UsageError("the file is empty, or begins with an empty line")
    entries = _json(stream, start) if start in ("[", "{") else _csv(_lines(start, stream))
    for number, entry in entries:
        yield BadRow(number, entry) if isinstance(entry, str) else checked(number, entry)


def checked(number: int, entry: Mapping[str, Any]) -> Row | BadRow:
    """The member that an entry describes."""
    try:
        token = _text(entry, "token")
        if not token:
            raise UsageError("there is no token")
        if len(token) > _LONGEST_TOKEN or not all("!" <= sign <= "~" for sign in token):
            raise UsageError("the token is none: it is too long or holds spaces or special signs")
        account = _text(entry, "account").removeprefix("@").partition("@")[0]
        if not _ACCOUNT.fullmatch(account):
            raise UsageError("there is no account, or it is none: a name such as me was expected")
        paused = _text(entry, "paused")
        if paused not in _PAUSED:
            raise UsageError("paused may be empty, member or operator")
        return Row(
            number,
            _home(_text(entry, "home")),
            account,
            SecretStr(token),
            _sources(entry.get("sources")),
            _PAUSED[paused],
        )
    except UsageError as error:
        return BadRow(number, str(error))


def _text(entry: Mapping[str, Any], name: str) -> str:
    value = entry.get(name)
    if value is None:
        return ""
    if not isinstance(value, str):
        raise UsageError(f"{name} is no text")
    return value.strip()


def _home(text: str) -> str:
    if not text:
        raise UsageError("there is no home")
    return parse_host(text)


def _sources(value: object) -> tuple[Source, ...]:
    words = value.split(";") if isinstance(value, str) else value or []
    if not isinstance(words, list) or not all(isinstance(word, str) for word in words):
        raise UsageError("sources are words, such as home=400;lists")
    if len(words) > _MOST_SOURCES:
        raise UsageError(f"more than {_MOST_SOURCES} sources")
    return parse_sources(word for word in words if word.strip()) or _DEFAULT


def _lines(start: str, stream: TextIO) -> Iterator[str]:
    """The lines of a file, cut where one is longer than any member needs."""
    while line := start + stream.readline(_LONGEST):
        start = ""
        yield line
        while line and not line.endswith("\n"):
            line = stream.readline(_LONGEST)


def _csv(lines: Iterator[str]) -> Iterator[tuple[int, Mapping[str, Any] | str]]:
    names = [name.strip().lower() for name in _cells(next(lines)) or []]
    if not {"home", "account", "token"} <= set(names):
        raise UsageError(
            "the first line must name the columns: home,account,token,sources "
            "(of which the first three must be there)"
        )
    # Line by line: no value of ours holds a line end, and a broken quote must not swallow more.
    for number, line in enumerate(lines, start=2):
        if not line.strip():
            continue
        cells = _cells(line)
        if cells is None:
            yield number, "is no line of CSV"
        elif len(cells) > len(names):
            yield number, f"has {len(cells)} columns, where {len(names)} were named"
        else:
            yield number, dict(zip(names, cells, strict=False))


def _cells(line: str) -> list[str] | None:
    try:
        return next(csv.reader([line], strict=True), [])
    except csv.Error:
        return None


def _json(stream: TextIO, start: str) -> Iterator[tuple[int, Mapping[str, Any] | str]]:
    reader = _Objects(stream, start)
    while reader.find():
        number = reader.line
        entry = reader.take()
        yield number, entry if isinstance(entry, dict) else "is no JSON object"


class _Objects:
    """Takes one JSON object after the other from a stream, whatever stands between them."""

    def __init__(self, stream: TextIO, start: str) -> None:
        self._stream = stream
        self._text = start
        self._decoder = json.JSONDecoder()
        self.line = 1
        """The line that the next object begins in."""

    def find(self) -> bool:
        """Goes on to what follows separators; False at the end."""
        while True:
            rest = self._text.lstrip(" \t\r\n,[]")
            self._skip(len(self._text) - len(rest))
            if rest:
                return True
            if not self._more():
                return False

    def take(self) -> object:
        """The object there; None where there is none, and then its line is left behind."""
        while True:
            try:
                found, end = self._decoder.raw_decode(self._text)
            except (ValueError, RecursionError):
                if len(self._text) < _LONGEST and self._more():
                    continue
                self._skip_line()
                return None
            self._skip(end)
            return found

    def _more(self) -> bool:
        more = self._stream.read(_CHUNK)
        self._text += more
        return more != ""

    def _skip(self, signs: int) -> None:
        self.line += self._text.count("\n", 0, signs)
        self._text = self._text[signs:]

    def _skip_line(self) -> None:
        while (end := self._text.find("\n")) < 0:
            self._text = ""
            if not self._more():
                return
        self._skip(end + 1)
