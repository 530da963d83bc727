"""Geometry of the drawings. Numbers in, numbers out; templates draw."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from toottail.types.service import ConversationRow, DayCount

WIDTH, HEIGHT = 600, 120
_GAP = 4
_LEAST = 2


@dataclass(frozen=True, slots=True)
class Bar:
    """One day's bar."""

    day: DayCount
    x: float
    y: float
    width: float
    height: float


@dataclass(frozen=True, slots=True)
class Plot:
    """Bars within `WIDTH` × `HEIGHT`; ``top`` is what the full height stands for."""

    bars: Sequence[Bar]
    top: int
    total: int


def bars(days: Sequence[DayCount]) -> Plot:
    """A bar for each day, the highest as high as the plot."""
    most = max((day.delivered for day in days), default=0)
    step = WIDTH / max(1, len(days))
    drawn = []
    for number, day in enumerate(days):
        height = max(_LEAST, day.delivered / most * HEIGHT) if day.delivered else 0
        drawn.append(
            Bar(
                day,
                round(number * step + _GAP / 2, 2),
                round(HEIGHT - height, 2),
                round(step - _GAP, 2),
                round(height, 2),
            )
        )
    return Plot(drawn, most, sum(day.delivered for day in days))


@dataclass(frozen=True, slots=True)
class Share:
    """A conversation's bar, in percent: what was here, what was brought, what is on its way."""

    were: float
    brought: float
    waiting: float


def share(row: ConversationRow) -> Share:
    """How much of a conversation is here."""
    total = max(1, row.total)

    def percent(count: int) -> float:
        return round(min(100.0, max(0, count) / total * 100), 2)

    were = percent(min(row.were_here, row.here))
    brought = min(percent(row.here - row.were_here), 100 - were)
    return Share(were, brought, min(percent(row.waiting), 100 - were - brought))


@dataclass(frozen=True, slots=True)
class Sketched:
    """A status in the picture of the front page: where its face is, what it hangs from."""

    x: int
    y: int
    width: int
    second: int
    elbow: str
    was_here: bool
    order: int


_SKETCH = (
    # depth, widths of the two lines of text, which one it replies to, seen by a small server
    (0, 104, 72, None, True),
    (1, 86, 0, 0, False),
    (2, 64, 40, 1, False),
    (2, 72, 0, 1, False),
    (1, 78, 52, 0, True),
    (2, 58, 0, 4, False),
    (3, 50, 0, 5, False),
    (1, 92, 60, 0, False),
)
SKETCH_WIDTH, SKETCH_HEIGHT = 172, 218
SKETCHED_HERE = sum(status[4] for status in _SKETCH)
SKETCHED_ALL = len(_SKETCH)


def sketch() -> Sequence[Sketched]:
    """A small thread, as the front page draws it three times."""
    drawn: list[Sketched] = []
    for number, (depth, width, second, parent, here) in enumerate(_SKETCH):
        x, y = 14 + depth * 22, 16 + number * 27
        elbow = ""
        if parent is not None:
            above = drawn[parent]
            elbow = f"M{above.x} {above.y + 9}V{y - 6}q0 6 6 6H{x - 9}"
        brought = sum(not status.was_here for status in drawn)
        drawn.append(Sketched(x, y, width, second, elbow, here, brought))
    return drawn
