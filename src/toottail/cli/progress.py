"""How far a run is: drawn in place on a terminal, told line by line elsewhere."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from time import monotonic

from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.progress_bar import ProgressBar
from rich.spinner import Spinner
from rich.table import Table
from rich.text import Text

from toottail.types.reports import Progress

LINE_EVERY = 3.0
"""Seconds between two lines, where they cannot be drawn in place."""
_MOST_HOSTS = 4


class Display:
    """Takes the progress of runs, one on each of ``homes``, and lets a person see it."""

    def __init__(self, homes: Sequence[str], draw: Callable[[RenderableType], None] | None) -> None:
        self.latest: Progress | None = None
        self._parts = [Progress()] * len(homes)
        self._home = homes[0] if len(homes) == 1 else f"{len(homes)} accounts"
        self._draw = draw
        self._heading = f"{self._home}: starting"
        self._last_line = ""
        self._next_line = 0.0
        self._refresh()

    def show(self, number: int, progress: Progress) -> None:
        """Shows a new state of the run with this number, beside those of the others."""
        self._parts[number] = progress
        progress = summed(self._parts)
        if self.latest is not None and progress.collected and not self.latest.collected:
            # The run's size is known only now: that is told at once.
            self._next_line = 0.0
        self.latest = progress
        doing = "at work" if progress.collected else "reading"
        self._heading = f"{self._home}: {doing}"
        self._refresh()

    def stopping(self) -> None:
        """Shows that the run was asked to stop."""
        self._heading = "stopping (Ctrl-C again: at once)"
        self._refresh()

    def _refresh(self) -> None:
        if self._draw is not None:
            self._draw(_drawing(self._heading, self.latest))
        elif self.latest is not None and monotonic() >= self._next_line:
            line = one_line(self.latest)
            if line != self._last_line:
                print(f"{self._home}: {line}", file=sys.stderr, flush=True)
                self._next_line = monotonic() + LINE_EVERY
                self._last_line = line


def summed(parts: Sequence[Progress]) -> Progress:
    """Several runs seen as one; a conversation that two of them have counts twice."""
    if len(parts) == 1:
        return parts[0]
    waiting: dict[str, datetime] = {}
    for part in parts:
        for host, until in part.waiting_for:
            waiting[host] = min(until, waiting.get(host, until))
    counts = {
        name: sum(getattr(part, name) for part in parts)
        for name, kind in Progress.__annotations__.items()
        if kind == "int"
    }
    return Progress(
        collected=all(part.collected for part in parts),
        waiting_for=tuple(waiting.items()),
        **counts,
    )


@contextmanager
def display(homes: Sequence[str], *, quiet: bool = False) -> Iterator[Display]:
    """A display on standard error, for as long as the block lasts; ``quiet``: one that is blank."""
    if quiet:
        yield Display(homes, lambda _: None)
        return
    console = Console(stderr=True)
    if not console.is_terminal or console.is_dumb_terminal:
        yield Display(homes, None)
        return
    with Live(console=console, transient=True, refresh_per_second=8) as live:
        yield Display(homes, live.update)


def one_line(progress: Progress) -> str:
    """The state in one line of text."""
    if not progress.collected:
        return f"{progress.statuses_read} statuses read"
    parts = [
        f"{progress.conversations} conversations",
        f"{progress.looked} looked at",
        f"{progress.finished} whole",
        f"{progress.found} replies found",
        f"{progress.delivered} delivered",
    ]
    if progress.feeds:
        parts.append(f"{progress.feeds_done} of {progress.feeds} profiles and hashtags")
    if progress.waiting_for:
        parts.append(f"waiting for {_waiting(progress)}")
    return ", ".join(parts)


def _waiting(progress: Progress) -> str:
    named = [
        f"{host} until {until.astimezone():%H:%M:%S}"
        for host, until in progress.waiting_for[:_MOST_HOSTS]
    ]
    more = len(progress.waiting_for) - len(named)
    return ", ".join(named) + (f" and {more} more" if more > 0 else "")


def _drawing(heading: str, progress: Progress | None) -> RenderableType:
    spinner = Spinner("dots", Text(f" {heading}", style="bold"))
    if progress is None:
        return spinner
    grid = Table.grid(padding=(0, 2))
    grid.add_column(style="dim")
    grid.add_column(justify="right")
    grid.add_column()
    whole = Table.grid(padding=(0, 1))
    whole.add_row(
        ProgressBar(total=max(progress.conversations, 1), completed=progress.finished, width=24),
        f"{progress.finished} of {progress.conversations} whole",
    )
    grid.add_row("  statuses", str(progress.statuses_read), "read")
    grid.add_row("  conversations", str(progress.looked), "looked at")
    grid.add_row("", "", whole)
    grid.add_row("  replies", str(progress.found), "found")
    grid.add_row("", str(progress.delivered), "delivered")
    if progress.feeds:
        grid.add_row("  profiles, hashtags", str(progress.feeds_done), f"of {progress.feeds} read")
    if not progress.waiting_for:
        return Group(spinner, grid)
    waiting = Text(f"  waiting for {_waiting(progress)}", style="yellow")
    return Group(spinner, grid, waiting)
