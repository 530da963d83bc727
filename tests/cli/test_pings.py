"""``--on-start``, ``--on-done``, ``--on-fail``: monitors are told, and never in the way."""

from __future__ import annotations

import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from urllib.parse import parse_qs, urlsplit
from uuid import UUID

import pytest

from tests.cli.conftest import OpenWorld
from tests.cli.shell import Shell
from tests.cli.test_interrupts import wait_until_at_work
from toottail.simulator.process import SimulatorProcess

SECRET = "push-5ecret-push"


class Kuma:
    """A monitor on loopback, in the clear, that answers ``status`` and keeps what it was told."""

    def __init__(self, status: int) -> None:
        told: list[tuple[str, dict[str, str]]] = []
        self.told = told

        class Answer(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                parts = urlsplit(self.path)
                query = parse_qs(parts.query, keep_blank_values=True)
                told.append((parts.path, {name: values[0] for name, values in query.items()}))
                self.send_response(status)
                self.send_header("Content-Length", "2")
                self.end_headers()
                self.wfile.write(b"OK")

            def log_message(self, *_: object) -> None:
                return

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Answer)
        self.place = f"127.0.0.1:{self.server.server_address[1]}"

    def url(self, moment: str) -> str:
        return f"http://{self.place}/{SECRET}/{moment}?status=up&msg=OK&ping="

    def options(self) -> list[str]:
        return [f"--on-{moment}={self.url(moment)}" for moment in ("start", "done", "fail")]

    def moments(self) -> list[str]:
        return [path.rpartition("/")[2] for path, _ in self.told]


@contextmanager
def listening(status: int = 200) -> Iterator[Kuma]:
    kuma = Kuma(status)
    thread = Thread(target=kuma.server.serve_forever, args=(0.01,))
    thread.start()
    try:
        yield kuma
    finally:
        kuma.server.shutdown()
        thread.join()
        kuma.server.server_close()


@pytest.fixture
def kuma(shell: Shell) -> Iterator[Kuma]:
    with listening() as running:
        shell.environment["TOOTTAIL_LAN_MONITORS"] = running.place
        yield running


def test_a_run_that_went_well_is_told_at_its_start_and_its_end(
    shell: Shell, quick_world: SimulatorProcess, kuma: Kuma
) -> None:
    done = shell.joins(quick_world).run("fetch", quick_world.home, *kuma.options())
    assert done.returncode == 0, done.stderr
    assert kuma.moments() == ["start", "done"]
    (_, start), (_, end) = kuma.told
    assert UUID(start["rid"]) == UUID(end["rid"])
    assert start == {"rid": start["rid"], "status": "up", "msg": "OK", "ping": ""}
    assert end["msg"] == "finished"
    assert int(end["ping"]) > 0
    assert end["status"] == "up"
    assert SECRET not in done.stdout + done.stderr


@pytest.mark.parametrize(
    ("home", "token", "code", "word"),
    [
        ("host1.example", "any", 1, "host1.example"),
        ("home.example", "not-the-right-one", 2, "token"),
        ("home.example", None, 2, "there is no token"),
        ("nonsense", "any", 2, "is not the name of a server"),
    ],
)
def test_a_run_that_failed_is_told_with_its_exit_code_and_reason(
    shell: Shell, quick_world: SimulatorProcess, kuma: Kuma, home: str, token: str | None,
    code: int, word: str,
) -> None:  # fmt: skip
    assert quick_world.home == "home.example"
    quick_world.scene(faults={"host1.example": [{"kind": "malformed"}]})
    done = shell.joins(quick_world, token).run("fetch", home, *kuma.options())
    assert done.returncode == code
    assert kuma.moments() == ["start", "fail"]
    end = kuma.told[1][1]
    assert end["exit_code"] == str(code)
    assert end["msg"].startswith(f"exit code {code}: ")
    assert word in end["msg"]
    assert "not-the-right-one" not in end["msg"]


