"""The real processes, started with what the chart gives them, pass the probes of the chart."""

from __future__ import annotations

import re
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from cryptography.fernet import Fernet

from tests.cli.shell import Shell
from tests.cli.test_serve import Running, running
from tests.deploy.chart import CHART, Object, container, environment, render

PROBES = ("startupProbe", "livenessProbe", "readinessProbe")
NAME = "toottail.example.org"


KEY = Fernet.generate_key().decode()


def _shell(part: str, folder: Path, database_url: str) -> Shell:
    """A part's environment, but for where it writes."""
    given = environment(render(), part)
    given |= {"DATABASE_URL": database_url, "TOOTTAIL_SECRET_KEYS": KEY}
    # All are on one machine here, where they cannot have one port.
    given |= {"TOOTTAIL_DATA_DIR": str(folder), "TOOTTAIL_METRICS_LISTEN": ""}
    return Shell(folder, given)


def _status(service: Running, probe: Object) -> int:
    get = probe["httpGet"]
    assert get["port"] == "http"
    (host,) = (one["value"] for one in get["httpHeaders"] if one["name"] == "Host")
    return service.get(get["path"], host=host)[0]


@pytest.mark.parametrize("part", ["api", "web"])
def test_a_process_that_serves_passes_its_probes_whatever_workers_do(
    part: str, tmp_path: Path, database_url: str
) -> None:
    of = container(render(), part)
    with running(_shell(part, tmp_path, database_url), of["command"][1]) as service:
        for probe in PROBES:
            assert _status(service, of[probe]) == 200
        # No worker runs: monitors are told, and the pod stays in all the same.
        if part == "api":
            assert service.get("/readyz")[0] == 503
            (scaler,) = render("autoscaled").of("HorizontalPodAutoscaler")
            name = scaler["spec"]["metrics"][0]["external"]["metric"]["name"]
            assert re.search(rf"^{name}[{{ ]", service.get("/metrics")[2], flags=re.MULTILINE)
        # What nobody but the cluster is to know is not found by the public name.
        assert service.get("/metrics", host=NAME, **{"X-Forwarded-For": "192.0.2.1"})[0] == 404


@contextmanager
def _working(shell: Shell) -> Iterator[subprocess.Popen[str]]:
    worker = shell.start("worker")
    try:
        yield worker
    finally:
        worker.terminate()
        worker.communicate(timeout=60)


def test_a_worker_that_works_passes_its_probes_and_one_that_does_not_fails(
    tmp_path: Path, database_url: str
) -> None:
    of = container(render(), "worker")
    shell = _shell("worker", tmp_path, database_url)
    checks = [of[probe]["exec"]["command"][1:] for probe in PROBES]
    assert [shell.run(*check).returncode for check in checks] == [1, 1, 1]
    with _working(shell):
        until = time.monotonic() + 120
        while shell.run(*checks[0]).returncode and time.monotonic() < until:
            time.sleep(0.2)
        assert [shell.run(*check).returncode for check in checks] == [0, 0, 0]


def _helm_test(api: str, web: str, seconds: str) -> subprocess.CompletedProcess[str]:
    script = str(CHART / "files" / "ready.py")
    return subprocess.run(
        [sys.executable, script, api, web, NAME, seconds],
        capture_output=True,
        text=True,
        timeout=180,
        check=False,
    )


def test_helm_test_passes_when_all_parts_work_and_not_before(
    tmp_path: Path, database_url: str
) -> None:
    shells = {
        part: _shell(part, tmp_path / part, database_url) for part in ("api", "web", "worker")
    }
    with running(shells["api"], "api") as api, running(shells["web"], "web") as web:
        places = (f"127.0.0.1:{api.port}", f"127.0.0.1:{web.port}")
        before = _helm_test(*places, "0")
        assert (before.returncode, "/readyz: 503" in before.stdout) == (1, True)
        with _working(shells["worker"]):
            after = _helm_test(*places, "120")
        assert (after.returncode, after.stdout.count(": 200")) == (0, 2)
        assert _helm_test(places[0], "127.0.0.1:1", "0").returncode == 1


def test_helm_test_is_told_where_to_ask() -> None:
    (pod,) = render().of("Pod")
    (one,) = pod["spec"]["containers"]
    program, option, script, *arguments = one["command"]
    assert (program, option) == ("python3", "-c")
    assert script == (CHART / "files" / "ready.py").read_text()
    assert arguments == ["toottail-api:80", "toottail-web:80", NAME, "60"]
    services = {service["metadata"]["name"] for service in render().of("Service")}
    assert services == {"toottail-api", "toottail-web"}
