"""``toottail demo``, which is what ``make run`` shows."""

from __future__ import annotations

import re
import signal
import tempfile
from pathlib import Path

import pytest

from tests.cli.shell import Shell


@pytest.fixture
def shell(tmp_path: Path) -> Shell:
    """The demonstration brings its own database; the caller's settings must not touch it."""
    return Shell(tmp_path, {"DATABASE_URL": "postgresql://nobody@127.0.0.1:1/none"})


def leftovers() -> set[Path]:
    return set(Path(tempfile.gettempdir()).glob("toottail-demo-*"))


def test_the_demonstration_shows_hollow_threads_the_run_and_the_threads_whole(
    shell: Shell,
) -> None:
    earlier = leftovers()
    done = shell.run("demo")
    assert done.returncode == 0, done.stderr
    before, _, rest = done.stdout.partition("toottail fetch home.example")
    result, _, after = rest.partition("The same timeline, after")
    assert before.count("(missing)") > 10
    assert "delivered" in result
    assert "(missing)" not in after
    together = re.search(r"together\W+(\d+)\W+(\d+)\W+(\d+)", after)
    assert together is not None
    whole, lacking, brought = (int(number) for number in together.groups())
    assert lacking < whole == brought
    assert "toottail fetch example.social" in after
    assert "Open in your browser" not in after, "there is no terminal"
    assert leftovers() <= earlier


def test_an_interrupted_demonstration_leaves_nothing_behind(shell: Shell) -> None:
    earlier = leftovers()
    process = shell.start("demo")
    assert process.stderr is not None
    told = process.stderr.readline()
    # As a service manager does it: only the demonstration itself is told.
    process.send_signal(signal.SIGTERM)
    _, rest = process.communicate(timeout=60)
    assert process.returncode == 143
    assert rest.count("toottail: stopped") == 2, "the run in it was not stopped, too"
    assert "Traceback" not in told + rest
    assert leftovers() <= earlier
