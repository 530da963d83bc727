"""``docs/features.md``: whole, and true of the commands, settings and sources that there are."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import fields
from pathlib import Path
from typing import Any

import pytest
import typer

from toottail.cli.accounts import Account
from toottail.cli.commands import app
from toottail.errors import UsageError
from toottail.moving import fedifetcher, getmoarfediverse
from toottail.settings import Settings
from toottail.types.sources import KINDS, Choices, parse_source

DOCS = Path(__file__).parents[2] / "docs"
TEXT = (DOCS / "features.md").read_text(encoding="utf-8")
ONLY_IN_THE_ENVIRONMENT = {"TOOTTAIL_TOKEN", "TOOTTAIL_LOG", "TOOTTAIL_*"}


def rows() -> Iterator[list[str]]:
    """The cells of each row of each table, but for the heads."""
    for line in TEXT.splitlines():
        if line.startswith("|") and not line.startswith(("| there |", "|---")):
            yield [cell.strip() for cell in line.strip("|").split("|")]


def words(cell: str) -> list[str]:
    return re.findall(r"`([^`]+)`", cell)


THEIRS = {word for theirs, _, _ in rows() for word in words(theirs)}
# Where a thing is not needed, the reason may be another thing of theirs.
REASONS = {word for _, _, ours in rows() if ours.startswith("not needed") for word in words(ours)}
OURS = sorted({word for _, _, ours in rows() for word in words(ours)} - (REASONS & THEIRS))


def commands(command: Any, path: str = "toottail") -> Iterator[tuple[str, Any]]:
    """Each command, by its full name. They are of the library that typer has inside."""
    yield path, command
    for name, one in getattr(command, "commands", {}).items():
        yield from commands(one, f"{path} {name}")


def test_no_cell_is_empty() -> None:
    assert len(list(rows())) > 60
    assert all(len(cells) == 3 and all(cells) for cells in rows())


def test_every_option_of_fedifetcher_is_in_the_tables() -> None:
    wanted = {f"--{fedifetcher.shown(name)}" for name in fedifetcher.OPTIONS}
    assert wanted <= THEIRS


def test_every_option_of_getmoarfediverse_is_in_the_tables() -> None:
    assert getmoarfediverse.OPTIONS <= THEIRS


@pytest.mark.parametrize("word", OURS)
def test_what_is_named_as_ours_exists(word: str) -> None:
    tree = dict(commands(typer.main.get_command(app)))
    options = {name for one in tree.values() for param in one.params for name in param.opts}
    accounts = {field.name for kind in (Account, Choices) for field in fields(kind)}
    settings = set(Settings.model_fields)
    variables = {f"TOOTTAIL_{name.upper()}" for name in settings} | ONLY_IN_THE_ENVIRONMENT
    scopes = {scope for kind in KINDS.values() for scope in kind.scopes} | {"read:search"}
    known = set(tree) | options | accounts | settings | variables | scopes
    # What robots.txt calls us, an opt-out, parameters of pings.
    known |= {"TootTail", "nobot", "rid", "ping", "msg", "exit_code", "/context"}
    assert word in known or _is_source(word)


def test_every_kind_of_source_has_a_peer_or_is_ours_alone() -> None:
    named = {word.partition("=")[0].partition(":")[0] for word in OURS if _is_source(word)}
    assert set(KINDS) - named == {"notifications"}


def _is_source(word: str) -> bool:
    try:
        parse_source(word.replace("@name@its.host", "@name@its.example"))
    except UsageError:
        return False
    return True