def test_a_run_that_did_not_finish_is_told_as_failed(
    shell: Shell, quick_world: SimulatorProcess, kuma: Kuma
) -> None:
    origin = next(urlsplit(one["root"]).netloc for one in quick_world.truth()["conversations"])
    quick_world.scene(faults={origin: [{"kind": "robots"}]})
    shell.joins(quick_world)
    done = shell.run("fetch", quick_world.home, "--strict", *kuma.options())
    assert done.returncode == 1
    assert kuma.moments() == ["start", "fail"]


def test_a_run_that_was_stopped_is_told_as_failed(
    shell: Shell, open_world: OpenWorld, kuma: Kuma
) -> None:
    sim = open_world("limits", "--replies", "30", "--home", "gotosocial", "--resolve", "0.7")
    process: subprocess.Popen[str] = shell.joins(sim).start("fetch", sim.home, *kuma.options())
    wait_until_at_work(process)
    process.send_signal(signal.SIGINT)
    _, rest = process.communicate(timeout=60)
    assert process.returncode == 130
    assert "Traceback" not in rest
    assert kuma.moments() == ["start", "fail"]
    assert kuma.told[1][1]["exit_code"] == "130"


@pytest.mark.parametrize(("status", "asked"), [(404, 1), (500, 2)])
def test_a_monitor_that_refuses_is_a_line_in_the_log_and_changes_nothing(
    shell: Shell, status: int, asked: int
) -> None:
    with listening(status) as kuma:
        shell.environment["TOOTTAIL_LAN_MONITORS"] = kuma.place
        done = shell.run("fetch", "nonsense", "--verbose", "--on-fail", kuma.url("fail"))
        assert len(kuma.told) == asked
    assert done.returncode == 2
    (line,) = [line for line in done.stderr.splitlines() if "monitor was not told" in line]
    assert kuma.place in line
    assert f"answered {status}" in line
    assert SECRET not in done.stderr


def test_a_monitor_that_is_not_there_does_not_keep_the_run_from_its_work(
    shell: Shell, quick_world: SimulatorProcess
) -> None:
    with listening() as kuma:
        url = kuma.url("start")
    shell.joins(quick_world).environment["TOOTTAIL_LAN_MONITORS"] = kuma.place
    done = shell.run("fetch", quick_world.home, "--on-start", url)
    assert done.returncode == 0
    assert "monitor was not told" in done.stderr
    assert SECRET not in done.stderr
    report = quick_world.report()
    assert report["recovered"] == report["reachable"]


def test_monitors_may_be_named_in_the_environment_and_in_the_file(
    shell: Shell, quick_world: SimulatorProcess, kuma: Kuma, tmp_path: Path
) -> None:
    file = tmp_path / "settings.toml"
    file.write_text(f'on_done = "{kuma.url("done")}"\non_start = "{kuma.url("unused")}"\n')
    shell.joins(quick_world).environment["TOOTTAIL_ON_START"] = kuma.url("start")
    done = shell.run("fetch", quick_world.home, "--config", str(file))
    assert done.returncode == 0, done.stderr
    assert kuma.moments() == ["start", "done"]


def test_a_url_that_cannot_be_a_monitors_is_bad_usage_and_is_not_repeated(shell: Shell) -> None:
    done = shell.run("fetch", "example.social", "--on-fail", f"http://kuma:3001/{SECRET}")
    assert done.returncode == 2
    assert "--on-fail" in done.stderr
    assert "TOOTTAIL_LAN_MONITORS=kuma:3001" in done.stderr
    assert SECRET not in done.stderr


def test_a_monitors_url_is_hidden_wherever_it_should_get_into_the_log(shell: Shell) -> None:
    program = (
        "import logging; from toottail.cli import logs, pings\n"
        "logs.configure('warning', verbose=False)\n"
        f"urls = {{'on_fail': 'https://kuma.example/{SECRET}?a=b'}}\n"
        f"say = lambda: logging.warning('https://kuma.example/{SECRET}?a=b, /{SECRET}?a=b') or 0\n"
        "pings.pinged(say, None, urls)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program],
        env=shell.environment,
        capture_output=True,
        text=True,
        check=True,
    )
    assert "***, ***" in done.stderr
    assert SECRET not in done.stderr
