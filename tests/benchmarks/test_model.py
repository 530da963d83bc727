"""The benchmarks' own parts: the model that TootTail is compared with, and the yardsticks."""

from __future__ import annotations

import sys

import pytest
from benchmarks.common import clean_environment, measured, sequential, table
from benchmarks.first_run import Pace


def test_the_sequential_model_asks_for_every_listed_reply_once_and_one_at_a_time() -> None:
    outcome = sequential("--world", "tiny", "--latency-scale", "0")
    home = outcome.report["requests"]["home.example"]
    assert outcome.recovered == outcome.reachable
    assert home["search"] == outcome.told["resolves"]
    assert outcome.report["repeated_resolves"] == 0
    assert outcome.report["resolves_already_at_home"] > 0
    assert outcome.report["most_in_flight"]["home.example"] == 1


def test_the_sequential_model_waits_when_the_home_says_that_its_limit_is_used_up() -> None:
    scales = ("--limit-scale", "0.02", "--throttle-scale", "0.003", "--latency-scale", "0")
    outcome = sequential("--world", "tiny", *scales)
    assert outcome.report["refused_429"]["home.example"] > 0
    assert outcome.recovered == outcome.reachable


def test_the_memory_of_a_run_is_its_peak_and_not_that_of_a_child() -> None:
    child = "import time; held = bytearray(300 << 20); time.sleep(0.3)"
    code = (
        "import subprocess, sys, time; held = bytearray(100 << 20); del held; time.sleep(0.2);"
        f"subprocess.run([sys.executable, '-c', {child!r}]); print('{{}}')"
    )
    usage, _ = measured([sys.executable, "-c", code], clean_environment())
    assert 100 < usage.peak < 200


def test_a_run_that_fails_tells_what_it_complained_of() -> None:
    with pytest.raises(RuntimeError, match="no such thing"):
        measured([sys.executable, "-c", "raise SystemExit('no such thing')"], clean_environment())


def test_limits_allow_a_whole_period_for_each_full_window_and_the_rest_four_at_a_time() -> None:
    pace = Pace(periods=1.0, latency=1.0)
    assert pace.allowed(4) == pytest.approx(0.26)
    assert pace.allowed(285) == pytest.approx(285 * 0.26 / 4)
    assert pace.allowed(286) == pytest.approx(300 + 0.26 / 4)
    assert pace.allowed(2 * 285 + 4) == pytest.approx(600.26)


def test_tables_are_markdown_with_numbers_to_the_right() -> None:
    assert table(("home", "s"), [("a", 5), ("bb", 1.25)]).splitlines() == [
        "| home |    s |",
        "| ---- | ---: |",
        "| a    |    5 |",
        "| bb   | 1.25 |",
    ]
