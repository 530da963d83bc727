"""``toottail demo``: the main job, shown on a pretend fediverse on this machine."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from rich.console import Console
from rich.table import Table
from rich.text import Text

from toottail.cli.demo_service import clean_environment, new_data_dir, offer, pass_on
from toottail.cli.interrupts import signals
from toottail.cli.prompts import VARIABLE
from toottail.cli.tree import draw
from toottail.simulator.process import SimulatorProcess

# A timeline of 40, and rate limits so wide that the show does not last minutes.
_WORLD = ("--world", "small", "--limit-scale", "20", "--latency-scale", "0.5")
_DRAWN = 3
_SIZE_TO_DRAW = range(6, 15)
_ROWS = 12

Conversation = Mapping[str, Any]


def demo(*, serve: bool | None = None) -> int:
    """Shows it, and returns the exit code of the run. Raises `Interrupted`.

    ``serve``: it then offers the service on this machine until Ctrl-C; None: where somebody sits
    at the terminal.
    """
    code = _show(Console(highlight=False))
    if serve is None:
        serve = sys.stdin.isatty() and sys.stdout.isatty() and not os.environ.get("CI")
    if serve and code == 0:
        offer()
    return code


def _show(console: Console) -> int:
    with _pretend_fediverse() as sim, new_data_dir() as data_dir:
        before = _conversations(sim)
        drawn = _to_draw(before)
        console.rule(f"The timeline of a member of {sim.home}, before")
        _draw_all(console, before, drawn)
        console.print(
            "\nGrey replies exist on the servers where they were written, but not here.\n"
        )
        console.rule(f"$ toottail fetch {sim.home}")
        console.file.flush()
        code = _run(sim, data_dir)
        signals.check()
        after = _conversations(sim)
        console.rule("The same timeline, after")
        _draw_all(console, after, drawn)
        console.print(_table(before, after))
        _tell_more(console)
        return code


@contextmanager
def _pretend_fediverse() -> Iterator[SimulatorProcess]:
    with SimulatorProcess(*_WORLD) as sim:
        yield sim


def _conversations(sim: SimulatorProcess) -> dict[str, Conversation]:
    found = sim.truth()["conversations"]
    return {conversation["root"]: conversation for conversation in found}


def _to_draw(conversations: Mapping[str, Conversation]) -> Sequence[str]:
    """A few threads that fit on a screen and lack much."""
    fitting = [c for c in conversations.values() if len(c["statuses"]) in _SIZE_TO_DRAW]
    fitting.sort(key=lambda c: -sum(s["missing_at_start"] for s in c["statuses"]))
    return [c["root"] for c in fitting[:_DRAWN]]


def _draw_all(
    console: Console, conversations: Mapping[str, Conversation], drawn: Sequence[str]
) -> None:
    for root in drawn:
        statuses = {status["uri"]: status for status in conversations[root]["statuses"]}
        parents = {uri: status["parent"] for uri, status in statuses.items()}
        labels = {uri: _label(status) for uri, status in statuses.items()}
        heading = f"{_count(conversations[root])} of {len(statuses)} posts are here"
        console.print(draw(parents, labels.__getitem__, Text(heading, style="bold")))


def _label(status: Mapping[str, Any]) -> Text:
    who = _author(status["uri"])
    if not status["at_home"]:
        return Text(f"{who}  (missing)", style="bright_black")
    return Text(who, style="green" if status["missing_at_start"] else "")


def _author(uri: str) -> str:
    parts = urlsplit(uri)
    # Some servers name nobody in the addresses of posts.
    names = re.match(r"/(?:users/|@)([^/]+)", parts.path)
    return f"@{names[1]}@{parts.netloc}" if names else parts.netloc


def _run(sim: SimulatorProcess, data_dir: Path) -> int:
    """Runs the real command, as a person would, against the pretend fediverse."""
    environment = {**clean_environment(sim, data_dir), VARIABLE: sim.token}
    command = [sys.executable, "-m", "toottail", "fetch", sim.home]
    with subprocess.Popen(command, env=environment) as process:  # noqa: S603 — our own module
        signals.on_first(lambda: pass_on(process))
        try:
            return process.wait()
        finally:
            signals.on_first(None)


def _table(before: Mapping[str, Conversation], after: Mapping[str, Conversation]) -> Table:
    table = Table(title="Posts at home, thread by thread")
    table.add_column("thread begun by")
    for name in ("all posts", "before", "after"):
        table.add_column(name, justify="right")
    rows = [
        (_author(root), len(was["statuses"]), _count(was), _count(after[root]))
        for root, was in before.items()
    ]
    rows.sort(key=lambda row: row[2] - row[3])
    shown, rest = rows[:_ROWS], rows[_ROWS:]
    for row in shown:
        table.add_row(*(str(cell) for cell in row))
    if rest:
        sums = (str(sum(row[n] for row in rest)) for n in (1, 2, 3))  # type: ignore[misc]
        table.add_row(f"{len(rest)} more threads", *sums)
    table.add_section()
    sums = (str(sum(row[n] for row in rows)) for n in (1, 2, 3))  # type: ignore[misc]
    table.add_row("together", *sums, style="bold")
    return table


def _count(conversation: Conversation) -> int:
    return sum(status["at_home"] for status in conversation["statuses"])


def _tell_more(console: Console) -> None:
    console.print(
        "\nFor your own account, with the name of your server in place of example.social:\n"
        "    toottail fetch example.social\n"
        "or, in a checkout, make run HOME=example.social.\n"
        "It asks for a token and says where to get one. Then, for any post of a thread:\n"
        "    toottail explain URL\n",
        markup=False,
    )
