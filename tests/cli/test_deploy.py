"""The examples in ``deploy/`` are what they are said to be: valid, and of commands that exist."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

from tests.cli.test_docs import CHECKOUT, exists

DEPLOY = CHECKOUT / "deploy"
UNITS = sorted((DEPLOY / "systemd").iterdir())
EXAMPLES = [*UNITS, DEPLOY / "cron" / "toottail", DEPLOY / "github-action" / "fetch.yml"]
PROGRAM = "/opt/toottail/bin/toottail"


@pytest.mark.parametrize("file", EXAMPLES, ids=lambda file: file.name)
def test_every_command_in_an_example_exists(file: Path) -> None:
    lines = [line for line in file.read_text().splitlines() if not line.lstrip().startswith("#")]
    told = [
        found[1].split()
        for line in lines
        for found in re.finditer(r"(?:/bin/|\s)toottail ([^;|>]+)", line)
    ]
    assert told or file.suffix == ".timer"
    assert [words for words in told if not exists(words)] == []


@pytest.mark.skipif(
    shutil.which("systemd-analyze") is None, reason="NOT TESTED HERE: there is no systemd-analyze"
)
def test_systemd_takes_the_units_without_a_word(tmp_path: Path) -> None:
    program = tmp_path / "toottail"
    program.write_text("#!/bin/sh\n")
    program.chmod(0o755)
    for unit in UNITS:
        (tmp_path / unit.name).write_text(unit.read_text().replace(PROGRAM, str(program)))
    done = subprocess.run(
        ["systemd-analyze", "verify", *(str(tmp_path / unit.name) for unit in UNITS)],
        capture_output=True,
        text=True,
        check=False,
    )
    about_ours = [line for line in done.stderr.splitlines() if "toottail" in line]
    assert (done.returncode, about_ours) == (0, [])


def test_every_service_but_the_backup_runs_with_next_to_no_rights() -> None:
    for unit in UNITS:
        if unit.suffix != ".service" or "backup" in unit.name:
            continue
        settings = dict(re.findall(r"^(\w+)=(.*)$", unit.read_text(), flags=re.MULTILINE))
        assert settings["DynamicUser"] == settings["NoNewPrivileges"] == "yes", unit.name
        assert settings["ProtectSystem"] == "strict"
        assert settings["CapabilityBoundingSet"] in ("", "CAP_NET_BIND_SERVICE")


def test_units_with_one_folder_have_one_user() -> None:
    users: dict[str, set[str]] = {}
    for unit in UNITS:
        settings = dict(re.findall(r"^(\w+)=(.*)$", unit.read_text(), flags=re.MULTILINE))
        if "StateDirectory" in settings:
            # Without User= it has the unit's own name.
            user = settings.get("User", unit.stem)
            users.setdefault(settings["StateDirectory"], set()).add(user)
    assert users["toottail"] == {"toottail"}
    assert all(len(of) == 1 for of in users.values()), users


def test_what_one_workflow_run_keeps_the_next_one_finds() -> None:
    text = (DEPLOY / "github-action" / "fetch.yml").read_text()
    steps: list[Any] = re.findall(
        r"actions/cache/(\w+)@v4\n\s+with: \{path: (\S+), key: (\S+)", text
    )
    assert [(step, path) for step, path, _ in steps] == [
        ("restore", "toottail.backup"),
        ("save", "toottail.backup"),
    ]
    assert "toottail restore toottail.backup" in text
    assert "toottail backup --force toottail.backup" in text
    assert "secrets.TOKEN" in text
    # Empty tables are not kept: the next run would find nothing else.
    keep = "always() && steps.restored.outcome == 'success'"
    assert re.findall(r"^\s+if: .*|- if: (.*)$", text, flags=re.MULTILINE) == [keep] * 2
    restoring = text.index("toottail restore toottail.backup")
    assert text.index("id: restored") < text.index("- run:", restoring)
