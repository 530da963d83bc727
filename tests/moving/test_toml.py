"""The configuration that is written: what is read back is what was meant."""

from __future__ import annotations

import tomllib

from hypothesis import given
from hypothesis import strategies as st
from pydantic import SecretStr

from toottail.moving.move import Account, Move
from toottail.moving.toml import render

# A path, a URL: no text with a lone half of a sign can be written to a file at all.
_TEXT = st.text(st.characters(codec="utf-8"))


def test_settings_come_first_and_each_account_has_a_table_of_its_own() -> None:
    accounts = (
        Account("one.example", SecretStr("5ecret"), ("home=200", "lists")),
        Account("two.example", None, ("home",)),
    )
    move = Move(accounts, {"with_conversations": True}, {"idle_timeout": 9})
    text = render(move, token_files=["/a", "/b"], blocklist="/c", heading="moved")
    assert tomllib.loads(text) == {
        "idle_timeout": 9,
        "blocklists": ["/c"],
        "account": [
            {
                "home": "one.example",
                "token_file": "/a",
                "sources": ["home=200", "lists"],
                "with_conversations": True,
            },
            {
                "home": "two.example",
                "token_file": "/b",
                "sources": ["home"],
                "with_conversations": True,
            },
        ],
    }
    assert "5ecret" not in text


@given(_TEXT, st.lists(_TEXT))
def test_any_text_is_read_back_as_it_was(value: str, several: list[str]) -> None:
    move = Move((), {}, {"on_done": value, "lan_monitors": several})
    read = tomllib.loads(render(move, token_files=[], blocklist=None, heading="moved"))
    assert read == {"on_done": value, "lan_monitors": several}
