"""Progress in one line, and lengths of time as people type them."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from toottail.cli import progress
from toottail.cli.durations import parse_duration
from toottail.types.reports import Progress

LATER = datetime(2026, 5, 1, 12, 0, tzinfo=UTC)


def test_before_the_timeline_is_read_only_its_statuses_are_told() -> None:
    assert progress.one_line(Progress(statuses_read=80)) == "80 statuses read"


def test_hosts_that_make_us_wait_are_named_with_the_time_but_not_all_of_many() -> None:
    hosts = tuple((f"h{number}.example", LATER) for number in range(7))
    line = progress.one_line(Progress(collected=True, waiting_for=hosts))
    assert f"waiting for h0.example until {LATER.astimezone():%H:%M:%S}, " in line
    assert line.endswith(" and 3 more")


def test_lines_come_when_something_changed_and_not_too_often(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = [100.0]
    monkeypatch.setattr(progress, "monotonic", lambda: clock[0])
    shown = progress.Display(["home.example"], None)

    def lines_after(wait: float, read: int) -> int:
        clock[0] += wait
        shown.show(0, Progress(statuses_read=read))
        return capsys.readouterr().err.count("\n")

    assert lines_after(0, 40) == 1
    assert lines_after(progress.LINE_EVERY / 2, 80) == 0
    assert lines_after(progress.LINE_EVERY, 80) == 1
    assert lines_after(progress.LINE_EVERY * 5, 80) == 0
    shown.show(0, Progress(statuses_read=81))
    shown.show(0, Progress(collected=True, statuses_read=81))
    assert capsys.readouterr().err.count("\n") == 2, "the run's size is told at once"


@pytest.mark.parametrize(
    ("text", "seconds"), [("90", 90), ("90s", 90), ("20m", 1200), ("1.5 h", 5400), ("0", 0)]
)
def test_times_are_typed_as_people_write_them(text: str, seconds: float) -> None:
    assert parse_duration(text) == seconds


@pytest.mark.parametrize("text", ["", "soon", "-1", "1w", "1e9", "20 m m", "inf", "nan"])
def test_what_is_no_length_of_time_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="is not a length of time"):
        parse_duration(text)
