"""The documents tell what there is: every setting, every option."""

from __future__ import annotations

import re
from pathlib import Path

from toottail.settings import Settings
from toottail.types.sources import KINDS

CHECKOUT = Path(__file__).parents[2]


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
    named = re.findall(r"`((?:src|tests|docs|scripts|\.ci)/[\w./-]*)`", text)
    named += [
        f"src/toottail/{path}"
        for path in re.findall(r"`(?!tests/)([a-z_]+/[a-z_]*(?:\.py)?)`", text)
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
