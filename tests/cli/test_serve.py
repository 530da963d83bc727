"""``toottail serve``, ``api``, ``web`` and ``worker``: processes as a service manager has them."""

from __future__ import annotations

import http.client
import json
import signal
import socket
import ssl
import subprocess
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest
import trustme
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    PrivateFormat,
    load_pem_private_key,
)

from tests.cli.shell import Shell

STOPS_WITHIN = 10


@dataclass
class Running:
    """A process that listens, and what it said about where."""

    process: subprocess.Popen[str]
    port: int
    said: str

    def get(
        self, path: str, *, host: str | None = None, method: str = "GET", **headers: str
    ) -> tuple[int, http.client.HTTPMessage, str]:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)
        named = {"Host": host or f"localhost:{self.port}"}
        with closing(connection):
            connection.request(method, path, headers=named | headers)
            answer = connection.getresponse()
            return answer.status, answer.headers, answer.read().decode()

    def wait_until_ready(self) -> None:
        """Until a worker is at work, too."""
        for _ in range(300):
            status, _, told = self.get("/readyz")
            if status == 200:
                return
            time.sleep(0.1)
        raise AssertionError(told)

    def stop(self, number: signal.Signals = signal.SIGTERM) -> tuple[int, float, str]:
        """Its exit code, the seconds it took, and what it logged."""
        began = time.monotonic()
        self.process.send_signal(number)
        _, errors = self.process.communicate(timeout=60)
        return self.process.returncode, time.monotonic() - began, errors


@contextmanager
def running(shell: Shell, command: str, *options: str) -> Iterator[Running]:
    """The process while the block lasts."""
    process = shell.start(command, "--listen", "127.0.0.1:0", *options)
    assert process.stdout is not None
    said = process.stdout.readline()
    try:
        if not said:
            raise AssertionError(process.communicate(timeout=60)[1])
        yield Running(process, int(said.rpartition(":")[2].rstrip(")\n")), said)
    finally:
        if process.poll() is None:
            process.kill()
        process.communicate(timeout=60)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_it_says_where_it_is_and_stops_in_order(shell: Shell, number: signal.Signals) -> None:
    with running(shell, "serve") as service:
        assert service.said.startswith(f"TootTail: http://localhost:{service.port} (listening on")
        assert service.get("/")[0] == 200
        assert service.get("/healthz")[0] == 200
        service.wait_until_ready()
        assert service.get("/api/v1/status")[0] == 200
        code, seconds, errors = service.stop(number)
    assert (code, errors) == (0, "")
    assert seconds < STOPS_WITHIN


def test_a_stream_of_events_does_not_hold_it_up(shell: Shell) -> None:
    with running(shell, "serve") as service:
        # Whoever connects and says nothing must not, either.
        silent = socket.create_connection(("127.0.0.1", service.port))
        half = socket.create_connection(("127.0.0.1", service.port))
        half.sendall(b"POST /sign-in HTTP/1.1\r\nHost: localhost\r\nContent-Length: 10\r\n\r\nab")
        code, seconds, _ = service.stop()
        silent.close()
        half.close()
    assert code == 0
    assert seconds < STOPS_WITHIN


def test_a_second_signal_ends_it_at_once(shell: Shell) -> None:
    with running(shell, "serve") as service:
        service.process.send_signal(signal.SIGTERM)
        service.process.send_signal(signal.SIGINT)
        service.process.wait(timeout=STOPS_WITHIN)
    assert service.process.returncode in (0, 130, 143)


def test_each_process_serves_its_part_alone(shell: Shell) -> None:
    with running(shell, "api") as api, running(shell, "web") as web:
        assert api.get("/api/v1/status")[0] == 200
        assert api.get("/")[0] == 404
        assert web.get("/")[0] == 200
        assert web.get("/api/v1/status")[0] == 404
        assert json.loads(web.get("/healthz")[2]) == json.loads(api.get("/healthz")[2])
        assert web.get("/readyz")[0] == 404


def test_a_worker_works_until_it_is_stopped(shell: Shell) -> None:
    process = shell.start("worker")
    assert process.stdout is not None
    assert process.stdout.readline().startswith("TootTail: working")
    process.send_signal(signal.SIGTERM)
    _, errors = process.communicate(timeout=60)
    assert (process.returncode, errors) == (0, "")


