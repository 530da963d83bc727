"""Members that were taken in from a file are served by whatever worker runs."""

from __future__ import annotations

import signal
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from tests.cli.conftest import OpenWorld
from tests.cli.shell import Shell

PATIENCE = 90


def until(found: Callable[[], Any], wanted: Callable[[Any], bool]) -> Any:
    """What ``found`` gives, once it is as wanted or patience is over."""
    for _ in range(PATIENCE):
        if wanted(last := found()):
            return last
        time.sleep(1)
    return last


def test_a_good_token_brings_replies_home_and_a_bad_one_is_told(
    shell: Shell, open_world: OpenWorld, tmp_path: Path
) -> None:
    sim = open_world("tiny", "--home", "gotosocial", "--latency-scale", "0")
    file = tmp_path / "members.csv"
    file.write_text(
        f"home,account,token\n{sim.home},mira,{sim.token}\n{sim.home},gone,a-token-of-old\n"
    )
    shell.joins(sim, token=None)
    assert shell.run("members", "import", str(file)).returncode == 0
    worker = shell.start("worker")

    def states() -> dict[str, str]:
        listed = shell.run_json("members", "list")["members"]
        return {one["account"]: one["state"] for one in listed}

    try:
        report = until(sim.report, lambda report: report["recovered"] == report["reachable"])
        found = until(states, lambda found: found[f"@gone@{sim.home}"] == "token_refused")
    finally:
        worker.send_signal(signal.SIGTERM)
        _, errors = worker.communicate(timeout=60)
    assert report["recovered"] == report["reachable"] > 0
    assert found == {f"@mira@{sim.home}": "working", f"@gone@{sim.home}": "token_refused"}
    assert worker.returncode == 0
    assert sim.token not in errors
