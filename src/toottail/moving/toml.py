"""The configuration file of what moved over, as text: settings on top, then a table per account."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence

from toottail.moving.move import Move


def render(move: Move, *, token_files: Sequence[str], blocklist: str | None, heading: str) -> str:
    """The file's text. ``token_files`` are those of the accounts, in their order, beside it."""
    settings = dict(move.settings)
    if blocklist is not None:
        settings["blocklists"] = [blocklist]
    lines = [f"# {heading}", *_table(settings)]
    for account, file in zip(move.accounts, token_files, strict=True):
        own = {"home": account.home, "token_file": file, "sources": list(account.sources)}
        lines += ["", "[[account]]", *_table(own | dict(move.choices))]
    return "\n".join(lines) + "\n"


def _table(values: Mapping[str, object]) -> list[str]:
    return [f"{key} = {_value(value)}" for key, value in values.items()]


def _value(value: object) -> str:
    if isinstance(value, list):
        return "[" + ", ".join(_value(one) for one in value) + "]"
    # TOML's basic strings, numbers and truth values are JSON's but for two things: it does not
    # know halves of a sign, and wants DEL escaped.
    return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007F")
