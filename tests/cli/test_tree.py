"""Trees of conversations, however deep or odd."""

from __future__ import annotations

import io

from rich.console import Console
from rich.text import Text

from toottail.cli.tree import DEEPEST, draw


def drawn(parents: dict[str, str | None], width: int = 200) -> list[str]:
    console = Console(file=io.StringIO(), width=width)
    console.print(draw(parents, Text, Text("heading")))
    assert isinstance(console.file, io.StringIO)
    return console.file.getvalue().splitlines()


def test_replies_stand_below_what_they_reply_to_in_the_order_given() -> None:
    lines = drawn({"root": None, "a": "root", "b": "root", "of a": "a"})
    assert [line.lstrip("│├└─ ") for line in lines] == ["heading", "root", "a", "of a", "b"]
    assert lines[3].index("of a") > lines[2].index("a") == lines[4].index("b")


def test_a_thread_deeper_than_the_screen_is_wide_is_drawn_whole() -> None:
    parents: dict[str, str | None] = {"r0": None}
    parents |= {f"r{n}": f"r{n - 1}" for n in range(1, 3000)}
    lines = drawn(parents)
    assert len(lines) == 3001
    assert "level 2999 r2999" in lines[-1]
    assert max(len(line) for line in lines) < 5 * DEEPEST + 20


def test_a_reply_to_something_unknown_stands_at_the_top() -> None:
    assert drawn({"orphan": "unknown"})[1].endswith("── orphan")


def test_a_circle_that_somebody_made_up_does_not_hang_it() -> None:
    assert drawn({"root": None, "a": "b", "b": "a"})[1:] == ["└── root"]
