"""The documents tell what there is: every setting, every option."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from typer.main import get_command

from toottail.cli.commands import app
from toottail.settings import Settings
from toottail.types.sources import KINDS

CHECKOUT = Path(__file__).parents[2]
PAGES = (*sorted(CHECKOUT.glob("*.md")), *sorted((CHECKOUT / "docs").glob("*.md")))


def test_every_setting_is_documented_and_nothing_else() -> None:
    text = (CHECKOUT / "docs" / "settings.md").read_text()
    documented = re.findall(r"^\| `([a-z_]+)` \|", text, flags=re.MULTILINE)
    assert documented == list(Settings.model_fields)


def test_every_default_in_the_documentation_is_the_real_one() -> None:
    text = (CHECKOUT / "docs" / "settings.md").read_text()
    rows = re.findall(r"^\| `([a-z_]+)` \| `([0-9.]+)` \|", text, flags=re.MULTILINE)
    assert len(rows) > 8
    for name, default in rows:
        assert float(default) == Settings.model_fields[name].default


def test_every_file_and_folder_that_the_architecture_names_is_there() -> None:
    text = (CHECKOUT / "docs" / "architecture.md").read_text()
    named = re.findall(r"`((?:src|tests|docs|scripts|deploy|benchmarks|\.ci)/[\w./-]*)`", text)
    named += [
        f"src/toottail/{path}"
        for path in re.findall(r"`(?!tests/|deploy/|benchmarks/)([a-z_]+/[a-z_]*(?:\.py)?)`", text)
    ]
    assert len(named) > 20
    assert [path for path in named if not (CHECKOUT / path).exists()] == []


def test_every_source_is_documented_with_its_scopes_and_nothing_else() -> None:
    text = (CHECKOUT / "docs" / "sources.md").read_text()
    rows = re.findall(r"^\| `([a-z_]+)[^`]*` \| (\d+) \| ([^|]*)\|", text, flags=re.MULTILINE)
    documented = {
        kind: (int(n), set(re.findall(r"[a-z]+:[a-z]+", scopes))) for kind, n, scopes in rows
    }
    assert documented == {word: (kind.entries, set(kind.scopes)) for word, kind in KINDS.items()}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_command_and_option_that_a_page_tellsexists(page: Path) -> None:
    wrong = [told for told in _told_commands(page.read_text()) if not exists(told)]
    assert wrong == []


def test_a_command_or_an_option_that_is_none_is_noticed() -> None:
    told = "    toottail serv\n    toottail members drop me\n    sudo toottail serve --lisen X\n"
    told += "    kubectl -n toottail exec one -- toottail lane\n    helm test toottail other\n"
    commands = list(_told_commands(told + "`toottail hosts example.social` and TootTail served"))
    assert [exists(command) for command in commands] == [False, False, False, False, True]


def _told_commands(text: str) -> Iterator[list[str]]:
    """What follows ``toottail`` in lines of code and between backticks, word by word."""
    # A line that ends with a backslash goes on in the next one.
    text = text.replace("\\\n", " ")
    code = re.findall(r"^ {4,}(.*)$", text, flags=re.MULTILINE) + re.findall(r"`([^`\n]+)`", text)
    for line in code:
        if line.startswith(("kubectl ", "helm ")):
            # What is run in a pod; before that, `toottail` is a name of theirs.
            line = line.partition(" -- ")[2]
        if found := re.search(r"(?:^|[\s/])toottail ((?![=/])[^#;|]*)", line):
            yield found[1].split()


def exists(words: list[str]) -> bool:
    """Whether these words after ``toottail`` are a command, and options that it has."""
    command: Any = get_command(app)
    known = {"--help"}
    for word in words:
        if word.startswith("-") or not hasattr(command, "commands"):
            break
        found = command.commands.get(word)
        if found is None and command.name == "hosts":
            break
        if found is None:
            return False
        command = found
    # `hosts NAME` means `hosts show NAME`.
    command = command.commands["show"] if command.name == "hosts" else command
    known.update(*([*p.opts, *p.secondary_opts] for p in command.params))
    return {
        word.partition("=")[0].rstrip(",.:") for word in words if word.startswith("--")
    } <= known
