"""What moving over from another program comes to, whichever it was."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from pydantic import SecretStr

from toottail.errors import UsageError
from toottail.types.sources import MOST_ENTRIES, Choices


@dataclass(frozen=True, slots=True)
class Fate:
    """What became of one option, or one file: taken over, or not and why, in words for people."""

    name: str
    words: str
    kept: bool = True


@dataclass(frozen=True, slots=True)
class Account:
    """One member at a home, with sources as `types.sources.parse_source` reads them.

    ``token`` is None where the other program had none that is of use here.
    """

    home: str
    token: SecretStr | None
    sources: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Move:
    """All that is taken over, and what is said of each option.

    ``choices`` are keys that each account gets, ``settings`` those of the whole file; both hold
    only what differs from TootTail's defaults. ``profile_again`` is how long profiles are left
    alone. ``blocked`` are hosts never to be asked.
    """

    accounts: tuple[Account, ...]
    choices: Mapping[str, object] = field(default_factory=dict)
    settings: Mapping[str, object] = field(default_factory=dict)
    blocked: tuple[str, ...] = ()
    fates: tuple[Fate, ...] = ()
    profile_again: timedelta = Choices().profile_again


@dataclass(frozen=True, slots=True)
class Memory:
    """What a state folder is good for: when profiles (``user@host``) were last fetched."""

    profiles: Mapping[str, datetime] = field(default_factory=dict)
    fates: tuple[Fate, ...] = ()


def read_object(path: Path) -> dict[str, Any]:
    """The JSON object in a file. Raises `UsageError` that names the file, and the line."""
    text = read_text(path)
    try:
        found = json.loads(text)
    except json.JSONDecodeError as error:
        raise UsageError(
            f"{path}, line {error.lineno}: is not JSON ({error.msg.lower()})"
        ) from None
    except RecursionError:
        raise UsageError(f"{path}: is nested too deeply to be what it should be") from None
    if not isinstance(found, dict):
        raise UsageError(f"{path}: should hold one JSON object, in braces")
    return found


def read_text(path: Path) -> str:
    """The text of a file. Raises `UsageError` that names it."""
    try:
        return path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError:
        raise UsageError(f"{path}: is not a text file in UTF-8") from None
    except OSError as error:
        raise UsageError(f"{path}: cannot be read ({os.strerror(error.errno or 0)})") from None


def checked_token(value: object, where: str) -> SecretStr:
    """The token that an option holds. Raises `UsageError` without repeating it."""
    text = value.strip() if isinstance(value, str) else ""
    if not text or not all("!" <= sign <= "~" for sign in text):
        raise UsageError(f"{where}: is no token")
    return SecretStr(text)


def entries(number: int) -> int:
    """``number``, or as much as a source is read."""
    return min(number, MOST_ENTRIES)