def test_the_actor_is_served_where_others_look_for_it(shell: Shell) -> None:
    shell.environment["TOOTTAIL_SERVICE_URL"] = "https://tail.example.org"
    with running(shell, "serve") as service:
        name = "tail.example.org"
        status, headers, body = service.get("/actor", host=name, Accept="application/activity+json")
        assert (status, headers["Content-Type"]) == (200, "application/activity+json")
        actor = json.loads(body)
        assert actor["id"] == "https://tail.example.org/actor"
        assert "BEGIN PUBLIC KEY" in actor["publicKey"]["publicKeyPem"]
        found = "/.well-known/webfinger?resource=acct:actor@tail.example.org"
        assert json.loads(service.get(found, host=name)[2])["aliases"] == [actor["id"]]
        assert service.get("/.well-known/nodeinfo", host=name)[0] == 200
        assert service.get("/nodeinfo/2.0", host=name)[0] == 200
        assert service.get("/actor/inbox", host=name, method="POST")[0] == 202
        assert service.get("/robots.txt", host=name)[0] == 200
        assert service.get("/actor", host="evil.example")[0] == 421
        assert headers["X-Content-Type-Options"] == "nosniff"
    with running(shell, "api") as again:
        assert json.loads(again.get("/actor", host=name)[2]) == actor


def test_with_a_certificate_of_its_own_it_speaks_https(shell: Shell, tmp_path: Path) -> None:
    authority, chain = trustme.CA(), tmp_path / "chain.pem"
    authority.issue_cert("localhost").private_key_and_cert_chain_pem.write_to_path(str(chain))
    context = ssl.create_default_context(cadata=authority.cert_pem.bytes().decode())
    with running(shell, "serve", "--certificate", str(chain)) as service:
        assert service.said.startswith("TootTail: https://localhost")
        connection = http.client.HTTPSConnection("localhost", service.port, context=context)
        connection.request("GET", "/")
        answer = connection.getresponse()
        assert answer.status == 200
        assert "max-age" in answer.headers["Strict-Transport-Security"]
        connection.close()


def test_a_certificate_that_is_of_no_use_is_said_with_the_file_and_the_cause(
    shell: Shell, tmp_path: Path
) -> None:
    pair, other = (trustme.CA().issue_cert("localhost") for _ in range(2))
    chain, key, foreign = (tmp_path / f"{name}.pem" for name in ("chain", "key", "foreign"))
    pair.cert_chain_pems[0].write_to_path(str(chain))
    pair.private_key_pem.write_to_path(str(key))
    other.private_key_pem.write_to_path(str(foreign))
    sealed, wrong = tmp_path / "sealed.pem", tmp_path / "wrong.pem"
    wrong.write_text("nothing of use")
    opened = load_pem_private_key(key.read_bytes(), None)
    words = BestAvailableEncryption(b"words")
    sealed.write_bytes(opened.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, words))
    for given, told in (
        ((wrong,), "wrong.pem: is no certificate"),
        ((chain,), "--certificate-key names the key"),
        ((tmp_path / "none.pem", key), "none.pem: cannot be read (No such file"),
        ((chain, tmp_path / "none.pem"), "none.pem: cannot be read (No such file"),
        ((chain, foreign), "foreign.pem: the key is not that of"),
        ((chain, sealed), "sealed.pem no private key in PEM without a password"),
    ):
        options = zip(("--certificate", "--certificate-key"), map(str, given), strict=False)
        done = shell.run("serve", *(word for pair in options for word in pair))
        assert (done.returncode, told in done.stderr) == (2, True), done.stderr


def test_on_all_addresses_it_takes_visitors_by_ipv4_and_ipv6(shell: Shell) -> None:
    if not socket.has_dualstack_ipv6():
        pytest.skip("this machine has no IPv6")
    shell.environment.update(
        TOOTTAIL_SERVICE_URL="https://tail.example",
        TOOTTAIL_TRUSTED_PROXIES="127.0.0.0/8",
        TOOTTAIL_AUTHORIZE_AT="",
    )
    with running(shell, "api", "--listen", "[::]:0") as service:
        for address in ("127.0.0.1", "::1"):
            with socket.create_connection((address, service.port), timeout=5):
                pass


def test_the_log_tells_no_query_and_no_address(shell: Shell) -> None:
    with running(shell, "api", "--verbose") as service:
        service.get("/api/v1/verify?server=SECRET", **{"X-Forwarded-For": "198.51.100.7"})
        service.get("/healthz?SECRET")
        _, _, errors = service.stop()
    assert "path=/healthz" in errors
    for hidden in ("SECRET", "127.0.0.1", "198.51.100.7"):
        assert hidden not in errors


def test_a_port_that_is_taken_is_said_so(shell: Shell) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        done = shell.run("serve", "--listen", f"127.0.0.1:{taken.getsockname()[1]}")
    assert done.returncode == 2
    assert "cannot listen on 127.0.0.1:" in done.stderr
    assert "(another program listens there)" in done.stderr


def test_what_is_not_safe_is_refused(shell: Shell) -> None:
    for command in ("serve", "api", "web"):
        done = shell.run(command, "--listen", "0.0.0.0:0")
        assert done.returncode == 2
        assert "TOOTTAIL_SERVICE_URL is not set" in done.stderr


def test_on_an_empty_machine_it_brings_its_own_database(bare_shell: Shell) -> None:
    with running(bare_shell, "serve") as service:
        service.wait_until_ready()
        code, seconds, errors = service.stop()
    assert (code, errors) == (0, "")
    assert seconds < STOPS_WITHIN
