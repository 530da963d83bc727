"""A rehearsal of the service as compose.yaml starts it, process by process, behind its proxy."""

from __future__ import annotations

import base64
import json
import secrets
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
import pytest_asyncio

from tests.cli.test_upgrade import older
from tests.deploy.rehearsing import API, PAGE, Service, started, status, until, watched
from tests.web.conftest import chromium
from tests.web.site import Site, Visitor, browsing, visiting
from tests.web.test_browser import QUICK
from tests.web.test_browser import (
    test_from_the_front_page_to_whole_threads_and_out_again as from_the_front_page_and_out_again,
)

__all__ = ["chromium", "older"]

TOWN = ("--world", "town", "--homes", "3", "--members", "9", "--limit-scale", "20")
HOMES, HOME_IN_FLIGHT = 3, 4
PARTS = ("api", "web", "worker-1", "worker-2")


@pytest.fixture(scope="module")
def kept() -> Iterator[Service]:
    """A service with members, whose first runs have begun."""
    with started(*TOWN) as service:
        service.stack.import_members()
        service.sign_up()
        yield service


@pytest.fixture
def service(kept: Service) -> Service:
    """The same with all parts there, and nothing missing."""
    kept.stack.start(*(name for name in kept.stack.names if not kept.stack.runs(name)))
    kept.until_whole()
    return kept


@pytest.fixture
def site() -> Iterator[Site]:
    """A service with a home that has everything the moment it is asked, as browsers see it."""
    with started(*QUICK) as service:
        stack = service.stack
        yield Site(stack.simulator, stack.port, stack.postgres.url())


@pytest_asyncio.fixture
async def visitor(chromium: str, site: Site) -> AsyncIterator[Visitor]:
    """Somebody with a real browser."""
    async with browsing(chromium, site) as browser, visiting(browser, site) as somebody:
        yield somebody


async def test_the_browser_test_of_the_service_passes_behind_the_proxy(
    visitor: Visitor, site: Site
) -> None:
    await from_the_front_page_and_out_again(visitor, site)


def test_whichever_part_is_restarted_nothing_is_lost_and_nothing_done_twice(
    service: Service,
) -> None:
    for name in service.stack.names:
        pids, repeated = service.stack.pids(), service.repeated()
        service.people_reply()
        with watched(service) as seen:
            service.stack.restart(name)
            until(lambda: status(service, PAGE) == status(service, API) == 200)
        service.until_whole()
        # PostgreSQL may have been told of none of the requests that were under way.
        may_repeat = HOMES * HOME_IN_FLIGHT if name == "postgres" else 0
        assert service.repeated() - repeated <= may_repeat, name
        assert service.me()["handle"] == "@mira@home.example", name
        again = {other for other, pid in service.stack.pids().items() if pid != pids[other]}
        assert again == {name}, "nobody else had to be started again"
        for path, part in ((PAGE, "web"), (API, "api")):
            if name not in (part, "proxy", "postgres"):
                assert set(seen[path]) == {200}, f"{path} while {name} was restarted"


def test_a_backup_brings_all_back_when_the_database_is_lost(
    service: Service, tmp_path: Path
) -> None:
    members = json.loads(service.succeed("members", "list", "--json"))["members"]
    before = service.me()["overview"]["totals"]
    file = str(tmp_path / "toottail.backup")
    service.succeed("backup", file)
    service.people_reply()
    service.stack.stop(*PARTS)
    service.stack.lose_database()
    service.succeed("restore", "--dry-run", file)
    service.succeed("restore", file)
    service.stack.start("api", "web")
    after = service.me()["overview"]["totals"]
    assert {key: after[key] for key in ("conversations", "delivered")} == {
        key: before[key] for key in ("conversations", "delivered")
    }
    service.stack.start("worker-1", "worker-2")
    restored = json.loads(service.succeed("members", "list", "--json"))["members"]
    assert [one["account"] for one in restored] == [one["account"] for one in members]
    service.people_reply()
    service.until_whole()


def test_the_key_is_changed_while_members_are_served(service: Service) -> None:
    old = service.stack.secret("secret_keys").strip()
    new = base64.b64encode(secrets.token_bytes(32)).decode()
    service.stack.write_secret("secret_keys", f"{new},{old}\n")
    service.people_reply()
    service.stack.restart(*PARTS)
    service.succeed("secrets", "reseal")
    service.stack.write_secret("secret_keys", f"{new}\n")
    service.stack.restart(*PARTS)
    service.people_reply()
    service.until_whole()
    assert service.me()["handle"] == "@mira@home.example"
    service.stack.write_secret("secret_keys", f"{old}\n")
    refused = service.stack.run("worker")
    service.stack.write_secret("secret_keys", f"{new}\n")
    assert refused.returncode == 2, "nothing is left that the old key opens"


def test_an_upgrade_goes_part_by_part_while_the_code_of_before_serves(older: Path) -> None:
    with started(*TOWN, sources=dict.fromkeys((*PARTS, "migrate"), older)) as service:
        service.stack.import_members()
        service.sign_up()
        stack = service.stack
        pids = stack.pids()
        del stack.sources["migrate"]
        assert "applied" in service.succeed("migrate")
        service.people_reply()
        assert stack.pids() == pids
        assert status(service, PAGE) == status(service, API) == 200
        for name in PARTS:
            del stack.sources[name]
            stack.restart(name)
            assert service.me()["handle"] == "@mira@home.example", name
        found = service.until_whole()
    assert found["repeated_resolves"] == 0
