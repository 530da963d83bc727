"""``--check`` of ``serve``, ``api``, ``web`` and ``worker``: what health checks are told."""

from __future__ import annotations

import socket
import time
from pathlib import Path

import pytest
import trustme

from tests.cli.shell import Shell
from tests.cli.test_serve import running


@pytest.mark.parametrize("part", ["api", "web"])
def test_a_part_that_listens_passes_its_check_and_one_that_is_gone_does_not(
    shell: Shell, part: str
) -> None:
    with running(shell, part) as service:
        at = f"127.0.0.1:{service.port}"
        told = shell.run(part, "--check", "--listen", at)
        assert (told.returncode, told.stdout) == (0, f"{at}: answers 200\n"), told.stderr
    told = shell.run(part, "--check", "--listen", at)
    assert told.returncode == 1
    assert told.stdout.startswith(f"{at}: does not answer")


def test_a_public_part_that_listens_everywhere_passes_too(shell: Shell) -> None:
    shell.environment |= {
        "TOOTTAIL_SERVICE_URL": "https://tail.example.org",
        "TOOTTAIL_TRUSTED_PROXIES": "10.0.0.0/8",
    }
    with running(shell, "web", "--listen", "0.0.0.0:0") as service:
        told = shell.run("web", "--check", "--listen", f"0.0.0.0:{service.port}")
    assert told.returncode == 0, told.stdout


def test_one_that_speaks_https_passes_whatever_its_certificate_is_for(
    shell: Shell, tmp_path: Path
) -> None:
    chain = tmp_path / "chain.pem"
    issued = trustme.CA().issue_cert("tail.example.org")
    issued.private_key_and_cert_chain_pem.write_to_path(str(chain))
    shell.environment["TOOTTAIL_CERTIFICATE"] = str(chain)
    with running(shell, "web") as service:
        told = shell.run("web", "--check", "--listen", f"127.0.0.1:{service.port}")
    assert told.returncode == 0, told.stdout


def test_another_program_in_its_place_is_noticed(shell: Shell) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        port = silent.getsockname()[1]
        # It takes the connection, and says nothing.
        told = shell.run("web", "--check", "--listen", f"127.0.0.1:{port}")
    assert told.returncode == 1
    assert "does not answer" in told.stdout


def test_the_whole_service_is_well_when_it_answers_and_its_worker_works(shell: Shell) -> None:
    alive = shell.data_dir / "worker.alive"
    with running(shell, "serve") as service:
        at = f"127.0.0.1:{service.port}"
        for _ in range(60):
            told = shell.run("serve", "--check", "--listen", at)
            if told.returncode == 0:
                break
            time.sleep(0.2)
        assert told.stdout == f"{at}: answers 200\n{alive}: the worker works\n"
        shell.environment["TOOTTAIL_WORKER_ALIVE_FILE"] = str(alive.with_name("another"))
        assert shell.run("serve", "--check", "--listen", at).returncode == 1
