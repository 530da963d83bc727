"""The demonstration's service, as a newcomer would use it in a browser."""

from __future__ import annotations

import re
import signal
import tempfile
import time
from pathlib import Path

from tests.cli.browser import Browser
from tests.cli.shell import Shell

PATIENCE = 120
"""Seconds; half a minute is usual."""


def leftovers() -> set[Path]:
    return set(Path(tempfile.gettempdir()).glob("toottail-demo-*"))


def test_one_can_sign_up_and_see_the_threads_become_whole(tmp_path: Path) -> None:
    earlier = leftovers()
    process = Shell(tmp_path).start("demo", "--serve")
    assert process.stdout is not None
    shown = ""
    while "TootTail: http" not in shown:
        line = process.stdout.readline()
        assert line, process.communicate(timeout=60)[1]
        shown += line
    try:
        told = re.search(r"\n    (http://localhost:\d+)\n", shown)
        assert told is not None
        browser = Browser(told[1])
        assert "<form" in browser.get("/").page
        browser.submit("/sign-in", server="home.example")
        assert "would like to" in browser.page, browser.page
        browser.submit(browser.url, decision="allow", user="mira")
        assert browser.url == f"{told[1]}/me"
        assert "@mira@home.example" in browser.page
        wait_until_whole(browser)
        assert browser.get("/operator").status == 200
    finally:
        # Not killed: it has the service to stop, and all that belongs to that.
        process.send_signal(signal.SIGTERM)
        _, errors = process.communicate(timeout=60)
    assert (process.returncode, errors.count("Traceback")) == (0, 0)
    assert leftovers() <= earlier


def wait_until_whole(browser: Browser) -> None:
    """Waits for the end of the first run, and sees that nothing lacks then."""
    for _ in range(PATIENCE):
        me = browser.json("/api/v1/me")["overview"]
        if me["first_run"]["ended_at"] is not None:
            break
        time.sleep(1)
    totals = me["totals"]
    assert totals["conversations"] > 5
    assert totals["delivered"] > 20
    assert totals["whole"] == totals["conversations"], me


def test_at_a_terminal_it_is_offered_until_ctrl_c(tmp_path: Path) -> None:
    earlier = leftovers()
    shell = Shell(tmp_path)
    shell.environment.pop("CI", None)
    pressed: list[bool] = []

    def answer(shown: str) -> str | None:
        if pressed or "listening on" not in shown:
            return None
        pressed.append(True)
        return "\x03"

    code, shown = shell.on_a_terminal(answer, "demo")
    assert code == 0, shown
    assert "Open in your browser" in shown
    assert "Traceback" not in shown
    assert leftovers() <= earlier
