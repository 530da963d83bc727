"""``compose.yaml`` as the real client reads it, set up the way its first lines tell."""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path
from typing import Any

import pytest
from benchmarks.dockerfile import read

from tests.deploy.programs import CHECKOUT, find, run
from toottail.cli.serving_checks import check
from toottail.settings import Settings, load

PARTS = ("api", "web", "worker")
LISTENS = {
    name: value
    for name, value in (
        pair.split("=")
        for stage in read(CHECKOUT / "Dockerfile").values()
        for words in stage.all_of("ENV")
        for pair in words.split()
    )
    if name == "TOOTTAIL_LISTEN"
}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A checkout in which an operator has just done what is to be done."""
    folder = tmp_path_factory.mktemp("checkout")
    shutil.copy(CHECKOUT / "compose.yaml", folder)
    shutil.copytree(CHECKOUT / "deploy", folder / "deploy")
    made = run(folder / "deploy" / "compose-secrets", cwd=folder)
    assert made.returncode == 0, made.stderr
    shutil.copy(folder / "deploy" / "compose.env.example", folder / ".env")
    return folder


@pytest.fixture(scope="module")
def project(folder: Path) -> dict[str, Any]:
    """The project, as the client understands it."""
    done = run(find("docker-compose"), "config", "--format", "json", cwd=folder)
    assert (done.returncode, done.stderr) == (0, "")
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def test_all_parts_are_there_and_built_from_one_dockerfile(project: dict[str, Any]) -> None:
    services = project["services"]
    assert set(services) == {"postgres", "migrate", "proxy", *PARTS}
    assert [services[part]["build"]["target"] for part in PARTS] == list(PARTS)
    contexts = {(s["build"]["context"], s["build"]["dockerfile"]) for s in map(services.get, PARTS)}
    assert len(contexts) == 1
    assert set(PARTS) <= set(read(CHECKOUT / "Dockerfile"))


def test_every_container_is_as_tight_as_it_can_be(project: dict[str, Any]) -> None:
    for name, service in project["services"].items():
        assert service["read_only"], name
        assert service["cap_drop"] == ["ALL"], name
        assert service.get("cap_add", []) == (["NET_BIND_SERVICE"] if name == "proxy" else [])
        assert service["security_opt"] == ["no-new-privileges:true"], name
        assert int(service["mem_limit"]) <= 1 << 30, name
        assert service["pids_limit"] <= 400, name
        assert service["restart"] == ("no" if name == "migrate" else "unless-stopped"), name
        assert "/tmp" in {mount.partition(":")[0] for mount in service["tmpfs"]}, name
        assert "privileged" not in service, name


def test_only_the_proxy_is_reached_from_outside(project: dict[str, Any]) -> None:
    published = {name for name, service in project["services"].items() if service.get("ports")}
    assert published == {"proxy"}


def test_postgresql_is_on_a_network_that_leads_nowhere_and_that_the_proxy_is_not_on(
    project: dict[str, Any],
) -> None:
    services = project["services"]
    assert set(services["postgres"]["networks"]) == {"back"}
    assert project["networks"]["back"]["internal"]
    assert "back" not in services["proxy"]["networks"]
    assert all(set(services[part]["networks"]) - {"back"} for part in PARTS)


def test_a_worker_can_be_there_more_than_once(project: dict[str, Any]) -> None:
    worker = project["services"]["worker"]
    assert not worker.keys() & {"container_name", "ports", "volumes", "hostname"}


def test_nothing_serves_before_the_tables_are_up_to_date(project: dict[str, Any]) -> None:
    services = project["services"]
    for part in PARTS:
        needs = services[part]["depends_on"]
        assert needs["migrate"]["condition"] == "service_completed_successfully"
    assert services["migrate"]["command"] == ["migrate"]
    assert services["migrate"]["depends_on"]["postgres"]["condition"] == "service_healthy"
    assert services["postgres"]["healthcheck"]["test"][1] == "pg_isready"


def test_no_secret_is_in_the_environment(project: dict[str, Any], folder: Path) -> None:
    told = json.dumps(project["services"])
    for name in ("postgres_password", "secret_keys"):
        assert (folder / "secrets" / name).read_text().strip() not in told


@pytest.mark.parametrize("part", PARTS)
def test_the_settings_of_each_part_are_good_and_safe(
    project: dict[str, Any], folder: Path, part: str
) -> None:
    settings = _settings(project, folder, part)
    check(settings)
    assert settings.service_url == "https://toottail.example.org"
    assert settings.database_url is not None
    password = (folder / "secrets" / "postgres_password").read_text().strip()
    assert settings.database_url.get_secret_value() == (
        f"postgresql://toottail:{password}@postgres/toottail"
    )
    assert settings.secret_keys is not None
    front = project["networks"]["front"]["ipam"]["config"][0]["subnet"]
    assert [str(network) for network in settings.trusted_proxies] == [front]


def test_a_worker_takes_nothing_new_well_before_it_is_ended_for_its_memory(
    project: dict[str, Any], folder: Path
) -> None:
    most = int(project["services"]["worker"]["mem_limit"])
    assert 0 < _settings(project, folder, "worker").worker_memory_limit < 0.8 * most


def test_the_name_of_the_service_has_to_be_said(folder: Path, tmp_path: Path) -> None:
    shutil.copytree(folder, tmp_path / "c")
    (tmp_path / "c" / ".env").write_text("")
    done = run(find("docker-compose"), "config", "--quiet", cwd=tmp_path / "c")
    assert done.returncode != 0
    assert "say in .env what the public name of the service is" in done.stderr


def test_secrets_are_ones_own_and_never_overwritten(folder: Path) -> None:
    secrets = folder / "secrets"
    assert secrets.stat().st_mode & 0o777 == 0o700
    before = {file.name: file.read_text() for file in secrets.iterdir()}
    assert set(before) == {"postgres_password", "database_url", "secret_keys"}
    # Within the containers somebody reads them who is nobody here.
    assert {file.stat().st_mode & 0o777 for file in secrets.iterdir()} == {0o444}
    again = run(folder / "deploy" / "compose-secrets", cwd=folder)
    assert again.returncode == 0
    assert "left as it is" in again.stderr
    assert {file.name: file.read_text() for file in secrets.iterdir()} == before


def test_what_holds_secrets_is_kept_out_of_the_repository_and_of_images() -> None:
    ignored = (CHECKOUT / ".gitignore").read_text().splitlines()
    assert {"/.env", "/secrets/"} <= set(ignored)


def _settings(project: dict[str, Any], folder: Path, part: str) -> Settings:
    service = project["services"][part]
    files = {secret["target"]: secret["source"] for secret in service["secrets"]}
    environment = {
        name: str(folder / "secrets" / files[value]) if value in files else value
        for name, value in service["environment"].items()
    }
    assert os.environ.get("TOOTTAIL_CONFIG") is None
    return load(environ={**LISTENS, **environment})
