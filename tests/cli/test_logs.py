"""The log: quiet unless asked, on standard error, and without secrets."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from datetime import datetime

import pytest

from tests.cli.shell import Shell
from toottail.simulator.process import SimulatorProcess

PROGRAM = """
import logging, sys
import structlog
from toottail.cli.logs import configure, hide

configure(sys.argv[1], verbose=False)
hide("s3cret")
log = structlog.get_logger("ours")
log.debug("a detail")
log.warning("a warning", token="s3cret")
logging.getLogger("a.library").warning("says s3cret")
try:
    password = "another one"
    raise ValueError("s3cret was wrong")
except ValueError:
    log.exception("a step failed")
"""


def logged(level: str, written_as: str = "") -> str:
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, level],
        capture_output=True,
        text=True,
        check=True,
        env=os.environ | {"TOOTTAIL_LOG_FORMAT": written_as},
    )
    assert done.stdout == ""
    return done.stderr


def test_by_default_warnings_and_errors_take_one_line_each() -> None:
    lines = logged("warning").splitlines()
    assert len(lines) == 3
    assert "a warning" in lines[0]
    assert "says" in lines[1]
    assert "ValueError" in lines[2]


def test_in_detail_there_are_tracebacks_but_no_local_variables() -> None:
    text = logged("debug")
    assert "a detail" in text
    assert "Traceback" in text
    assert "another one" not in text.replace('password = "another one"', "")


def test_what_is_secret_is_shown_as_stars_whoever_logs_it() -> None:
    for level in ("warning", "debug"):
        text = logged(level)
        assert "s3cret" not in text
        assert text.count("***") >= 3


@pytest.mark.parametrize("level", ["warning", "debug"])
def test_as_json_every_line_is_an_object_libraries_and_faults_included(level: str) -> None:
    lines = [json.loads(line) for line in logged(level, "json").splitlines()]
    assert [line["event"] for line in lines if line["level"] != "debug"] == [
        "a warning",
        "says ***",
        "a step failed",
    ]
    assert {line["logger"] for line in lines} == {"ours", "a.library"}
    for line in lines:
        assert datetime.fromisoformat(line["timestamp"]).utcoffset() is not None
    fault = lines[-1]
    assert "ValueError: *** was wrong" in fault["exception" if level == "debug" else "error"]
    assert "another one" not in fault.get("exception", "").replace('password = "another one"', "")


def test_a_secret_with_signs_that_json_escapes_is_hidden_too() -> None:
    program = PROGRAM.replace("s3cret", 's3\\"cret')
    done = subprocess.run(
        [sys.executable, "-c", program, "warning"],
        capture_output=True,
        text=True,
        check=True,
        env=os.environ | {"TOOTTAIL_LOG_FORMAT": "json"},
    )
    assert "s3" not in done.stderr
    assert done.stderr.count("***") >= 3


def test_a_format_that_is_none_is_refused(shell: Shell) -> None:
    done = shell.run("serve", TOOTTAIL_LOG_FORMAT="xml")
    assert done.returncode == 2
    assert "TOOTTAIL_LOG_FORMAT is 'xml'; it may be one of text, json" in done.stderr


def test_a_run_logs_its_visits_in_detail_and_never_the_token(
    shell: Shell, quick_world: SimulatorProcess
) -> None:
    shell.joins(quick_world)
    for written_as in ("json", "text"):
        done = shell.run(
            "fetch", quick_world.home, TOOTTAIL_LOG="debug", TOOTTAIL_LOG_FORMAT=written_as
        )
        assert done.returncode == 0, done.stderr
        assert quick_world.token not in done.stderr + done.stdout
        assert "visit" in done.stderr
        if written_as == "json":
            lines = [json.loads(li) for li in done.stderr.splitlines() if li.startswith("{")]
            visits = [line for line in lines if line["event"] == "visit"]
            assert sum(line["requests"] for line in visits) > 10
            assert {line["lane"] for line in visits} > {quick_world.home}
            assert {line["ended"] for line in visits} <= {"drained", "turn over", "stopped"}
