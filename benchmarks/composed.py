"""What compose.yaml and the Dockerfile say of each part: command, environment, check, limits.

Compose itself reads its file, ``.env`` and all; the client needs no engine for that. Of the
Dockerfile only what an image carries is read: ENV, ENTRYPOINT, CMD and HEALTHCHECK of each target.
"""

from __future__ import annotations

import json
import os
import re
import shlex
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from benchmarks.dockerfile import Stage, lineage
from benchmarks.dockerfile import read as read_stages
from benchmarks.programs import program

_DEFAULT_GRACE = 10.0
"""Seconds between SIGTERM and SIGKILL where nothing else is said."""
_PERIODS = {"h": 3600.0, "m": 60.0, "s": 1.0, "ms": 0.001}


@dataclass(frozen=True, slots=True)
class Part:
    """One service of compose.yaml.

    ``command`` and ``check`` (empty: none) are as in the container, and so are the paths and names
    in ``environment``. It stops within ``grace`` seconds. ``memory``: the bytes it may have.
    """

    name: str
    command: tuple[str, ...]
    environment: Mapping[str, str]
    check: tuple[str, ...]
    grace: float
    memory: int


@dataclass(frozen=True, slots=True)
class Image:
    """What a target of the Dockerfile carries."""

    environment: Mapping[str, str] = field(default_factory=dict)
    entrypoint: tuple[str, ...] = ()
    command: tuple[str, ...] = ()
    check: tuple[str, ...] = ()


def read(folder: Path) -> dict[str, Part]:
    """The parts by name, of the compose.yaml in ``folder``; `RuntimeError` where it is refused."""
    done = subprocess.run(
        [program("docker-compose"), "config", "--format", "json"],
        cwd=folder,
        # What this shell has set must not go before .env.
        env={"PATH": os.defpath, "HOME": str(folder)},
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode != 0:
        raise RuntimeError(f"compose.yaml: {done.stderr}")
    images = read_images(folder / "Dockerfile")
    services = json.loads(done.stdout)["services"]
    return {name: _part(name, told, images) for name, told in services.items()}


def read_images(dockerfile: Path) -> dict[str, Image]:
    """What each target of a Dockerfile carries."""
    stages = read_stages(dockerfile)
    return {name: _image(stages, name) for name in stages}


def _part(name: str, told: Mapping[str, Any], images: Mapping[str, Image]) -> Part:
    build = told.get("build")
    image = images[build["target"]] if build else Image()
    command = told.get("command") or image.command
    return Part(
        name,
        (*(told.get("entrypoint") or image.entrypoint), *command),
        {**image.environment, **(told.get("environment") or {})},
        _check(told.get("healthcheck"), image),
        _seconds(told["stop_grace_period"]) if "stop_grace_period" in told else _DEFAULT_GRACE,
        int(told.get("mem_limit", 0)),
    )


def _check(told: Mapping[str, Any] | None, image: Image) -> tuple[str, ...]:
    if told is None:
        return image.check
    # The first word says how the others are run.
    return () if told.get("disable") else tuple(told["test"][1:])


def _seconds(period: str) -> float:
    return sum(float(n) * _PERIODS[unit] for n, unit in re.findall(r"([\d.]+)(ms|[hms])", period))


def _image(stages: dict[str, Stage], name: str) -> Image:
    """What the target ``name`` carries, what it has from those below it included."""
    carried = Image()
    for instruction, words in (pair for stage in lineage(stages, name) for pair in stage.does):
        if instruction == "ENV":
            pairs = dict(pair.split("=", 1) for pair in shlex.split(words))
            carried = replace(carried, environment={**carried.environment, **pairs})
        elif instruction == "ENTRYPOINT":
            carried = replace(carried, entrypoint=tuple(json.loads(words)))
        elif instruction == "CMD":
            carried = replace(carried, command=tuple(json.loads(words)))
        elif instruction == "HEALTHCHECK":
            check = words.partition("CMD ")[2]
            carried = replace(carried, check=tuple(json.loads(check)))
    return carried
