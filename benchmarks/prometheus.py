"""A Prometheus that asks the processes of a stack, with the project's own alerts."""

from __future__ import annotations

import json
import math
import subprocess
import time
import urllib.request
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Self
from urllib.error import URLError
from urllib.parse import urlencode

from benchmarks.common import ROOT
from benchmarks.own_postgres import free_port
from benchmarks.programs import program

JOB = "toottail"
ALERTS = ROOT / "deploy" / "monitoring" / "alerts.yaml"
SCRAPE_EVERY = 10
"""Seconds."""
_STARTS_WITHIN = 120.0


@dataclass(frozen=True, slots=True)
class Series:
    """Values of one set of labels, by their Unix seconds; what is not a number is left out."""

    labels: Mapping[str, str]
    points: tuple[tuple[float, float], ...]


class Prometheus:
    """The server with its data in ``folder``; ``targets``: where each process tells its figures."""

    def __init__(self, folder: Path, targets: Mapping[str, str]) -> None:
        folder.mkdir()
        self._folder = folder
        self._targets = targets
        self._port = free_port()

    def __enter__(self) -> Self:
        # YAML has JSON in it.
        config = self._folder / "prometheus.yml"
        config.write_text(json.dumps(_config(self._targets)))
        with (self._folder / "prometheus.log").open("wb") as log:
            self._process = subprocess.Popen(
                [
                    program("prometheus"),
                    f"--config.file={config}",
                    f"--storage.tsdb.path={self._folder / 'data'}",
                    f"--web.listen-address=127.0.0.1:{self._port}",
                    "--log.level=warn",
                ],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
            )
        deadline = time.monotonic() + _STARTS_WITHIN
        while not self._is_ready():
            if self._process.poll() is not None or time.monotonic() > deadline:
                self.__exit__(None, None, None)
                said = (self._folder / "prometheus.log").read_text()
                raise RuntimeError(f"Prometheus does not start: {said}")
            time.sleep(0.2)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        value: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._process.terminate()
        with suppress(subprocess.TimeoutExpired):
            self._process.wait(20)
        self._process.kill()
        self._process.wait()

    def _is_ready(self) -> bool:
        with suppress(URLError, OSError):
            return bool(self._get("/-/ready"))
        return False

    def silent(self) -> list[str]:
        """Processes that did not answer when they were asked last."""
        targets = json.loads(self._get("/api/v1/targets"))["data"]["activeTargets"]
        return [one["labels"]["instance"] for one in targets if one["health"] != "up"]

    def ask(self, query: str, begin: float, end: float, step: float) -> list[Series]:
        """What a query gives at each ``step`` from ``begin`` to ``end``, as a panel asks it.

        Raises `ValueError` where Prometheus does not understand it.
        """
        asked = {"query": query, "start": begin, "end": end, "step": step}
        answer = json.loads(self._get(f"/api/v1/query_range?{urlencode(asked)}"))
        return [_series(one) for one in answer["data"]["result"]]

    def fired(self, begin: float, end: float) -> list[str]:
        """Names of alerts that fired in that time."""
        found = self.ask('ALERTS{alertstate="firing"}', begin, end, SCRAPE_EVERY)
        return sorted({one.labels["alertname"] for one in found})

    def _get(self, path: str) -> bytes:
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{self._port}{path}", timeout=60) as told:
                body: bytes = told.read()
        except urllib.error.HTTPError as refused:
            with refused:
                raise ValueError(f"{path}: {refused.read().decode(errors='replace')}") from None
        return body


def _config(targets: Mapping[str, str]) -> dict[str, Any]:
    every = f"{SCRAPE_EVERY}s"
    return {
        "global": {"scrape_interval": every, "evaluation_interval": every},
        "rule_files": [str(ALERTS)],
        "scrape_configs": [
            {
                "job_name": JOB,
                "static_configs": [
                    {"targets": [place], "labels": {"instance": name}}
                    for name, place in targets.items()
                ],
            }
        ],
    }


def _series(told: Mapping[str, Any]) -> Series:
    points = ((float(at), float(value)) for at, value in told["values"])
    return Series(told["metric"], tuple(point for point in points if math.isfinite(point[1])))
