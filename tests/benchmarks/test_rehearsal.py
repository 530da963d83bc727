"""What a rehearsal reads, and how it tells whether a figure stayed flat."""

from __future__ import annotations

from pathlib import Path

import pytest
from benchmarks.composed import read_images
from benchmarks.panels import Line, Panel
from benchmarks.rehearsal import trend
from PIL import Image

from benchmarks import drawing, panels

DOCKERFILE = """\
FROM debian AS final
# A comment in between
ENV A=1 \\
    B="two words"
ENTRYPOINT ["toottail"]
FROM final AS api
ENV B=3
HEALTHCHECK --interval=30s CMD ["toottail", "api", "--check"]
CMD ["api"]
FROM final AS worker
CMD ["worker"]
"""


def test_an_image_carries_what_it_is_built_upon(tmp_path: Path) -> None:
    file = tmp_path / "Dockerfile"
    file.write_text(DOCKERFILE)
    images = read_images(file)
    api, worker = images["api"], images["worker"]
    assert api.environment == {"A": "1", "B": "3"}
    assert worker.environment == {"A": "1", "B": "two words"}
    assert (api.entrypoint, api.command) == (("toottail",), ("api",))
    assert (api.check, worker.check) == (("toottail", "api", "--check"), ())


def test_a_figure_is_flat_when_its_last_third_is_not_above_its_first() -> None:
    steady = trend([(at, 100.0 + at % 2) for at in range(30)])
    assert steady.flat
    rising = trend([(at, 100.0 + at) for at in range(30)])
    assert not rising.flat
    assert (rising.first, rising.last, rising.most) == (104.5, 124.5, 129.0)
    assert rising.per_hour == pytest.approx(3600)


def test_every_panel_of_the_dashboard_can_be_asked_and_drawn() -> None:
    found = panels.read()
    assert len([panel for panel in found if panel.kind != "row"]) > 20
    for panel in found:
        assert panel.kind == "row" or panel.queries, panel.title
        for query, _ in panel.queries:
            assert "$" not in panels.expression(query)
        assert panel.x + panel.width <= panels.COLUMNS


def test_a_variable_that_nobody_fills_in_is_no_query() -> None:
    assert panels.expression('up{job=~"$job"}') == 'up{job=~"toottail"}'
    with pytest.raises(ValueError, match="variable"):
        panels.expression("up{job=~'$cluster'}")


def test_panels_without_data_are_named_and_drawn_all_the_same(tmp_path: Path) -> None:
    line = Line("a", {"le": "1"}, ((0.0, 1.0), (60.0, 2.0)))
    made = [
        (_panel("row", "Rows"), []),
        (_panel("stat", "A number"), [line]),
        (_panel("timeseries", "Stacked", stacked=True), [line, line]),
        (_panel("heatmap", "Buckets"), [line]),
        (_panel("timeseries", "Dead"), []),
    ]
    assert panels.without_data(made) == ["Dead"]
    drawing.draw_dashboard(made, tmp_path / "all.png", "a caption")
    with Image.open(tmp_path / "all.png") as image:
        assert image.width == 1400


@pytest.mark.parametrize(
    ("value", "unit", "text"),
    [
        (0, "bytes", "0 B"),
        (3 * 2**20, "bytes", "3 MiB"),
        (0.25, "percentunit", "25 %"),
        (90, "s", "1.5 min"),
        (0.0042, "s", "4.2 ms"),
        (12, "reqps", "12/s"),
        (1234, "short", "1234"),
        (float("inf"), "s", "∞"),
    ],
)
def test_values_are_written_short(value: float, unit: str, text: str) -> None:
    assert drawing.written(value, unit) == text


def _panel(kind: str, title: str, *, stacked: bool = False) -> Panel:
    place = {"row": 0, "stat": 1, "timeseries": 5, "heatmap": 13}[kind]
    queries = () if kind == "row" else (("up", ""),)
    steps = ((None, "red"), (1.0, "green"))
    return Panel(kind, title, 0, place, 8, 1 if kind == "row" else 8, "s", stacked, queries, steps)
