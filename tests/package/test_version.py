"""The version is in one place, and everything that tells it agrees."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import yaml

from tests.cli.shell import Shell
from tests.service.http.services import service
from tests.web.asking import ask
from toottail import __version__
from toottail.api import create_api
from toottail.servers.actor import Actor
from toottail.settings import Settings
from toottail.web import create_web

CHECKOUT = Path(__file__).parents[2]


def test_the_number_stands_in_one_file_of_the_program() -> None:
    sources = (CHECKOUT / "src").rglob("*.py")
    found = [path for path in sources if f'"{__version__}"' in path.read_text(encoding="utf-8")]
    assert found == [CHECKOUT / "src" / "toottail" / "__init__.py"]
    project = tomllib.loads((CHECKOUT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    assert "version" in project["dynamic"]


def test_files_that_cannot_read_it_agree_with_it() -> None:
    news = (CHECKOUT / "CHANGELOG.md").read_text(encoding="utf-8")
    sections = re.findall(r"^## \[([^\]]+)\] - (?:Unreleased|\d{4}-\d\d-\d\d)$", news, re.MULTILINE)
    assert sections[0] == __version__
    assert len(sections) == news.count("\n## "), "a section without a version and a date"
    citation = yaml.safe_load((CHECKOUT / "CITATION.cff").read_text(encoding="utf-8"))
    assert citation["version"] == __version__
    for chart in (CHECKOUT / "deploy").rglob("Chart.yaml"):
        told = yaml.safe_load(chart.read_text(encoding="utf-8"))
        assert str(told["appVersion"]) == __version__, chart


def test_the_licence_is_told_the_same_everywhere() -> None:
    project = tomllib.loads((CHECKOUT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    citation = yaml.safe_load((CHECKOUT / "CITATION.cff").read_text(encoding="utf-8"))
    described = create_api(service()).openapi()["info"]["license"]["identifier"]
    assert {project["license"], citation["license"], described} == {"AGPL-3.0-or-later"}
    text = (CHECKOUT / "LICENSE").read_text(encoding="utf-8")
    assert text.split("\n")[0].strip() == "GNU AFFERO GENERAL PUBLIC LICENSE"


async def test_the_command_the_api_the_pages_and_requests_tell_it(tmp_path: Path) -> None:
    assert Shell(tmp_path).run("--version").stdout == f"toottail {__version__}\n"
    assert Settings().user_agent().startswith(f"TootTail/{__version__} (")
    served = service()
    assert f"({__version__})" in create_api(served).openapi()["info"]["summary"]
    told = await ask(create_web(served), "/about", signed_in=False)
    assert f"TootTail {__version__}<" in told.text
    actor = Actor("https://toottail.example/actor", "a key", None)
    assert actor.nodeinfo()["software"]["version"] == __version__
