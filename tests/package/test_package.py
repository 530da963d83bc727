"""Wheel and sdist: built as for a release, looked into, installed where nothing else is, run."""

from __future__ import annotations

import email.message
import email.parser
import subprocess
import sys
import tarfile
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from packaging.metadata import Metadata

from tests.cli.shell import Shell
from tests.cli.test_serve import running
from tests.conftest import open_folder
from tests.package import environment
from toottail import __version__
from toottail.simulator.process import SimulatorProcess

CHECKOUT = Path(__file__).parents[2]
NAME = f"toottail-{__version__}"
SOURCE = "https://github.com/toottail/toottail"


@pytest.fixture(scope="module")
def folder() -> Iterator[Path]:
    """For what is built; root's database server can reach it."""
    with open_folder() as made:
        yield made


@pytest.fixture(scope="module")
def wheel(folder: Path) -> Path:
    """The wheel that the checkout makes."""
    return _build(CHECKOUT, folder / "wheel", "--wheel")


@pytest.fixture(scope="module")
def sdist(folder: Path) -> Path:
    """The sdist that the checkout makes."""
    return _build(CHECKOUT, folder / "sdist", "--sdist")


@pytest.fixture(scope="module")
def programs(folder: Path, wheel: Path) -> Path:
    """Where the programs are of an environment into which the wheel was installed."""
    return environment.make(folder / "venv", wheel)


@pytest.fixture
def installed(programs: Path, data_dir: Path) -> Shell:
    """The installed command, on an empty machine."""
    return Shell(data_dir, command=(str(programs / "toottail"),))


def _build(source: Path, where: Path, what: str) -> Path:
    """Builds with the tools at hand: a build that isolates itself would fetch them anew."""
    done = subprocess.run(
        [sys.executable, "-m", "build", "--no-isolation", what, "--outdir", where, source],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    (built,) = where.iterdir()
    return built


def _files(wheel: Path) -> dict[str, bytes]:
    with zipfile.ZipFile(wheel) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def _git(*arguments: str) -> set[str]:
    command = ["git", "-c", "safe.directory=*", "ls-files", "-z", *arguments]
    done = subprocess.run(command, cwd=CHECKOUT, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        pytest.skip("not in a checkout of git")
    return {name for name in done.stdout.split("\0") if (CHECKOUT / name).is_file()}


def _metadata(wheel: Path) -> tuple[Metadata, email.message.Message]:
    raw = _files(wheel)[f"{NAME}.dist-info/METADATA"]
    return Metadata.from_email(raw), email.parser.BytesParser().parsebytes(raw)


def test_the_wheel_has_every_file_of_the_package_and_no_other(wheel: Path) -> None:
    assert wheel.name == f"{NAME}-py3-none-any.whl"
    source = CHECKOUT / "src"
    wanted = {
        str(path.relative_to(source)): path.read_bytes()
        for path in (source / "toottail").rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }
    files = _files(wheel)
    packed = {name: data for name, data in files.items() if name.startswith("toottail/")}
    assert packed.keys() == wanted.keys()
    assert packed == wanted
    assert {name.rpartition(".")[2] for name in packed} >= {"py", "typed", "sql", "html", "ftl"}
    assert {name for name in files if name not in packed} == {
        f"{NAME}.dist-info/{name}"
        for name in ("METADATA", "RECORD", "WHEEL", "entry_points.txt", "licenses/LICENSE")
    }


def test_the_sdist_has_every_file_of_the_project_and_no_other(sdist: Path) -> None:
    with tarfile.open(sdist) as archive:
        names = {one.name for one in archive.getmembers() if one.isfile()}
    packed = {name.removeprefix(f"{NAME}/") for name in names}
    assert packed >= _git()
    assert packed - _git("--cached", "--others", "--exclude-standard") == {"PKG-INFO"}


def test_the_sdist_makes_the_same_wheel(folder: Path, wheel: Path, sdist: Path) -> None:
    with tarfile.open(sdist) as archive:
        archive.extractall(folder / "unpacked", filter="data")
    again = _build(folder / "unpacked" / NAME, folder / "again", "--wheel")
    assert _files(again) == _files(wheel)
    assert again.read_bytes() == wheel.read_bytes()


def test_the_registry_would_take_both(wheel: Path, sdist: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "twine", "check", "--strict", wheel, sdist],
        env={"NO_COLOR": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.count("PASSED") == 2


def test_the_metadata_tell_what_it_is_and_where(wheel: Path) -> None:
    checked, raw = _metadata(wheel)
    assert (checked.name, str(checked.version)) == ("toottail", __version__)
    assert checked.license_expression == "AGPL-3.0-or-later"
    assert checked.license_files == ["LICENSE"]
    assert checked.project_urls
    assert all(url.startswith(SOURCE) for url in checked.project_urls.values())
    assert checked.keywords
    # The expression stands for them: both together are refused.
    assert not [one for one in checked.classifiers or () if one.startswith("License")]
    assert raw["Description-Content-Type"] == "text/markdown"


def test_the_readme_in_the_registry_leads_to_the_files_of_this_version(wheel: Path) -> None:
    checked, _ = _metadata(wheel)
    assert checked.description is not None
    assert checked.description.startswith("# TootTail\n")
    assert f"]({SOURCE}/blob/v{__version__}/docs/settings.md)" in checked.description
    assert "](docs/" not in checked.description


@pytest.mark.parametrize("as_module", [False, True])
def test_the_installed_command_tells_its_version_and_help(
    installed: Shell, programs: Path, as_module: bool
) -> None:
    if as_module:
        installed.command = (str(programs / "python"), "-m", "toottail")
    assert installed.run("--version").stdout == f"toottail {__version__}\n"
    told = installed.run("--help")
    assert (told.returncode, told.stderr) == (0, "")
    assert "fetch" in told.stdout


def test_what_is_installed_is_what_was_built(programs: Path) -> None:
    done = subprocess.run(
        [programs / "python", "-c", "import toottail, sys; print(toottail.__file__, *sys.path)"],
        cwd=programs,
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.startswith(str(programs.parent / "lib"))
    assert str(CHECKOUT) not in done.stdout


def test_every_module_runs_on_what_the_wheel_asks_for(programs: Path) -> None:
    source = (
        "import importlib, pkgutil, toottail\n"
        "for one in pkgutil.walk_packages(toottail.__path__, 'toottail.'):\n"
        "    if not one.name.endswith('__main__'):\n"
        "        importlib.import_module(one.name)\n"
        "        print(one.name)\n"
    )
    done = subprocess.run(
        [programs / "python", "-c", source],
        cwd=programs,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert len(done.stdout.splitlines()) > 200


def test_the_installed_command_does_the_whole_job(installed: Shell) -> None:
    with SimulatorProcess(
        "--world", "tiny", "--home", "gotosocial", "--latency-scale", "0"
    ) as world:
        done = installed.joins(world).run("fetch", world.home)
        assert done.returncode == 0, done.stderr
        report = world.report()
    assert report["recovered"] == report["reachable"] > 10


def test_the_installed_service_shows_its_pages_and_answers_monitors(
    installed: Shell,
) -> None:
    with running(installed, "serve") as service:
        assert service.get("/healthz")[0] == 200
        service.wait_until_ready()
        status, _, page = service.get("/", **{"Accept-Language": "de"})
        assert (status, '<html lang="de">' in page) == (200, True)
        style = page.partition('rel="stylesheet" href="')[2].partition('"')[0]
        assert service.get(style)[0] == 200
        code, _, errors = service.stop()
    assert (code, errors) == (0, "")
