"""The simulator as a process: how it starts, is steered and ends."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from toottail.simulator import SimulatorProcess


@pytest.fixture(scope="module")
def sim() -> Iterator[SimulatorProcess]:
    with SimulatorProcess("--world", "tiny", "--latency-scale", "0") as sim:
        yield sim


def test_one_line_tells_where_it_is_and_sigterm_ends_it(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "toottail.simulator", "--world", "tiny"]
    command += ["--dir", str(tmp_path)]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        ready = json.loads(process.stdout.readline())
        assert ready["env"] == {
            "TOOTTAIL_CONNECT_TO": f".example=127.0.0.1:{ready['port']}",
            "SSL_CERT_FILE": str(tmp_path / "ca.pem"),
            "TOOTTAIL_ALLOW_NETWORKS": "127.0.0.1/32",
            "TOOTTAIL_AUTHORIZE_AT": f".example={ready['browser']}",
        }
        assert ready["home"] == "home.example"
        assert len(ready["token"]) > 20
        process.send_signal(signal.SIGTERM)
        assert process.wait(timeout=10) == 0


def test_a_world_that_does_not_exist_is_said_without_a_traceback(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "toottail.simulator", "--world", "x"]
    command += ["--dir", str(tmp_path)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert done.stderr.startswith("no world is called 'x'; there are:")


def test_the_report_has_figures_floors_and_requests(sim: SimulatorProcess) -> None:
    sim.reset_counters()
    found = sim.report()
    assert found["missing_at_start"] == found["reachable"] == len(found["still_missing"])
    assert found["floor_home"]["total"] > found["floor_home"]["resolves"] > 0
    assert found["requests_home"] == found["requests_remote"] == 0
    assert sim.requests() == []


def test_a_scene_adds_replies_deletes_and_breaks_and_heals_hosts(sim: SimulatorProcess) -> None:
    before = sim.report()
    origin = sim.truth()["conversations"][0]["root"]
    made = sim.scene(replies=[{"to": origin, "count": 3}])["replies"]
    assert len(made) == 3
    assert sim.report()["reachable"] == before["reachable"] + 3
    sim.scene(delete=made[:1])
    assert sim.report()["reachable"] == before["reachable"] + 2
    host = origin.split("/")[2]
    sim.scene(faults={host: [{"kind": "dead"}]})
    assert sim.report()["reachable"] < before["reachable"]
    sim.scene(faults={host: []})
    assert sim.report()["reachable"] == before["reachable"] + 2


def test_a_scene_that_makes_no_sense_is_refused(sim: SimulatorProcess) -> None:
    scenes: list[dict[str, Any]] = [
        {"explode": True},
        {"faults": {"nowhere.example": []}},
        {"faults": {"home.example": [{"kind": "lazy"}]}},
        {"delete": ["https://home.example/none"]},
        {"mute": ["nobody@nowhere.example"]},
    ]
    for wrong in scenes:
        with pytest.raises(ValueError, match=r"unknown|no \w+"):
            sim.scene(**wrong)
