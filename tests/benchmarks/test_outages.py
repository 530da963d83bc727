"""The benchmark of outages, small: one outage of each kind, and every promise kept."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
from benchmarks.common import ROOT, clean_environment
from benchmarks.outage_bench import Outage
from benchmarks.outages import Figures

_SMALL = ("--homes", "2", "--members", "8", "--latency-scale", "1", "--pace", "4")
_SHORT = ("--times", "1", "--lease", "2", "--longest", "3")


def test_each_kind_of_outage_once_loses_nothing_and_every_lane_is_taken_over(
    tmp_path: Path,
) -> None:
    figures = tmp_path / "figures.json"
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks.outages", *_SMALL, *_SHORT, "--json", str(figures)],
        env=clean_environment(),
        cwd=ROOT,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    found = json.loads(figures.read_text())
    kinds = {one["kind"] for one in found["outages"]}
    assert kinds == {"kill", "freeze", "postgres", "network"}
    assert any(one["took"] for one in found["outages"])
    assert found["members"] == 8
    assert found["recovered"] == found["reachable"] > 0


@pytest.mark.parametrize(
    ("figures", "words"),
    [
        (Figures([Outage("kill", took=[4.0, 31.0])], reachable=1, recovered=1), "waited 31.0 s"),
        (Figures(reachable=2, recovered=1), "lost"),
        (Figures(), "nothing to bring home"),
        (Figures([Outage("kill", may_repeat=4, repeated=5)], reachable=1, recovered=1), "twice"),
        (Figures(reachable=1, recovered=1, repeated=1), "resolved twice"),
        (Figures(reachable=1, recovered=1, served_twice=[("a", 1, 2)]), "served twice"),
        (Figures(reachable=1, recovered=1, over_limit={"a": {"token": 1}}), "limits"),
        (Figures(reachable=1, recovered=1, died=["one"]), "by themselves"),
    ],
)
def test_a_promise_that_was_not_kept_is_told(figures: Figures, words: str) -> None:
    (told,) = figures.broken()
    assert words in told
