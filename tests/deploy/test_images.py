"""The images: one build for all of them, small, not root's, and each says whether it lives."""

from __future__ import annotations

import json
import re
import shutil
from pathlib import Path

import pytest
from benchmarks.dockerfile import lineage, read

from tests.deploy.programs import CHECKOUT, find, run

STAGES = read(CHECKOUT / "Dockerfile")
PARTS = {"api": "api", "web": "web", "worker": "worker", "all": "serve"}
"""Targets, and the command that each runs."""
parts = pytest.mark.parametrize("target", PARTS)


def test_the_dockerfile_is_lint_clean() -> None:
    done = run(find("hadolint"), "--failure-threshold", "style", "Dockerfile")
    assert (done.returncode, done.stdout) == (0, "")


def test_images_for_api_web_and_worker_come_from_one_build() -> None:
    builds = [
        name for name, stage in STAGES.items() if "build-venv" in " ".join(stage.all_of("RUN"))
    ]
    assert builds == ["build"]
    common = [lineage(STAGES, target)[:-1] for target in PARTS]
    assert all(stages == common[0] for stages in common)
    assert [s.name for s in common[0]] == ["python", "final"]
    copied = [words for stage in common[0] for words in stage.all_of("COPY")]
    assert copied == ["--from=build /opt/toottail /opt/toottail"]


@parts
def test_a_target_differs_from_the_others_only_in_what_it_runs(target: str) -> None:
    told = {name for name, _ in STAGES[target].does}
    assert told <= {"CMD", "HEALTHCHECK", "EXPOSE", "VOLUME"}
    assert json.loads(STAGES[target].all_of("CMD")[0]) == [PARTS[target]]
    assert lineage(STAGES, target)[-2].all_of("ENTRYPOINT") == ['["toottail"]']


@parts
def test_an_image_asks_its_own_command_whether_it_lives(target: str) -> None:
    (told,) = STAGES[target].all_of("HEALTHCHECK")
    words = json.loads(told.partition("CMD ")[2])
    assert words == ["toottail", PARTS[target], "--check"]


def test_the_default_image_is_the_whole_service() -> None:
    assert list(STAGES)[-1] == "all"
    assert STAGES["all"].all_of("VOLUME") == ['["/var/lib/toottail"]']


@parts
def test_an_image_is_nobodys_but_a_numbers_and_stops_in_order(target: str) -> None:
    did = [pair for stage in lineage(STAGES, target) for pair in stage.does]
    assert [words for name, words in did if name == "USER"] == ["10001:10001"]
    assert [words for name, words in did if name == "STOPSIGNAL"] == ["SIGTERM"]
    labels = " ".join(words for name, words in did if name == "LABEL")
    for label in ("title", "description", "source", "licenses", "version", "revision"):
        assert f"org.opencontainers.image.{label}=" in labels


@parts
def test_an_image_holds_neither_compilers_nor_installers(target: str) -> None:
    installed = " ".join(
        words for stage in lineage(STAGES, target) for words in stage.all_of("RUN")
    )
    assert re.findall(r"install --yes --no-install-recommends ([a-z0-9 -]+?) +&&", installed) == [
        "ca-certificates python3"
    ]
    assert "rm -rf /var/lib/apt/lists/*" in installed


def test_nothing_is_taken_into_the_build_but_what_the_wheel_is_made_of() -> None:
    assert _ignored()[0] == "*"
    assert "!src" in _ignored()
    assert not [
        name for name in _ignored() if re.match(r"!(\.env|secrets|tests|\.git|deploy)", name)
    ]


def test_the_build_stages_steps_make_an_environment_that_runs(tmp_path: Path) -> None:
    """The same steps on the same files, with this machine's Python in place of the image's."""
    context = _context(tmp_path / "build")
    target = tmp_path / "opt" / "toottail"
    (step,) = [words for words in STAGES["build"].all_of("RUN") if "build-venv" in words]
    script, where = step.split()
    assert where == "/opt/toottail"
    target.parent.mkdir()
    done = run(context / script, target, cwd=context, patience=600)
    assert done.returncode == 0, done.stderr
    assert re.fullmatch(r"toottail \d+\.\d+\.\d+\S*\n", done.stdout)
    for command in (*PARTS.values(), "fetch", "migrate", "lanes"):
        told = run(target / "bin" / "toottail", command, "--help", cwd=tmp_path)
        assert told.returncode == 0, told.stderr
    held = {path.name.partition("-")[0] for path in target.glob("lib/*/site-packages/*.dist-info")}
    assert {"toottail", "aiohttp", "pgqueuer"} <= held
    assert not held & {"pip", "setuptools", "wheel", "pytest", "hatchling"}
    pinned = dict(
        line.split("==") for line in (context / "constraints.txt").read_text().splitlines()[1:]
    )
    aiohttp = next(target.glob("lib/*/site-packages/aiohttp-*.dist-info"))
    assert aiohttp.name == f"aiohttp-{pinned['aiohttp']}.dist-info"
    # All is compiled: where it runs nothing can be written.
    assert list(target.glob("lib/*/site-packages/toottail/__pycache__/settings.*.pyc"))


def _ignored() -> list[str]:
    lines = (CHECKOUT / ".dockerignore").read_text().splitlines()
    return [line for line in lines if line and not line.startswith("#")]


def _context(folder: Path) -> Path:
    """The files that an engine would hand to the build."""
    for pattern in (name[1:] for name in _ignored() if name.startswith("!")):
        for source in CHECKOUT.glob(pattern):
            copy = folder / source.relative_to(CHECKOUT)
            copy.parent.mkdir(parents=True, exist_ok=True)
            if source.is_dir():
                shutil.copytree(source, copy, ignore=shutil.ignore_patterns("__pycache__"))
            else:
                shutil.copy(source, copy)
    return folder


def test_examples_leave_to_the_image_the_word_that_it_begins_with() -> None:
    page = (CHECKOUT / "docs" / "coming-from.md").read_text()
    assert STAGES["final"].all_of("ENTRYPOINT") == ['["toottail"]']
    (args,) = re.findall(r"image: registry\.example/toottail-all\n +args: \[(\w+),", page)
    assert args == "fetch"
