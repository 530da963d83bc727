"""The panels of the dashboard for Grafana, asked as Grafana asks them."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks.common import ROOT
from benchmarks.prometheus import JOB, SCRAPE_EVERY, Prometheus, Series

DASHBOARD = ROOT / "deploy" / "monitoring" / "dashboard.json"
COLUMNS = 24
"""Of the grid that the panels' places are told in."""
_POINTS = 180
"""So many in each line, about."""


@dataclass(frozen=True, slots=True)
class Panel:
    """One panel, or the heading of a row; ``queries`` are pairs of expression and legend.

    ``kind`` is Grafana's: ``row``, ``stat``, ``timeseries``, ``heatmap``. ``steps``: from which
    value on (None: any) which colour tells it.
    """

    kind: str
    title: str
    x: int
    y: int
    width: int
    height: int
    unit: str
    stacked: bool
    queries: tuple[tuple[str, str], ...]
    steps: tuple[tuple[float | None, str], ...]


@dataclass(frozen=True, slots=True)
class Line:
    """What is drawn of a series."""

    name: str
    labels: Mapping[str, str]
    points: tuple[tuple[float, float], ...]


def read(file: Path = DASHBOARD) -> list[Panel]:
    """The panels from top to bottom. Raises `ValueError` for kinds that nobody here can draw."""
    told = json.loads(file.read_text())["panels"]
    return sorted(map(_panel, told), key=lambda panel: (panel.y, panel.x))


def _panel(told: Mapping[str, Any]) -> Panel:
    if told["type"] not in ("row", "stat", "timeseries", "heatmap"):
        raise ValueError(f"{told['title']}: cannot be drawn, it is a {told['type']}")
    place = told["gridPos"]
    defaults = told.get("fieldConfig", {}).get("defaults", {})
    steps = defaults.get("thresholds", {}).get("steps", [])
    return Panel(
        told["type"],
        told["title"],
        place["x"],
        place["y"],
        place["w"],
        place["h"],
        defaults.get("unit", "short"),
        defaults.get("custom", {}).get("stacking", {}).get("mode") == "normal",
        tuple((one["expr"], one.get("legendFormat", "")) for one in told.get("targets", ())),
        tuple((step["value"], step["color"]) for step in steps),
    )


def expression(written: str) -> str:
    """A query with Grafana's variables filled in."""
    # As Grafana does: never less than four readings.
    filled = written.replace("$__rate_interval", f"{4 * SCRAPE_EVERY}s").replace("$job", JOB)
    if "$" in filled:
        raise ValueError(f"there is a variable that nobody here knows in {written}")
    return filled


def ask(panel: Panel, prometheus: Prometheus, begin: float, end: float) -> list[Line]:
    """The lines of a panel for that time; none where there is no data."""
    step = max(SCRAPE_EVERY, (end - begin) / _POINTS)
    return [
        Line(_legend(legend, one), one.labels, one.points)
        for query, legend in panel.queries
        for one in prometheus.ask(expression(query), begin, end, step)
        if one.points
    ]


def _legend(written: str, series: Series) -> str:
    if not written:
        return ", ".join(value for key, value in series.labels.items() if key != "__name__")
    return re.sub(r"{{\s*(\w+)\s*}}", lambda found: series.labels.get(found[1], ""), written)


def without_data(drawn: Sequence[tuple[Panel, Sequence[Line]]]) -> list[str]:
    """Titles of panels that had nothing to show."""
    return [panel.title for panel, lines in drawn if panel.queries and not lines]
