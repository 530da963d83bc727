"""The service as compose.yaml starts it, under load for half an hour, watched by Prometheus.

    python -m benchmarks.rehearsal --minutes 30 --members 500
    python -m benchmarks.rehearsal --minutes 3 --before 0 --pictures /tmp/pictures

A city of members is taken in by ``toottail members import``. When all first runs are over, or after
``--warm-up`` minutes, people go on posting and visitors ask for pages, and when that has become
usual, so many minutes are measured. Then every panel of the dashboard is asked as Grafana would,
and drawn, and so are memory, database and delays. Printed are the medians of the first and the last
third, what a straight line gains in an hour, panels without data, and alerts that fired.

Needs Debian's package ``prometheus``, or the program of that name on the PATH.
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from statistics import linear_regression, median

import psutil  # type: ignore[import-untyped]

from benchmarks.common import ROOT, data_dir, say, table
from benchmarks.drawing import draw_dashboard, draw_plots, written
from benchmarks.panels import Line, Panel, ask, read, without_data
from benchmarks.prometheus import Prometheus
from benchmarks.stack import Stack
from benchmarks.visitors import visiting
from toottail.simulator.process import SimulatorProcess

_SAMPLE_EVERY = 5.0
_WINDOW = 60.0
"""Seconds of postings whose delays are told together."""
_FLAT = 1.1
"""What the last third may be at most, of the first."""
_METRICS = {"TOOTTAIL_METRICS_LISTEN": "0.0.0.0:9464"}
_LEFT = "SELECT count(*) FROM runs WHERE ended_at IS NULL"
_SIZE = "SELECT pg_database_size(current_database())"
DATABASE, DELAY, LATE = "database", "delay, median", "delay, 95 %"
_UNITS = {DATABASE: "bytes", DELAY: "s", LATE: "s"}


@dataclass(frozen=True, slots=True)
class Trend:
    """How a figure went: medians of the first and the last third, what an hour adds, the most."""

    first: float
    last: float
    per_hour: float
    most: float

    @property
    def flat(self) -> bool:
        """Whether the last third is about the first, or below."""
        return self.last <= _FLAT * self.first


@dataclass(slots=True)
class Figures:
    """What was measured between ``begin`` and ``end``, in Unix seconds.

    ``series`` are points of seconds since the begin and bytes (memory of a process by its name, the
    database) or seconds (delays of new replies). ``limits`` are the bytes that compose.yaml gives.
    """

    members: int
    homes: int
    settled: bool = False
    begin: float = 0.0
    end: float = 0.0
    series: dict[str, list[tuple[float, float]]] = field(default_factory=dict)
    limits: dict[str, int] = field(default_factory=dict)
    dead_panels: list[str] = field(default_factory=list)
    alerts: list[str] = field(default_factory=list)
    failed_visits: int = 0
    visits: int = 0
    over_limit: int = 0

    def note(self, name: str, at: float, value: float) -> None:
        """One more point of a series."""
        self.series.setdefault(name, []).append((round(at - self.begin, 1), value))

    def trends(self) -> dict[str, Trend]:
        """By series, of those with enough points to tell."""
        return {name: trend(points) for name, points in self.series.items() if len(points) >= 3}


def trend(points: Sequence[tuple[float, float]]) -> Trend:
    """Of at least three points of seconds and values."""
    times, values = zip(*points, strict=True)
    third = len(values) // 3
    slope = linear_regression(times, values).slope
    return Trend(median(values[:third]), median(values[-third:]), 3600 * slope, max(values))


def main() -> None:
    """Measures once, draws and prints."""
    given = _arguments()
    figures = _measure(given)
    _tell(figures)
    if given.json is not None:
        trends = {name: asdict(one) | {"flat": one.flat} for name, one in figures.trends().items()}
        given.json.write_text(json.dumps(asdict(figures) | {"trends": trends}, indent=1) + "\n")


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.rehearsal")
    parser.add_argument("--minutes", type=float, default=30.0, help="that are measured")
    parser.add_argument("--before", type=float, default=5.0, help="minutes of life before them")
    parser.add_argument("--after", type=float, default=2.0, help="minutes that are waited longer")
    parser.add_argument("--warm-up", type=float, default=15.0, help="minutes at most")
    parser.add_argument("--members", type=int, default=500)
    parser.add_argument("--homes", type=int, default=25)
    parser.add_argument("--pace", type=float, default=1.0, help="new replies a second")
    parser.add_argument("--pictures", type=Path, default=ROOT / "docs" / "pictures")
    parser.add_argument("--json", type=Path, help="a file for the figures")
    return parser.parse_args()


def _measure(given: argparse.Namespace) -> Figures:
    figures = Figures(given.members, given.homes)
    # What cannot be drawn is to be known before, not half an hour later.
    panels = read()
    size = (f"--homes={given.homes}", f"--members={given.members}")
    # A limit lasts a tenth of the time it has in life, so that it is not what decides on delays.
    world = ("--world", "city", *size, "--settled", "--throttle-scale", "0.1")
    with (
        data_dir() as folder,
        SimulatorProcess(*world) as simulator,
        Stack(folder, simulator, _METRICS) as stack,
        Prometheus(folder / "prometheus", _targets(stack)) as prometheus,
    ):
        figures.limits = {name: stack.part(name).memory for name in stack.names}
        stack.import_members()
        simulator.scene(pace=given.pace)
        figures.settled = _settle(stack, given.warm_up * 60)
        with visiting(stack.port) as visits:
            time.sleep(given.before * 60)
            _watch(figures, stack, given.minutes * 60)
        figures.visits, figures.failed_visits = visits.made, visits.failed
        figures.end = time.time()
        time.sleep(given.after * 60)
        _judge(figures, simulator)
        silent = prometheus.silent()
        if silent:
            raise RuntimeError(f"Prometheus does not reach {silent}")
        figures.alerts = prometheus.fired(figures.begin, figures.end)
        _draw(figures, panels, prometheus, given.pictures)
    return figures


def _targets(stack: Stack) -> dict[str, str]:
    """Every process that tells figures, and where."""
    port = _METRICS["TOOTTAIL_METRICS_LISTEN"].rpartition(":")[2]
    ours = [name for name in stack.names if name not in ("postgres", "proxy")]
    return {name: f"{stack.address(name)}:{port}" for name in ours}


def _settle(stack: Stack, most: float) -> bool:
    deadline = time.monotonic() + most
    while stack.fetch(_LEFT)[0][0]:
        if time.monotonic() > deadline:
            return False
        time.sleep(2)
    return True


def _watch(figures: Figures, stack: Stack, seconds: float) -> None:
    """Takes a sample of everything every few seconds. Raises `RuntimeError` if a process ended."""
    pids = stack.pids()
    figures.begin = time.time()
    while (now := time.time()) < figures.begin + seconds:
        for name, pid in pids.items():
            if not stack.runs(name):
                raise RuntimeError(f"{name} ended by itself: {stack.last_words(name)}")
            figures.note(name, now, _memory(pid))
        figures.note(DATABASE, now, stack.fetch(_SIZE)[0][0])
        time.sleep(_SAMPLE_EVERY)


def _memory(pid: int) -> float:
    """Bytes of a process and its children; what several of them share counts once."""
    process = psutil.Process(pid)
    return float(sum(map(_share, (process, *process.children(recursive=True)))))


def _share(process: psutil.Process) -> int:
    try:
        return int(process.memory_full_info().pss)
    except psutil.NoSuchProcess:
        return 0


def _judge(figures: Figures, simulator: SimulatorProcess) -> None:
    """How late new replies came, by when they were posted; what never came counts as waiting."""
    since = figures.begin
    while since + _WINDOW <= figures.end:
        delays = simulator.traffic(since + _WINDOW, since)["delays"]
        if delays["wanted"]:
            figures.note(DELAY, since, delays["median"])
            figures.note(LATE, since, delays["p95"])
        since += _WINDOW
    over = simulator.traffic()["over_limit"].values()
    figures.over_limit = sum(sum(rules.values()) for rules in over)


def _draw(figures: Figures, panels: Sequence[Panel], prometheus: Prometheus, folder: Path) -> None:
    begin, end = figures.begin, figures.end
    drawn = [(panel, ask(panel, prometheus, begin, end)) for panel in panels]
    figures.dead_panels = without_data(drawn)
    day = time.strftime("%d %B %Y", time.gmtime(begin))
    caption = (
        f"{figures.members} members of {figures.homes} pretend homes, "
        f"{(end - begin) / 60:.0f} minutes on {day}, hours in UTC"
    )
    draw_dashboard(drawn, folder / "dashboard.png", caption)
    memory = [name for name in figures.series if name not in _UNITS]
    plots = {
        "Memory of each process": ("bytes", _lines(figures, memory)),
        "Size of the database": ("bytes", _lines(figures, [DATABASE])),
        "Delay of new replies, by the minute they were posted in": (
            "s",
            _lines(figures, [DELAY, LATE]),
        ),
    }
    draw_plots(plots, folder / "thirty-minutes.png", caption)


def _lines(figures: Figures, names: Sequence[str]) -> list[Line]:
    return [
        Line(name, {}, tuple((figures.begin + at, value) for at, value in figures.series[name]))
        for name in names
        if name in figures.series
    ]


def _tell(figures: Figures) -> None:
    heads = ("", "first third", "last third", "an hour adds", "most", "limit", "flat")
    say(table(heads, [_row(figures, name, one) for name, one in figures.trends().items()]))
    say()
    say(f"panels without data: {', '.join(figures.dead_panels) or 'none'}")
    say(f"alerts that fired: {', '.join(figures.alerts) or 'none'}")
    say(f"visitors: {figures.visits} requests, {figures.failed_visits} not answered with 200")
    say(f"requests over a server's limit: {figures.over_limit}")
    if not figures.settled:
        say("The first runs were not over when measuring began: this is no steady state.")


def _row(figures: Figures, name: str, one: Trend) -> Sequence[object]:
    unit = _UNITS.get(name, "bytes")
    limit = figures.limits.get(name, 0)
    return (
        name,
        *(written(value, unit) for value in (one.first, one.last, one.per_hour, one.most)),
        written(limit, unit) if limit else "-",
        "yes" if one.flat else "no",
    )


if __name__ == "__main__":
    main()
