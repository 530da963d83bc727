"""``toottail fetch``: what it does, tells and returns."""

from __future__ import annotations

import json
import re
from itertools import pairwise
from pathlib import Path

from tests.cli.conftest import OpenWorld
from tests.cli.shell import Shell
from toottail.cli.outcome import COUNTS
from toottail.simulator.process import SimulatorProcess


def test_an_empty_machine_gets_the_whole_job_done_with_one_command(
    bare_shell: Shell, quick_world: SimulatorProcess
) -> None:
    done = bare_shell.joins(quick_world).run("fetch", quick_world.home)
    assert done.returncode == 0, done.stderr
    report = quick_world.report()
    assert report["recovered"] == report["reachable"] > 10
    assert f"{report['recovered']}  delivered" in done.stdout
    assert (bare_shell.data_dir / "database").is_dir()


def test_json_is_one_object_with_numbers_that_add_up(
    shell: Shell, quick_world: SimulatorProcess
) -> None:
    done = shell.joins(quick_world).run("fetch", quick_world.home, "--json")
    (line,) = done.stdout.splitlines()
    found = json.loads(line)
    assert found["finished"] is True
    assert found["home"] == quick_world.home
    assert all(isinstance(found[name], int | float) for name in COUNTS)
    assert found["requests"] == found["requests_home"] + found["requests_remote"]
    fates = ("already_there", "delivered", "unattached", "not_obtained", "unreachable")
    assert found["replies_found"] == sum(found[name] for name in fates)


def test_a_second_run_asks_the_home_for_no_more_than_its_timeline(
    shell: Shell, quick_world: SimulatorProcess
) -> None:
    shell.joins(quick_world)
    first = shell.run_json("fetch", quick_world.home)
    quick_world.reset_counters()
    again = shell.run_json("fetch", quick_world.home)
    assert quick_world.report()["requests_home"] <= 1
    assert again["finished"] is True
    assert again["delivered"] == 0
    assert again["already_there"] == first["delivered"] + first["already_there"]


def test_a_dry_run_names_what_it_would_resolve_and_resolves_nothing(
    shell: Shell, quick_world: SimulatorProcess
) -> None:
    done = shell.joins(quick_world).run("fetch", quick_world.home, "--dry-run")
    assert done.returncode == 0, done.stderr
    report = quick_world.report()
    assert "search" not in report["requests"][quick_world.home]
    assert report["recovered"] == 0
    named = [line for line in done.stdout.splitlines() if line.startswith("https://")]
    assert len(named) == report["floor_home"]["resolves"]


def test_piped_progress_is_plain_lines_on_standard_error(
    shell: Shell, quick_world: SimulatorProcess
) -> None:
    done = shell.joins(quick_world).run("fetch", quick_world.home)
    assert "\x1b" not in done.stdout + done.stderr
    lines = done.stderr.splitlines()
    assert lines
    assert all(line.startswith(f"{quick_world.home}: ") for line in lines)
    assert all(one != other for one, other in pairwise(lines))


def test_a_quiet_run_says_nothing_when_it_went_well_and_everything_when_not(
    shell: Shell, quick_world: SimulatorProcess
) -> None:
    shell.joins(quick_world)
    done = shell.run("fetch", quick_world.home, "--quiet")
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    assert quick_world.report()["recovered"] > 10
    again = shell.run("fetch", quick_world.home, "--quiet", "--dry-run")
    assert "statuses of the timeline read" in again.stdout
    unfinished = shell.run("fetch", "never.example", "--quiet")
    assert unfinished.returncode == 1
    assert "never.example" in unfinished.stderr


def test_a_terminal_gets_a_live_display_and_its_cursor_back(
    shell: Shell, quick_world: SimulatorProcess
) -> None:
    code, shown = shell.joins(quick_world).on_a_terminal(lambda _: None, "fetch", quick_world.home)
    assert code == 0, shown
    assert "looked at" in shown
    assert shown.rindex("\x1b[?25h") > shown.rindex("\x1b[?25l")
    assert "delivered" in shown[shown.rindex("\x1b[?25h") :]


def test_servers_that_tell_nothing_are_reported_and_only_strict_makes_them_an_error(
    shell: Shell, open_world: OpenWorld
) -> None:
    sim = open_world("tiny", "--home", "gotosocial", "--latency-scale", "0")
    origins = {re.split("/+", c["root"])[1] for c in sim.truth()["conversations"]}
    silent = sorted(origins)[0]
    sim.scene(faults={silent: [{"kind": "robots"}]})
    shell.joins(sim)
    lenient = shell.run("fetch", sim.home)
    assert lenient.returncode == 0, lenient.stderr
    assert silent in lenient.stdout
    assert "robots.txt" in lenient.stdout
    strict = shell.run("fetch", sim.home, "--strict", "--json")
    assert strict.returncode == 1
    told = json.loads(strict.stdout)
    assert told["hosts_failed"] == 1
    assert "robots.txt" in told["failed_hosts"][silent]


def test_the_account_may_be_given_in_place_of_its_server(
    shell: Shell, quick_world: SimulatorProcess
) -> None:
    found = shell.joins(quick_world).run_json("fetch", f"@mira@{quick_world.home}")
    assert found["home"] == quick_world.home
    assert found["finished"] is True


def test_a_result_that_cannot_be_written_is_an_error(
    shell: Shell, quick_world: SimulatorProcess
) -> None:
    shell.joins(quick_world)
    with Path("/dev/full").open("w") as full:
        process = shell.start("fetch", quick_world.home, "--json", stdout=full)
        _, told = process.communicate(timeout=60)
    assert process.returncode == 1
    assert told.endswith("toottail: standard output: No space left on device\n")
