"""Pictures of figures over time: a dashboard in its own layout, and plots of a long run."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from io import BytesIO
from pathlib import Path
from typing import Any

import matplotlib as mpl
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, Locator, MaxNLocator, MultipleLocator
from PIL import Image

from benchmarks.panels import COLUMNS, Line, Panel

mpl.use("agg")
_INK, _FAINT, _GROUND = "#24292f", "#d8dee4", "#f6f8fa"
_PALETTE = (
    *("#3274d9", "#e0752d", "#37872d", "#c4162a", "#8f3bb8", "#0a9a9a"),
    *("#b8860b", "#d6408c", "#5b6770", "#7eb26d", "#6d1f62", "#2f575e"),
)
_STEPS = {"green": "#d7f0d8", "orange": "#ffe3bf", "red": "#ffd3d3"}
_WIDE, _ROW = 14.0, 0.34
"""Inches: of the whole, and the height of one row of the grid."""
_DOTS = 100
_COLOURS = 96
"""So few are enough for lines on a plain ground, and the file is a third of what it was."""
_IN_LEGEND = 12
_MARKS = 6
"""On a scale, at most."""
_ROUND: Mapping[str, Sequence[float]] = {
    "bytes": [2**power for power in range(60)],
    "s": (
        *(count * 10**power for power in range(-6, 0) for count in (1, 2, 5)),
        *(1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1_800, 3_600, 7_200, 21_600, 43_200, 86_400),
    ),
}
"""Distances of marks that are easy to read, by unit."""
_TEXT: Any = {"font.size": 8, "axes.edgecolor": _FAINT, "text.color": _INK, "axes.labelcolor": _INK}


def draw_dashboard(drawn: Sequence[tuple[Panel, Sequence[Line]]], file: Path, caption: str) -> None:
    """Every panel where the dashboard has it, with ``caption`` below."""
    rows = max(panel.y + panel.height for panel, _ in drawn) + 1
    with mpl.rc_context(_TEXT):
        figure = Figure(figsize=(_WIDE, rows * _ROW), dpi=_DOTS, facecolor=_GROUND)
        for panel, lines in drawn:
            left, top = panel.x / COLUMNS, 1 - panel.y / rows
            wide, high = panel.width / COLUMNS, panel.height / rows
            if panel.kind == "row":
                figure.text(0.008, top - 0.7 * high, panel.title, fontsize=11, weight="bold")
                continue
            edge, row = 0.004, 1 / rows
            box = (left + edge, top - high + 0.12 * row, wide - 2 * edge, high - 0.24 * row)
            _draw_panel(figure, box, row, panel, lines)
        figure.text(0.008, 0.35 / rows, caption, fontsize=8)
        _save(figure, file)


def _draw_panel(
    figure: Any,
    box: tuple[float, float, float, float],
    row: float,
    panel: Panel,
    lines: Sequence[Line],
) -> None:
    left, bottom, wide, high = box
    card = figure.add_axes(box, facecolor="white", xticks=[], yticks=[])
    figure.text(left + 0.006, bottom + high - 0.75 * row, panel.title, fontsize=8, weight="bold")
    if not lines:
        card.text(0.5, 0.45, "no data", ha="center", color="#8c959f", transform=card.transAxes)
    elif panel.kind == "stat":
        _draw_stat(card, panel, lines)
    else:
        inner = (left + 0.034, bottom + 1.75 * row, wide - 0.042, high - 2.85 * row)
        axes = figure.add_axes(inner, facecolor="white")
        _draw_lines(axes, panel, lines)


def _draw_stat(card: Any, panel: Panel, lines: Sequence[Line]) -> None:
    value = lines[-1].points[-1][1]
    colours = [colour for start, colour in panel.steps if start is None or value >= start]
    card.set_facecolor(_STEPS.get(colours[-1] if colours else "", "white"))
    card.text(
        0.5,
        0.4,
        written(value, panel.unit),
        ha="center",
        va="center",
        fontsize=20,
        transform=card.transAxes,
    )


def _draw_lines(axes: Any, panel: Panel, lines: Sequence[Line]) -> None:
    _set_up(axes, panel.unit)
    if panel.kind == "heatmap":
        _draw_heatmap(axes, lines)
        _by_the_clock(axes)
        return
    if panel.stacked:
        times = sorted({at for line in lines for at, _ in line.points})
        layers = [[dict(line.points).get(at, 0.0) for at in times] for line in lines]
        names = [line.name for line in lines]
        axes.stackplot(times, layers, labels=names, colors=_PALETTE, alpha=0.75)
    else:
        for number, line in enumerate(lines):
            _plot(axes, line, _PALETTE[number % len(_PALETTE)])
    _from_zero(axes, panel.unit)
    _by_the_clock(axes)
    _legend(axes, lines)


def _plot(axes: Any, line: Line, colour: str) -> None:
    times, values = zip(*line.points, strict=True)
    axes.plot(
        times,
        values,
        label=line.name,
        color=colour,
        linewidth=1.1,
        marker="." if len(times) < 3 else None,
    )


def _draw_heatmap(axes: Any, lines: Sequence[Line]) -> None:
    """Buckets from below to above; darker: more."""
    ordered = sorted(lines, key=lambda line: float(line.labels["le"]))
    times = sorted({at for line in ordered for at, _ in line.points})
    sums = [[dict(line.points).get(at, 0.0) for at in times] for line in ordered]
    below = [[0.0] * len(times), *sums[:-1]]
    cells = [
        [max(0.0, upper - lower) for upper, lower in zip(*pair, strict=True)]
        for pair in zip(sums, below, strict=True)
    ]
    axes.pcolormesh(times, range(len(cells)), cells, cmap="Blues")
    every = range(0, len(ordered), max(1, len(ordered) // 6))
    names = [float(ordered[number].labels["le"]) for number in every]
    axes.set_yticks(list(every), [written(name, "s") for name in names])
    axes.yaxis.grid(visible=False)


def _legend(axes: Any, lines: Sequence[Line]) -> None:
    if len(lines) == 1 and not lines[0].name:
        return
    handles, names = axes.get_legend_handles_labels()
    left_out = len(names) - _IN_LEGEND
    handles, names = handles[:_IN_LEGEND], names[:_IN_LEGEND]
    shown = axes.legend(
        handles,
        names,
        loc="upper left",
        bbox_to_anchor=(-0.06, -0.13),
        ncols=min(6, max(2, 66 // max(10, max(map(len, names)) + 5))),
        fontsize=6,
        frameon=False,
        columnspacing=1.0,
        handlelength=1.0,
        borderpad=0,
        labelspacing=0.2,
        title=f"and {left_out} more" if left_out > 0 else None,
        title_fontsize=6,
    )
    shown.set_in_layout(False)


def _set_up(axes: Any, unit: str) -> None:
    axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: written(value, unit)))
    axes.xaxis.set_major_formatter(FuncFormatter(lambda at, _: f"{_moment(at):%H:%M}"))
    axes.tick_params(labelsize=6.5, length=0, colors="#57606a")
    axes.grid(color=_FAINT, linewidth=0.6)
    axes.set_axisbelow(True)
    for side in ("top", "right"):
        axes.spines[side].set_visible(False)


def _from_zero(axes: Any, unit: str) -> None:
    """The scale begins at 0, and its marks are round in ``unit``."""
    axes.set_ylim(bottom=0)
    axes.yaxis.set_major_locator(_locator(axes.get_ylim()[1], _ROUND.get(unit, ())))


def _by_the_clock(axes: Any) -> None:
    """The times below are round ones."""
    begin, end = axes.get_xlim()
    axes.xaxis.set_major_locator(_locator(end - begin, _ROUND["s"]))


def _locator(wide: float, steps: Iterable[float]) -> Locator:
    step = next((step for step in steps if wide / step <= _MARKS), None)
    return MultipleLocator(step) if step else MaxNLocator(_MARKS)


def draw_plots(plots: Mapping[str, tuple[str, Sequence[Line]]], file: Path, caption: str) -> None:
    """One plot below the other: by its title its unit and its lines."""
    with mpl.rc_context(_TEXT):
        figure = Figure(figsize=(9.0, 2.7 * len(plots) + 0.3), dpi=_DOTS, facecolor="white")
        grid = figure.subplots(len(plots), 1, sharex=True, squeeze=False)[:, 0]
        for axes, (title, (unit, lines)) in zip(grid, plots.items(), strict=True):
            _set_up(axes, unit)
            axes.set_title(title, loc="left", fontsize=9, weight="bold")
            for number, line in enumerate(lines):
                _plot(axes, line, _PALETTE[number % len(_PALETTE)])
            _from_zero(axes, unit)
            _by_the_clock(axes)
            axes.legend(fontsize=7, frameon=False, loc="center left", bbox_to_anchor=(1.0, 0.5))
        figure.text(0.01, 0.008, caption, fontsize=7)
        figure.tight_layout(rect=(0, 0.02, 1, 1))
        _save(figure, file)


def _save(figure: Figure, file: Path) -> None:
    drawn = BytesIO()
    figure.savefig(drawn, format="png")
    file.parent.mkdir(parents=True, exist_ok=True)
    with Image.open(drawn) as image:
        few = image.convert("RGB").quantize(_COLOURS, dither=Image.Dither.NONE)
        few.save(file, optimize=True)


def _moment(seconds: float) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)


_SCALES = {
    "bytes": (("GiB", 1 << 30), ("MiB", 1 << 20), ("KiB", 1 << 10), ("B", 1)),
    "Bps": (("MB/s", 1e6), ("kB/s", 1e3), ("B/s", 1)),
    "s": (("d", 86_400), ("h", 3_600), ("min", 60), ("s", 1), ("ms", 1e-3), ("µs", 1e-6)),
    "percentunit": (("%", 0.01),),
    "reqps": (("k/s", 1e3), ("/s", 1)),
    "ops": (("k/s", 1e3), ("/s", 1)),
}
_PLAIN = (("M", 1e6), ("k", 1e4), ("", 1))


def written(value: float, unit: str) -> str:
    """A value in a unit of Grafana's, short."""
    if not math.isfinite(value):
        return "∞" if value > 0 else "-"
    scales = _SCALES.get(unit, _PLAIN)
    name, scale = next((one for one in scales if abs(value) >= one[1]), scales[-1])
    if value == 0:
        name, scale = next(one for one in scales if one[1] <= 1)
    number = f"{value / scale:.3g}"
    if "e" in number:
        number = f"{value / scale:.0f}"
    gap = " " if name and name not in ("k", "M") and not name.startswith("/") else ""
    return f"{number}{gap}{name}"
