"""The log: quiet unless asked, on standard error, and without secrets."""

from __future__ import annotations

import subprocess
import sys

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


def logged(level: str) -> str:
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, level], capture_output=True, text=True, check=True
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
