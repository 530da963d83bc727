"""One server, many processes: who starts it, who keeps it alive, what a kill leaves behind."""

from __future__ import annotations

import asyncio
import signal
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Event

import pytest

from tests.repository.tenants import Tenant, is_running, servers, wait_until_stopped
from toottail.repository.embedded import EmbeddedPostgres

MAKE = "CREATE TABLE kept AS SELECT 7 AS value"
READ = "SELECT value FROM kept"


def test_what_is_stored_is_there_at_the_next_start(data_dir: Path) -> None:
    with Tenant(data_dir) as tenant:
        tenant.ask(MAKE)
    assert not is_running(data_dir)
    with Tenant(data_dir) as tenant:
        assert tenant.ask(READ) == 7


def test_two_processes_that_start_at_once_share_one_server(data_dir: Path) -> None:
    tenants = [Tenant(data_dir) for _ in range(3)]
    with ThreadPoolExecutor() as threads:
        assert list(threads.map(Tenant.hear, tenants)) == ["ready"] * 3
    starts = {tenant.ask("SELECT pg_postmaster_start_time()") for tenant in tenants}
    assert len(starts) == 1
    for tenant in tenants:
        tenant.leave()
    assert not is_running(data_dir)


def test_the_server_outlives_the_leaving_of_the_process_that_started_it(
    used_data_dir: Path,
) -> None:
    with Tenant(used_data_dir) as first, Tenant(used_data_dir) as second:
        before = second.ask("SELECT pg_postmaster_start_time()")
        first.leave()
        assert second.ask("SELECT pg_postmaster_start_time()") == before
    assert not is_running(used_data_dir)


def test_the_server_outlives_the_kill_of_the_process_that_started_it(used_data_dir: Path) -> None:
    with Tenant(used_data_dir) as first, Tenant(used_data_dir) as second:
        before = second.ask("SELECT pg_postmaster_start_time()")
        first.kill()
        assert second.ask("SELECT pg_postmaster_start_time()") == before
        assert (
            len([one for one in servers(used_data_dir) if "keeper.py" in str(one.cmdline())]) == 1
        )
    assert not is_running(used_data_dir)


def test_the_server_shuts_down_cleanly_when_its_only_user_is_killed(used_data_dir: Path) -> None:
    with Tenant(used_data_dir) as tenant:
        tenant.ask(MAKE)
        tenant.kill()
    wait_until_stopped(used_data_dir)
    assert "database system is shut down" in (used_data_dir / "database/server.log").read_text()
    with Tenant(used_data_dir) as tenant:
        assert tenant.ask(READ) == 7


def test_everything_killed_at_once_starts_again_with_what_was_committed(
    used_data_dir: Path,
) -> None:
    with Tenant(used_data_dir) as tenant:
        tenant.ask(MAKE)
        for process in servers(used_data_dir):
            process.send_signal(signal.SIGSTOP)
        tenant.process.kill()
        for process in servers(used_data_dir):
            process.kill()
    with Tenant(used_data_dir) as tenant:
        assert tenant.ask(READ) == 7
    assert "was not properly shut down" in (used_data_dir / "database/server.log").read_text()


def test_the_server_ends_with_its_keeper_and_a_living_user_starts_it_again(
    used_data_dir: Path,
) -> None:
    with Tenant(used_data_dir) as tenant:
        tenant.ask(MAKE)
        keeper, *server = servers(used_data_dir)
        keeper.kill()
        for process in server:
            process.wait(timeout=20)
        assert tenant.ask(READ) == 7
    assert not is_running(used_data_dir)


def test_a_crashed_server_is_started_again_by_its_user(used_data_dir: Path) -> None:
    with Tenant(used_data_dir) as tenant:
        tenant.ask(MAKE)
        servers(used_data_dir)[1].kill()
        assert tenant.ask(READ) == 7
    assert not is_running(used_data_dir)


def test_ctrl_c_leaves_the_server_to_the_process_that_shuts_down(used_data_dir: Path) -> None:
    with Tenant(used_data_dir) as tenant:
        before = tenant.ask("SELECT pg_postmaster_start_time()")
        tenant.interrupt_all()
        assert tenant.ask("SELECT pg_postmaster_start_time()") == before
    assert not is_running(used_data_dir)


def test_a_service_managers_sigterm_to_the_keeper_leaves_the_server_to_its_users(
    used_data_dir: Path,
) -> None:
    with Tenant(used_data_dir) as tenant:
        before = tenant.ask("SELECT pg_postmaster_start_time()")
        servers(used_data_dir)[0].terminate()
        assert tenant.ask("SELECT pg_postmaster_start_time()") == before


def test_who_comes_while_the_server_is_stopping_waits_and_starts_it_again(
    used_data_dir: Path,
) -> None:
    with Tenant(used_data_dir) as first:
        first.ask(MAKE)
        postmaster = servers(used_data_dir)[1]
        postmaster.suspend()
        first.kill()
    second = Tenant(used_data_dir)
    time.sleep(0.3)
    assert second.process.poll() is None
    postmaster.resume()
    with second:
        assert second.ask(READ) == 7
    assert not is_running(used_data_dir)


def test_who_comes_while_a_server_without_keeper_is_stopping_waits_too(used_data_dir: Path) -> None:
    with Tenant(used_data_dir) as first:
        first.ask(MAKE)
        keeper, postmaster = servers(used_data_dir)[:2]
        postmaster.suspend()
        keeper.kill()
        first.kill()
    second = Tenant(used_data_dir)
    time.sleep(0.8)
    assert second.process.poll() is None
    postmaster.resume()
    with second:
        assert second.ask(READ) == 7
    assert not is_running(used_data_dir)


def test_a_kill_in_the_middle_of_the_first_start_leaves_nothing_in_the_way(data_dir: Path) -> None:
    first = Tenant(data_dir)
    while not list((data_dir / "database").glob("initdb-*/PG_VERSION")):
        time.sleep(0.01)
    first.kill()
    with Tenant(data_dir) as second:
        assert second.ask("SELECT 1") == 1


async def test_a_start_given_up_halfway_ends_by_itself_and_the_next_one_works(
    data_dir: Path,
) -> None:
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.05):
            await EmbeddedPostgres(data_dir).__aenter__()
    async with EmbeddedPostgres(data_dir) as server:
        connection = await server.connect()
        assert await connection.fetchval("SELECT 1") == 1
        await connection.close()
    assert not is_running(data_dir)


async def test_a_start_given_up_before_it_began_is_in_nobodys_way(data_dir: Path) -> None:
    busy = Event()
    with ThreadPoolExecutor(1) as threads:
        asyncio.get_running_loop().set_default_executor(threads)
        threads.submit(busy.wait)
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(1):
                await EmbeddedPostgres(data_dir).__aenter__()
        busy.set()
        async with asyncio.timeout(60), EmbeddedPostgres(data_dir) as server:
            await (await server.connect()).close()
    assert not is_running(data_dir)
