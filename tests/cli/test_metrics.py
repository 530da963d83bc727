"""What the processes of a service really tell Prometheus, and where."""

from __future__ import annotations

import http.client
import re
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager

import pytest
from prometheus_client.parser import text_string_to_metric_families

from tests.cli.shell import Shell
from tests.deploy.test_monitoring import ASKED, documented, names_in
from toottail.service import stored_figures

WITH_API = ("serve", "api")
_SERVED_AT_ALL = re.compile(r"Metrics: port (\d+)")


def ask(port: int, path: str = "/metrics", method: str = "GET") -> tuple[int, str]:
    """Status and body."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
    with closing(connection):
        connection.request(method, path)
        answer = connection.getresponse()
        return answer.status, answer.read().decode()


def figures(port: int, wanted: str) -> str:
    """What is told, as soon as ``wanted`` is in it: a machine may be too busy for it at first."""
    for _ in range(6):
        status, text = ask(port)
        assert status == 200
        if wanted in text:
            return text
        time.sleep(stored_figures.FRESH)
    raise AssertionError(f"{wanted} is not told")


@contextmanager
def telling(shell: Shell, command: str) -> Iterator[int]:
    """A process that tells its figures; gives the port where it does."""
    shell.environment["TOOTTAIL_METRICS_LISTEN"] = "127.0.0.1:0"
    listen = () if command == "worker" else ("--listen", "127.0.0.1:0")
    process = shell.start(command, *listen)
    assert process.stdout is not None
    port = None
    try:
        # It also says where it serves, or that it works: in either order.
        for line in iter(process.stdout.readline, ""):
            if found := _SERVED_AT_ALL.match(line):
                port = int(found[1])
                break
        assert port is not None, process.communicate(timeout=60)[1]
        yield port
    finally:
        process.send_signal(signal.SIGTERM)
        try:
            _, errors = process.communicate(timeout=60)
        except subprocess.TimeoutExpired:
            process.kill()
            raise
    assert process.returncode == 0
    assert "Traceback" not in errors


def samples_and_names(text: str) -> tuple[set[str], set[str]]:
    """The names of all series, and of all figures as they are documented."""
    series, names = set(), set()
    for family in text_string_to_metric_families(text):
        series |= {sample.name for sample in family.samples}
        names.add(f"{family.name}_total" if family.type == "counter" else family.name)
    return series, names


def test_every_figure_that_is_told_is_documented_and_every_documented_one_is_told(
    bare_shell: Shell,
) -> None:
    told: dict[str, str] = {}
    with ExitStack() as stack:
        for command in ("serve", "api", "web", "worker"):
            port = stack.enter_context(telling(bare_shell, command))
            told[command] = figures(port, "toottail_lanes_due" if command in WITH_API else "")
            assert ask(port, "/")[0] == ask(port, "/healthz")[0] == 404
            assert ask(port, method="POST")[0] == 405
    series = {command: samples_and_names(text)[0] for command, text in told.items()}
    names = {command: samples_and_names(text)[1] for command, text in told.items()}
    ours = {name for name in set().union(*names.values()) if name.startswith("toottail_")}
    # What nobody was asked for, and nothing did yet, has no series but a name.
    assert ours == documented()
    assert set().union(*map(names_in, ASKED)) - {"up"} <= set().union(*series.values()) | ours
    assert all("process_resident_memory_bytes" in found for found in series.values())
    assert "toottail_lanes_due" in series["serve"] & series["api"]
    assert "toottail_lanes_due" not in series["web"] | series["worker"]
    assert "toottail_worker_lanes" in series["serve"] & series["worker"]
    assert 'parts="api+web+worker"' in told["serve"]
    assert 'pool="lanes"' in told["worker"]


def test_it_is_off_unless_it_is_wanted_and_a_place_that_is_taken_is_said_so(
    shell: Shell, database_url: str
) -> None:
    with telling(shell, "worker") as port:
        done = shell.run("worker", TOOTTAIL_METRICS_LISTEN=f"127.0.0.1:{port}")
        assert done.returncode == 2
        assert f"cannot listen on 127.0.0.1:{port} (another program listens there)" in done.stderr
        assert "TOOTTAIL_METRICS_LISTEN=HOST:PORT names another place" in done.stderr


@pytest.mark.parametrize("value", ["9464", "host:", "::1:9464", "127.0.0.1:99999"])
def test_a_place_that_is_none_is_refused(shell: Shell, value: str) -> None:
    done = shell.run("worker", TOOTTAIL_METRICS_LISTEN=value)
    assert done.returncode == 2
    assert "TOOTTAIL_METRICS_LISTEN" in done.stderr
