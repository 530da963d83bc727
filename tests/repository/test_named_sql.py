"""Every named statement fits the schema."""

from __future__ import annotations

import importlib
import pkgutil
import re

import pytest

import toottail.repository
from toottail.repository.database import Database

_OF_OTHERS = {"combine_social"}
"""Modules whose statements are for another program's tables; they have tests of their own."""
_VERBS = re.compile(r"\s*(SELECT|INSERT|UPDATE|DELETE|WITH)\b")


def _statements() -> list[tuple[str, str]]:
    found = []
    for module in pkgutil.iter_modules(toottail.repository.__path__):
        if module.name in _OF_OTHERS:
            continue
        loaded = importlib.import_module(f"toottail.repository.{module.name}")
        for name, value in vars(loaded).items():
            texts = value if isinstance(value, tuple) else (value,)
            found += [
                (f"{module.name}.{name}.{n}", text)
                for n, text in enumerate(texts)
                if name.isupper() and isinstance(text, str) and _VERBS.match(text)
            ]
    return found


async def test_every_named_statement_can_be_prepared(database: Database) -> None:
    statements = _statements()
    assert len(statements) > 50
    wrong = []
    async with database.pool.acquire() as connection:
        for name, text in statements:
            try:
                await connection.prepare(text)
            except Exception as error:  # all of them are wanted in one go
                wrong.append(f"{name}: {error}")
    if wrong:
        pytest.fail("\n".join(wrong))
