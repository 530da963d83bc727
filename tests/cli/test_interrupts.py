"""Ctrl-C and SIGTERM, at any moment: a clean end, and the next run goes on."""

from __future__ import annotations

import json
import signal
import subprocess

import pytest

from tests.cli.conftest import OpenWorld
from tests.cli.shell import Shell
from toottail.simulator.process import SimulatorProcess

CTRL_C = "\x03"


@pytest.fixture
def busy_world(open_world: OpenWorld) -> SimulatorProcess:
    """A home so slow that a run is still at work when a test wants to disturb it."""
    thirty = ("--replies", "30")
    return open_world("limits", *thirty, "--home", "gotosocial", "--resolve", "0.7")


def wait_until_at_work(process: subprocess.Popen[str]) -> str:
    assert process.stderr is not None
    told = process.stderr.readline()
    while " conversations, " not in told:
        line = process.stderr.readline()
        assert line, f"the run ended too early: {told}"
        told += line
    return told


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_an_interrupted_run_ends_in_order_and_the_next_one_goes_on(
    shell: Shell, busy_world: SimulatorProcess, number: signal.Signals, code: int
) -> None:
    process = shell.joins(busy_world).start("fetch", busy_world.home, "--json")
    wait_until_at_work(process)
    process.send_signal(number)
    out, rest = process.communicate(timeout=60)
    assert process.returncode == code
    assert "Traceback" not in rest
    (last,) = [line for line in rest.splitlines() if line.startswith("toottail: ")]
    assert "the next run goes on where this one stopped" in last
    told = json.loads(out)
    assert told["finished"] is False
    assert told["conversations"] == 30
    assert told["requests"] is None
    assert busy_world.report()["recovered"] < busy_world.report()["reachable"]
    done = shell.run("fetch", busy_world.home)
    assert done.returncode == 0, done.stderr
    report = busy_world.report()
    assert report["recovered"] == report["reachable"]
    assert report["repeated_resolves"] <= 4, "more than was in flight was asked for again"


def test_a_second_ctrl_c_ends_it_at_once_and_gives_the_cursor_back(
    shell: Shell, open_world: OpenWorld
) -> None:
    # The home takes longer for one answer than the test waits: the first Ctrl-C alone would not do.
    sim = open_world("tiny", "--home", "gotosocial", "--resolve", "25")
    typed: list[str] = []

    def answer(shown: str) -> str | None:
        stages = ("3  looked at", "stopping (Ctrl-C again: at once)")
        if len(typed) < 2 and stages[len(typed)] in shown:
            typed.append(CTRL_C)
            return CTRL_C
        return None

    code, shown = shell.joins(sim).on_a_terminal(answer, "fetch", sim.home)
    assert code == 130
    assert len(typed) == 2
    assert shown.rindex("\x1b[?25h") > shown.rindex("\x1b[?25l")
    assert "Traceback" not in shown


def test_ctrl_c_at_the_question_for_the_token_is_no_traceback(shell: Shell) -> None:
    typed: list[str] = []

    def answer(shown: str) -> str | None:
        if "not shown" in shown and not typed:
            typed.append(CTRL_C)
            return CTRL_C
        return None

    code, shown = shell.on_a_terminal(answer, "fetch", "nowhere.example")
    assert code == 130
    assert "Traceback" not in shown
    assert "interrupted" in shown
