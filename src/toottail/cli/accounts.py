"""The accounts of a configuration file: ``[[account]]`` tables, each with a home and a token.

[[account]]
home = "example.social"              # or "@you@example.social"
token_file = "example.token"         # beside this file; or token_env = "EXAMPLE_TOKEN"
sources = ["home=400", "lists", "bookmarks", "followings=80", "account:@ann@a.example"]
profile_posts = 20                   # of each profile
profile_again = "7d"                 # how long a profile is not asked for again
with_conversations = false           # what profiles and hashtags bring comes with its replies
tag_servers = ["other.example"]      # where hashtags are read
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Annotated, Any

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError, model_validator

from toottail.cli.durations import parse_duration
from toottail.errors import SettingsError, UsageError
from toottail.settings import config_file, read_toml
from toottail.types.hosts import parse_host
from toottail.types.sources import Choices, Source, parse_sources

_DEFAULTS = Choices()
MOST_POSTS = 40
"""No profile is read deeper than one page."""


@dataclass(frozen=True, slots=True)
class Account:
    """One account of the file, checked, its token not yet read.

    ``named`` is the account's own name where the file tells it.
    """

    home: str
    named: str | None
    token_file: Path | None
    token_env: str | None
    choices: Choices


def named_in(text: str) -> str | None:
    """The account's name in ``@me@example.social``; None in a server's name alone."""
    name, at, _ = text.strip().removeprefix("@").partition("@")
    return name if at and name and "/" not in name else None


def duration(text: str) -> timedelta:
    """A length of time as people write it. Raises `ValueError`."""
    return timedelta(seconds=parse_duration(text))


def _sources(texts: list[str]) -> list[str]:
    parse_sources(texts)
    return texts


def _hosts(names: list[str]) -> list[str]:
    return [parse_host(name) for name in names]


def _checked_duration(text: str) -> str:
    duration(text)
    return text


def _checked_home(text: str) -> str:
    parse_host(text)
    return text


def _plain(check: Any) -> AfterValidator:
    """``check``, its errors said as pydantic says its own."""

    def checked(value: Any) -> Any:
        try:
            return check(value)
        except UsageError as wrong:
            raise ValueError(str(wrong)) from None

    return AfterValidator(checked)


class _Table(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)

    home: Annotated[str, _plain(_checked_home)]
    token_file: str | None = None
    token_env: str | None = None
    sources: Annotated[list[str], _plain(_sources), Field(min_length=1)] = ["home"]
    profile_posts: int = Field(default=_DEFAULTS.profile_posts, ge=1, le=MOST_POSTS)
    profile_again: Annotated[str, AfterValidator(_checked_duration)] = "7d"
    with_conversations: bool = False
    tag_servers: Annotated[list[str], _plain(_hosts)] = []

    @model_validator(mode="after")
    def _has_one_token(self) -> _Table:
        if (self.token_file is None) == (self.token_env is None):
            raise ValueError("it needs either token_file or token_env, to say where its token is")
        return self


def read_accounts(config: Path | None) -> list[Account]:
    """The accounts of ``config`` (or TOOTTAIL_CONFIG); none where it names none.

    Raises `SettingsError` that names the file, the account and the key.
    """
    path = config_file(config)
    if path is None:
        return []
    tables = read_toml(path).get("account", [])
    if not isinstance(tables, list):
        raise SettingsError(f"{path}: accounts are written as [[account]], with double brackets")
    return [_account(path, number, table) for number, table in enumerate(tables, start=1)]


def _account(path: Path, number: int, table: object) -> Account:
    try:
        checked = _Table.model_validate(table)
    except ValidationError as error:
        raise SettingsError("\n".join(_explain(path, number, table, error))) from None
    return Account(
        home=parse_host(checked.home),
        named=named_in(checked.home),
        token_file=path.parent / Path(checked.token_file).expanduser()
        if checked.token_file is not None
        else None,
        token_env=checked.token_env,
        choices=choose(
            parse_sources(checked.sources),
            posts=checked.profile_posts,
            again=duration(checked.profile_again),
            whole=checked.with_conversations,
            tag_servers=checked.tag_servers,
        ),
    )


def _explain(path: Path, number: int, table: object, error: ValidationError) -> list[str]:
    home = table.get("home") if isinstance(table, dict) else None
    which = f"account {number}" + (f" ({home})" if isinstance(home, str) else "")
    lines = []
    for problem in error.errors(include_url=False, include_input=False, include_context=False):
        key = ".".join(str(part) for part in problem["loc"])
        words = problem["msg"].removeprefix("Value error, ")
        lines.append(f"{path}, {which}" + (f", key {key}" if key else "") + f": {words}")
    return lines


def choose(
    sources: Sequence[Source],
    *,
    posts: int,
    again: timedelta,
    whole: bool,
    tag_servers: Sequence[str],
) -> Choices:
    """The choices of an account, as checked words."""
    return Choices(
        sources=tuple(sources),
        profile_posts=posts,
        profile_again=again,
        with_conversations=whole,
        tag_servers=tuple(dict.fromkeys(tag_servers)),
    )
